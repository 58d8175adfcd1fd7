//! Why a node cannot start or go on.

use ivm_chain::ChainError;
use ivm_da::DaError;
use ivm_rpc::ServeError;
use thiserror::Error;

/// Why a node cannot start or go on.
#[derive(Debug, Error)]
pub enum NodeError {
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The payload store.
    #[error(transparent)]
    Payloads(#[from] DaError),
    /// The JSON-RPC server.
    #[error(transparent)]
    Rpc(#[from] ServeError),
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// A record of the node's own table does not decode.
    #[error("record {key} is damaged: {reason}")]
    Damaged {
        /// Its key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The proposer's key does not sign.
    #[error("the proposer cannot sign: {0}")]
    Sign(#[from] alloy_signer::Error),
    /// The producer has stopped.
    #[error("block production has stopped")]
    Stopped,
}
