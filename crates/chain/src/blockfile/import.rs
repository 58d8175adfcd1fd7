//! Importing a file: reading and recovering senders ahead, executing behind.

use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use alloy_consensus::{Block, TxEnvelope};
use alloy_primitives::B256;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::error::{BlockFileError, ImportFileError};
use super::read::{BlockFileReader, FileBlock};
use ivm_state::kv::Durability;

use crate::chain::Chain;
use crate::config::{MAX_BLOCK_SIZE_BYTES, MAX_ETHEREUM_BLOCK_SIZE_BYTES};
use crate::error::ChainError;
use crate::recover::RecoveredBlock;

/// Most blocks whose senders are recovered together.
const BATCH_BLOCKS: usize = 64;
/// Most bytes of such blocks, but for the last of them.
const BATCH_SIZE_BYTES: usize = 16 * 1024 * 1024;
/// Batches that wait for execution: beside them one is being made and one executed.
const BATCHES_AHEAD: usize = 2;

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
struct Arrival {
    offset: u64,
    size_bytes: u64,
    number: u64,
    hash: B256,
    kind: Kind,
}

enum Kind {
    /// The chain has it.
    Known,
    /// The chain has another at its height.
    Other {
        expected: B256,
    },
    New(Box<RecoveredBlock>),
}

type Batch = Vec<Result<Arrival, ImportFileError>>;

impl Chain {
    /// Imports a file of blocks in RLP, one after another as geth exports them, up to its end or the first that is not
    /// valid. Blocks that the chain has are skipped. `progress` is told after every block. When this returns, all of it survives
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
            let imported = self.execute_batches(batches, progress);
            // What was imported before an error stays, too.
            self.sync()?;
            imported
        })
    }

    /// Reads blocks and recovers their senders, until the file ends, a block is bad, or nobody takes them any more.
    fn read_ahead<R: Read>(&self, mut blocks: BlockFileReader<R>, batches: SyncSender<Batch>) {
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
            let batch: Batch = files.into_par_iter().map(|file| self.arrival(file)).collect();
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
        Ok(Arrival { offset: file.offset, size_bytes: file.rlp.len() as u64, number, hash, kind })
    }

    /// Hash of the chain's block with a number, up to the head.
    fn canonical_hash(&self, number: u64) -> Result<Option<B256>, ChainError> {
        self.block_hash(alloy_eips::BlockId::number(number))
    }

    fn execute_batches(
        &self,
        batches: Receiver<Batch>,
        progress: &mut dyn FnMut(&ImportProgress),
    ) -> Result<ImportProgress, ImportFileError> {
        let mut done = ImportProgress::default();
        for arrival in batches.into_iter().flatten() {
            let Arrival { offset, size_bytes, number, hash, kind } = arrival?;
            match kind {
                Kind::Known => done.known_blocks += 1,
                Kind::Other { expected } => {
                    return Err(ImportFileError::OtherBranch { number, got: hash, expected, offset });
                }
                Kind::New(block) => {
                    let transactions = self
                        .import_new(hash, *block, &mut done)
                        .map_err(Box::new)
                        .map_err(|source| ImportFileError::Block { number, hash, offset, source })?;
                    done.transactions += transactions;
                }
            }
            done.bytes = offset + size_bytes;
            done.block_number = number;
            progress(&done);
        }
        Ok(done)
    }

    /// Imports a block that was new when it was read; the file may hold it twice.
    fn import_new(
        &self,
        hash: B256,
        block: RecoveredBlock,
        done: &mut ImportProgress,
    ) -> Result<u64, ChainError> {
        if self.canonical_hash(block.header.number)? == Some(hash) {
            done.known_blocks += 1;
            return Ok(0);
        }
        let built = self.verify_recovered(self.tip(), block)?;
        let committed = self.commit_with(built, Vec::new(), Durability::Buffered)?;
        done.imported_blocks += 1;
        done.gas += committed.block.header().gas_used;
        Ok(committed.block.transactions().len() as u64)
    }
}
