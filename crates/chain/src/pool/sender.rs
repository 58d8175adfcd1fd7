//! One sender's part of the pool.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use alloy_primitives::U256;

use super::PooledTransaction;

/// What the pool needs to know of a sender's account at the head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SenderState {
    pub(crate) nonce: u64,
    pub(crate) balance: U256,
    /// Whether it has code other than a delegation (EIP-3607, EIP-7702).
    pub(crate) has_code: bool,
}

/// A transaction in a queue.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) transaction: Arc<PooledTransaction>,
    /// Order of arrival.
    pub(super) arrival: u64,
}

/// One sender's transactions, by nonce. What is known of all of them is kept in step, not counted anew: a sender may have
/// many.
#[derive(Debug)]
pub(super) struct SenderQueue {
    state: SenderState,
    transactions: BTreeMap<u64, Queued>,
    /// The nonce after the pending run.
    next_nonce: u64,
    /// Cost of all transactions. They were taken in while a balance covered it, so that it fits.
    cost: U256,
}

impl SenderQueue {
    pub(super) const fn new(state: SenderState) -> Self {
        Self { state, transactions: BTreeMap::new(), next_nonce: state.nonce, cost: U256::ZERO }
    }

    pub(super) const fn state(&self) -> SenderState {
        self.state
    }

    /// All of them, by nonce.
    pub(super) const fn transactions(&self) -> &BTreeMap<u64, Queued> {
        &self.transactions
    }

    /// The nonce after the pending run.
    pub(super) const fn next_nonce(&self) -> u64 {
        self.next_nonce
    }

    /// The nonces that are pending: those that can be mined now, one after the other.
    pub(super) fn pending(&self) -> Range<u64> {
        self.state.nonce..self.next_nonce
    }

    /// Puts a transaction at its nonce, in place of any that is there.
    pub(super) fn insert(&mut self, nonce: u64, queued: Queued) {
        let cost = queued.transaction.cost();
        if let Some(replaced) = self.transactions.insert(nonce, queued) {
            self.cost = self.cost.saturating_sub(replaced.transaction.cost());
        }
        self.cost = self.cost.saturating_add(cost);
        if nonce == self.next_nonce {
            self.next_nonce = self.end_of_run(nonce);
        }
    }

    /// Takes out the transaction with this nonce.
    pub(super) fn remove(&mut self, nonce: u64) -> Option<Queued> {
        let queued = self.transactions.remove(&nonce)?;
        self.cost = self.cost.saturating_sub(queued.transaction.cost());
        if self.pending().contains(&nonce) {
            self.next_nonce = nonce;
        }
        Some(queued)
    }

    /// Notes the account's new state. What cannot be mined any more stays until it is removed.
    pub(super) fn set_state(&mut self, state: SenderState) {
        let is_within_run = (self.state.nonce..=self.next_nonce).contains(&state.nonce);
        self.state = state;
        // The run starts later then, and ends where it did.
        if !is_within_run {
            self.next_nonce = self.end_of_run(state.nonce);
        }
    }

    /// The first nonce from this one on that has no transaction.
    fn end_of_run(&self, from: u64) -> u64 {
        let mut next = from;
        for (nonce, _) in self.transactions.range(from..) {
            if *nonce != next {
                break;
            }
            next += 1;
        }
        next
    }

    /// Cost of all transactions but the one with this nonce.
    pub(super) fn cost_of_others(&self, nonce: u64) -> U256 {
        let own = self.transactions.get(&nonce).map_or(U256::ZERO, |queued| queued.transaction.cost());
        self.cost.saturating_sub(own)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use alloy_consensus::transaction::Recovered;
    use alloy_consensus::{SignableTransaction, TxLegacy};
    use alloy_primitives::{Address, Signature};
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Insert { nonce: u64, value: u64 },
        Remove { nonce: u64 },
        Move { nonce: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0u64..12, 0u64..100).prop_map(|(nonce, value)| Step::Insert { nonce, value }),
            2 => (0u64..12).prop_map(|nonce| Step::Remove { nonce }),
            1 => (0u64..12).prop_map(|nonce| Step::Move { nonce }),
        ]
    }

    fn queued(nonce: u64, value: u64) -> Queued {
        let transaction = TxLegacy { nonce, value: U256::from(value), ..TxLegacy::default() };
        let signed = transaction.into_signed(Signature::test_signature()).into();
        let pooled = PooledTransaction::new(Recovered::new_unchecked(signed, Address::ZERO));
        Queued { transaction: Arc::new(pooled), arrival: 0 }
    }

    proptest! {
        #[test]
        fn what_is_kept_in_step_is_what_counting_gives(steps in proptest::collection::vec(step(), 1..80)) {
            let mut queue = SenderQueue::new(SenderState { nonce: 4, ..SenderState::default() });
            for step in steps {
                match step {
                    Step::Insert { nonce, value } => queue.insert(nonce, queued(nonce, value)),
                    Step::Remove { nonce } => {
                        let there = queue.transactions().contains_key(&nonce);
                        prop_assert_eq!(queue.remove(nonce).is_some(), there);
                    }
                    Step::Move { nonce } => queue.set_state(SenderState { nonce, ..queue.state() }),
                }
                let start = queue.state().nonce;
                let end = (start..).find(|nonce| !queue.transactions().contains_key(nonce)).unwrap();
                prop_assert_eq!(queue.pending(), start..end);
                for nonce in 0..12 {
                    let others = queue.transactions().iter().filter(|(other, _)| **other != nonce);
                    let cost = others.fold(U256::ZERO, |sum, (_, queued)| sum + queued.transaction.cost());
                    prop_assert_eq!(queue.cost_of_others(nonce), cost);
                }
            }
        }
    }
}
