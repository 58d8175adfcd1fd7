//! A chain without its past, as a file: the head's state, and the blocks that executing the next one looks back to.

use std::io::{Read, Write};
use std::sync::Arc;

use alloy_consensus::proofs::calculate_receipt_root;
use alloy_consensus::{Block, ReceiptEnvelope, TxEnvelope};
use alloy_primitives::{B256, U256};
use alloy_rlp::{Decodable, Encodable};
use ivm_evm::Rules;
use ivm_state::dump::{
    ChunkKind, SnapshotError, SnapshotHeader, SnapshotReader, SnapshotWriter, StateImport,
};
use ivm_state::kv::{Durability, KeyValueStore, WriteBatch};

use crate::block::{CommittedBlock, SealedBlock};
use crate::chain::Chain;
use crate::config::{ChainConfig, Storage};
use crate::error::ChainError;
use crate::recover::RecoveredBlock;
use crate::store;

/// Blocks before the head that are in a file: `BLOCKHASH` knows as many.
const BLOCKS_BEFORE_HEAD: u64 = 256;
/// An entry of a block: its number (`u64`, big-endian) ‖ one of these. A block's value is its total difficulty (32 bytes,
/// big-endian), which no header holds, ‖ its RLP.
const BLOCK: u8 = 0;
const RECEIPTS: u8 = 1;

impl Chain {
    /// Writes the head's state, the newest 257 blocks and genesis to a file. Blocks may be committed meanwhile.
    ///
    /// # Errors
    /// When reading or writing fails.
    pub fn export_snapshot<W: Write>(&self, output: W) -> Result<SnapshotHeader, ChainError> {
        let published = self.published();
        let head = &published.head.block;
        let header = SnapshotHeader {
            chain_id: self.config().chain_id,
            block_number: head.number(),
            block_hash: head.hash(),
            state_root: head.header().state_root,
        };
        let mut file = SnapshotWriter::new(output, &header)?;
        let first = head.number().saturating_sub(BLOCKS_BEFORE_HEAD).max(1);
        for number in std::iter::once(0).chain(first..=head.number()) {
            let Some(hash) = published.blocks.canonical_hash(number)? else {
                // Before the file that this chain itself came from.
                continue;
            };
            let block = published.blocks.committed(hash)?.ok_or_else(|| store::missing("block", hash))?;
            let CommittedBlock { block, receipts } = block;
            let mut value = block.total_difficulty().to_be_bytes::<32>().to_vec();
            block.to_block().encode(&mut value);
            file.entry(ChunkKind::Blocks, &key(number, BLOCK), &value)?;
            file.entry(ChunkKind::Blocks, &key(number, RECEIPTS), &alloy_rlp::encode(receipts.as_ref()))?;
        }
        file.state(&published.state)?;
        file.finish()?;
        Ok(header)
    }

    /// Opens a chain in an empty store with what a file holds. Everything is checked: the blocks against each other and the
    /// genesis, the state against the head's root.
    ///
    /// # Errors
    /// [`ChainError::Snapshot`] when the file is damaged, not valid or another chain's, or the store is not empty.
    pub fn import_snapshot<R: Read>(
        config: ChainConfig,
        storage: &Storage,
        input: R,
    ) -> Result<Self, ChainError> {
        let genesis_hash = config.genesis_block().hash();
        let mut file = SnapshotReader::new(input)?;
        let header = *file.header();
        if header.chain_id != config.chain_id {
            return Err(invalid("chain id", header.chain_id, config.chain_id).into());
        }
        let store = store::open(storage, genesis_hash)?;
        let mut state = StateImport::start(store.clone(), header)?;
        let rules = config.rules.clone();
        let mut blocks = BlockImport { store: store.clone(), rules, genesis_hash, block: None, last: None };
        while let Some((kind, entries)) = file.next_chunk()? {
            if kind == ChunkKind::Blocks {
                for (key, value) in entries {
                    blocks.entry(&key, &value)?;
                }
            } else {
                state.chunk(kind, entries)?;
            }
        }
        blocks.finish(&header)?;
        state.finish(WriteBatch::default())?;
        Self::open_on(config, store)
    }
}

