//! Sealing the blocks of a file in groups, each on top of the one before, which is written meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use alloy_primitives::Address;
use ivm_state::kv::Durability;
use ivm_state::{Branch, FinishedBranch, StateView};

use super::error::ImportFileError;
use super::execute::ExecutedArrival;
use super::import::{ImportProgress, Place};
use crate::block::CommittedBlock;
use crate::build::BuiltBlock;
use crate::chain::Chain;
use crate::error::ChainError;
use crate::event::ChainEvent;
use crate::seal::Unsealed;
use crate::store;

/// A group ends with the block that makes its writes this long: they are held in memory, those of two groups at a time.
const GROUP_SIZE_BYTES: usize = 64 * 1024 * 1024;

/// Blocks that become part of the chain together.
pub(super) struct Group {
    branch: Arc<FinishedBranch>,
    sealed: SealedBlocks,
}

/// What a group is made of.
#[derive(Default)]
struct SealedBlocks {
    blocks: Vec<CommittedBlock>,
    touched: BTreeSet<Address>,
    /// How far the import has come with each block, those that were known included.
    steps: Vec<ImportProgress>,
    /// The first new block.
    first: Option<Place>,
}

/// What became of a group.
pub(super) type Written = Result<Vec<ImportProgress>, ImportFileError>;

/// Writes groups until one cannot be written or there are no more.
pub(super) fn write_groups(chain: &Chain, groups: Receiver<Group>, written: Sender<Written>) {
    for Group { branch, sealed } in groups {
        let outcome = match sealed.first {
            Some(first) => chain.commit_group(&branch, &sealed).map_err(|error| first.failed(error)),
            None => Ok(()),
        };
        let failed = outcome.is_err();
        if written.send(outcome.map(|()| sealed.steps)).is_err() || failed {
            return;
        }
    }
}

impl Chain {
    /// Makes the last block of a group the head, as [`Chain::commit_with`] does for one block.
    fn commit_group(&self, branch: &FinishedBranch, group: &SealedBlocks) -> Result<(), ChainError> {
        let (Some(first), Some(last)) = (group.blocks.first(), group.blocks.last()) else {
            return Ok(());
        };
        let _guard = self.inner.head_lock.lock();
        let (got, expected) = (first.block.header().parent_hash, self.head().block.hash());
        if got != expected {
            return Err(ChainError::NotOnHead { got, expected });
        }
        self.inner.state.commit_finished(branch, Durability::Buffered)?;
        self.publish(last.clone(), self.published().marks);
        self.update_pool(&group.touched.iter().copied().collect::<Vec<_>>());
        for block in &group.blocks {
            // No receiver is no error.
            let _ = self.inner.events.send(ChainEvent::NewHead(block.clone()));
        }
        self.prune();
        Ok(())
    }
}

/// Seals blocks ahead of their being written: while one group is sealed, the one before is written.
pub(super) struct Importer<'a> {
    chain: &'a Chain,
    sealed: Sender<StateView>,
    groups: SyncSender<Group>,
    written: Receiver<Written>,
    /// Groups handed over of which nothing was heard.
    under_way: usize,
    done: ImportProgress,
}

impl<'a> Importer<'a> {
    /// `sealed` takes the state of each block, on which others are executed.
    pub(super) fn new(
        chain: &'a Chain,
        sealed: Sender<StateView>,
        groups: SyncSender<Group>,
        written: Receiver<Written>,
    ) -> Self {
        Self { chain, sealed, groups, written, under_way: 0, done: ImportProgress::default() }
    }

    /// Imports all blocks. Those before one that is refused are part of the chain when this returns.
    pub(super) fn run(
        mut self,
        blocks: Receiver<Result<ExecutedArrival, ImportFileError>>,
        mut branch: Branch,
        progress: &mut dyn FnMut(&ImportProgress),
    ) -> Result<ImportProgress, ImportFileError> {
        while let Ok(first) = blocks.recv() {
            let (finished, outcome) = self.run_group(branch, first, &blocks);
            // The group just handed over is written while the next one is sealed.
            let may_be_under_way = usize::from(outcome.is_ok());
            self.await_written(may_be_under_way, progress)?;
            outcome?;
            branch = finished.next(&self.chain.inner.state.head());
        }
        self.await_written(0, progress)?;
        Ok(self.done)
    }

    /// Seals blocks up to the end of their group and hands it over; when one is refused, those before it.
    fn run_group(
        &mut self,
        mut branch: Branch,
        first: Result<ExecutedArrival, ImportFileError>,
        blocks: &Receiver<Result<ExecutedArrival, ImportFileError>>,
    ) -> (Arc<FinishedBranch>, Result<(), ImportFileError>) {
        let mut group = SealedBlocks::default();
        let mut next = Some(first);
        let mut outcome = Ok(());
        while let Some(executed) = next.take() {
            let step = executed.and_then(|executed| {
                let ends_batch = executed.ends_batch;
                self.arrive(&mut branch, &mut group, executed).map(|()| ends_batch)
            });
            match step {
                Ok(ends_batch) if ends_batch || branch.size_bytes() >= GROUP_SIZE_BYTES => {}
                Ok(_) => next = blocks.recv().ok(),
                Err(error) => outcome = Err(error),
            }
        }
        let branch = Arc::new(branch.finish());
        // Nobody takes it when the group before could not be written: that is there to be received.
        if self.groups.send(Group { branch: branch.clone(), sealed: group }).is_ok() {
            self.under_way += 1;
        }
        (branch, outcome)
    }

    /// Takes the next block of the file.
    fn arrive(
        &mut self,
        branch: &mut Branch,
        group: &mut SealedBlocks,
        executed: ExecutedArrival,
    ) -> Result<(), ImportFileError> {
        let ExecutedArrival { place, size_bytes, block, .. } = executed;
        match block {
            None => self.done.known_blocks += 1,
            Some(block) => {
                let block = self.seal(branch, group, *block).map_err(|error| place.failed(error))?;
                group.first.get_or_insert(place);
                self.done.imported_blocks += 1;
                self.done.gas += block.block.header().gas_used;
                self.done.transactions += block.block.transactions().len() as u64;
                group.blocks.push(block);
            }
        }
        self.done.bytes = place.offset + size_bytes;
        self.done.block_number = place.number;
        group.steps.push(self.done);
        Ok(())
    }

    /// Seals a block on the branch's head and makes it the head.
    fn seal(
        &self,
        branch: &mut Branch,
        group: &mut SealedBlocks,
        block: Unsealed,
    ) -> Result<CommittedBlock, ChainError> {
        let BuiltBlock { committed, update, touched, .. } = block.seal(&branch.view())?;
        branch.apply(update, store::head_writes(&committed, Vec::new()))?;
        group.touched.extend(touched);
        // Nobody takes it when there are no more blocks.
        let _ = self.sealed.send(branch.view());
        Ok(committed)
    }

    /// Waits until at most so many groups are under way. Tells of the others.
    fn await_written(
        &mut self,
        may_be_under_way: usize,
        progress: &mut dyn FnMut(&ImportProgress),
    ) -> Result<(), ImportFileError> {
        while self.under_way > may_be_under_way
            && let Ok(written) = self.written.recv()
        {
            self.under_way -= 1;
            written?.iter().for_each(&mut *progress);
        }
        Ok(())
    }
}
