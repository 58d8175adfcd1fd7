//! Blocks and receipts that were made or read lately: answers about one transaction need the whole of its block.

use std::sync::Arc;

use alloy_consensus::{InMemorySize, ReceiptEnvelope};
use alloy_primitives::B256;
use ivm_state::cache::HashCache;

use crate::block::{CommittedBlock, SealedBlock};

/// Most memory of the blocks, about, and as much again of the receipts.
const MAX_SIZE_BYTES: usize = 64 * 1024 * 1024;
/// Memory of a block beside its transactions, and of a receipt beside its logs, about.
const ENTRY_SIZE_BYTES: usize = 512;
/// Memory of a log beside its data, about.
const LOG_SIZE_BYTES: usize = 256;

/// Receipts of a block.
pub(crate) type Receipts = Arc<Vec<ReceiptEnvelope>>;

/// Both, by hashes of blocks: a block stays what it is, on whatever branch it is.
#[derive(Debug)]
pub(crate) struct RecentBlocks {
    pub(crate) blocks: HashCache<SealedBlock>,
    pub(crate) receipts: HashCache<Receipts>,
}

impl Default for RecentBlocks {
    fn default() -> Self {
        Self { blocks: HashCache::new(MAX_SIZE_BYTES), receipts: HashCache::new(MAX_SIZE_BYTES) }
    }
}

impl RecentBlocks {
    pub(crate) fn keep(&self, committed: &CommittedBlock) {
        let CommittedBlock { block, receipts } = committed;
        self.keep_block(block);
        self.keep_receipts(block.hash(), receipts);
    }

    pub(crate) fn keep_block(&self, block: &SealedBlock) {
        let sizes = block.transactions().iter().map(|transaction| transaction.inner().size());
        let size_bytes = sizes.fold(ENTRY_SIZE_BYTES, usize::saturating_add);
        self.blocks.keep(block.hash(), block.clone(), size_bytes);
    }

    pub(crate) fn keep_receipts(&self, block_hash: B256, receipts: &Receipts) {
        let logs = receipts.iter().flat_map(|receipt| receipt.logs());
        let logs_size_bytes = logs.fold(0, |size, log| size + LOG_SIZE_BYTES + log.data.data.len());
        let size_bytes = ENTRY_SIZE_BYTES * (receipts.len() + 1) + logs_size_bytes;
        self.receipts.keep(block_hash, receipts.clone(), size_bytes);
    }
}