/// Blocks on their way into the store.
struct BlockImport {
    store: Arc<dyn KeyValueStore>,
    rules: Rules,
    genesis_hash: B256,
    /// A block that waits for its receipts.
    block: Option<SealedBlock>,
    last: Option<SealedBlock>,
}

impl BlockImport {
    fn entry(&mut self, entry_key: &[u8], value: &[u8]) -> Result<(), ChainError> {
        let Some(block) = self.block.take() else {
            let block = self.unpack(value)?;
            if entry_key != key(block.number(), BLOCK) {
                return Err(invalid("key of a block", block.number(), "its number").into());
            }
            self.check(&block)?;
            self.block = Some(block);
            return Ok(());
        };
        if entry_key != key(block.number(), RECEIPTS) {
            return Err(invalid("entry after block", block.number(), "its receipts").into());
        }
        let receipts =
            Vec::<ReceiptEnvelope>::decode(&mut &*value).map_err(|error| malformed("receipts", error))?;
        let got = calculate_receipt_root(&receipts);
        if got != block.header().receipts_root {
            return Err(invalid("root of receipts", got, block.header().receipts_root).into());
        }
        self.last = Some(block.clone());
        let committed = CommittedBlock { block, receipts: Arc::new(receipts) };
        Ok(self.store.commit(store::head_writes(&committed, Vec::new()), Durability::Buffered)?)
    }

    /// A block as it is in the file, with its senders.
    fn unpack(&self, value: &[u8]) -> Result<SealedBlock, ChainError> {
        let Some((difficulty, mut encoded)) = value.split_first_chunk::<32>() else {
            return Err(invalid("block", format!("{} bytes", value.len()), "at least 32").into());
        };
        let block = Block::<TxEnvelope>::decode(&mut encoded).map_err(|error| malformed("block", error))?;
        let block = RecoveredBlock::new(block, &self.rules);
        block.facts.check(&block.header)?;
        let (hash, header) = (block.header.hash_slow(), block.header.clone());
        Ok(SealedBlock::from_parts(hash, header, block.into_content()?, U256::from_be_bytes(*difficulty)))
    }

    /// Checks a block against the one before.
    fn check(&self, block: &SealedBlock) -> Result<(), SnapshotError> {
        let Some(last) = &self.last else {
            return match block.hash() == self.genesis_hash {
                true => Ok(()),
                false => Err(invalid("genesis block", block.hash(), self.genesis_hash)),
            };
        };
        let next = last.number() + 1;
        if block.number() != next {
            // Only after genesis are blocks left out.
            return match last.number() == 0 && block.number() > next {
                true => Ok(()),
                false => Err(invalid("number of a block", block.number(), next)),
            };
        }
        if block.header().parent_hash != last.hash() {
            return Err(invalid("parent of a block", block.header().parent_hash, last.hash()));
        }
        let expected = last.total_difficulty().saturating_add(block.header().difficulty);
        match block.total_difficulty() == expected {
            true => Ok(()),
            false => Err(invalid("total difficulty of a block", block.total_difficulty(), expected)),
        }
    }

    fn finish(self, header: &SnapshotHeader) -> Result<(), SnapshotError> {
        let expected = (header.block_number, header.block_hash, header.state_root);
        let last = self.last.map(|last| (last.number(), last.hash(), last.header().state_root));
        match last {
            Some(last) if last == expected && self.block.is_none() => Ok(()),
            last => Err(invalid("last block", format!("{last:?}"), format!("{expected:?}"))),
        }
    }
}

fn key(number: u64, part: u8) -> Vec<u8> {
    let mut key = number.to_be_bytes().to_vec();
    key.push(part);
    key
}

fn malformed(what: &'static str, error: alloy_rlp::Error) -> SnapshotError {
    invalid(what, error, "valid RLP")
}

fn invalid(what: &'static str, got: impl ToString, expected: impl ToString) -> SnapshotError {
    SnapshotError::Invalid { what, got: got.to_string(), expected: expected.to_string() }
}
