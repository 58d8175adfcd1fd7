//! Moving the head to another branch.
//!
//! Blocks of other branches are kept by their hashes, unexecuted ([`Chain::store_block`]). A reorg goes back to the block
//! both branches share and executes the new branch from there, all of it on top of a snapshot in memory; then the store
//! gets the difference in one batch, and only then readers see the new head. Until that moment nothing has happened: a
//! block that proves invalid, a full disk or a crash leaves the old branch.
//!
//! A node with records of its own beside blocks ([`ExtraWrite`]) passes a function to [`Chain::reorg_to_with`] that gives
//! them for each block executed on the way, and may object to the block.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use alloy_consensus::{Block, TxEnvelope};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256};
use ivm_state::Branch;
use ivm_state::kv::{Durability, KeyValue};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::block::{CommittedBlock, SealedBlock};
use crate::build::BuiltBlock;
use crate::chain::{Chain, Published, Tip};
use crate::config::ExtraWrite;
use crate::error::ChainError;
use crate::event::{ChainEvent, Reorg};
use crate::header::field;
use crate::pipeline::{Ahead, BLOCKS_AHEAD};
use crate::recover::RecoveredBlock;
use crate::seal::Unsealed;
use crate::store::{self, BlockStore};

/// Most bytes that a reorg may write: they are held in memory.
pub const MAX_REORG_SIZE_BYTES: usize = 1024 * 1024 * 1024;

/// A way from the head to another block.
struct Route {
    /// The last block that both branches have.
    ancestor: SealedBlock,
    /// Hashes of the new branch's blocks after it, the new head first.
    branch: Vec<B256>,
}

/// The node's own table, as it is before a block of a branch.
#[derive(Debug)]
pub struct BranchRecords(BlockStore);

impl BranchRecords {
    /// A value of the table.
    ///
    /// # Errors
    /// When the store fails.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ChainError> {
        self.0.extra(key)
    }

    /// Entries whose keys start with `prefix`, in key order, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn scan(&self, prefix: &[u8], limit: usize) -> Result<Vec<KeyValue>, ChainError> {
        self.0.extra_scan(prefix, limit)
    }
}

/// What a node writes to its own table with a block that a reorg adds, or [`ChainError::Refused`].
pub type ObserveBlock<'a> =
    &'a mut dyn FnMut(&CommittedBlock, &BranchRecords) -> Result<Vec<ExtraWrite>, ChainError>;

impl Chain {
    /// Keeps a block under its hash, without executing it: the chain can be moved to it by [`Chain::reorg_to`]. Its
    /// signatures, its number and its transactions' root are checked, the rest is when it is executed. How many are kept
    /// is for the caller to bound.
    ///
    /// # Errors
    /// [`ChainError::UnknownParent`] when the block before it is not kept, [`ChainError::InvalidBlock`].
    pub fn store_block(&self, block: Block<TxEnvelope>) -> Result<B256, ChainError> {
        // Outside of the lock: this is most of the work.
        let block = RecoveredBlock::new(block, &self.config().rules);
        let _guard = self.inner.head_lock.lock();
        let published = self.published();
        let hash = block.header.hash_slow();
        if published.blocks.header(hash)?.is_some() {
            return Ok(hash);
        }
        let parent = published.blocks.block(block.header.parent_hash)?;
        let parent = parent.ok_or(ChainError::UnknownParent { hash, parent: block.header.parent_hash })?;
        self.check_body(&parent, &block)?;
        block.facts.check(&block.header)?;
        let expected = parent.number().saturating_add(1);
        if block.header.number != expected {
            return Err(field("number", block.header.number, expected).into());
        }
        let header = block.header.clone();
        let block = SealedBlock::new(header, block.into_content()?, Some(&parent));
        self.inner.state.write(store::block_writes(&block), Durability::Synced)?;
        self.publish(published.head, published.marks);
        Ok(hash)
    }

