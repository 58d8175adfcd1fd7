//! Running a transaction request without mining it.

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Header, TxEnvelope};
use alloy_evm::block::SystemCaller;
use alloy_evm::eth::EthEvmContext;
use alloy_evm::overrides::apply_block_overrides;
use alloy_evm::precompiles::PrecompilesMap;
use alloy_evm::{EthEvm, Evm, EvmEnv};
use alloy_primitives::{Bytes, TxKind, U256};
use alloy_rpc_types_eth::state::StateOverride;
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use ivm_state::StateError;
use revm::Inspector;
use revm::context::TxEnv;
use revm::context::result::EVMError;
use revm::context_interface::either::Either;
use revm::context_interface::transaction::TransactionType;
use revm::database::states::bundle_state::BundleRetention;
use revm::database::{BundleState, State};
use revm::database_interface::Database;
use revm::database_interface::bal::EvmDatabaseError;
use revm::inspector::NoOpInspector;
use revm::primitives::hardfork::SpecId;

use crate::ExecutionResult;
use crate::database::ChainDatabase;
use crate::native;
use crate::overrides;
use crate::refusal::Refusal;
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
    #[error("err: {0} (supplied gas {gas})", gas = .0.supplied_gas())]
    Invalid(Box<Refusal>),
    /// The transaction is not valid on this state, with this much gas and so with less too.
    #[error("failed with {gas} gas: {0}", gas = .0.supplied_gas())]
    Estimate(Box<Refusal>),
    /// The sender cannot even pay the value sent.
    #[error("insufficient funds for transfer")]
    InsufficientFunds,
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
    /// The inspector stopped the transaction.
    #[error("{reason}")]
    Stopped {
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

/// What the EVM fails with over a state of the chain.
pub type ChainEvmError = EVMError<EvmDatabaseError<StateError>>;

impl CallError {
    /// An error of the EVM about this transaction, in the environment it was to run in.
    pub fn of_transaction(error: ChainEvmError, transaction: &TxEnv, environment: &EvmEnv) -> Self {
        match error {
            EVMError::Transaction(reason) => {
                Self::Invalid(Box::new(Refusal::new(reason, transaction, environment)))
            }
            other => other.into(),
        }
    }
}

impl From<ChainEvmError> for CallError {
    fn from(error: ChainEvmError) -> Self {
        match error {
            EVMError::Transaction(reason) => Self::Request(reason.to_string()),
            EVMError::Database(error) => error.into(),
            EVMError::Custom(reason) => match native::unavailable(&reason) {
                Some(lacking) => Self::Internal(format!("data is not available: {lacking}")),
                None => Self::Stopped { reason },
            },
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
        let state = State::builder().with_database(self.database.clone()).build();
        self.call_evm_on(state, request, overrides, inspector)
    }

    /// As [`CallContext::call_evm`], after these transactions, the block's first ones, have run on the parent's state
    /// ([`CallContext::database`]): for a call in the middle of a block.
    ///
    /// # Errors
    /// As [`CallContext::call_evm`], and when the transactions do not run, which those of a valid block do.
    pub fn call_evm_after<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(
        &self,
        before: &[Recovered<TxEnvelope>],
        request: TransactionRequest,
        overrides: Overrides,
        inspector: I,
    ) -> Result<(ChainEvm<I>, TxEnv), CallError> {
        let state = self.replay(before, NoOpInspector)?.into_db();
        self.call_evm_on(state, request, overrides, inspector)
    }

    fn call_evm_on<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(
        &self,
        mut state: State<ChainDatabase>,
        request: TransactionRequest,
        overrides: Overrides,
        inspector: I,
    ) -> Result<(ChainEvm<I>, TxEnv), CallError> {
        let mut environment = self.environment();
        let configuration = &mut environment.evm.cfg_env;
        configuration.disable_nonce_check = true;
        configuration.disable_eip3607 = true;
        configuration.disable_block_gas_limit = true;
        // Osaka's cap on a transaction's gas (EIP-7825) is none on a call's.
        configuration.tx_gas_limit_cap = Some(u64::MAX);
        if let Some(block) = overrides.block {
            apply_block_overrides(block, &mut state, &mut environment.evm.block_env);
        }
        let transaction = call_transaction(request, &environment.evm, self.gas_cap)?;
        waive_unpriced_fees(&transaction, &mut environment.evm);
        let mut evm = environment.create_evm(state, inspector);
        if let Some(accounts) = overrides.state {
            let (state, _, precompiles) = evm.components_mut();
            overrides::apply(accounts, state, precompiles)?;
        }
        Ok((evm, transaction))
    }

    fn environment(&self) -> Environment {
        Environment::new(&self.header, &self.rules, self.chain_id)
    }

    /// Runs a signed transaction as a block would, by itself, and gives what it changes.
    ///
    /// # Errors
    /// [`CallError::Request`] when the transaction is not valid here; when state cannot be read.
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

    /// Runs a transaction request (`eth_call`). The inspector may stop it.
    ///
    /// # Errors
    /// When the request is not valid on this state. A revert or a halt is a result, not an error.
    pub fn call<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(
        &self,
        request: TransactionRequest,
        overrides: Overrides,
        inspector: I,
    ) -> Result<ExecutionResult, CallError> {
        let (mut evm, transaction) = self.call_evm(request, overrides, inspector)?;
        transact(&mut evm, &transaction)
    }
}

/// Runs a transaction; nothing is kept of what it changes.
///
/// # Errors
/// When it is not valid, or state cannot be read.
pub fn transact<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(
    evm: &mut ChainEvm<I>,
    transaction: &TxEnv,
) -> Result<ExecutionResult, CallError> {
    let outcome = evm.transact_raw(transaction.clone());
    outcome.map(|outcome| outcome.result).map_err(|error| {
        let environment = EvmEnv::new(evm.cfg_env().clone(), evm.block().clone());
        CallError::of_transaction(error, transaction, &environment)
    })
}

/// Without a price there is no base fee to pay, nor one to see; the same goes for blobs.
fn waive_unpriced_fees(transaction: &TxEnv, environment: &mut EvmEnv) {
    if transaction.gas_price == 0 {
        environment.cfg_env.disable_base_fee = true;
        environment.block_env.basefee = 0;
    }
    if !transaction.blob_hashes.is_empty()
        && transaction.max_fee_per_blob_gas == 0
        && let Some(blobs) = &mut environment.block_env.blob_excess_gas_and_price
    {
        blobs.blob_gasprice = 0;
    }
}

/// The transaction of a request, what it leaves out filled in as geth does for calls.
pub(crate) fn call_transaction(
    request: TransactionRequest,
    environment: &EvmEnv,
    gas_cap: u64,
) -> Result<TxEnv, CallError> {
    let refused = |reason: &str| Err(CallError::Request(reason.to_owned()));
    let dynamic = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    if request.gas_price.is_some() && dynamic {
        return refused("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified");
    }
    let chain_id = environment.cfg_env.chain_id;
    if let Some(have) = request.chain_id.filter(|have| *have != chain_id) {
        return Err(CallError::Request(format!(
            "chainId does not match node's (have={have}, want={chain_id})"
        )));
    }
    let spec = environment.cfg_env.spec;
    if dynamic && !spec.is_enabled_in(SpecId::LONDON) {
        return refused("maxFeePerGas and maxPriorityFeePerGas are not valid before London is active");
    }
    // From Cancun on the price of blobs may stand alone, and means nothing.
    let early_blob_price = request.max_fee_per_blob_gas.is_some() && !spec.is_enabled_in(SpecId::CANCUN);
    let tx_type = match &request {
        TransactionRequest { authorization_list: Some(_), .. } => TransactionType::Eip7702,
        TransactionRequest { blob_versioned_hashes: Some(_), .. } => TransactionType::Eip4844,
        _ if early_blob_price => TransactionType::Eip4844,
        _ if dynamic => TransactionType::Eip1559,
        TransactionRequest { access_list: Some(_), .. } => TransactionType::Eip2930,
        _ => TransactionType::Legacy,
    };
    let kind = request.to.unwrap_or(TxKind::Create);
    if let Some(hashes) = &request.blob_versioned_hashes {
        if hashes.is_empty() {
            return refused("blob transaction missing blob hashes");
        }
        if kind.is_create() {
            return refused("missing \"to\" in blob transaction");
        }
    }
    let data = request.input.try_into_unique_input();
    let data = data.map_err(|error| CallError::Request(error.to_string()))?.unwrap_or_default();
    let price = request.gas_price.or(request.max_fee_per_gas).unwrap_or_default();
    let tip = request.max_priority_fee_per_gas.unwrap_or(request.gas_price.unwrap_or_default());
    Ok(TxEnv {
        tx_type: tx_type as u8,
        caller: request.from.unwrap_or_default(),
        gas_limit: request.gas.unwrap_or(gas_cap).min(gas_cap),
        gas_price: price,
        gas_priority_fee: (tx_type as u8 >= TransactionType::Eip1559 as u8).then_some(tip),
        kind,
        value: request.value.unwrap_or_default(),
        data,
        nonce: request.nonce.unwrap_or_default(),
        chain_id: Some(chain_id),
        access_list: request.access_list.unwrap_or_default(),
        blob_hashes: request.blob_versioned_hashes.unwrap_or_default(),
        max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or_default(),
        authorization_list: request
            .authorization_list
            .unwrap_or_default()
            .into_iter()
            .map(Either::Left)
            .collect(),
    })
}

/// Gas the sender can pay for beside the value sent, at a price that is not zero.
pub(crate) fn affordable_gas(
    state: &mut State<ChainDatabase>,
    transaction: &TxEnv,
) -> Result<u64, CallError> {
    let have = state.basic(transaction.caller)?.map_or(U256::ZERO, |account| account.balance);
    // A sender with nothing left is refused even when it sends nothing, as geth does.
    let left = have.checked_sub(transaction.value).filter(|left| !left.is_zero());
    let left = left.ok_or(CallError::InsufficientFunds)?;
    Ok(left.checked_div(U256::from(transaction.gas_price)).unwrap_or(U256::MAX).saturating_to())
}
