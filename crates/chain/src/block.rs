//! Blocks as the chain holds them: sealed with their hash, every transaction with its sender.

use std::sync::Arc;

use alloy_consensus::transaction::{Recovered, SignerRecoverable};
use alloy_consensus::{Block, BlockBody, Header, ReceiptEnvelope, TxEnvelope};
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::{Address, B256, TxHash, U256};
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
    content: Content,
    total_difficulty: U256,
}

/// What is in a block under its header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) transactions: Vec<Recovered<TxEnvelope>>,
    pub(crate) ommers: Vec<Header>,
    /// `None` before Shanghai.
    pub(crate) withdrawals: Option<Withdrawals>,
}

impl SealedBlock {
    /// Seals a header and what is under it, as a child of `parent`; a genesis block has none.
    pub(crate) fn new(header: Header, content: Content, parent: Option<&Self>) -> Self {
        let before = parent.map_or(U256::ZERO, Self::total_difficulty);
        let total_difficulty = before.saturating_add(header.difficulty);
        Self::from_parts(header.hash_slow(), header, content, total_difficulty)
    }

    /// Joins a header with its known hash and what is under it.
    pub(crate) fn from_parts(hash: B256, header: Header, content: Content, total_difficulty: U256) -> Self {
        Self { inner: Arc::new(Inner { hash, header, content, total_difficulty }) }
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
        &self.inner.content.transactions
    }

    /// Headers of the block's ommers. Only blocks of proof of work have any.
    pub fn ommers(&self) -> &[Header] {
        &self.inner.content.ommers
    }

    /// Withdrawals from the beacon chain; `None` before Shanghai, empty on an InfinityVM chain.
    pub fn withdrawals(&self) -> Option<&Withdrawals> {
        self.inner.content.withdrawals.as_ref()
    }

    /// Difficulties of the block and of all before it, summed. It tells when an Ethereum chain merges.
    pub fn total_difficulty(&self) -> U256 {
        self.inner.total_difficulty
    }

    /// The block as it is encoded, sent and imported.
    pub fn to_block(&self) -> Block<TxEnvelope> {
        let content = &self.inner.content;
        let body = BlockBody {
            transactions: content.transactions.iter().map(|tx| tx.inner().clone()).collect(),
            ommers: content.ommers.clone(),
            withdrawals: content.withdrawals.clone(),
        };
        Block::new(self.header().clone(), body)
    }

    /// Length of the block's RLP: the `size` of an RPC block.
    pub fn size_bytes(&self) -> usize {
        self.to_block().length()
    }
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
