//! What the settlement contract logs.

use alloy_primitives::{Log, TxHash};
use alloy_sol_types::SolEventInterface;

/// An event of the settlement contract: one variant for each that its ABI has.
pub type SettlementEvent = ivm_contracts::Settlement::SettlementEvents;

/// An event and where it is.
#[derive(Clone, Debug)]
pub struct SettlementLog {
    /// Settlement block that it is in.
    pub block_number: u64,
    /// Transaction that logged it.
    pub transaction_hash: TxHash,
    /// Its position in the block, from 0.
    pub log_index: u64,
    /// The event.
    pub event: SettlementEvent,
}

/// Reads a log of the contract; `None` when its ABI has no such event.
pub(crate) fn decode(log: &Log) -> Option<SettlementEvent> {
    SettlementEvent::decode_log(log).ok().map(|decoded| decoded.data)
}