    /// Makes a block that is kept the head: undoes the blocks that are not its ancestors and executes those that are and
    /// were not on the chain, each checked as by [`Chain::import`]. Going back to an ancestor adds nothing. Readers see the
    /// old head until all of it is done. Transactions of the blocks removed return to the pool, where it takes them.
    ///
    /// # Errors
    /// [`ChainError::InvalidBranch`] names a block of the branch that is not valid; [`ChainError::BelowFinalized`],
    /// [`ChainError::ReorgTooLarge`], [`ChainError::UnknownBlock`], a
    /// [`StateError::Pruned`](ivm_state::StateError::Pruned) when the branches part further back than is kept, or the
    /// store's error. The chain is then as it was.
    pub fn reorg_to(&self, hash: B256) -> Result<Arc<Reorg>, ChainError> {
        self.reorg_to_with(hash, Durability::Synced, &mut |_, _| Ok(Vec::new()))
    }

    /// Does what [`Chain::reorg_to`] does, and asks `observe` what to write to the node's own table with each block that it
    /// adds. `observe` is called with the chain's lock held: it must not call what moves the head.
    ///
    /// # Errors
    /// As [`Chain::reorg_to`], and those of `observe`, with which nothing has happened either.
    pub fn reorg_to_with(
        &self,
        hash: B256,
        durability: Durability,
        observe: ObserveBlock<'_>,
    ) -> Result<Arc<Reorg>, ChainError> {
        let _guard = self.inner.head_lock.lock();
        let published = self.published();
        let route = route(&published, hash)?;
        let ancestor = route.ancestor.number();
        let mut marks = published.marks;
        if let Some(finalized) = marks.finalized.filter(|finalized| ancestor < *finalized) {
            return Err(ChainError::BelowFinalized { ancestor, finalized });
        }
        marks.safe = marks.safe.map(|safe| safe.min(ancestor));

        let mut branch = self.inner.state.branch();
        let mut touched = BTreeSet::new();
        let removed = undo(&mut branch, &published, ancestor, &mut touched)?;
        let added = self.execute(&mut branch, &published.blocks, &route, &mut touched, observe)?;
        if removed.is_empty() && added.is_empty() {
            return Ok(Arc::new(Reorg { removed, added }));
        }
        branch.write(marks.writes());
        let head = match added.last() {
            Some(head) => head.clone(),
            None => {
                let hash = route.ancestor.hash();
                published.blocks.committed(hash)?.ok_or_else(|| store::missing("block", hash))?
            }
        };
        self.inner.state.commit_branch(branch, durability)?;
        self.publish(head, marks);
        let reorg = Arc::new(Reorg { removed, added });
        let touched: Vec<_> = touched.into_iter().collect();
        self.update_pool(&touched);
        self.return_to_pool(&reorg);
        self.tell(&reorg);
        self.prune();
        Ok(reorg)
    }

    /// Executes the blocks of a branch, each while the one before is sealed.
    fn execute(
        &self,
        branch: &mut Branch,
        blocks: &BlockStore,
        route: &Route,
        touched: &mut BTreeSet<Address>,
        observe: ObserveBlock<'_>,
    ) -> Result<Vec<CommittedBlock>, ChainError> {
        let tip = Tip::new(route.ancestor.clone(), branch.view());
        let (ahead, sealed) = Ahead::new(self, tip);
        let (sender, executed) = sync_channel(BLOCKS_AHEAD);
        let mut added = Vec::new();
        thread::scope(|scope| {
            // Dropped at the first error, which whoever waits for a state learns by it.
            let sealed = sealed;
            scope.spawn(|| execute_ahead(ahead, blocks, route, sender));
            for executed in executed {
                let block = executed?;
                let (number, hash) = (block.block.number(), block.block.hash());
                let built = block.seal(&branch.view()).map_err(|error| of_branch(error, number, hash))?;
                let BuiltBlock { committed, update, touched: accounts, .. } = built;
                touched.extend(accounts);
                let extra = observe(&committed, &BranchRecords(BlockStore::new(branch.reader())))?;
                branch.apply(update, store::head_writes(&committed, extra))?;
                check_size(branch)?;
                // Nobody takes it when there are no more blocks.
                let _ = sealed.send(branch.view());
                added.push(committed);
            }
            Ok(added)
        })
    }

