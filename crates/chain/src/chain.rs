//! The chain's face: opening, reading, committing.

use std::sync::Arc;

use alloy_consensus::{Header, ReceiptEnvelope};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, TxHash};
use ivm_evm::ChainDatabase;
use ivm_state::kv::{Durability, KeyValue, KeyValueStore, Table};
use ivm_state::{PruneProgress, Retention, StateDb, StateView};
use parking_lot::{Mutex, RwLock};
use tokio::sync::broadcast;

use crate::block::{CommittedBlock, MinedTransaction, SealedBlock};
use crate::build::BuiltBlock;
use crate::config::{ChainConfig, ExtraWrite, Storage};
use crate::error::ChainError;
use crate::event::{ChainEvent, EVENT_BUFFER};
use crate::header;
use crate::marks::{Marks, Settled};
use crate::pipeline::Pending;
use crate::pool::Pool;
use crate::recent::RecentBlocks;
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
    pub(crate) state: StateDb,
    /// What readers see: replaced as a whole, after the store has it.
    published: RwLock<Published>,
    recent: Arc<RecentBlocks>,
    pub(crate) pool: Pool,
    pub(crate) events: broadcast::Sender<ChainEvent>,
    /// Held by whoever moves the head.
    pub(crate) head_lock: Mutex<()>,
}

/// The head, and the snapshot of the store that has it as its newest block.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) head: CommittedBlock,
    pub(crate) blocks: BlockStore,
    pub(crate) state: StateView,
    pub(crate) marks: Marks,
}

impl Published {
    fn new(head: CommittedBlock, state: StateView, marks: Marks, recent: Arc<RecentBlocks>) -> Self {
        recent.keep(&head);
        Self { head, blocks: BlockStore::with_recent(state.shared_reader(), recent), state, marks }
    }
}

/// A block and the state after it: what the next block is executed on.
#[derive(Clone, Debug)]
pub(crate) struct Tip {
    pub(crate) block: SealedBlock,
    pub(crate) state: StateView,
    /// Blocks up to `block` that `state` may not have yet, the oldest first: none but where blocks are executed ahead of
    /// their roots.
    pub(crate) pending: Vec<Pending>,
}

impl Tip {
    pub(crate) const fn new(block: SealedBlock, state: StateView) -> Self {
        Self { block, state, pending: Vec::new() }
    }
}

/// Parts of change records that are removed after a block, at most: several times what a full block adds.
const PRUNED_PARTS_PER_BLOCK: usize = 512;

impl Chain {
    /// Opens the chain's data, or starts the chain from its genesis when there is none.
    ///
    /// # Errors
    /// When another process has the data open, when it is another chain's or another version's, or when it is damaged.
    pub fn open(config: ChainConfig, storage: Storage) -> Result<Self, ChainError> {
        let store = store::open(&storage, config.genesis_block().hash())?;
        Self::open_on(config, store)
    }

    /// Does what [`Chain::open`] does on a store of the caller's, which was opened with [`Chain::tables`].
    ///
    /// # Errors
    /// When the data is another chain's, or when it is damaged.
    pub fn open_on(config: ChainConfig, store: Arc<dyn KeyValueStore>) -> Result<Self, ChainError> {
        let genesis = config.genesis_block();
        let genesis_hash = genesis.hash();
        let state = StateDb::open(store)?;
        let blocks = BlockStore::new(state.head().shared_reader());
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
        let marks = Marks::read(&blocks)?;
        let recent = Arc::new(RecentBlocks::default());
        let published = RwLock::new(Published::new(head, state.head(), marks, recent.clone()));
        let head_lock = Mutex::new(());
        let inner = Inner { config, genesis_hash, state, published, recent, pool, events, head_lock };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The tables a chain keeps in its store.
    pub fn tables() -> Vec<Table> {
        store::tables()
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
        self.inner.published.read().head.clone()
    }

    /// The head and what belongs to it, all of one moment.
    pub(crate) fn published(&self) -> Published {
        self.inner.published.read().clone()
    }

    /// The head's block and state: what the next block is executed on.
    pub(crate) fn tip(&self) -> Tip {
        let Published { head, state, .. } = self.published();
        Tip::new(head.block, state)
    }

    /// Hash of a block; `None` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn block_hash(&self, id: BlockId) -> Result<Option<B256>, ChainError> {
        self.published().block_hash(id)
    }

    /// A header; `None` when there is no such block.
    ///
    /// # Errors
    /// When the store fails.
    pub fn header(&self, id: BlockId) -> Result<Option<Header>, ChainError> {
        self.published().header(id)
    }

    /// A block; `None` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn block(&self, id: BlockId) -> Result<Option<SealedBlock>, ChainError> {
        let published = self.published();
        match published.block_hash(id)? {
            Some(hash) if hash == published.head.block.hash() => Ok(Some(published.head.block)),
            Some(hash) => published.blocks.block(hash),
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
        let Published { head, blocks, .. } = self.published();
        if head.block.hash() == block_hash {
            return Ok(Some(head.receipts));
        }
        blocks.receipts(block_hash)
    }

