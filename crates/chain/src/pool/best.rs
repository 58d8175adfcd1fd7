//! Pending transactions in the order a builder takes them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use alloy_consensus::Transaction;
use alloy_primitives::Address;

use super::PooledTransaction;

/// One sender's pending run, with the order of arrival of each.
type Run = VecDeque<(Arc<PooledTransaction>, u64)>;

/// Pending transactions by effective tip, each sender's in order of nonce; of equal tips the one that came first.
///
/// A snapshot: the pool may change while it is taken from.
#[derive(Debug)]
pub(crate) struct BestTransactions {
    base_fee: u64,
    /// The first transaction of each sender whose fee cap covers the base fee, best first.
    heads: BTreeMap<(Reverse<u128>, u64), Run>,
}

impl BestTransactions {
    pub(crate) fn new(base_fee: u64, runs: impl Iterator<Item = Run>) -> Self {
        let mut best = Self { base_fee, heads: BTreeMap::new() };
        for run in runs {
            best.push(run);
        }
        best
    }

    fn push(&mut self, run: Run) {
        let Some((first, arrival)) = run.front() else {
            return;
        };
        if let Some(tip) = first.transaction().effective_tip_per_gas(self.base_fee) {
            self.heads.insert((Reverse(tip), *arrival), run);
        }
    }

    /// Takes the best transaction, and with it the rest of its sender's run: give it back by
    /// [`BestTransactions::keep`] when they may follow.
    pub(crate) fn next(&mut self) -> Option<(Arc<PooledTransaction>, SenderRest)> {
        let (_, mut run) = self.heads.pop_first()?;
        let (transaction, _) = run.pop_front()?;
        let sender = transaction.sender();
        Some((transaction, SenderRest { sender, run }))
    }

    /// Puts the rest of a sender's run back into the order.
    pub(crate) fn keep(&mut self, rest: SenderRest) {
        debug_assert!(rest.run.iter().all(|(transaction, _)| transaction.sender() == rest.sender));
        self.push(rest.run);
    }
}

/// What follows a sender's transaction. Dropped, it is out of this block.
#[derive(Debug)]
pub(crate) struct SenderRest {
    sender: Address,
    run: Run,
}