    /// Tells subscribers: of blocks that only follow the old head one by one, else of the reorg.
    fn tell(&self, reorg: &Arc<Reorg>) {
        // No receiver is no error.
        if reorg.removed.is_empty() {
            for block in &reorg.added {
                let _ = self.inner.events.send(ChainEvent::NewHead(block.clone()));
            }
        } else {
            let _ = self.inner.events.send(ChainEvent::Reorg(reorg.clone()));
        }
    }
}

/// Executes the blocks of a route up to the first that cannot be, or until nobody takes them any more.
fn execute_ahead(
    mut ahead: Ahead<'_>,
    blocks: &BlockStore,
    route: &Route,
    executed: SyncSender<Result<Unsealed, ChainError>>,
) {
    for hash in route.branch.iter().rev() {
        let outcome =
            match blocks.block(*hash).and_then(|block| block.ok_or_else(|| store::missing("block", *hash))) {
                Ok(block) => match ahead.execute(RecoveredBlock::stored(&block)) {
                    Ok(outcome) => outcome.map_err(|error| of_branch(error, block.number(), *hash)),
                    Err(_) => return,
                },
                Err(error) => Err(error),
            };
        let failed = outcome.is_err();
        if executed.send(outcome).is_err() || failed {
            return;
        }
    }
}

/// Says which block of a branch is not valid.
fn of_branch(error: ChainError, number: u64, hash: B256) -> ChainError {
    match error {
        ChainError::InvalidBlock(source) => {
            ChainError::InvalidBranch { number, hash, source: Box::new(source) }
        }
        other => other,
    }
}

/// Undoes blocks down to the ancestor. Gives them, the old head first.
fn undo(
    branch: &mut Branch,
    published: &Published,
    ancestor: u64,
    touched: &mut BTreeSet<Address>,
) -> Result<Vec<CommittedBlock>, ChainError> {
    while branch.number() > ancestor {
        touched.extend(branch.undo_towards(ancestor)?);
        check_size(branch)?;
    }
    let Published { head, blocks, .. } = published;
    let below: Vec<_> = (ancestor.saturating_add(1)..head.block.number()).rev().collect();
    let below = below.into_par_iter().map(|number| {
        let hash = blocks.canonical_hash(number)?.ok_or_else(|| store::no_canonical(number))?;
        blocks.committed(hash)?.ok_or_else(|| store::missing("block", hash))
    });
    let mut removed = Vec::new();
    if head.block.number() > ancestor {
        removed.push(head.clone());
        removed.extend(below.collect::<Result<Vec<_>, ChainError>>()?);
    }
    Ok(removed)
}

/// Finds the way from the head to a block.
fn route(published: &Published, hash: B256) -> Result<Route, ChainError> {
    let oldest = published.state.oldest()?;
    let mut branch = Vec::new();
    let mut next = hash;
    loop {
        let header = published.blocks.header(next)?;
        let number = header.as_ref().ok_or(ChainError::UnknownBlock(BlockId::hash(next)))?.number;
        if published.blocks.canonical_hash(number)? == Some(next) {
            let ancestor = published.blocks.block(next)?.ok_or_else(|| store::missing("block", next))?;
            return Ok(Route { ancestor, branch });
        }
        if number <= oldest {
            let block = number.saturating_sub(1);
            return Err(ivm_state::StateError::Pruned { block, oldest }.into());
        }
        branch.push(next);
        next = header.map(|header| header.parent_hash).unwrap_or_default();
    }
}

fn check_size(branch: &Branch) -> Result<(), ChainError> {
    let got = branch.size_bytes();
    if got > MAX_REORG_SIZE_BYTES {
        return Err(ChainError::ReorgTooLarge { got, limit: MAX_REORG_SIZE_BYTES });
    }
    Ok(())
}
