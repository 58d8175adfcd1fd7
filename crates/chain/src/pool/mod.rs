//! The transaction pool.

mod error;

use std::sync::Arc;

use alloy_consensus::TxEnvelope;
use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, TxHash};

pub use error::PoolError;

/// Limits of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// Most transactions in the pool.
    pub max_transactions: usize,
    /// Most bytes of transactions in the pool.
    pub max_size_bytes: usize,
    /// Most transactions of one sender.
    pub max_per_sender: usize,
    /// Most bytes of one transaction's encoding.
    pub max_transaction_size_bytes: usize,
    /// Least tip per gas, in wei, a transaction must offer.
    pub min_tip_wei: u128,
    /// By how many percent a replacement must raise both of its fees.
    pub replacement_bump_percent: u128,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            max_transactions: 16_384,
            max_size_bytes: 64 * 1024 * 1024,
            max_per_sender: 1024,
            max_transaction_size_bytes: 256 * 1024,
            min_tip_wei: 0,
            replacement_bump_percent: 10,
        }
    }
}

/// A transaction in the pool.
#[derive(Clone, Debug)]
pub struct PooledTransaction {
    pub(crate) transaction: Recovered<TxEnvelope>,
}

impl PooledTransaction {
    /// The transaction with its sender.
    pub const fn transaction(&self) -> &Recovered<TxEnvelope> {
        &self.transaction
    }
}

/// The content of the pool, ordered by sender and nonce.
#[derive(Clone, Debug, Default)]
pub struct PoolContent {
    /// Transactions that can be mined now, one after the other.
    pub pending: Vec<Arc<PooledTransaction>>,
    /// Transactions that wait for one with a lower nonce.
    pub queued: Vec<Arc<PooledTransaction>>,
}

/// A view of the transaction pool.
#[derive(Clone, Debug)]
pub struct Pool {}

impl Pool {
    /// A transaction by its hash.
    pub fn get(&self, _hash: TxHash) -> Option<Arc<PooledTransaction>> {
        unimplemented!()
    }
    /// Everything in the pool.
    pub fn content(&self) -> PoolContent {
        unimplemented!()
    }
    /// Numbers of pending and queued transactions.
    pub fn status(&self) -> (usize, usize) {
        unimplemented!()
    }
    /// The nonce a sender's next transaction takes, after those pending in the pool; `None` when none is pending.
    pub fn next_nonce(&self, _sender: Address) -> Option<u64> {
        unimplemented!()
    }
}
