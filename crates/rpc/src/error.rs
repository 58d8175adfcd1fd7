//! Errors of calls, as JSON-RPC codes and geth's messages.

use std::time::Duration;

use alloy_eips::BlockId;
use alloy_primitives::{B256, Bytes, TxHash};
use ivm_chain::{CallError, ChainError, PoolError, QueryError};
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::json;

use crate::args::ArgsError;
use crate::dev::DevError;
use crate::filters::FilterError;
use crate::ivm::IvmError;
use crate::revert::revert_message;
use crate::simulate::SimulateError;
use crate::trace::block_name;

/// geth's code for whatever has none of its own.
pub(crate) const SERVER_ERROR: i32 = -32000;
/// A call reverted; the error's data is what it returned.
pub(crate) const REVERTED: i32 = 3;
/// A transaction was not mined while it was waited for (EIP-7966); the error's data is its hash.
pub(crate) const NOT_MINED_IN_TIME: i32 = 4;
pub(crate) const METHOD_NOT_FOUND: i32 = -32601;
pub(crate) const INVALID_PARAMS: i32 = -32602;
pub(crate) const INTERNAL_ERROR: i32 = -32603;
/// A limit of this server is reached (EIP-1474).
pub(crate) const LIMIT_EXCEEDED: i32 = -32005;

pub(crate) type RpcResult<T> = Result<T, RpcError>;

