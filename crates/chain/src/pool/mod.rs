//! The transaction pool: transactions that wait for a block.
//!
//! Each sender has a queue by nonce. The run of nonces that starts at the sender's next one is **pending**: it can be mined
//! now, in order. What comes after a gap is **queued**. A nonce holds one transaction; another takes its place when it
//! raises both fees by 10 %. Memory is bounded: by count and bytes in all, by count per sender, by bytes per transaction.
//! When the pool is full, the transaction with the lowest tip leaves for one that pays more; one that waits behind a gap
//! never pushes out one that can be mined.
//!
//! Validity is checked against the state at the head, on arrival ([`PoolError`]) and again after each block for every
//! account the block touched.

mod best;
mod blobs;
mod error;
mod journal;
mod queue;
mod sender;
mod validate;

use std::io;
use std::path::Path;
use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Transaction, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, TxHash, U256};
use parking_lot::Mutex;

pub(crate) use best::BestTransactions;
pub(crate) use blobs::{BlobProofs, BlobRules};
pub use error::PoolError;
pub(crate) use journal::Journal;
pub(crate) use queue::PoolState;
pub(crate) use sender::SenderState;
pub(crate) use validate::{Rules, decode};

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
    transaction: Recovered<TxEnvelope>,
    size_bytes: usize,
    cost: U256,
}

impl PooledTransaction {
    pub(crate) fn new(transaction: Recovered<TxEnvelope>) -> Self {
        let gas_cost =
            U256::from(transaction.max_fee_per_gas()).saturating_mul(U256::from(transaction.gas_limit()));
        let blob_gas = U256::from(transaction.blob_gas_used().unwrap_or_default());
        let blob_price = U256::from(transaction.max_fee_per_blob_gas().unwrap_or_default());
        let blob_cost = blob_gas.saturating_mul(blob_price);
        let cost = gas_cost.saturating_add(blob_cost).saturating_add(transaction.value());
        let size_bytes = transaction.inner().encode_2718_len();
        Self { transaction, size_bytes, cost }
    }

    /// The transaction with its sender.
    pub const fn transaction(&self) -> &Recovered<TxEnvelope> {
        &self.transaction
    }

    /// Hash of the transaction.
    pub fn hash(&self) -> TxHash {
        *self.transaction.inner().tx_hash()
    }

    /// Who signed it.
    pub const fn sender(&self) -> Address {
        self.transaction.signer()
    }

    /// Its nonce.
    pub fn nonce(&self) -> u64 {
        self.transaction.nonce()
    }

    /// Length of its encoding (EIP-2718).
    pub const fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// The most it can cost its sender: value, all gas at the fee cap, and blobs at theirs.
    pub const fn cost(&self) -> U256 {
        self.cost
    }

    /// Fee cap per gas: the gas price of a legacy transaction.
    pub fn fee_cap(&self) -> u128 {
        self.transaction.max_fee_per_gas()
    }

    /// Tip cap per gas: the gas price of a legacy transaction.
    pub fn tip_cap(&self) -> u128 {
        self.transaction.max_priority_fee_per_gas().unwrap_or_else(|| self.fee_cap())
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

/// The transaction pool of a chain, to look into. Clones share one pool.
#[derive(Clone, Debug)]
pub struct Pool {
    state: Arc<Mutex<PoolState>>,
    /// Where transactions are written down, when somebody asked for that.
    journal: Arc<Mutex<Option<Journal>>>,
}

impl Pool {
    pub(crate) fn new(config: PoolConfig) -> Self {
        Self { state: Arc::new(Mutex::new(PoolState::new(config))), journal: Arc::default() }
    }

    /// Starts a journal with what the pool holds, in the order in which it came.
    pub(crate) fn start_journal(&self, path: &Path, config: &PoolConfig) -> io::Result<()> {
        let mut journal = self.journal.lock();
        *journal = Some(self.written_to(path, config)?);
        Ok(())
    }

    /// Whether what the pool takes is written to a file.
    pub fn has_journal(&self) -> bool {
        self.journal.lock().is_some()
    }

    /// Writes a transaction that was taken into the journal, if there is one. A journal that cannot be written is given up:
    /// the pool goes on without.
    pub(crate) fn write_down(&self, transaction: &PooledTransaction, config: &PoolConfig) {
        let mut journal = self.journal.lock();
        let Some(open) = journal.as_mut() else { return };
        let mut written = open.append(&transaction.transaction().inner().encoded_2718());
        if written.is_ok() && open.is_full() {
            written = self.written_to(open.path(), config).map(|anew| *open = anew);
        }
        if let Err(error) = written {
            let path = open.path().display();
            tracing::error!(%error, "the pool's journal {path} cannot be written: no journal is kept any more");
            *journal = None;
        }
    }

    fn written_to(&self, path: &Path, config: &PoolConfig) -> io::Result<Journal> {
        let content = self.lock().by_arrival();
        let encoded: Vec<_> = content.iter().map(|tx| tx.transaction().inner().encoded_2718()).collect();
        Journal::start(path, config, encoded.iter().map(Vec::as_slice))
    }

    pub(crate) fn lock(&self) -> parking_lot::MutexGuard<'_, PoolState> {
        self.state.lock()
    }

    /// A transaction by its hash.
    pub fn get(&self, hash: TxHash) -> Option<Arc<PooledTransaction>> {
        self.lock().get(hash)
    }

    /// Everything in the pool.
    pub fn content(&self) -> PoolContent {
        self.lock().content()
    }

    /// What the pool holds of one sender.
    pub fn content_of(&self, sender: Address) -> PoolContent {
        self.lock().content_of(sender)
    }

    /// Numbers of pending and queued transactions.
    pub fn status(&self) -> (usize, usize) {
        self.lock().status()
    }

    /// The nonce a sender's next transaction takes, after those pending in the pool; `None` when none is pending.
    pub fn next_nonce(&self, sender: Address) -> Option<u64> {
        self.lock().next_nonce(sender)
    }
}
