//! The chain's face: opening, reading, committing.

use std::sync::Arc;

use alloy_consensus::{Header, ReceiptEnvelope};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, TxHash};
use ivm_evm::ChainDatabase;
use ivm_state::kv::KeyValue;
use ivm_state::{StateDb, StateView};
use parking_lot::{Mutex, RwLock};
use tokio::sync::broadcast;

use crate::block::{CommittedBlock, MinedTransaction, SealedBlock};
use crate::build::BuiltBlock;
use crate::config::{ChainConfig, ExtraWrite, Storage};
use crate::error::ChainError;
use crate::event::{ChainEvent, EVENT_BUFFER};
use crate::header;
use crate::pool::Pool;
use crate::store::{self, BlockStore};

/// The execution chain. Clones share one chain; any thread may use it.
#[derive(Clone, Debug)]
pub struct Chain {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: ChainConfig,
    genesis_hash: B256,
    pub(crate) blocks: BlockStore,
    pub(crate) state: StateDb,
    head: RwLock<CommittedBlock>,
    pub(crate) pool: Pool,
    pub(crate) events: broadcast::Sender<ChainEvent>,
    /// Held by whoever moves the head.
    pub(crate) head_lock: Mutex<()>,
}

impl Chain {
    /// Opens the chain's data, or starts the chain from its genesis when there is none.
    ///
    /// # Errors
    /// When another process has the data open, when it is another chain's or another version's, or when it is damaged.
    pub fn open(config: ChainConfig, storage: Storage) -> Result<Self, ChainError> {
        let genesis = config.genesis_block();
        let genesis_hash = genesis.hash();
        let store = store::open(&storage, genesis_hash)?;
        let state = StateDb::open(store.clone())?;
        let blocks = BlockStore::new(store);
        let head = match blocks.head()? {
            Some(hash) => blocks.committed(hash)?.ok_or_else(|| store::missing("head block", hash))?,
            None => {
                let head = CommittedBlock { block: genesis, receipts: Arc::default() };
                let update = state.prepare(&config.genesis_changes())?;
                state.commit(update, store::head_writes(&head, Vec::new()))?;
                head
            }
        };
        if state.head_root() != head.block.header().state_root {
            return Err(ChainError::Damaged {
                record: "state",
                key: state.head_root().to_string(),
                reason: format!(
                    "head block {} has state root {}",
                    head.block.number(),
                    head.block.header().state_root
                ),
            });
        }
        let pool = Pool::new(config.pool);
        let (events, _) = broadcast::channel(EVENT_BUFFER);
        let head = RwLock::new(head);
        let head_lock = Mutex::new(());
        let inner = Inner { config, genesis_hash, blocks, state, head, pool, events, head_lock };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What the chain was opened with.
    pub fn config(&self) -> &ChainConfig {
        &self.inner.config
    }

    /// Hash of the genesis block: the chain's identity.
    pub fn genesis_hash(&self) -> B256 {
        self.inner.genesis_hash
    }

    /// The newest block and its receipts.
    pub fn head(&self) -> CommittedBlock {
        self.inner.head.read().clone()
    }

    /// Hash of a block; `None` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn block_hash(&self, id: BlockId) -> Result<Option<B256>, ChainError> {
        let number = match id {
            BlockId::Hash(hash) => {
                let known = self.inner.blocks.header(hash.block_hash)?.is_some();
                return Ok(known.then_some(hash.block_hash));
            }
            BlockId::Number(BlockNumberOrTag::Number(number)) => number,
            BlockId::Number(BlockNumberOrTag::Earliest) => 0,
            BlockId::Number(
                BlockNumberOrTag::Latest
                | BlockNumberOrTag::Pending
                | BlockNumberOrTag::Safe
                | BlockNumberOrTag::Finalized,
            ) => return Ok(Some(self.head().block.hash())),
        };
        let head = self.head();
        if number >= head.block.number() {
            return Ok((number == head.block.number()).then(|| head.block.hash()));
        }
        self.inner.blocks.canonical_hash(number)
    }

    /// A header; `None` when there is no such block.
    ///
    /// # Errors
    /// When the store fails.
    pub fn header(&self, id: BlockId) -> Result<Option<Header>, ChainError> {
        let head = self.head();
        match self.block_hash(id)? {
            Some(hash) if hash == head.block.hash() => Ok(Some(head.block.header().clone())),
            Some(hash) => self.inner.blocks.header(hash),
            None => Ok(None),
        }
    }

