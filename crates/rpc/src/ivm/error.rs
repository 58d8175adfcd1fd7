//! Errors of the `ivm_*` methods.

use std::time::Duration;

use alloy_primitives::B256;
use ivm_primitives::ProgramId;
use serde_json::{Value, json};

/// When to try again at a node that is busy.
const BUSY_RETRY: Duration = Duration::from_secs(1);

/// Why an `ivm_*` call fails. Each kind has a JSON-RPC code of its own, from -32020 down (jsonrpsee uses those up to
/// -32011 for its own limits).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IvmError {
    /// -32020: the ELF is not a program of this zkVM.
    #[error("invalid program: {reason}")]
    InvalidProgram {
        /// What is wrong with it.
        reason: String,
    },
    /// -32021: the ELF is too long.
    #[error("program too large: {got} bytes, limit {limit}")]
    ProgramTooLarge {
        /// Its length.
        got: usize,
        /// Most that is allowed.
        limit: usize,
    },
    /// -32022: the payload is too long.
    #[error("payload too large: {got} bytes, limit {limit}")]
    PayloadTooLarge {
        /// Its length.
        got: usize,
        /// Most that is allowed.
        limit: usize,
    },
    /// -32022: a part of a request is too long.
    #[error("{field} too large: {got} bytes, limit {limit}")]
    FieldTooLarge {
        /// The part, by its name in JSON.
        field: &'static str,
        /// Its length.
        got: usize,
        /// Most that is allowed.
        limit: usize,
    },
    /// -32023: the node holds no such program.
    #[error("unknown program: {program_id}")]
    UnknownProgram {
        /// The program asked for.
        program_id: ProgramId,
    },
    /// -32024: the chain has no such job.
    #[error("unknown job: {job_id}")]
    UnknownJob {
        /// The job asked for.
        job_id: B256,
    },
    /// -32025: there is nothing to prove about the job, at least not yet.
    #[error("job {job_id} cannot be proven: {reason}")]
    NotProvable {
        /// The job asked for.
        job_id: B256,
        /// Why.
        reason: String,
    },
    /// -32026: too much of something is held or waits already.
    #[error("node is busy: {what}, limit {limit}")]
    Busy {
        /// What there is too much of.
        what: &'static str,
        /// Most of it that is allowed.
        limit: usize,
    },
    /// -32027: this node does not do that.
    #[error("not available on this node: {what}")]
    Unavailable {
        /// What it does not do.
        what: &'static str,
    },
    /// -32028: a signed header is not one of a proposer.
    #[error("invalid signed header: {reason}")]
    InvalidHeader {
        /// What is wrong with it.
        reason: String,
    },
    /// -32029: the request would not be taken by the contracts.
    #[error("request refused: {fault}: {reason}")]
    RequestRefused {
        /// The contract's name of the fault (`IOffchainJobs.RequestFault`).
        fault: &'static str,
        /// The same for people, with what was got and what was expected.
        reason: String,
    },
    /// -32030: too many calls in too short a time.
    #[error("too many calls: {what}, limit {limit} in {window_ms} ms")]
    RateLimited {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: u32,
        /// In which time.
        window_ms: u64,
    },
    /// -32031: the offchain input is not the one that the request names.
    #[error("offchain input hashes to {got}, the request names {expected}")]
    OtherInput {
        /// keccak256 of what was given.
        got: B256,
        /// keccak256 in the request.
        expected: B256,
    },
    /// -32032: the run has no outcome, so that there is nothing to estimate.
    #[error("the run has no outcome: {reason}")]
    NoOutcome {
        /// Why.
        reason: String,
    },
    /// -32033: the node does not hold the payload.
    #[error("unknown payload: {hash}")]
    UnknownPayload {
        /// keccak256 asked for.
        hash: B256,
    },
    /// -32034: who asks for blocks may not propose any.
    #[error("not a proposer: {reason}")]
    NotProposer {
        /// Why.
        reason: String,
    },
    /// -32035: the block does not follow the newest one: another duty is to be had.
    #[error("block follows {got}, the newest block is {expected}")]
    OtherParent {
        /// What it follows.
        got: B256,
        /// The newest block.
        expected: B256,
    },
    /// -32036: the node does not have the block ordered.
    #[error("block refused: {reason}")]
    BlockRefused {
        /// Why.
        reason: String,
    },
    /// -32603: the node failed.
    #[error("internal error: {0}")]
    Internal(String),
}

impl IvmError {
    /// Its JSON-RPC code.
    pub const fn code(&self) -> i32 {
        match self {
            Self::InvalidProgram { .. } => -32020,
            Self::ProgramTooLarge { .. } => -32021,
            Self::PayloadTooLarge { .. } | Self::FieldTooLarge { .. } => -32022,
            Self::UnknownProgram { .. } => -32023,
            Self::UnknownJob { .. } => -32024,
            Self::NotProvable { .. } => -32025,
            Self::Busy { .. } => -32026,
            Self::Unavailable { .. } => -32027,
            Self::InvalidHeader { .. } => -32028,
            Self::RequestRefused { .. } => -32029,
            Self::RateLimited { .. } => -32030,
            Self::OtherInput { .. } => -32031,
            Self::NoOutcome { .. } => -32032,
            Self::UnknownPayload { .. } => -32033,
            Self::NotProposer { .. } => -32034,
            Self::OtherParent { .. } => -32035,
            Self::BlockRefused { .. } => -32036,
            Self::Internal(_) => -32603,
        }
    }

    /// What a program makes of it beside its code: the `data` of the error in JSON. `None` for those that have none.
    pub fn data(&self) -> Option<Value> {
        match self {
            Self::RequestRefused { fault, .. } => Some(json!({"fault": fault})),
            Self::RateLimited { .. } => {
                self.retry_after().map(|wait| json!({"retryAfterMs": wait.as_millis() as u64}))
            }
            _ => None,
        }
    }

    /// How long to wait before the same can be had; `None` where waiting does not help.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { limit, window_ms, .. } => {
                Some(Duration::from_millis(window_ms.div_ceil(u64::from(*limit).max(1))))
            }
            Self::Busy { .. } => Some(BUSY_RETRY),
            _ => None,
        }
    }
}
