//! Executing the blocks of a file in groups, each on top of the one before, which is written meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use alloy_primitives::Address;
use ivm_state::kv::Durability;
use ivm_state::{Branch, FinishedBranch};

use super::error::ImportFileError;
use super::import::{Arrival, Batch, ImportProgress, Kind, Place};
use crate::block::CommittedBlock;
use crate::build::BuiltBlock;
use crate::chain::{Chain, Tip};
use crate::error::ChainError;
use crate::event::ChainEvent;
use crate::recover::RecoveredBlock;
use crate::store::{self, BlockStore};

/// A group ends with the block that makes its writes this long: they are held in memory, those of two groups at a time.
const GROUP_SIZE_BYTES: usize = 64 * 1024 * 1024;

/// Blocks that were executed and become part of the chain together.
pub(super) struct Group {
    branch: Arc<FinishedBranch>,
    executed: Executed,
}

/// What a group is made of.
#[derive(Default)]
struct Executed {
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
    for Group { branch, executed } in groups {
        let outcome = match executed.first {
            Some(first) => chain.commit_group(&branch, &executed).map_err(|error| first.failed(error)),
            None => Ok(()),
        };
        let failed = outcome.is_err();
        if written.send(outcome.map(|()| executed.steps)).is_err() || failed {
            return;
        }
    }
}

impl Chain {
    /// Makes the last block of a group the head, as [`Chain::commit_with`] does for one block.
    fn commit_group(&self, branch: &FinishedBranch, executed: &Executed) -> Result<(), ChainError> {
        let (Some(first), Some(last)) = (executed.blocks.first(), executed.blocks.last()) else {
            return Ok(());
        };
        let _guard = self.inner.head_lock.lock();
        let (got, expected) = (first.block.header().parent_hash, self.head().block.hash());
        if got != expected {
            return Err(ChainError::NotOnHead { got, expected });
        }
        self.inner.state.commit_finished(branch, Durability::Buffered)?;
        self.publish(last.clone(), self.published().marks);
        self.update_pool(&executed.touched.iter().copied().collect::<Vec<_>>());
        for block in &executed.blocks {
            // No receiver is no error.
            let _ = self.inner.events.send(ChainEvent::NewHead(block.clone()));
        }
        self.prune();
        Ok(())
    }
}

/// Executes blocks ahead of their being written: while one group is executed, the one before is written.
pub(super) struct Importer<'a> {
    chain: &'a Chain,
    groups: SyncSender<Group>,
    written: Receiver<Written>,
    /// Groups handed over of which nothing was heard.
    under_way: usize,
    done: ImportProgress,
}

impl<'a> Importer<'a> {
    pub(super) fn new(chain: &'a Chain, groups: SyncSender<Group>, written: Receiver<Written>) -> Self {
        Self { chain, groups, written, under_way: 0, done: ImportProgress::default() }
    }

    /// Imports all blocks. Those before one that is refused are part of the chain when this returns.
    pub(super) fn run(
        mut self,
        batches: Receiver<Batch>,
        progress: &mut dyn FnMut(&ImportProgress),
    ) -> Result<ImportProgress, ImportFileError> {
        let state = &self.chain.inner.state;
        let guard = self.chain.inner.head_lock.lock();
        let (mut tip, mut branch) = (self.chain.tip(), state.branch());
        drop(guard);
        for batch in batches {
            let mut arrivals = batch.into_iter();
            while arrivals.len() > 0 {
                let (finished, outcome) = self.run_group(&mut tip, branch, &mut arrivals);
                // The group just handed over is written while the next one is executed.
                let may_be_under_way = usize::from(outcome.is_ok());
                self.await_written(may_be_under_way, progress)?;
                outcome?;
                branch = finished.next(&state.head());
            }
        }
        self.await_written(0, progress)?;
        Ok(self.done)
    }

    /// Executes blocks up to the end of their group and hands it over; when one is refused, those before it.
    fn run_group(
        &mut self,
        tip: &mut Tip,
        mut branch: Branch,
        arrivals: &mut impl Iterator<Item = Result<Arrival, ImportFileError>>,
    ) -> (Arc<FinishedBranch>, Result<(), ImportFileError>) {
        tip.state = branch.view();
        let mut executed = Executed::default();
        let mut outcome = Ok(());
        while outcome.is_ok() && branch.size_bytes() < GROUP_SIZE_BYTES {
            let Some(arrival) = arrivals.next() else { break };
            outcome = arrival.and_then(|arrival| self.arrive(tip, &mut branch, &mut executed, arrival));
        }
        let branch = Arc::new(branch.finish());
        // Nobody takes it when the group before could not be written: that is there to be received.
        if self.groups.send(Group { branch: branch.clone(), executed }).is_ok() {
            self.under_way += 1;
        }
        (branch, outcome)
    }

    /// Takes the next block of the file.
    fn arrive(
        &mut self,
        tip: &mut Tip,
        branch: &mut Branch,
        executed: &mut Executed,
        arrival: Arrival,
    ) -> Result<(), ImportFileError> {
        let Arrival { place, size_bytes, kind } = arrival;
        let Place { number, hash, offset } = place;
        match kind {
            Kind::Known => self.done.known_blocks += 1,
            Kind::Other { expected } => {
                return Err(ImportFileError::OtherBranch { number, got: hash, expected, offset });
            }
            // It was new when it was read; the file may hold it twice.
            Kind::New(_) if is_known(tip, place)? => self.done.known_blocks += 1,
            Kind::New(block) => {
                let block =
                    self.execute(tip, branch, executed, *block).map_err(|error| place.failed(error))?;
                executed.first.get_or_insert(place);
                self.done.imported_blocks += 1;
                self.done.gas += block.block.header().gas_used;
                self.done.transactions += block.block.transactions().len() as u64;
                executed.blocks.push(block);
            }
        }
        self.done.bytes = offset + size_bytes;
        self.done.block_number = number;
        executed.steps.push(self.done);
        Ok(())
    }

    /// Executes a block on the tip and makes it the tip.
    fn execute(
        &self,
        tip: &mut Tip,
        branch: &mut Branch,
        executed: &mut Executed,
        block: RecoveredBlock,
    ) -> Result<CommittedBlock, ChainError> {
        let built = self.chain.verify_recovered(tip.clone(), block)?;
        let BuiltBlock { committed, update, touched, .. } = built;
        branch.apply(update, store::head_writes(&committed, Vec::new()))?;
        executed.touched.extend(touched);
        *tip = Tip { block: committed.block.clone(), state: branch.view() };
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

/// Whether a block is one of the chain up to the tip.
fn is_known(tip: &Tip, place: Place) -> Result<bool, ImportFileError> {
    let blocks = BlockStore::new(tip.state.shared_reader());
    let present = blocks.canonical_hash(place.number)?;
    Ok(present == Some(place.hash))
}
