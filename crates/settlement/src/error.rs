//! Why the settlement chain gives no answer.

use alloy_primitives::Bytes;
use alloy_sol_types::{Revert, SolError, SolInterface};
use ivm_chain::{CallError, ChainError, PoolError};
use ivm_contracts::Settlement::SettlementErrors;

use crate::fork_choice::ForkChoiceError;

/// Why the settlement chain gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum SettlementError {
    /// The contract refuses.
    #[error("the settlement contract refuses: {reason}")]
    Reverted {
        /// Its error, by name.
        reason: String,
        /// Its error, encoded.
        output: Bytes,
    },
    /// The chain does not take a transaction.
    #[error("the settlement chain does not take the transaction: {0}")]
    Rejected(String),
    /// The chain cannot be reached, or failed. It may answer later.
    #[error("the settlement chain does not answer: {0}")]
    Unreachable(String),
    /// The answer is not one that the contract, or an Ethereum chain, can give.
    #[error("the settlement chain's answer to {what} makes no sense: {reason}")]
    Nonsense {
        /// What was asked.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The address is not given as `http://…`, or the like.
    #[error("{url} is not a JSON-RPC address: {reason}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The key does not sign.
    #[error("cannot sign: {0}")]
    Sign(#[from] alloy_signer::Error),
    /// Events are missing.
    #[error(transparent)]
    ForkChoice(#[from] ForkChoiceError),
}

impl SettlementError {
    pub(crate) fn reverted(output: Bytes) -> Self {
        Self::Reverted { reason: revert_message(&output), output }
    }

    pub(crate) fn nonsense(what: &'static str, reason: impl ToString) -> Self {
        Self::Nonsense { what, reason: reason.to_string() }
    }

    /// The contract's error, when it is one that its ABI has.
    pub fn contract_error(&self) -> Option<SettlementErrors> {
        match self {
            Self::Reverted { output, .. } => SettlementErrors::abi_decode(output).ok(),
            _ => None,
        }
    }
}

/// What a revert says: an error of the contract, or a text.
pub(crate) fn revert_message(output: &[u8]) -> String {
    if let Ok(error) = SettlementErrors::abi_decode(output) {
        return format!("{error:?}");
    }
    match Revert::abi_decode(output) {
        Ok(revert) => revert.reason,
        Err(_) => format!("unknown error {}", alloy_primitives::hex::encode_prefixed(output)),
    }
}

impl From<ChainError> for SettlementError {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Call(CallError::Reverted { output }) => Self::reverted(output),
            other => Self::Unreachable(other.to_string()),
        }
    }
}

impl From<PoolError> for SettlementError {
    fn from(error: PoolError) -> Self {
        Self::Rejected(error.to_string())
    }
}
