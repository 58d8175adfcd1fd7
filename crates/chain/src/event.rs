//! What subscribers are told.

use alloy_primitives::TxHash;

use crate::block::CommittedBlock;

/// Events held for a subscriber that lags; one that lags by more loses the oldest and is told how many.
pub const EVENT_BUFFER: usize = 1024;

/// Something happened on the chain. `match` with a wildcard arm: reorgs will add a variant.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ChainEvent {
    /// A block was committed and is the head.
    NewHead(CommittedBlock),
    /// A transaction entered the pool and can be mined now.
    PendingTransaction(TxHash),
}
