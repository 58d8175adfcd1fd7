//! What goes wrong with files of blocks.

use std::io;

use alloy_primitives::B256;

use crate::error::ChainError;

/// Why a file has no next block.
#[derive(Debug, thiserror::Error)]
pub enum BlockFileError {
    /// The file cannot be read.
    #[error("byte {offset}: cannot be read: {source}")]
    Read {
        /// Where, in bytes from the file's beginning.
        offset: u64,
        /// What the system says.
        source: io::Error,
    },
    /// What is there does not begin as a block does.
    #[error("byte {offset}: found {got}, expected the beginning of a block (an RLP list)")]
    NotABlock {
        /// Where.
        offset: u64,
        /// What is there.
        got: String,
    },
    /// The block is larger than any can be.
    #[error("byte {offset}: block of {got} bytes, the limit is {limit}")]
    Oversized {
        /// Where the block begins.
        offset: u64,
        /// Its length, in bytes.
        got: u64,
        /// Greatest length, in bytes.
        limit: usize,
    },
    /// The file ends within a block.
    #[error("byte {offset}: the file ends after {got} bytes of a block of {expected}")]
    Truncated {
        /// Where the block begins.
        offset: u64,
        /// Bytes of it that are there.
        got: u64,
        /// Its length, in bytes.
        expected: u64,
    },
    /// The block does not decode.
    #[error("byte {offset}: {}does not decode: {reason}", number.map_or_else(|| "block ".to_owned(), |number| format!("block {number} ")))]
    Malformed {
        /// Where the block begins.
        offset: u64,
        /// Its number, when its header decodes.
        number: Option<u64>,
        /// What is wrong.
        reason: String,
    },
}

/// Why an import ended before the file did. The blocks before are part of the chain.
#[derive(Debug, thiserror::Error)]
pub enum ImportFileError {
    /// The file has no next block.
    #[error(transparent)]
    File(#[from] BlockFileError),
    /// A block is not valid, or the node failed at it.
    #[error("block {number} ({hash}) at byte {offset}: {source}")]
    Block {
        /// Its number.
        number: u64,
        /// Its hash.
        hash: B256,
        /// Where it begins in the file.
        offset: u64,
        /// What is wrong.
        source: Box<ChainError>,
    },
    /// The chain has another block with a block's number.
    #[error("block {number} ({got}) at byte {offset}: the chain has {expected} at this height")]
    OtherBranch {
        /// The number.
        number: u64,
        /// Hash of the file's block.
        got: B256,
        /// Hash of the chain's block.
        expected: B256,
        /// Where the block begins in the file.
        offset: u64,
    },
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(Box<ChainError>),
}

impl From<ChainError> for ImportFileError {
    fn from(error: ChainError) -> Self {
        Self::Chain(Box::new(error))
    }
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The range is not one of the chain's.
    #[error("blocks {first} to {last} are asked for, the chain has 0 to {head}")]
    Range {
        /// First block asked for.
        first: u64,
        /// Last block asked for.
        last: u64,
        /// Number of the head.
        head: u64,
    },
    /// The file cannot be written.
    #[error("block {number}: cannot be written: {source}")]
    Write {
        /// The block.
        number: u64,
        /// What the system says.
        source: io::Error,
    },
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
}
