//! Why a call fails.

use alloy_primitives::{B256, TxHash};
use ivm_rpc_types::JobState;
use thiserror::Error;

/// Why a call fails.
#[derive(Debug, Error)]
pub enum ClientError {
    /// There is no client for this address.
    #[error("{url} is not a JSON-RPC address: {reason}")]
    Url {
        /// Address given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No node answers.
    #[error("no node answers at {url}: start one with `ivm dev` ({source})")]
    NoNode {
        /// Address tried.
        url: String,
        /// What the transport said.
        source: jsonrpsee::core::client::Error,
    },
    /// The node refused, or could not be reached.
    #[error("{method}: {source}")]
    Call {
        /// Method called.
        method: String,
        /// What the node or the transport said.
        source: jsonrpsee::core::client::Error,
    },
    /// The key does not sign.
    #[error("cannot sign: {0}")]
    Sign(#[from] alloy_signer::Error),
    /// A contract answered, or a program wrote, what is not of the type expected.
    #[error("the answer or output is of another type: {0}")]
    Abi(#[from] alloy_sol_types::Error),
    /// A transaction reverted.
    #[error("transaction {hash} reverted in block {block}")]
    Reverted {
        /// Its hash.
        hash: TxHash,
        /// Block it is in.
        block: u64,
    },
    /// A creation left no contract.
    #[error("transaction {0} created no contract")]
    NotCreated(TxHash),
    /// A transaction asked for no job.
    #[error("transaction {0} left no JobRequested log")]
    NoJob(TxHash),
    /// A program was admitted, but not registered in time.
    #[error("program {0} was admitted, but no block registered it within the node's time")]
    NotRegistered(B256),
    /// A job ended in a way that leaves nothing to wait for: cancelled, expired, refused, or run without an outcome.
    #[error("job {job_id} ended without a result ({state:?}): {reason}")]
    JobEnded {
        /// The job.
        job_id: B256,
        /// How it ended.
        state: JobState,
        /// Why, as the node says.
        reason: String,
    },
    /// A job has no outcome to read yet.
    #[error("job {job_id} has no outcome: its state is {state:?}")]
    NoOutcome {
        /// The job.
        job_id: B256,
        /// How far it has come.
        state: JobState,
    },
    /// The program panicked: its outcome is a message and not an output.
    #[error("the program panicked: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },
    /// A request's number has bits that say a job's kind.
    #[error("the request's number is {0}, expected one below 2^62")]
    NumberTooLarge(u64),
    /// A stream of a job's changes is not one.
    #[error("the stream of the job's changes does not tell of jobs: {reason}")]
    Stream {
        /// What is wrong with it.
        reason: String,
    },
    /// Something did not come.
    #[error("{what} did not come within {timeout_ms} ms")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        timeout_ms: u128,
    },
}

impl ClientError {
    /// JSON-RPC error code, message and data, when a node answered with an error.
    pub fn rpc_error(&self) -> Option<(i32, &str, Option<String>)> {
        match self {
            Self::Call { source: jsonrpsee::core::client::Error::Call(error), .. } => {
                let data = error.data().map(|data| data.get().trim_matches('"').to_owned());
                Some((error.code(), error.message(), data))
            }
            _ => None,
        }
    }
}
