//! A chain without its past, as a file: the head's state, and the blocks that executing the next one looks back to.

use std::io::{Read, Write};
use std::sync::Arc;

use alloy_consensus::proofs::calculate_receipt_root;
use alloy_consensus::{Block, ReceiptEnvelope, TxEnvelope};
use alloy_primitives::B256;
use alloy_rlp::Decodable;
use ivm_state::dump::{
    ChunkKind, SnapshotError, SnapshotHeader, SnapshotReader, SnapshotWriter, StateImport,
};
use ivm_state::kv::{Durability, KeyValueStore, WriteBatch};

use crate::block::CommittedBlock;
use crate::chain::Chain;
use crate::config::{ChainConfig, Storage};
use crate::error::ChainError;
use crate::reorg::unpack;
use crate::store;

/// Blocks before the head that are in a file: `BLOCKHASH` knows as many.
const BLOCKS_BEFORE_HEAD: u64 = 256;
/// An entry of a block: its number (`u64`, big-endian) ‖ one of these.
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
            file.entry(ChunkKind::Blocks, &key(number, BLOCK), &alloy_rlp::encode(block.to_block()))?;
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
        let genesis_hash = config.genesis_header().hash_slow();
        let mut file = SnapshotReader::new(input)?;
        let header = *file.header();
        if header.chain_id != config.chain_id {
            return Err(invalid("chain id", header.chain_id, config.chain_id).into());
        }
        let store = store::open(storage, genesis_hash)?;
        let mut state = StateImport::start(store.clone(), header)?;
        let mut blocks = BlockImport { store: store.clone(), genesis_hash, block: None, last: None };
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
    genesis_hash: B256,
    /// A block that waits for its receipts.
    block: Option<crate::block::SealedBlock>,
    /// Number, hash and state root of the last block.
    last: Option<(u64, B256, B256)>,
}

impl BlockImport {
    fn entry(&mut self, entry_key: &[u8], value: &[u8]) -> Result<(), ChainError> {
        let Some(block) = self.block.take() else {
            let block =
                Block::<TxEnvelope>::decode(&mut &*value).map_err(|error| malformed("block", error))?;
            let block = unpack(block)?;
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
        self.last = Some((block.number(), block.hash(), block.header().state_root));
        let committed = CommittedBlock { block, receipts: Arc::new(receipts) };
        Ok(self.store.commit(store::head_writes(&committed, Vec::new()), Durability::Buffered)?)
    }

    /// Checks a block against the one before.
    fn check(&self, block: &crate::block::SealedBlock) -> Result<(), SnapshotError> {
        match self.last {
            None if block.hash() != self.genesis_hash => {
                Err(invalid("genesis block", block.hash(), self.genesis_hash))
            }
            Some((number, hash, _)) if block.number() == number + 1 && block.header().parent_hash != hash => {
                Err(invalid("parent of a block", block.header().parent_hash, hash))
            }
            // Only after genesis are blocks left out.
            Some((number, ..)) if number != 0 && block.number() != number + 1 => {
                Err(invalid("number of a block", block.number(), number + 1))
            }
            _ => Ok(()),
        }
    }

    fn finish(self, header: &SnapshotHeader) -> Result<(), SnapshotError> {
        let expected = (header.block_number, header.block_hash, header.state_root);
        match self.last {
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
