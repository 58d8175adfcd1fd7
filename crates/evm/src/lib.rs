//! Executes Ethereum blocks and calls over revm, by way of alloy-evm.
//!
//! * [`Rules`] says what a block is executed by: InfinityVM's own rules, those with a [`NativeContract`] besides, or
//!   Ethereum's by a [`ForkSchedule`].
//! * [`BlockExecution`] runs a block: system calls (EIP-2935, 4788, 7002, 7251), then transactions one at a time, then
//!   requests, withdrawals and rewards, each where its fork is active. The builder and the importer both run blocks
//!   through it, so that they cannot disagree.
//! * [`CallContext`] runs a transaction request on a block's state, with overrides, and estimates gas.
//! * [`CallContext::evm`] gives the EVM itself with any [`Inspector`](revm::Inspector): tracing goes there.
//!
//! Everything here is a function of the header, the transactions and the state. There is no clock and no randomness.

#![forbid(unsafe_code)]

mod block;
mod call;
mod constantinople;
mod dao;
mod database;
mod estimate;
mod genesis;
mod halt;
mod intrinsic;
mod native;
mod overrides;
mod refusal;
mod rules;
mod schedule;
mod simulate;

#[cfg(test)]
mod tests;

pub use block::{BlockExecution, BodyInput, ExecutedBlock, ExecutionError, TransactionError};
pub use call::{CallContext, CallError, ChainEvm, ChainEvmError, Overrides, transact};
pub use database::{BlockHashes, ChainDatabase};
pub use genesis::genesis_state;
pub use halt::{LastStep, halt_message};
pub use intrinsic::{IntrinsicGas, check_transaction, intrinsic_gas};
pub use native::{NativeCall, NativeContract, NativeFault, NativeReturn};
pub use refusal::Refusal;
pub use rules::{BLOB_PARAMS, BlockForks, Rules};
pub use schedule::{DaoFork, ForkSchedule, ScheduleError};
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

/// Why state cannot be read.
pub use ivm_state::StateError;
