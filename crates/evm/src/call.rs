//! Running a transaction request without mining it.

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Header, TxEnvelope};
use alloy_evm::block::SystemCaller;
use alloy_evm::eth::EthEvmContext;
use alloy_evm::overrides::{apply_block_overrides, apply_state_overrides};
use alloy_evm::precompiles::PrecompilesMap;
use alloy_evm::rpc::TryIntoTxEnv;
use alloy_evm::{EthEvm, Evm, EvmEnv};
use alloy_primitives::{Bytes, U256};
use alloy_rpc_types_eth::state::StateOverride;
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use ivm_state::StateError;
use revm::Inspector;
use revm::context::TxEnv;
use revm::context::result::{EVMError, InvalidTransaction};
use revm::database::states::bundle_state::BundleRetention;
use revm::database::{BundleState, State};
use revm::database_interface::Database;
use revm::database_interface::bal::EvmDatabaseError;
use revm::inspector::NoOpInspector;

use crate::ExecutionResult;
use crate::database::ChainDatabase;
use crate::rules::{Environment, Rules};

/// The EVM over a state of the chain. What it changes stays in memory.
pub type ChainEvm<I> = EthEvm<State<ChainDatabase>, I, PrecompilesMap>;

/// What a call pretends.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Accounts that differ.
    pub state: Option<StateOverride>,
    /// Block fields that differ.
    pub block: Option<BlockOverrides>,
}

/// Why a call or an estimate has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The request contradicts itself, or the overrides do.
    #[error("{0}")]
    Request(String),
    /// The transaction is not valid on this state.
    #[error("{0}")]
    Invalid(InvalidTransaction),
    /// The sender cannot pay the value and the gas.
    #[error("insufficient funds for gas * price + value: have {have} want {want}")]
    InsufficientFunds {
        /// Balance of the sender.
        have: U256,
        /// What is needed.
        want: U256,
    },
    /// The transaction reverts, however much gas it has.
    #[error("execution reverted")]
    Reverted {
        /// What it returned.
        output: Bytes,
    },
    /// The transaction halts, however much gas it has.
    #[error("{reason}")]
    Halted {
        /// Why.
        reason: String,
    },
    /// The transaction needs more gas than allowed.
    #[error("gas required exceeds allowance ({allowance})")]
    GasAllowance {
        /// Most gas it could have had.
        allowance: u64,
    },
    /// State cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The node failed.
    #[error("execution failed: {0}")]
    Internal(String),
}

