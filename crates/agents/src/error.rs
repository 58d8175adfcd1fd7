//! Why an agent cannot go on.

use ivm_settlement::{SettlementError, SignedHeaderError};

use crate::assembled::Fault;
use crate::signed_blocks::SignedBlocksError;

/// Why the execution chain gives no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No node answers, or it fails. It may answer later.
    #[error("the execution node does not answer: {0}")]
    Unreachable(String),
    /// The answer is not what was asked for.
    #[error("the execution node's answer to {what} makes no sense: {reason}")]
    Nonsense {
        /// What was asked.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The node does not do it, for reasons of the protocol.
    #[error("the execution node refuses: {0}")]
    Refused(String),
    /// The address is not one of JSON-RPC.
    #[error("{url} is not a JSON-RPC address: {reason}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong.
        reason: String,
    },
}

impl SourceError {
    pub(crate) fn nonsense(what: &'static str, reason: impl ToString) -> Self {
        Self::Nonsense { what, reason: reason.to_string() }
    }
}

impl From<SignedHeaderError> for SourceError {
    fn from(error: SignedHeaderError) -> Self {
        Self::nonsense("signed headers", error)
    }
}

/// Why an agent cannot go on. The loops try again with the next block.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// For reasons of the settlement chain.
    #[error(transparent)]
    Settlement(#[from] SettlementError),
    /// For reasons of the execution chain.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A proposer's block is not one to sign.
    #[error("not signed: {0}")]
    Fault(#[from] Fault),
    /// A proposer's signed blocks cannot be kept.
    #[error(transparent)]
    SignedBlocks(#[from] SignedBlocksError),
    /// The key does not sign.
    #[error("cannot sign: {0}")]
    Sign(#[from] alloy_signer::Error),
    /// The key does not sign a header.
    #[error(transparent)]
    Header(#[from] SignedHeaderError),
    /// The account may not propose.
    #[error("{0}")]
    NotProposer(String),
}
