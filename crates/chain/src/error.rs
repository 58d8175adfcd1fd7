//! Errors of the chain. Their messages reach users through JSON-RPC: where geth has a message, it is geth's.

use alloy_eips::BlockId;
use alloy_primitives::B256;
use ivm_evm::{CallError, ExecutionError};
use ivm_state::StateError;
use ivm_state::dump::SnapshotError;
use ivm_state::kv::StoreError;

/// Why the chain cannot answer or change.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// State cannot be read or changed.
    #[error(transparent)]
    State(#[from] StateError),
    /// A snapshot file cannot be written or read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A record of the store does not decode.
    #[error("stored {record} {key} is damaged: {reason}")]
    Damaged {
        /// Kind of record.
        record: &'static str,
        /// Its key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such block.
    #[error("header not found: {0}")]
    UnknownBlock(BlockId),
    /// The block is not on the chain, so its state is not kept.
    #[error("state of block {number} ({hash}) is not kept: the block is not on the chain")]
    NotCanonical {
        /// Hash of the block.
        hash: B256,
        /// Its number.
        number: u64,
    },
    /// The block before a block is not kept.
    #[error("unknown ancestor: block {hash} follows {parent}, which is not known")]
    UnknownParent {
        /// Hash of the block.
        hash: B256,
        /// Hash of the block before it.
        parent: B256,
    },
    /// A block of the branch that a reorg leads to is not valid.
    #[error("block {number} ({hash}) of the branch: {source}")]
    InvalidBranch {
        /// Its number.
        number: u64,
        /// Its hash.
        hash: B256,
        /// What is wrong with it.
        source: Box<BlockError>,
    },
    /// The node objects to a valid block: it does not find the block's claims right.
    #[error("block {number} ({hash}) is refused: {reason}")]
    Refused {
        /// Its number.
        number: u64,
        /// Its hash.
        hash: B256,
        /// What the node found.
        reason: String,
    },
    /// A reorg would remove finalized blocks.
    #[error("the branches part after block {ancestor}, and block {finalized} is finalized")]
    BelowFinalized {
        /// The last block that both branches have.
        ancestor: u64,
        /// The finalized block.
        finalized: u64,
    },
    /// A reorg would write more than is held in memory.
    #[error("the reorg writes {got} bytes or more, the limit is {limit}; go back in steps")]
    ReorgTooLarge {
        /// Bytes so far.
        got: usize,
        /// Most that are allowed.
        limit: usize,
    },
    /// A block cannot be marked safe or finalized.
    #[error("block {number} cannot be marked, expected one from {first} to {last}")]
    BadMark {
        /// Its number.
        number: u64,
        /// The finalized block.
        first: u64,
        /// The head.
        last: u64,
    },
    /// There is no such transaction.
    #[error("transaction not found: {0}")]
    UnknownTransaction(B256),
    /// A block is not valid.
    #[error(transparent)]
    InvalidBlock(#[from] BlockError),
    /// A call has no result.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Execution failed through no fault of the block's.
    #[error("execution failed: {0}")]
    Execution(String),
    /// A native contract lacks data that executing a block needs. The block may be valid all the same.
    #[error(
        "transaction {index} ({hash}) of the block cannot be executed here: data is not available: {lacking}"
    )]
    Unavailable {
        /// The transaction's position, from 0.
        index: usize,
        /// Its hash.
        hash: B256,
        /// What is lacking.
        lacking: String,
    },
    /// A built block does not follow the head any more.
    #[error("block builds on {got}, the head is {expected}")]
    NotOnHead {
        /// Its parent.
        got: B256,
        /// The head.
        expected: B256,
    },
    /// A log query is over its limits.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl From<ExecutionError> for ChainError {
    fn from(error: ExecutionError) -> Self {
        match error {
            ExecutionError::Rule(rule) => BlockError::Execution { reason: rule.to_string() }.into(),
            ExecutionError::Internal(reason) => Self::Execution(reason),
        }
    }
}

/// Why a block is not valid.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// A header field is not what the chain's rules or execution give.
    #[error("invalid block: {field} is {got}, expected {expected}")]
    Field {
        /// Name of the field, as in JSON-RPC.
        field: &'static str,
        /// Value in the block.
        got: String,
        /// Value that would be right.
        expected: String,
    },
    /// A transaction cannot be executed.
    #[error("invalid block: transaction {index} ({hash}): {reason}")]
    Transaction {
        /// Its position, from 0.
        index: usize,
        /// Its hash.
        hash: B256,
        /// What is wrong with it.
        reason: String,
    },
    /// An ommer's header is not valid.
    #[error("invalid block: uncle {hash}: {error}")]
    Ommer {
        /// Hash of the ommer.
        hash: B256,
        /// What is wrong with it.
        error: Box<BlockError>,
    },
    /// A rule of execution outside any transaction is broken.
    #[error("invalid block: {reason}")]
    Execution {
        /// What is wrong.
        reason: String,
    },
}

/// Why a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The range ends before it starts.
    #[error("invalid block range: from {from} to {to}")]
    EmptyRange {
        /// First block.
        from: u64,
        /// Last block.
        to: u64,
    },
    /// The range spans too many blocks.
    #[error("block range is {got} blocks, the limit is {limit}")]
    RangeTooWide {
        /// Blocks asked for.
        got: u64,
        /// Most that are allowed.
        limit: u64,
    },
    /// There are too many logs.
    #[error("query returns more than {limit} logs; narrow the block range or the filter")]
    TooManyLogs {
        /// Most that are given.
        limit: usize,
    },
}
