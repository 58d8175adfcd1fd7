//! Blocks, receipts and indices in the store.
//!
//! Blocks are kept under their hashes; which of them are the chain is said by `canonical` and `head` alone.

use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Header, TxEnvelope};
use alloy_eips::eip4895::{Withdrawal, Withdrawals};
use alloy_primitives::{Address, B256, TxHash, U256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use ivm_evm::BlockHashes;
use ivm_state::kv::{DiskStore, KeyValue, KeyValueStore, MemoryStore, Reader, Table, Tracking, WriteBatch};
use ivm_state::{FIRST_FREE_TRACKING, StateDb, StateError};

use crate::block::{CommittedBlock, Content, MinedTransaction, SealedBlock};
use crate::config::{ExtraWrite, Storage};
use crate::error::ChainError;
use crate::recent::{Receipts, RecentBlocks};

/// Block hash → RLP of the header.
const HEADERS: Table = Table::new("headers");
/// Block hash → RLP of [`Body`].
const BODIES: Table = Table::new("bodies");
/// Block hash → RLP list of receipts.
const RECEIPTS: Table = Table::new("receipts");
/// Block number (`u64`, big-endian) → hash of the chain's block with this number.
const CANONICAL: Table = Table::tracked("canonical", Tracking::Undo(FIRST_FREE_TRACKING));
/// Transaction hash → RLP of [`Location`].
const TRANSACTIONS: Table = Table::tracked("transactions", Tracking::Undo(FIRST_FREE_TRACKING + 1));
/// [`HEAD`] → hash of the head; [`SAFE`], [`FINALIZED`] → number of the block (`u64`, big-endian).
const CHAIN_META: Table = Table::tracked("chain_meta", Tracking::Undo(FIRST_FREE_TRACKING + 2));
const HEAD: &[u8] = b"head";
/// Key of the safe block.
pub(crate) const SAFE: &[u8] = b"safe";
/// Key of the finalized block.
pub(crate) const FINALIZED: &[u8] = b"finalized";
/// The node's own keys and values.
const EXTRA: Table = Table::tracked("extra", Tracking::Undo(FIRST_FREE_TRACKING + 3));

const TABLES: [Table; 7] = [HEADERS, BODIES, RECEIPTS, CANONICAL, TRANSACTIONS, CHAIN_META, EXTRA];

/// A block's transactions and, so that reading needs no signature recovery, their senders; what else is in the block; and
/// its total difficulty. Whether an empty list of withdrawals is there at all is said by the header.
#[derive(Debug, RlpEncodable, RlpDecodable)]
struct Body {
    transactions: Vec<TxEnvelope>,
    senders: Vec<Address>,
    ommers: Vec<Header>,
    withdrawals: Vec<Withdrawal>,
    total_difficulty: U256,
}

/// Where a transaction is.
#[derive(Debug, RlpEncodable, RlpDecodable)]
struct Location {
    block_hash: B256,
    index: u64,
}

/// All tables of a chain's store.
pub(crate) fn tables() -> Vec<Table> {
    StateDb::TABLES.into_iter().chain(TABLES).collect()
}

/// Opens the store of a chain with this genesis.
pub(crate) fn open(storage: &Storage, genesis_hash: B256) -> Result<Arc<dyn KeyValueStore>, ChainError> {
    let tables = tables();
    Ok(match storage {
        Storage::Memory => Arc::new(MemoryStore::new(&tables, genesis_hash)?),
        Storage::Path(path) => Arc::new(DiskStore::open(path, &tables, genesis_hash)?),
    })
}

/// Reads of the block tables in one snapshot.
#[derive(Clone, Debug)]
pub(crate) struct BlockStore {
    store: Arc<dyn Reader>,
    recent: Option<Arc<RecentBlocks>>,
}

impl BlockStore {
    pub(crate) fn new(store: Arc<dyn Reader>) -> Self {
        Self { store, recent: None }
    }

    /// Reads that look into a cache first.
    pub(crate) fn with_recent(store: Arc<dyn Reader>, recent: Arc<RecentBlocks>) -> Self {
        Self { store, recent: Some(recent) }
    }

    /// Hash of the head; `None` in a new store.
    pub(crate) fn head(&self) -> Result<Option<B256>, ChainError> {
        let bytes = self.store.get(CHAIN_META, HEAD)?;
        bytes.map(|bytes| hash("head pointer", &bytes)).transpose()
    }

    /// A block's number in the chain's facts.
    pub(crate) fn mark(&self, key: &[u8]) -> Result<Option<u64>, ChainError> {
        let Some(bytes) = self.store.get(CHAIN_META, key)? else {
            return Ok(None);
        };
        let reason = format!("{} bytes, expected 8", bytes.len());
        let bytes = bytes.try_into().map_err(|_| ChainError::Damaged {
            record: "block mark",
            key: String::from_utf8_lossy(key).into_owned(),
            reason,
        })?;
        Ok(Some(u64::from_be_bytes(bytes)))
    }

    /// Hash of the chain's block with this number.
    pub(crate) fn canonical_hash(&self, number: u64) -> Result<Option<B256>, ChainError> {
        let bytes = self.store.get(CANONICAL, &number.to_be_bytes())?;
        bytes.map(|bytes| hash("canonical hash", &bytes)).transpose()
    }

    pub(crate) fn header(&self, hash: B256) -> Result<Option<Header>, ChainError> {
        match self.recent_block(hash) {
            Some(block) => Ok(Some(block.header().clone())),
            None => self.stored_header(hash),
        }
    }

    fn stored_header(&self, hash: B256) -> Result<Option<Header>, ChainError> {
        let header = self.record::<Header>(HEADERS, "header", hash)?;
        match header.as_ref().map(Header::hash_slow) {
            Some(got) if got != hash => Err(damaged("header", hash, format!("it hashes to {got}"))),
            _ => Ok(header),
        }
    }

    fn recent_block(&self, hash: B256) -> Option<SealedBlock> {
        self.recent.as_ref()?.blocks.get(hash)
    }

    pub(crate) fn block(&self, hash: B256) -> Result<Option<SealedBlock>, ChainError> {
        if let Some(block) = self.recent_block(hash) {
            return Ok(Some(block));
        }
        let block = self.stored_block(hash)?;
        if let (Some(block), Some(recent)) = (&block, &self.recent) {
            recent.keep_block(block);
        }
        Ok(block)
    }

    fn stored_block(&self, hash: B256) -> Result<Option<SealedBlock>, ChainError> {
        let Some(header) = self.stored_header(hash)? else {
            return Ok(None);
        };
        let body: Body = self.record(BODIES, "body", hash)?.ok_or_else(|| missing("body", hash))?;
        if body.senders.len() != body.transactions.len() {
            return Err(damaged("body", hash, "as many senders as transactions expected"));
        }
        let transactions = body
            .transactions
            .into_iter()
            .zip(body.senders)
            .map(|(transaction, sender)| Recovered::new_unchecked(transaction, sender))
            .collect();
        let withdrawals = header.withdrawals_root.map(|_| Withdrawals::new(body.withdrawals));
        let content = Content { transactions, ommers: body.ommers, withdrawals };
        Ok(Some(SealedBlock::from_parts(hash, header, content, body.total_difficulty)))
    }

    pub(crate) fn receipts(&self, hash: B256) -> Result<Option<Receipts>, ChainError> {
        if let Some(receipts) = self.recent.as_ref().and_then(|recent| recent.receipts.get(hash)) {
            return Ok(Some(receipts));
        }
        let receipts = self.record(RECEIPTS, "receipts", hash)?.map(Receipts::new);
        if let (Some(receipts), Some(recent)) = (&receipts, &self.recent) {
            recent.keep_receipts(hash, receipts);
        }
        Ok(receipts)
    }

    pub(crate) fn committed(&self, hash: B256) -> Result<Option<CommittedBlock>, ChainError> {
        let Some(block) = self.block(hash)? else {
            return Ok(None);
        };
        let receipts = self.receipts(hash)?.ok_or_else(|| missing("receipts", hash))?;
        Ok(Some(CommittedBlock { block, receipts }))
    }

    pub(crate) fn transaction(&self, hash: TxHash) -> Result<Option<MinedTransaction>, ChainError> {
        let Some(location) = self.record::<Location>(TRANSACTIONS, "transaction location", hash)? else {
            return Ok(None);
        };
        let block = self.block(location.block_hash)?.ok_or_else(|| missing("block", location.block_hash))?;
        let transaction = usize::try_from(location.index)
            .ok()
            .and_then(|index| block.transactions().get(index))
            .ok_or_else(|| damaged("transaction location", hash, "index is past the block's end"))?;
        Ok(Some(MinedTransaction {
            transaction: transaction.clone(),
            block_hash: location.block_hash,
            block_number: block.number(),
            index: location.index,
        }))
    }

    pub(crate) fn extra(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ChainError> {
        Ok(self.store.get(EXTRA, key)?)
    }

    pub(crate) fn extra_scan(&self, prefix: &[u8], limit: usize) -> Result<Vec<KeyValue>, ChainError> {
        Ok(self.store.scan(EXTRA, prefix, limit)?)
    }

    fn record<T: Decodable>(
        &self,
        table: Table,
        kind: &'static str,
        key: B256,
    ) -> Result<Option<T>, ChainError> {
        let Some(bytes) = self.store.get(table, key.as_slice())? else {
            return Ok(None);
        };
        let record = alloy_rlp::decode_exact(&bytes).map_err(|error| damaged(kind, key, error))?;
        Ok(Some(record))
    }
}

impl BlockHashes for BlockStore {
    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        let bytes = self.store.get(CANONICAL, &number.to_be_bytes())?;
        Ok(bytes.and_then(|bytes| B256::try_from(bytes.as_slice()).ok()).unwrap_or_default())
    }
}

/// The writes that keep a block under its hash.
pub(crate) fn block_writes(block: &SealedBlock) -> WriteBatch {
    let hash = block.hash();
    let mut batch = WriteBatch::default();
    batch.put(HEADERS, hash.0, alloy_rlp::encode(block.header()));
    let body = Body {
        transactions: block.transactions().iter().map(|tx| tx.inner().clone()).collect(),
        senders: block.transactions().iter().map(|tx| tx.signer()).collect(),
        ommers: block.ommers().to_vec(),
        withdrawals: block.withdrawals().map(|withdrawals| withdrawals.to_vec()).unwrap_or_default(),
        total_difficulty: block.total_difficulty(),
    };
    batch.put(BODIES, hash.0, alloy_rlp::encode(body));
    batch
}

/// Sets or removes a block's number in the chain's facts.
pub(crate) fn put_mark(batch: &mut WriteBatch, key: &[u8], number: Option<u64>) {
    batch.write(CHAIN_META, key.to_vec(), number.map(|number| number.to_be_bytes().to_vec()));
}

/// The writes that make a block the head, but for those of its state.
pub(crate) fn head_writes(committed: &CommittedBlock, extra: Vec<ExtraWrite>) -> WriteBatch {
    let CommittedBlock { block, receipts } = committed;
    let hash = block.hash();
    let mut batch = block_writes(block);
    let mut encoded = Vec::new();
    receipts.encode(&mut encoded);
    batch.put(RECEIPTS, hash.0, encoded);
    batch.put(CANONICAL, block.number().to_be_bytes(), hash.0);
    for (index, transaction) in (0..).zip(block.transactions()) {
        let location = Location { block_hash: hash, index };
        batch.put(TRANSACTIONS, transaction.inner().tx_hash().0, alloy_rlp::encode(location));
    }
    batch.put(CHAIN_META, HEAD, hash.0);
    for write in extra {
        match write.value {
            Some(value) => batch.put(EXTRA, write.key, value),
            None => batch.delete(EXTRA, write.key),
        }
    }
    batch
}

fn hash(kind: &'static str, bytes: &[u8]) -> Result<B256, ChainError> {
    B256::try_from(bytes).map_err(|_| ChainError::Damaged {
        record: kind,
        key: String::new(),
        reason: format!("{} bytes, expected 32", bytes.len()),
    })
}

fn damaged(record: &'static str, key: B256, reason: impl ToString) -> ChainError {
    ChainError::Damaged { record, key: key.to_string(), reason: reason.to_string() }
}

pub(crate) fn missing(record: &'static str, key: B256) -> ChainError {
    damaged(record, key, "it is missing")
}

/// The chain has a block of every number up to its head's.
pub(crate) fn no_canonical(number: u64) -> ChainError {
    let reason = "it is missing".to_owned();
    ChainError::Damaged { record: "canonical hash", key: number.to_string(), reason }
}
