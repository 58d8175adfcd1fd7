//! Running a block.

use std::borrow::Cow;
use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Eip658Value, Header, ReceiptEnvelope, TxEnvelope};
use alloy_eips::eip4895::Withdrawal;
use alloy_eips::eip7685::Requests;
use alloy_evm::Evm;
use alloy_evm::block::{
    BlockExecutionError, BlockExecutor, BlockValidationError, InternalBlockExecutionError,
};
use alloy_evm::eth::receipt_builder::AlloyReceiptBuilder;
use alloy_evm::eth::{EthBlockExecutionCtx, EthBlockExecutor};
use alloy_hardforks::EthereumHardfork;
use alloy_primitives::B256;
use revm::context::result::{EVMError, InvalidTransaction};
use revm::database::states::bundle_state::BundleRetention;
use revm::database::{BundleState, State};
use revm::inspector::NoOpInspector;

use crate::call::{ChainEvm, ChainEvmError};
use crate::dao;
use crate::database::ChainDatabase;
use crate::native;
use crate::rules::{BlockForks, Environment, Rules};
use crate::schedule::DaoFork;

/// What a block's execution gave.
#[derive(Clone, Debug)]
pub struct ExecutedBlock {
    /// One receipt per transaction, in order.
    pub receipts: Vec<ReceiptEnvelope>,
    /// Execution-layer requests (EIP-7685).
    pub requests: Requests,
    /// Gas used by all transactions.
    pub gas_used: u64,
    /// Gas of the blobs that transactions name; 0 before Cancun.
    pub blob_gas_used: u64,
    /// Every change of state. Shared, as the next block may be executed on it while it is put into the state.
    pub changes: Arc<BundleState>,
}

/// Why a transaction cannot be executed at this point of a block. The block goes on without it.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// Its gas limit is over what is left of the block's.
    #[error("transaction gas limit {gas_limit} exceeds the {available} gas left in the block")]
    DoesNotFit {
        /// Gas limit of the transaction.
        gas_limit: u64,
        /// Gas left in the block.
        available: u64,
    },
    /// A rule of Ethereum refuses it.
    #[error("{0}")]
    Invalid(InvalidTransaction),
    /// A native contract that it calls lacks data which other nodes may have: whether it can be executed, and what it then
    /// does, is not known here.
    #[error("data is not available: {0}")]
    Unavailable(String),
    /// Execution itself failed: the fault is the node's, not the transaction's.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
}

/// Why a block cannot be executed.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// A rule is broken: the block is not valid.
    #[error("{0}")]
    Rule(BlockValidationError),
    /// The node failed, for instance in reading state.
    #[error("execution failed: {0}")]
    Internal(String),
}

impl From<BlockExecutionError> for ExecutionError {
    fn from(error: BlockExecutionError) -> Self {
        match error {
            BlockExecutionError::Validation(error) => Self::Rule(error),
            BlockExecutionError::Internal(error) => Self::Internal(error.to_string()),
        }
    }
}

/// What a block's execution needs of its body beside transactions.
#[derive(Clone, Copy, Debug, Default)]
pub struct BodyInput<'a> {
    /// Headers of ommers, whose miners are rewarded before the merge. They have been checked.
    pub ommers: &'a [Header],
    /// Withdrawals from the beacon chain, from Shanghai on.
    pub withdrawals: Option<&'a [Withdrawal]>,
}

/// A block that is being executed.
pub struct BlockExecution<'a> {
    executor: EthBlockExecutor<'a, ChainEvm<NoOpInspector>, BlockForks, AlloyReceiptBuilder>,
}

impl std::fmt::Debug for BlockExecution<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockExecution").field("gas_used", &self.gas_used()).finish_non_exhaustive()
    }
}