    /// A mined transaction; those that are not mined are in [`Chain::pool`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn transaction(&self, hash: TxHash) -> Result<Option<MinedTransaction>, ChainError> {
        self.published().blocks.transaction(hash)
    }

    /// The state after a block of the chain.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`], [`ChainError::NotCanonical`] for a block of another branch, a
    /// [`StateError::Pruned`](ivm_state::StateError::Pruned) for one further back than is kept, or the store's error.
    pub fn state_at(&self, id: BlockId) -> Result<StateView, ChainError> {
        let published = self.published();
        let hash = published.block_hash(id)?.ok_or(ChainError::UnknownBlock(id))?;
        if hash == published.head.block.hash() {
            return Ok(published.state);
        }
        let number = published.blocks.header(hash)?.ok_or(ChainError::UnknownBlock(id))?.number;
        if published.blocks.canonical_hash(number)? != Some(hash) {
            return Err(ChainError::NotCanonical { hash, number });
        }
        Ok(published.state.at(number)?)
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
        self.published().blocks.extra(key)
    }

    /// Entries of the node's own table whose keys start with `prefix`, in key order, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn extra_scan(&self, prefix: &[u8], limit: usize) -> Result<Vec<KeyValue>, ChainError> {
        self.published().blocks.extra_scan(prefix, limit)
    }

    /// Makes a built block the head. The block, its state, receipts and indices, and `extra` are written in one atomic,
    /// durable batch.
    ///
    /// # Errors
    /// [`ChainError::NotOnHead`] when the head moved since the block was built, or the store's error.
    pub fn commit(&self, built: BuiltBlock, extra: Vec<ExtraWrite>) -> Result<CommittedBlock, ChainError> {
        self.commit_with(built, extra, Durability::Synced)
    }

    /// Does what [`Chain::commit`] does, with a choice: a block that is only buffered survives a crash of the machine after
    /// [`Chain::sync`]. For imports of many blocks.
    ///
    /// # Errors
    /// As [`Chain::commit`].
    pub fn commit_with(
        &self,
        built: BuiltBlock,
        extra: Vec<ExtraWrite>,
        durability: Durability,
    ) -> Result<CommittedBlock, ChainError> {
        self.commit_settled(built, extra, Settled::default(), durability)
    }

    /// Does what [`Chain::commit_with`] does, and moves the marks of safe and finalized blocks in the same batch.
    ///
    /// # Errors
    /// As [`Chain::commit`], and [`ChainError::BadMark`].
    pub fn commit_settled(
        &self,
        built: BuiltBlock,
        extra: Vec<ExtraWrite>,
        settled: Settled,
        durability: Durability,
    ) -> Result<CommittedBlock, ChainError> {
        let guard = self.inner.head_lock.lock();
        let expected = self.head().block.hash();
        let got = built.block().header().parent_hash;
        if got != expected {
            return Err(ChainError::NotOnHead { got, expected });
        }
        let BuiltBlock { committed, update, touched, .. } = built;
        let old_marks = self.published().marks;
        let marks = old_marks.moved(settled, committed.block.number())?;
        let mut branch = self.inner.state.branch();
        branch.apply(update, store::head_writes(&committed, extra))?;
        if marks != old_marks {
            branch.write(marks.writes());
        }
        self.inner.state.commit_branch(branch, durability)?;
        self.publish(committed.clone(), marks);
        self.update_pool(&touched);
        // Sent under the lock, so that subscribers see blocks in order. No receiver is no error.
        let _ = self.inner.events.send(ChainEvent::NewHead(committed.clone()));
        self.prune();
        drop(guard);
        Ok(committed)
    }

    /// Waits until every committed block survives a crash of the machine.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sync(&self) -> Result<(), ChainError> {
        Ok(self.inner.state.sync()?)
    }

    /// Shows readers the head that was committed.
    pub(crate) fn publish(&self, head: CommittedBlock, marks: Marks) {
        let published = Published::new(head, self.inner.state.head(), marks, self.inner.recent.clone());
        *self.inner.published.write() = published;
    }

    /// Removes some of what is kept of states that are further back than configured. A failure is for the next block to
    /// meet: nothing depends on it.
    pub(crate) fn prune(&self) {
        let Retention::Blocks(blocks) = self.config().retention else {
            return;
        };
        let oldest = self.head().block.number().saturating_sub(blocks);
        if oldest == 0 {
            return;
        }
        match self.inner.state.prune(oldest, PRUNED_PARTS_PER_BLOCK) {
            Ok(PruneProgress::Done | PruneProgress::More) => {}
            Err(error) => tracing::error!(%error, "old states cannot be pruned"),
        }
    }

    /// A state with the hashes of the blocks before it: what the EVM reads.
    pub(crate) fn database(&self, state: StateView) -> ChainDatabase {
        let blocks = BlockStore::new(state.shared_reader());
        ChainDatabase::new(state, Arc::new(blocks))
    }
}

impl Published {
    fn block_hash(&self, id: BlockId) -> Result<Option<B256>, ChainError> {
        let number = match id {
            BlockId::Hash(hash) => {
                let known = self.blocks.header(hash.block_hash)?.is_some();
                return Ok(known.then_some(hash.block_hash));
            }
            BlockId::Number(BlockNumberOrTag::Number(number)) => number,
            BlockId::Number(BlockNumberOrTag::Earliest) => 0,
            BlockId::Number(BlockNumberOrTag::Latest | BlockNumberOrTag::Pending) => self.head.block.number(),
            BlockId::Number(BlockNumberOrTag::Safe) => {
                self.marks.safe.unwrap_or_else(|| self.head.block.number())
            }
            BlockId::Number(BlockNumberOrTag::Finalized) => {
                self.marks.finalized.unwrap_or_else(|| self.head.block.number())
            }
        };
        let head = &self.head.block;
        if number >= head.number() {
            return Ok((number == head.number()).then(|| head.hash()));
        }
        self.blocks.canonical_hash(number)
    }

    fn header(&self, id: BlockId) -> Result<Option<Header>, ChainError> {
        match self.block_hash(id)? {
            Some(hash) if hash == self.head.block.hash() => Ok(Some(self.head.block.header().clone())),
            Some(hash) => self.blocks.header(hash),
            None => Ok(None),
        }
    }
}
