//! Blocks as the chain holds them: sealed with their hash, every transaction with its sender.

use std::sync::Arc;

use alloy_consensus::transaction::{Recovered, SignerRecoverable};
use alloy_consensus::{Block, BlockBody, Header, ReceiptEnvelope, TxEnvelope};
use alloy_primitives::{Address, B256, TxHash};
use alloy_rlp::Encodable;

/// A block with its hash and the senders of its transactions. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBlock {
    inner: Arc<Inner>,
}

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    hash: B256,
    header: Header,
    transactions: Vec<Recovered<TxEnvelope>>,
}

impl SealedBlock {
    /// Seals a header and the transactions under it.
    pub(crate) fn new(header: Header, transactions: Vec<Recovered<TxEnvelope>>) -> Self {
        Self::from_parts(header.hash_slow(), header, transactions)
    }

    /// Joins a header with its known hash and its transactions.
    pub(crate) fn from_parts(hash: B256, header: Header, transactions: Vec<Recovered<TxEnvelope>>) -> Self {
        Self { inner: Arc::new(Inner { hash, header, transactions }) }
    }

    /// Hash of the header.
    pub fn hash(&self) -> B256 {
        self.inner.hash
    }

    /// Number of the block.
    pub fn number(&self) -> u64 {
        self.inner.header.number
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.inner.header
    }

    /// The transactions, in order, with their senders.
    pub fn transactions(&self) -> &[Recovered<TxEnvelope>] {
        &self.inner.transactions
    }

    /// The block as it is encoded, sent and imported.
    pub fn to_block(&self) -> Block<TxEnvelope> {
        let transactions = self.transactions().iter().map(|tx| tx.inner().clone()).collect();
        Block::new(self.header().clone(), body(transactions))
    }

    /// Length of the block's RLP: the `size` of an RPC block.
    pub fn size_bytes(&self) -> usize {
        self.to_block().length()
    }
}

/// The body of a block of this chain: no ommers, no withdrawals.
pub(crate) fn body(transactions: Vec<TxEnvelope>) -> BlockBody<TxEnvelope> {
    BlockBody { transactions, ommers: Vec::new(), withdrawals: Some(Default::default()) }
}

/// A block and the receipts its execution gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedBlock {
    /// The block.
    pub block: SealedBlock,
    /// One receipt per transaction, in order.
    pub receipts: Arc<Vec<ReceiptEnvelope>>,
}

/// A transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinedTransaction {
    /// The transaction with its sender.
    pub transaction: Recovered<TxEnvelope>,
    /// Hash of the block it is in.
    pub block_hash: B256,
    /// Number of that block.
    pub block_number: u64,
    /// Its position in that block, from 0.
    pub index: u64,
}

impl MinedTransaction {
    /// Hash of the transaction.
    pub fn hash(&self) -> TxHash {
        *self.transaction.inner().tx_hash()
    }

    /// Who signed it.
    pub fn sender(&self) -> Address {
        self.transaction.signer()
    }
}

/// Recovers who signed a transaction; refuses signatures with a high `s` (EIP-2).
pub(crate) fn recover(transaction: TxEnvelope) -> Option<Recovered<TxEnvelope>> {
    let sender = transaction.recover_signer().ok()?;
    Some(Recovered::new_unchecked(transaction, sender))
}