impl<'a> BlockExecution<'a> {
    /// Starts a block on its parent's state, and makes the changes that come first: system calls, and at its fork the
    /// DAO's.
    ///
    /// Of the header, the fields that describe results (roots, bloom, gas used, requests hash) are not read.
    ///
    /// # Errors
    /// When a system call fails.
    pub fn start(
        header: &Header,
        body: BodyInput<'a>,
        rules: &Rules,
        chain_id: u64,
        parent: ChainDatabase,
    ) -> Result<Self, ExecutionError> {
        let BodyInput { ommers, withdrawals } = body;
        let mut state = State::builder().with_database(parent).with_bundle_update().build();
        if let Some(schedule) = rules.schedule()
            && schedule.dao() == Some(DaoFork::Supported(header.number))
        {
            dao::move_balances(&mut state).map_err(|error| ExecutionError::Internal(error.to_string()))?;
        }
        let environment = Environment::new(header, rules, chain_id);
        let forks = environment.forks.clone();
        let mut evm = environment.create_evm(state, NoOpInspector);
        evm.set_inspector_enabled(false);
        let context = EthBlockExecutionCtx {
            parent_hash: header.parent_hash,
            parent_beacon_block_root: header.parent_beacon_block_root,
            ommers,
            withdrawals: withdrawals.map(Cow::Borrowed),
            extra_data: header.extra_data.clone(),
            tx_count_hint: None,
            slot_number: None,
        };
        let mut executor = EthBlockExecutor::new(evm, context, forks, AlloyReceiptBuilder::default());
        executor.apply_pre_execution_changes()?;
        Ok(Self { executor })
    }

    /// Whether receipts hold the state root after their transaction, as they did before Byzantium:
    /// [`BlockExecution::set_post_state`] is then to be called after each.
    pub fn receipts_hold_state_roots(&self) -> bool {
        !self.executor.spec.is_active(EthereumHardfork::Byzantium)
    }

    /// Whether the block's header holds a hash of requests (EIP-7685).
    pub fn has_requests(&self) -> bool {
        self.executor.spec.is_active(EthereumHardfork::Prague)
    }

    /// Every change of state so far.
    pub fn changes(&mut self) -> BundleState {
        let state = self.executor.evm.db_mut();
        state.merge_transitions(BundleRetention::PlainState);
        state.bundle_state.clone()
    }

    /// Puts the state root into the receipt of the last transaction.
    pub fn set_post_state(&mut self, state_root: B256) {
        // Only legacy transactions are there before Byzantium.
        if let Some(ReceiptEnvelope::Legacy(receipt)) = self.executor.receipts.last_mut() {
            receipt.receipt.status = Eip658Value::PostState(state_root);
        }
    }

    /// Gas used so far.
    pub fn gas_used(&self) -> u64 {
        self.executor.cumulative_tx_gas_used
    }

    /// Receipts so far.
    pub fn receipts(&self) -> &[ReceiptEnvelope] {
        &self.executor.receipts
    }

    /// Executes the next transaction. One that is refused leaves no trace.
    ///
    /// # Errors
    /// When the transaction is not valid here, or the node fails.
    pub fn execute(&mut self, transaction: &Recovered<TxEnvelope>) -> Result<(), TransactionError> {
        match self.executor.execute_transaction(transaction) {
            Ok(_) => Ok(()),
            Err(BlockExecutionError::Validation(
                BlockValidationError::TransactionGasLimitMoreThanAvailableBlockGas {
                    transaction_gas_limit: gas_limit,
                    block_available_gas: available,
                },
            )) => Err(TransactionError::DoesNotFit { gas_limit, available }),
            Err(BlockExecutionError::Validation(BlockValidationError::InvalidTx { hash, error })) => {
                Err(match error.as_invalid_tx_err() {
                    Some(reason) => TransactionError::Invalid(reason.clone()),
                    None => ExecutionError::Internal(format!("transaction {hash}: {error}")).into(),
                })
            }
            Err(BlockExecutionError::Internal(error)) => Err(internal(&error)),
            Err(other) => Err(ExecutionError::from(other).into()),
        }
    }

    /// Makes the system calls that come last, and gives the results.
    ///
    /// # Errors
    /// When a system call fails.
    pub fn finish(self) -> Result<ExecutedBlock, ExecutionError> {
        let (evm, result) = self.executor.finish()?;
        let mut state = evm.into_db();
        state.merge_transitions(BundleRetention::PlainState);
        Ok(ExecutedBlock {
            receipts: result.receipts,
            requests: result.requests,
            gas_used: result.gas_used,
            blob_gas_used: result.blob_gas_used,
            changes: Arc::new(state.take_bundle()),
        })
    }
}

/// Tells data that a native contract lacks from faults of the node.
fn internal(error: &InternalBlockExecutionError) -> TransactionError {
    match error.downcast_evm::<ChainEvmError>() {
        Some(EVMError::Custom(reason)) => match native::unavailable(reason) {
            Some(reason) => TransactionError::Unavailable(reason.to_owned()),
            None => ExecutionError::Internal(error.to_string()).into(),
        },
        _ => ExecutionError::Internal(error.to_string()).into(),
    }
}