impl From<EVMError<EvmDatabaseError<StateError>>> for CallError {
    fn from(error: EVMError<EvmDatabaseError<StateError>>) -> Self {
        match error {
            EVMError::Transaction(reason) => Self::Invalid(reason),
            EVMError::Database(error) => error.into(),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<EvmDatabaseError<StateError>> for CallError {
    fn from(error: EvmDatabaseError<StateError>) -> Self {
        match error {
            EvmDatabaseError::Database(error) => Self::State(error),
            other => Self::Internal(other.to_string()),
        }
    }
}

/// A block and its state, to run calls on.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// Header of the block whose environment calls see.
    pub header: Header,
    /// Rules of the chain.
    pub rules: Rules,
    /// Chain id.
    pub chain_id: u64,
    /// Most gas a call may use.
    pub gas_cap: u64,
    /// The state calls start from.
    pub database: ChainDatabase,
}

impl CallContext {
    /// The EVM in the environment of the block, with an inspector that sees every step.
    ///
    /// It checks transactions as a block does: this is for replaying mined ones.
    pub fn evm<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(&self, inspector: I) -> ChainEvm<I> {
        let state = State::builder().with_database(self.database.clone()).build();
        self.environment().create_evm(state, inspector)
    }

    /// The EVM as it stands in this block after these transactions, its first ones, have run on the parent's state
    /// ([`CallContext::database`]). The inspector sees what runs from then on: for tracing a mined transaction.
    ///
    /// # Errors
    /// When the transactions do not run, which those of a valid block do.
    pub fn replay<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(
        &self,
        before: &[Recovered<TxEnvelope>],
        inspector: I,
    ) -> Result<ChainEvm<I>, CallError> {
        let mut evm = self.evm(inspector);
        evm.set_inspector_enabled(false);
        SystemCaller::new(self.rules.forks(&self.header))
            .apply_pre_execution_changes(&self.header, &mut evm)
            .map_err(|error| CallError::Internal(error.to_string()))?;
        for transaction in before {
            evm.transact_commit(transaction)?;
        }
        evm.set_inspector_enabled(true);
        Ok(evm)
    }

    /// The EVM for a call, and the transaction to run: overrides apply; nonce, sender's code and block gas limit are not
    /// checked, nor is the base fee when the request names no price.
    ///
    /// # Errors
    /// When the request or an override contradicts itself, or state cannot be read.
    pub fn call_evm<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(
        &self,
        request: TransactionRequest,
        overrides: Overrides,
        inspector: I,
    ) -> Result<(ChainEvm<I>, TxEnv), CallError> {
        let (mut state, mut environment) = self.call_environment(overrides)?;
        let transaction = self.call_transaction(&mut state, &environment.evm, request)?;
        // Without a price there is no base fee to pay.
        environment.evm.cfg_env.disable_base_fee = transaction.gas_price == 0;
        Ok((environment.create_evm(state, inspector), transaction))
    }

    /// Runs a transaction request (`eth_call`).
    ///
    /// # Errors
    /// When the request is not valid on this state. A revert or a halt is a result, not an error.
    pub fn call(
        &self,
        request: TransactionRequest,
        overrides: Overrides,
    ) -> Result<ExecutionResult, CallError> {
        let (mut evm, transaction) = self.call_evm(request, overrides, NoOpInspector)?;
        evm.set_inspector_enabled(false);
        Ok(evm.transact(transaction)?.result)
    }

    fn environment(&self) -> Environment {
        Environment::new(&self.header, &self.rules, self.chain_id)
    }

    /// Runs a signed transaction as a block would, by itself, and gives what it changes.
    ///
    /// # Errors
    /// When the transaction is not valid here, or state cannot be read.
    pub fn execute(
        &self,
        transaction: &Recovered<TxEnvelope>,
    ) -> Result<(ExecutionResult, BundleState), CallError> {
        let state = State::builder().with_database(self.database.clone()).with_bundle_update().build();
        let mut evm = self.environment().create_evm(state, NoOpInspector);
        evm.set_inspector_enabled(false);
        let result = evm.transact_commit(transaction)?;
        let mut state = evm.into_db();
        state.merge_transitions(BundleRetention::Reverts);
        Ok((result, state.take_bundle()))
    }

    /// State and environment of a call.
    fn call_environment(
        &self,
        overrides: Overrides,
    ) -> Result<(State<ChainDatabase>, Environment), CallError> {
        let mut state = State::builder().with_database(self.database.clone()).build();
        let mut environment = self.environment();
        environment.evm.cfg_env.disable_nonce_check = true;
        environment.evm.cfg_env.disable_eip3607 = true;
        environment.evm.cfg_env.disable_block_gas_limit = true;
        // Osaka's cap on a transaction's gas (EIP-7825) is none on a call's.
        environment.evm.cfg_env.tx_gas_limit_cap = Some(u64::MAX);
        if let Some(block) = overrides.block {
            apply_block_overrides(block, &mut state, &mut environment.evm.block_env);
        }
        if let Some(accounts) = overrides.state {
            apply_state_overrides(accounts, &mut state)
                .map_err(|error| CallError::Request(error.to_string()))?;
        }
        Ok((state, environment))
    }

    /// The transaction of a request, its gas within the cap and, where a price is given, within the sender's means.
    fn call_transaction(
        &self,
        state: &mut State<ChainDatabase>,
        environment: &EvmEnv,
        request: TransactionRequest,
    ) -> Result<TxEnv, CallError> {
        let asked = request.gas;
        let mut transaction =
            request.try_into_tx_env(environment).map_err(|error| CallError::Request(error.to_string()))?;
        transaction.gas_limit = asked.unwrap_or(self.gas_cap).min(self.gas_cap);
        if asked.is_none() && transaction.gas_price > 0 {
            transaction.gas_limit = transaction.gas_limit.min(affordable_gas(state, &transaction)?);
        }
        Ok(transaction)
    }
}

/// Gas the sender can pay for beside the value sent. The price is not zero.
pub(crate) fn affordable_gas(
    state: &mut State<ChainDatabase>,
    transaction: &TxEnv,
) -> Result<u64, CallError> {
    let have = state.basic(transaction.caller)?.map_or(U256::ZERO, |account| account.balance);
    let want = transaction.value;
    let left = have.checked_sub(want).ok_or(CallError::InsufficientFunds { have, want })?;
    Ok(left.checked_div(U256::from(transaction.gas_price)).unwrap_or(U256::MAX).saturating_to())
}