    /// A block; `None` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn block(&self, id: BlockId) -> Result<Option<SealedBlock>, ChainError> {
        let head = self.head();
        match self.block_hash(id)? {
            Some(hash) if hash == head.block.hash() => Ok(Some(head.block)),
            Some(hash) => self.inner.blocks.block(hash),
            None => Ok(None),
        }
    }

    /// The chain's block with a number.
    ///
    /// # Errors
    /// When the store fails.
    pub fn block_by_number(&self, number: u64) -> Result<Option<SealedBlock>, ChainError> {
        self.block(BlockId::number(number))
    }

    /// A block by its hash.
    ///
    /// # Errors
    /// When the store fails.
    pub fn block_by_hash(&self, hash: B256) -> Result<Option<SealedBlock>, ChainError> {
        self.block(BlockId::hash(hash))
    }

    /// The receipts of a block, one per transaction; `None` when there is no such block.
    ///
    /// # Errors
    /// When the store fails.
    pub fn receipts(&self, block_hash: B256) -> Result<Option<Arc<Vec<ReceiptEnvelope>>>, ChainError> {
        let head = self.head();
        if head.block.hash() == block_hash {
            return Ok(Some(head.receipts));
        }
        Ok(self.inner.blocks.receipts(block_hash)?.map(Arc::new))
    }

    /// A mined transaction; those that are not mined are in [`Chain::pool`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn transaction(&self, hash: TxHash) -> Result<Option<MinedTransaction>, ChainError> {
        let mined = self.inner.blocks.transaction(hash)?;
        // A block that is being committed is not there yet.
        Ok(mined.filter(|mined| mined.block_number <= self.head().block.number()))
    }

    /// The state after a block.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`], or the store's error.
    pub fn state_at(&self, id: BlockId) -> Result<StateView, ChainError> {
        let header = self.header(id)?.ok_or(ChainError::UnknownBlock(id))?;
        Ok(self.inner.state.view(header.state_root))
    }

    /// Base fee of the block after the head.
    pub fn next_base_fee(&self) -> u64 {
        header::next_base_fee(&self.config().rules, self.head().block.header()).unwrap_or_default()
    }

    /// The transaction pool.
    pub fn pool(&self) -> Pool {
        self.inner.pool.clone()
    }

    /// Receives every event from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<ChainEvent> {
        self.inner.events.subscribe()
    }

    /// A value of the node's own table.
    ///
    /// # Errors
    /// When the store fails.
    pub fn extra(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ChainError> {
        self.inner.blocks.extra(key)
    }

    /// Entries of the node's own table whose keys start with `prefix`, in key order, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn extra_scan(&self, prefix: &[u8], limit: usize) -> Result<Vec<KeyValue>, ChainError> {
        self.inner.blocks.extra_scan(prefix, limit)
    }

    /// Makes a built block the head. The block, its state, receipts and indices, and `extra` are written in one atomic,
    /// durable batch.
    ///
    /// # Errors
    /// [`ChainError::NotOnHead`] when the head moved since the block was built, or the store's error.
    pub fn commit(&self, built: BuiltBlock, extra: Vec<ExtraWrite>) -> Result<CommittedBlock, ChainError> {
        let guard = self.inner.head_lock.lock();
        let expected = self.head().block.hash();
        let got = built.block().header().parent_hash;
        if got != expected {
            return Err(ChainError::NotOnHead { got, expected });
        }
        let BuiltBlock { committed, update, touched, .. } = built;
        self.inner.state.commit(update, store::head_writes(&committed, extra))?;
        *self.inner.head.write() = committed.clone();
        self.update_pool(&touched);
        // Sent under the lock, so that subscribers see blocks in order. No receiver is no error.
        let _ = self.inner.events.send(ChainEvent::NewHead(committed.clone()));
        drop(guard);
        Ok(committed)
    }

    /// A state with the hashes of the blocks before it: what the EVM reads.
    pub(crate) fn database(&self, state: StateView) -> ChainDatabase {
        ChainDatabase::new(state, Arc::new(self.inner.blocks.clone()))
    }
}
