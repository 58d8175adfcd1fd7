//! Blocks and receipts that were made or read lately: answers about one transaction need the whole of its block.

use std::sync::Arc;

use alloy_consensus::{InMemorySize, ReceiptEnvelope};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::B256;
use ivm_state::cache::HashCache;

use crate::block::{CommittedBlock, SealedBlock};

/// Most memory of the blocks, about, and as much again of the receipts.
const MAX_SIZE_BYTES: usize = 64 * 1024 * 1024;
/// Memory of a header, about.
const HEADER_SIZE_BYTES: usize = 1024;
/// Memory of a receipt beside its logs, about.
const RECEIPT_SIZE_BYTES: usize = 512;
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
        let transactions = block.transactions().iter().map(|transaction| transaction.inner().size());
        let withdrawals = block.withdrawals().map_or(0, |withdrawals| withdrawals.len());
        let beside = HEADER_SIZE_BYTES * (1 + block.ommers().len()) + size_of::<Withdrawal>() * withdrawals;
        let size_bytes = transactions.fold(beside, usize::saturating_add);
        self.blocks.keep(block.hash(), block.clone(), size_bytes);
    }

    pub(crate) fn keep_receipts(&self, block_hash: B256, receipts: &Receipts) {
        let logs = receipts.iter().flat_map(|receipt| receipt.logs());
        let logs_size_bytes = logs.fold(0, |size, log| size + LOG_SIZE_BYTES + log.data.data.len());
        let size_bytes = RECEIPT_SIZE_BYTES * receipts.len() + logs_size_bytes;
        self.receipts.keep(block_hash, receipts.clone(), size_bytes);
    }
}
