//! Why a measurement has no result.

use std::time::Duration;

use ivm_chain::ChainError;

/// Why a measurement has no result.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The chain refused something it should not.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A key does not sign.
    #[error("cannot sign: {0}")]
    Sign(#[from] alloy_signer::Error),
    /// A node does not answer as expected.
    #[error("{method} at {url}: {reason}")]
    Call {
        /// The node.
        url: String,
        /// The method.
        method: &'static str,
        /// What it said.
        reason: String,
    },
    /// Something did not happen in time.
    #[error("{what} took longer than {} s", .limit.as_secs())]
    Timeout {
        /// What.
        what: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// Both ways do not come to the same.
    #[error("{what}: got {got}, expected {expected}")]
    Different {
        /// What differs.
        what: &'static str,
        /// One way's.
        got: String,
        /// The other's.
        expected: String,
    },
    /// A folder for data cannot be had.
    #[error("no folder for data: {0}")]
    Folder(#[from] std::io::Error),
}
