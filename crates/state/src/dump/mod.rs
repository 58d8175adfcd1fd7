//! Whole states as files: written from a snapshot, read into an empty store, which checks all of it.
//!
//! A file is a mark (`IVMSTATE`, version) and chunks. A chunk is its kind (1 byte), the length of its content (`u32`,
//! big-endian), the content and a checksum: Keccak-256 of the checksum before, the kind and the content, so that no chunk can be
//! missing, moved or repeated. The first chunk is the header; then come blocks, code, accounts and storage, each in order of
//! their keys, as entries (length of the key, `u16`, key, length of the value, `u32`, value); the last chunk is empty.
//!
//! Nothing in a file is believed: accounts and slots are put into tries of the importer's own, whose root must be the
//! header's.

mod import;
mod read;
mod write;

use alloy_primitives::B256;

use crate::kv::StoreError;
use crate::state::StateError;

pub use import::StateImport;
pub use read::SnapshotReader;
pub use write::SnapshotWriter;

const MAGIC: &[u8; 8] = b"IVMSTATE";
/// Version of the format.
pub const SNAPSHOT_VERSION: u32 = 1;
/// A chunk is written when its content is this long.
const CHUNK_SIZE_BYTES: usize = 1024 * 1024;
/// Most bytes of a chunk's content: more than the longest entry, a block's receipts, can make it.
pub const MAX_CHUNK_SIZE_BYTES: usize = 64 * 1024 * 1024;

/// What a chunk holds. The order is that of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChunkKind {
    /// The header.
    Header,
    /// Blocks, whose entries the caller defines.
    Blocks,
    /// Code by its hash.
    Code,
    /// Accounts by their addresses.
    Accounts,
    /// Slots by address and slot.
    Storage,
    /// Nothing: the file is complete.
    End,
}

impl ChunkKind {
    const ALL: [Self; 6] = [Self::Header, Self::Blocks, Self::Code, Self::Accounts, Self::Storage, Self::End];

    fn byte(self) -> u8 {
        self as u8
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.byte() == byte)
    }
}

/// Whose state a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// Chain id.
    pub chain_id: u64,
    /// Number of the block after which the state was taken.
    pub block_number: u64,
    /// Hash of that block.
    pub block_hash: B256,
    /// Root of the state.
    pub state_root: B256,
}

impl SnapshotHeader {
    fn encode(&self) -> Vec<u8> {
        let numbers = [self.chain_id.to_be_bytes(), self.block_number.to_be_bytes()].concat();
        [numbers.as_slice(), self.block_hash.as_slice(), self.state_root.as_slice()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (chain_id, rest) = bytes.split_first_chunk()?;
        let (block_number, rest) = rest.split_first_chunk()?;
        let (block_hash, state_root) = rest.split_first_chunk::<32>()?;
        Some(Self {
            chain_id: u64::from_be_bytes(*chain_id),
            block_number: u64::from_be_bytes(*block_number),
            block_hash: B256::from(*block_hash),
            state_root: B256::try_from(state_root).ok()?,
        })
    }
}

/// Why a state cannot be written to a file, or taken from one.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file cannot be read or written.
    #[error("snapshot file: {0}")]
    Io(#[from] std::io::Error),
    /// The store or its state failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The file is something else.
    #[error("not a snapshot file")]
    NotASnapshot,
    /// The file has another format.
    #[error("snapshot has format version {got}, this software reads version {expected}")]
    WrongVersion {
        /// Version found.
        got: u32,
        /// Version supported.
        expected: u32,
    },
    /// The file ends before its last chunk.
    #[error("snapshot ends early, at byte {offset}")]
    Truncated {
        /// Where it ends.
        offset: u64,
    },
    /// The file is not as it was written.
    #[error("snapshot is damaged at byte {offset}: {what}")]
    Damaged {
        /// Where the chunk with the damage starts.
        offset: u64,
        /// What was found.
        what: &'static str,
    },
    /// The content is whole, and is not a state.
    #[error("snapshot is not valid: {what} {got}, expected {expected}")]
    Invalid {
        /// What is not right.
        what: &'static str,
        /// Value in the file, or made from it.
        got: String,
        /// Value that would be right.
        expected: String,
    },
    /// The store has a state already.
    #[error("the store holds blocks already; a snapshot is imported into an empty one")]
    NotEmpty,
}

impl From<StoreError> for SnapshotError {
    fn from(error: StoreError) -> Self {
        Self::State(error.into())
    }
}

fn invalid(what: &'static str, got: impl ToString, expected: impl ToString) -> SnapshotError {
    SnapshotError::Invalid { what, got: got.to_string(), expected: expected.to_string() }
}
