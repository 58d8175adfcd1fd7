//! Executes Ethereum blocks and calls over revm, by way of alloy-evm.
//!
//! * [`BlockExecution`] runs a block: Prague's system calls (EIP-2935, 4788, 7002, 7251), then transactions one at a time,
//!   then the requests. The builder and the importer both run blocks through it, so that they cannot disagree.
//! * [`CallContext`] runs a transaction request on a block's state, with overrides, and estimates gas.
//! * [`CallContext::evm`] gives the EVM itself with any [`Inspector`](revm::Inspector): tracing goes there.
//!
//! Everything here is a function of the header, the transactions and the state. There is no clock and no randomness.

#![forbid(unsafe_code)]

mod block;
mod call;
mod database;
mod estimate;
mod forks;
mod genesis;
mod intrinsic;
mod overrides;
mod refusal;
mod simulate;

pub use block::{BlockExecution, ExecutedBlock, ExecutionError, TransactionError};
pub use call::{CallContext, CallError, ChainEvm, ChainEvmError, Overrides, transact};
pub use database::{BlockHashes, ChainDatabase};
pub use forks::{BLOB_PARAMS, ChainForks};
pub use genesis::genesis_state;
pub use intrinsic::{IntrinsicGas, intrinsic_gas};
pub use refusal::Refusal;
pub use simulate::{
    IndexedLog, SimulatedBlock, SimulatedCall, SimulatedEnvironment, SimulationError, SimulationMode,
    Simulator, TransferLogs,
};

/// Why Ethereum's rules refuse a transaction.
pub use revm::context::result::InvalidTransaction;

/// Most bytes of a creation's init code (EIP-3860).
pub const MAX_INITCODE_SIZE_BYTES: usize = revm::primitives::eip3860::MAX_INITCODE_SIZE;

/// Changes of state, as revm gathers them over a block.
pub use revm::database::BundleState;

/// What an EVM run ends with: success, revert or halt, with gas, logs and output.
pub type ExecutionResult = revm::context::result::ExecutionResult<revm::context::result::HaltReason>;
