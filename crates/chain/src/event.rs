//! What subscribers are told.

use std::sync::Arc;

use alloy_primitives::TxHash;

use crate::block::CommittedBlock;

/// Events held for a subscriber that lags; one that lags by more loses the oldest and is told how many.
pub const EVENT_BUFFER: usize = 1024;

/// The head moved to another branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reorg {
    /// Blocks that are the chain's no more, the old head first.
    pub removed: Vec<CommittedBlock>,
    /// Blocks that took their place, the new head last. Empty when the chain went back to an earlier block.
    pub added: Vec<CommittedBlock>,
}

/// Something happened on the chain. `match` with a wildcard arm.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ChainEvent {
    /// A block was committed and is the head.
    NewHead(CommittedBlock),
    /// The head moved to another branch; of the blocks added there is no [`ChainEvent::NewHead`].
    Reorg(Arc<Reorg>),
    /// A transaction entered the pool and can be mined now.
    PendingTransaction(TxHash),
}
