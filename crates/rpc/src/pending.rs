//! The hashes of the transactions that last entered the pool, for filters to look back on.

use std::collections::VecDeque;
use std::sync::Arc;

use alloy_primitives::TxHash;
use ivm_chain::ChainEvent;
use parking_lot::Mutex;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::api::Api;

/// The last hashes, numbered from 0 by when they came. One for all filters: each holds only how far it has read.
pub(crate) struct PendingHistory {
    capacity: usize,
    ring: Mutex<Ring>,
}

#[derive(Default)]
struct Ring {
    /// Number of the first hash that is held.
    first: u64,
    hashes: VecDeque<TxHash>,
}

impl PendingHistory {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), ring: Mutex::default() }
    }

    /// The number the next hash will have.
    pub(crate) fn next(&self) -> u64 {
        let ring = self.ring.lock();
        ring.first + ring.hashes.len() as u64
    }

    /// The hashes from this number on that are still held, and the number after them.
    pub(crate) fn since(&self, number: u64) -> (Vec<TxHash>, u64) {
        let ring = self.ring.lock();
        let skip = usize::try_from(number.saturating_sub(ring.first)).unwrap_or(usize::MAX);
        let hashes = ring.hashes.iter().skip(skip).copied().collect();
        (hashes, ring.first + ring.hashes.len() as u64)
    }

    fn push(&self, hash: TxHash) {
        let mut ring = self.ring.lock();
        if ring.hashes.len() == self.capacity {
            ring.hashes.pop_front();
            ring.first += 1;
        }
        ring.hashes.push_back(hash);
    }
}

/// Follows the chain's events into the history and the metrics, until there are no more.
pub(crate) async fn follow(api: Arc<Api>, mut events: Receiver<ChainEvent>) {
    loop {
        match events.recv().await {
            Ok(ChainEvent::PendingTransaction(hash)) => api.pending.push(hash),
            Ok(ChainEvent::NewHead(head)) => api.metrics.block(head.block.header().gas_used),
            Ok(ChainEvent::Reorg(reorg)) => {
                api.metrics.reorg();
                reorg.added.iter().for_each(|head| api.metrics.block(head.block.header().gas_used));
            }
            Ok(_) => {}
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(target: "rpc", missed, "pending-transaction filters miss events");
            }
            Err(RecvError::Closed) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_hashes_make_room() {
        let history = PendingHistory::new(2);
        let hash = TxHash::with_last_byte;
        history.push(hash(1));
        assert_eq!(history.since(0), (vec![hash(1)], 1));
        history.push(hash(2));
        history.push(hash(3));
        assert_eq!(history.since(0), (vec![hash(2), hash(3)], 3));
        assert_eq!(history.since(2), (vec![hash(3)], 3));
        assert_eq!(history.since(3), (vec![], 3));
        assert_eq!(history.since(9), (vec![], 3));
        assert_eq!(history.next(), 3);
    }
}
