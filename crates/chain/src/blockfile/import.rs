//! Importing a file: four steps, each on a thread of its own, each some blocks ahead of the next: reading and recovering
//! senders, executing, sealing, writing.

use std::io::Read;
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::thread;

use alloy_consensus::{Block, TxEnvelope};
use alloy_primitives::B256;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::error::{BlockFileError, ImportFileError};
use super::execute::execute_ahead;
use super::read::{BlockFileReader, FileBlock};
use super::write::{Importer, write_groups};
use crate::chain::Chain;
use crate::config::{MAX_BLOCK_SIZE_BYTES, MAX_ETHEREUM_BLOCK_SIZE_BYTES};
use crate::error::ChainError;
use crate::pipeline::{Ahead, BLOCKS_AHEAD};
use crate::recover::RecoveredBlock;

/// Most blocks that go through the import together: their senders are recovered, then they are executed, then written.
const BATCH_BLOCKS: usize = 64;
/// Most bytes of such blocks, but for the last of them: a few full blocks.
const BATCH_SIZE_BYTES: usize = 512 * 1024;
/// Batches that wait for execution: beside them one is being made and one executed.
const BATCHES_AHEAD: usize = 1;

/// How far an import has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportProgress {
    /// Blocks that became part of the chain.
    pub imported_blocks: u64,
    /// Blocks that were part of it before.
    pub known_blocks: u64,
    /// Transactions of the imported blocks.
    pub transactions: u64,
    /// Gas that those used.
    pub gas: u64,
    /// Bytes of the file that are done with.
    pub bytes: u64,
    /// Number of the newest block that was imported or known.
    pub block_number: u64,
}

/// A block on its way from the file into the chain.
pub(super) struct Arrival {
    pub(super) place: Place,
    pub(super) size_bytes: u64,
    pub(super) kind: Kind,
}

/// Which block of the file it is, for errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) offset: u64,
}

impl Place {
    /// What is wrong with the block at this place.
    pub(super) fn failed(self, source: ChainError) -> ImportFileError {
        let Self { number, hash, offset } = self;
        ImportFileError::Block { number, hash, offset, source: Box::new(source) }
    }
}

pub(super) enum Kind {
    /// The chain has it.
    Known,
    /// The chain has another at its height.
    Other {
        expected: B256,
    },
    New(Box<RecoveredBlock>),
}

pub(super) type Batch = Vec<Result<Arrival, ImportFileError>>;

impl Chain {
    /// Imports a file of blocks in RLP, one after another as geth exports them, up to its end or the first that is not
    /// valid. Blocks that the chain has are skipped. Some blocks at a time become part of the chain in one atomic batch, while
    /// those after them are executed; `progress` is then told of each. When this returns, all of it survives
    /// a crash of the machine; a crash before may cost the last blocks, and leaves a whole one as the head.
    ///
    /// # Errors
    /// [`ImportFileError`] names the block. All blocks before it are part of the chain.
    pub fn import_file(
        &self,
        reader: impl Read + Send,
        progress: &mut dyn FnMut(&ImportProgress),
    ) -> Result<ImportProgress, ImportFileError> {
        let limit = match self.config().rules.schedule() {
            None => MAX_BLOCK_SIZE_BYTES,
            Some(_) => MAX_ETHEREUM_BLOCK_SIZE_BYTES,
        };
        let blocks = BlockFileReader::new(reader, limit);
        let (sender, batches) = sync_channel(BATCHES_AHEAD);
        thread::scope(|scope| {
            scope.spawn(|| self.read_ahead(blocks, sender));
            let guard = self.inner.head_lock.lock();
            let (tip, branch) = (self.tip(), self.inner.state.branch());
            drop(guard);
            let (ahead, sealed) = Ahead::new(self, tip);
            let (sender, executed) = sync_channel(BLOCKS_AHEAD);
            scope.spawn(|| execute_ahead(ahead, batches, sender));
            let (groups, to_write) = sync_channel(1);
            let (sender, written) = channel();
            scope.spawn(|| write_groups(self, to_write, sender));
            let imported = Importer::new(self, sealed, groups, written).run(executed, branch, progress);
            // What was imported before an error stays, too.
            self.sync()?;
            imported
        })
    }

    /// Reads blocks and recovers their senders, until the file ends, a block is bad, or nobody takes them any more.
    fn read_ahead<R: Read>(&self, mut blocks: BlockFileReader<R>, batches: SyncSender<Batch>) {
        // Threads of their own: execution, which waits for parts of its work, must not queue behind signatures.
        let pool = rayon::ThreadPoolBuilder::new().build();
        loop {
            let mut files = Vec::new();
            let mut size = 0;
            while files.len() < BATCH_BLOCKS && size < BATCH_SIZE_BYTES {
                let Some(next) = blocks.next() else { break };
                size += next.as_ref().map_or(0, |block| block.rlp.len());
                files.push(next);
            }
            if files.is_empty() {
                return;
            }
            // The order stays that of the file.
            let recover = || files.into_par_iter().map(|file| self.arrival(file)).collect();
            let batch: Batch = match &pool {
                Ok(pool) => pool.install(recover),
                Err(_) => recover(),
            };
            if batches.send(batch).is_err() {
                return;
            }
        }
    }

    fn arrival(&self, file: Result<FileBlock, BlockFileError>) -> Result<Arrival, ImportFileError> {
        let file = file?;
        let block: Block<TxEnvelope> = file.decode()?;
        let (number, hash) = (block.header.number, block.header.hash_slow());
        let kind = match self.canonical_hash(number)? {
            Some(present) if present == hash => Kind::Known,
            Some(expected) => Kind::Other { expected },
            None => Kind::New(Box::new(RecoveredBlock::new(block, &self.config().rules))),
        };
        let place = Place { number, hash, offset: file.offset };
        Ok(Arrival { place, size_bytes: file.rlp.len() as u64, kind })
    }

    /// Hash of the chain's block with a number, up to the head.
    fn canonical_hash(&self, number: u64) -> Result<Option<B256>, ChainError> {
        self.block_hash(alloy_eips::BlockId::number(number))
    }
}
