//! Executes Ethereum blocks and calls over revm.

#![forbid(unsafe_code)]

/// Receipt of an executed transaction.
pub use alloy_consensus::ReceiptEnvelope;
/// A transaction of any kind.
pub use alloy_consensus::TxEnvelope;
/// What an EVM run ends with: success, revert or halt, with gas, logs and output.
pub type ExecutionResult = revm::context::result::ExecutionResult<revm::context::result::HaltReason>;