/// Why a call fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RpcError {
    #[error(transparent)]
    Args(#[from] ArgsError),
    #[error(transparent)]
    Chain(ChainError),
    #[error(transparent)]
    Pool(#[from] PoolError),
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error(transparent)]
    Ivm(#[from] IvmError),
    #[error(transparent)]
    Dev(#[from] DevError),
    #[error(transparent)]
    Simulate(#[from] SimulateError),
    /// There is no such block to read state of.
    #[error("header not found")]
    HeaderNotFound,
    /// There is no block with this hash to read state of.
    #[error("header for hash not found")]
    HeaderForHashNotFound,
    /// There is no such block to trace.
    #[error("block {} not found", block_name(.id))]
    BlockNotFound { id: BlockId },
    /// There is no such transaction to trace.
    #[error("transaction not found")]
    TransactionNotFound,
    /// The genesis block has no transactions, and nothing to run them on.
    #[error("genesis is not traceable")]
    TraceGenesis,
    /// There is no block that is being made.
    #[error("tracing on top of pending is not supported")]
    TracePending,
    /// A call is to run after more transactions than the block has.
    #[error("transaction index {index} out of range for block {block}")]
    TransactionIndex { index: u64, block: B256 },
    /// A tracer is not there, or failed.
    #[error("{reason}")]
    Tracer { reason: String },
    /// A key of storage is not one.
    #[error("unable to decode storage key: {reason}")]
    StorageKey { reason: &'static str },
    /// Nothing is asked for.
    #[error("empty request")]
    EmptyRequest,
    /// A log query ends past the head.
    #[error("block range extends beyond current head block")]
    RangeBeyondHead,
    /// A log query ends before it starts.
    #[error("invalid block range params")]
    BackwardRange,
    /// A call reverted.
    #[error("{}", revert_message(.output))]
    Reverted { output: Bytes },
    /// A call used all its gas, by a fault or otherwise.
    #[error("{reason}")]
    Halted { reason: String },
    /// A log query names a block that is not there.
    #[error("unknown block")]
    UnknownBlock,
    /// A fee history ends past the head.
    #[error("request beyond head block: requested {requested}, head {head}")]
    BeyondHead { requested: u64, head: u64 },
    /// No transaction, block or log is of a block that is being made: there is no such block.
    #[error("pending logs are not supported")]
    PendingLogs,
    /// A subscription of no such kind.
    #[error("no {kind:?} subscription in eth namespace")]
    UnknownSubscription { kind: String },
    /// The accesses of a call differ with every list of them.
    #[error("access list did not settle in {rounds} rounds")]
    UnsettledAccessList { rounds: usize },
    /// A trace records too much.
    #[error("{reason}")]
    TraceTooLarge { reason: String },
    /// The node has no key of this account.
    #[error("unknown account")]
    UnknownAccount,
    /// A transaction lacks something, or contradicts itself.
    #[error("{reason}")]
    Unsignable { reason: &'static str },
    /// A transaction is for another chain.
    #[error("chainId does not match node's (have={have}, want={want})")]
    ChainId { have: u64, want: u64 },
    /// A transaction's tip is more than it pays in all.
    #[error("maxFeePerGas ({fee}) < maxPriorityFeePerGas ({tip})")]
    FeeBelowTip { fee: u128, tip: u128 },
    /// A transaction is in the pool, and no block had it while it was waited for.
    #[error(
        "The transaction was added to the transaction pool but wasn't processed in {}s.", .timeout.as_secs_f64()
    )]
    NotMinedInTime { hash: TxHash, timeout: Duration },
    /// As many calls wait as may.
    #[error("server is busy: {limit} calls wait already")]
    Busy { limit: usize },
    /// The server stops, or a call panicked.
    #[error("call was not finished: {reason}")]
    Unfinished { reason: String },
}

impl RpcError {
    pub(crate) fn code(&self) -> i32 {
        match self {
            Self::Args(_) | Self::EmptyRequest | Self::RangeBeyondHead | Self::BackwardRange => {
                INVALID_PARAMS
            }
            Self::Simulate(error) => error.code(),
            Self::Reverted { .. } => REVERTED,
            Self::NotMinedInTime { .. } => NOT_MINED_IN_TIME,
            Self::Chain(error) => chain_code(error),
            Self::Unfinished { .. } => INTERNAL_ERROR,
            Self::Pool(error) => pool_code(error),
            Self::Filter(error) => error.code(),
            Self::Ivm(error) => error.code(),
            Self::Dev(error) => error.code(),
            Self::UnknownSubscription { .. } => METHOD_NOT_FOUND,
            Self::Busy { .. } | Self::TraceTooLarge { .. } => LIMIT_EXCEEDED,
            Self::HeaderNotFound
            | Self::HeaderForHashNotFound
            | Self::BlockNotFound { .. }
            | Self::TransactionNotFound
            | Self::TraceGenesis
            | Self::TracePending
            | Self::TransactionIndex { .. }
            | Self::Tracer { .. }
            | Self::StorageKey { .. }
            | Self::Halted { .. }
            | Self::UnknownBlock
            | Self::BeyondHead { .. }
            | Self::UnsettledAccessList { .. }
            | Self::UnknownAccount
            | Self::Unsignable { .. }
            | Self::ChainId { .. }
            | Self::FeeBelowTip { .. }
            | Self::PendingLogs => SERVER_ERROR,
        }
    }
}

/// Why a transaction is not taken, by the groups of errors of the execution APIs' specification, where it has one.
const fn pool_code(error: &PoolError) -> i32 {
    match error {
        PoolError::NonceTooLow { .. } => 1,
        PoolError::IntrinsicGas { .. } => 800,
        PoolError::Underpriced { .. } => 802,
        PoolError::GasLimitTooHigh { .. } => 803,
        PoolError::TipAboveFeeCap { .. } => 804,
        PoolError::InsufficientFunds { .. } | PoolError::Overdrawn { .. } => 809,
        PoolError::AlreadyKnown => 1000,
        PoolError::InvalidSignature => 1001,
        PoolError::ReplacementUnderpriced { .. } => 1002,
        PoolError::State { .. } => INTERNAL_ERROR,
        _ => SERVER_ERROR,
    }
}

/// Failures of the node are told from those of the request.
fn chain_code(error: &ChainError) -> i32 {
    match error {
        ChainError::Store(_)
        | ChainError::State(_)
        | ChainError::Damaged { .. }
        | ChainError::Execution(_)
        | ChainError::Unavailable { .. }
        | ChainError::Call(CallError::State(_) | CallError::Internal(_)) => INTERNAL_ERROR,
        ChainError::Query(_) => LIMIT_EXCEEDED,
        _ => SERVER_ERROR,
    }
}

impl From<ChainError> for RpcError {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Call(CallError::Reverted { output }) => Self::Reverted { output },
            ChainError::UnknownBlock(BlockId::Hash(_)) => Self::HeaderForHashNotFound,
            ChainError::UnknownBlock(BlockId::Number(_)) => Self::HeaderNotFound,
            ChainError::UnknownTransaction(_) => Self::TransactionNotFound,
            ChainError::Query(QueryError::EmptyRange { .. }) => Self::BackwardRange,
            other => Self::Chain(other),
        }
    }
}

impl From<CallError> for RpcError {
    fn from(error: CallError) -> Self {
        ChainError::from(error).into()
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        let code = error.code();
        if code == INTERNAL_ERROR {
            tracing::error!(target: "rpc", %error, "call failed");
        }
        let data = match &error {
            RpcError::Reverted { output } => Some(json!(output)),
            RpcError::NotMinedInTime { hash, .. } => Some(json!(hash)),
            RpcError::Ivm(error) => error.data(),
            _ => None,
        };
        Self::owned(code, error.to_string(), data)
    }
}
