//! Blocks of unsigned calls that are run one after the other and not kept (`eth_simulateV1`).

use std::cmp::Ordering;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{
    Header, Receipt, ReceiptEnvelope, SignableTransaction, TxEip1559, TxEip4844, TxEip7702, TxEnvelope,
    TxLegacy, TxReceipt,
};
use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use alloy_eips::eip7685::Requests;
use alloy_evm::block::SystemCaller;
use alloy_evm::eth::{EthEvmContext, eip6110};
use alloy_evm::{Evm, EvmEnv};
use alloy_primitives::{B256, Log, Signature, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_eth::state::StateOverride;
use revm::context::TxEnv;
use revm::context::result::InvalidTransaction;
use revm::context_interface::either::Either;
use revm::context_interface::transaction::TransactionType;
use revm::database::states::bundle_state::BundleRetention;
use revm::database::{BundleState, State};
use revm::database_interface::Database;
use revm::{DatabaseCommit, Inspector};

use crate::ExecutionResult;
use crate::call::{CallContext, CallError, call_transaction};
use crate::database::ChainDatabase;
use crate::halt::LastStep;
use crate::overrides;
use crate::refusal::Refusal;
use crate::rules::{Environment, Rules};

mod logs;

pub use logs::{IndexedLog, TransferLogs};

/// How strictly simulated transactions are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulationMode {
    /// Nonces are not checked, nor is the base fee of a transaction that names no price.
    Lenient,
    /// As in a block, but for the signature, and for senders with code.
    Validated,
}

/// Why a simulation has no result.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// A call is refused, or the node failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A call asks for more gas than is left in its block.
    #[error("block gas limit reached: {used} >= {limit}")]
    BlockGasLimit {
        /// Gas used by the calls before.
        used: u64,
        /// Gas limit of the block.
        limit: u64,
    },
}

/// A call that was simulated.
#[derive(Clone, Debug)]
pub struct SimulatedCall {
    /// The transaction it became, with an empty signature.
    pub transaction: Recovered<TxEnvelope>,
    /// How it ended.
    pub result: ExecutionResult,
    /// Its last step.
    pub last_step: LastStep,
    /// Its logs, those of transfers among them where they were asked for.
    pub logs: Vec<IndexedLog>,
}

impl SimulatedCall {
    /// The most gas that was in use at once: what was used before refunds.
    pub fn max_used_gas(&self) -> u64 {
        self.result.gas().total_gas_spent().max(self.result.tx_gas_used())
    }
}

/// A block that was simulated. Its header lacks the roots.
#[derive(Clone, Debug)]
pub struct SimulatedBlock {
    /// The header, with gas used, blob gas used, bloom and requests hash.
    pub header: Header,
    /// Its calls, in order.
    pub calls: Vec<SimulatedCall>,
    /// Their receipts, in order; logs of transfers are not in them.
    pub receipts: Vec<ReceiptEnvelope>,
    /// All changes of state since the block the simulation started from.
    pub changes: BundleState,
}

/// Runs simulated blocks, each on the state the one before left.
#[derive(Debug)]
pub struct Simulator {
    state: State<ChainDatabase>,
    rules: Rules,
    chain_id: u64,
    mode: SimulationMode,
    /// Gas that is left for all calls together.
    gas_left: u64,
}

/// The environment of a simulated block, and what is pretended in it.
#[derive(Clone, Debug, Default)]
pub struct SimulatedEnvironment {
    /// The header, without results. A `requests_hash` of any value says that the block has requests (EIP-7685).
    pub header: Header,
    /// Price of blob gas, where it is not to be the header's.
    pub blob_base_fee: Option<U256>,
    /// Accounts that differ from this block on.
    pub state_overrides: Option<StateOverride>,
}

impl Simulator {
    /// Starts on the state after the context's block.
    pub fn new(context: &CallContext, mode: SimulationMode) -> Self {
        let state = State::builder().with_database(context.database.clone()).with_bundle_update().build();
        Self {
            state,
            rules: context.rules.clone(),
            chain_id: context.chain_id,
            mode,
            gas_left: context.gas_cap,
        }
    }

    /// Tells later blocks the hash of this one.
    pub fn add_block_hash(&mut self, number: u64, hash: B256) {
        self.state.block_hashes.insert(number, hash);
    }

    /// Runs one block. The inspector sees every step and may stop the simulation.
    ///
    /// # Errors
    /// When a call is refused or the node fails. A call that reverts or halts is a result.
    pub fn run<I>(
        self,
        block: SimulatedEnvironment,
        calls: Vec<TransactionRequest>,
        transfers: &mut TransferLogs,
        inspector: &mut I,
    ) -> Result<(Self, SimulatedBlock), SimulationError>
    where
        I: Inspector<EthEvmContext<State<ChainDatabase>>>,
    {
        let Self { state, rules, chain_id, mode, mut gas_left } = self;
        let SimulatedEnvironment { mut header, blob_base_fee, state_overrides } = block;
        let environment = block_environment(&header, &rules, chain_id, mode, blob_base_fee);
        let forks = environment.forks.clone();
        transfers.start_block();
        let mut evm = environment.create_evm(state, (transfers, (LastStep::default(), inspector)));
        if let Some(accounts) = state_overrides {
            let (state, _, precompiles) = evm.components_mut();
            overrides::apply(accounts, state, precompiles)?;
        }
        evm.set_inspector_enabled(false);
        let system = |error: alloy_evm::block::BlockExecutionError| CallError::Internal(error.to_string());
        SystemCaller::new(&forks).apply_pre_execution_changes(&header, &mut evm).map_err(system)?;
        evm.set_inspector_enabled(true);

        let mut done = Vec::with_capacity(calls.len());
        let mut receipts: Vec<ReceiptEnvelope> = Vec::with_capacity(calls.len());
        let (mut gas_used, mut blob_gas_used) = (0, 0);
        for call in calls {
            let environment = EvmEnv::new(evm.cfg_env().clone(), evm.block().clone());
            let request = complete(call, evm.db_mut(), gas_used, header.gas_limit)?;
            let (envelope, mut transaction) = unsigned(request, &environment, gas_left)?;
            let sender = evm.db_mut().basic(transaction.caller).map_err(CallError::from)?;
            let sender_nonce = sender.map_or(0, |sender| sender.nonce);
            // Nonces that are not checked may be at their end: geth lets them wrap, revm refuses such transactions.
            let mut nonce_wraps = false;
            match mode {
                SimulationMode::Lenient => {
                    transaction.nonce = transaction.nonce.min(u64::MAX - 1);
                    nonce_wraps = sender_nonce == u64::MAX;
                }
                SimulationMode::Validated => check_nonce(&transaction, sender_nonce).map_err(|reason| {
                    CallError::Invalid(Box::new(Refusal::new(reason, &transaction, &environment)))
                })?,
            }
            blob_gas_used += transaction.blob_hashes.len() as u64 * DATA_GAS_PER_BLOB;
            evm.components_mut().1.0.start_call();
            let outcome = evm
                .transact_raw(transaction.clone())
                .map_err(|error| CallError::of_transaction(error, &transaction, &environment))?;
            let mut changes = outcome.state;
            if nonce_wraps && let Some(sender) = changes.get_mut(&transaction.caller) {
                sender.info.nonce = 0;
            }
            evm.db_mut().commit(changes);
            let result = outcome.result;
            gas_used += result.tx_gas_used();
            gas_left = gas_left.saturating_sub(result.tx_gas_used());
            receipts.push(receipt(&envelope, &result, gas_used));
            let logs = evm.components_mut().1.0.end_call(result.is_success());
            let last_step = evm.inspector().1.0;
            done.push(SimulatedCall { transaction: envelope, result, last_step, logs });
        }

        evm.set_inspector_enabled(false);
        if header.requests_hash.is_some() {
            let mut requests = Requests::default();
            let deposits = eip6110::parse_deposits_from_receipts(&forks, &receipts)
                .map_err(|error| CallError::Internal(error.to_string()))?;
            if !deposits.is_empty() {
                requests.push_request_with_type(eip6110::DEPOSIT_REQUEST_TYPE, deposits);
            }
            SystemCaller::new(&forks)
                .append_post_execution_changes(&mut evm, &mut requests)
                .map_err(system)?;
            header.requests_hash = Some(requests.requests_hash());
        }
        header.gas_used = gas_used;
        header.blob_gas_used = header.blob_gas_used.map(|_| blob_gas_used);
        header.logs_bloom = receipts.iter().fold(header.logs_bloom, |bloom, receipt| bloom | receipt.bloom());

        let mut state = evm.into_db();
        state.merge_transitions(BundleRetention::PlainState);
        let changes = state.bundle_state.clone();
        let simulated = SimulatedBlock { header, calls: done, receipts, changes };
        Ok((Self { state, rules, chain_id, mode, gas_left }, simulated))
    }
}

fn block_environment(
    header: &Header,
    rules: &Rules,
    chain_id: u64,
    mode: SimulationMode,
    blob_base_fee: Option<U256>,
) -> Environment {
    let mut environment = Environment::new(header, rules, chain_id);
    let EvmEnv { cfg_env: configuration, block_env: block } = &mut environment.evm;
    let lenient = mode == SimulationMode::Lenient;
    configuration.disable_nonce_check = lenient;
    configuration.disable_base_fee = lenient;
    configuration.disable_eip3607 = true;
    // As for calls, Osaka's cap on a transaction's gas (EIP-7825) is none here.
    configuration.tx_gas_limit_cap = Some(u64::MAX);
    // The calls' gas is kept within the block's by `complete`.
    configuration.disable_block_gas_limit = true;
    if let (Some(price), Some(blobs)) = (blob_base_fee, &mut block.blob_excess_gas_and_price) {
        blobs.blob_gasprice = price.saturating_to();
    }
    environment
}

/// Fills in nonce and gas.
fn complete(
    mut call: TransactionRequest,
    state: &mut State<ChainDatabase>,
    used: u64,
    limit: u64,
) -> Result<TransactionRequest, SimulationError> {
    if call.nonce.is_none() {
        let sender = state.basic(call.from.unwrap_or_default()).map_err(CallError::from)?;
        call.nonce = Some(sender.map_or(0, |account| account.nonce));
    }
    let left = limit.saturating_sub(used);
    if *call.gas.get_or_insert(left) > left {
        return Err(SimulationError::BlockGasLimit { used, limit });
    }
    Ok(call)
}

/// Checks the nonce, which geth does before all else; revm does it last.
fn check_nonce(transaction: &TxEnv, sender_nonce: u64) -> Result<(), InvalidTransaction> {
    match transaction.nonce.cmp(&sender_nonce) {
        Ordering::Less => Err(InvalidTransaction::NonceTooLow { tx: transaction.nonce, state: sender_nonce }),
        Ordering::Greater => {
            Err(InvalidTransaction::NonceTooHigh { tx: transaction.nonce, state: sender_nonce })
        }
        Ordering::Equal if sender_nonce == u64::MAX => Err(InvalidTransaction::NonceOverflowInTransaction),
        Ordering::Equal => Ok(()),
    }
}

/// The transaction of a request: as it stands in the block, and as the EVM takes it.
fn unsigned(
    request: TransactionRequest,
    environment: &EvmEnv,
    gas_left: u64,
) -> Result<(Recovered<TxEnvelope>, TxEnv), CallError> {
    let priced = request.gas_price.is_some();
    let mut env = call_transaction(request, environment, gas_left)?;
    if gas_left == 0 {
        let reason = InvalidTransaction::CallerGasLimitMoreThanBlock;
        return Err(CallError::Invalid(Box::new(Refusal::new(reason, &env, environment))));
    }
    if !priced && env.tx_type < TransactionType::Eip1559 as u8 {
        env.tx_type = TransactionType::Eip1559 as u8;
        env.gas_priority_fee = Some(0);
    }
    let signature = Signature::new(U256::ZERO, U256::ZERO, false);
    let envelope: TxEnvelope = if priced && env.tx_type < TransactionType::Eip4844 as u8 {
        legacy(&env).into_signed(signature).into()
    } else if env.tx_type == TransactionType::Eip7702 as u8 {
        set_code(&env, environment.cfg_env.chain_id).into_signed(signature).into()
    } else if env.tx_type == TransactionType::Eip4844 as u8 {
        blob(&env, environment.cfg_env.chain_id).into_signed(signature).into()
    } else {
        dynamic(&env, environment.cfg_env.chain_id).into_signed(signature).into()
    };
    Ok((Recovered::new_unchecked(envelope, env.caller), env))
}

fn legacy(env: &TxEnv) -> TxLegacy {
    TxLegacy {
        chain_id: None,
        nonce: env.nonce,
        gas_price: env.gas_price,
        gas_limit: env.gas_limit,
        to: env.kind,
        value: env.value,
        input: env.data.clone(),
    }
}

fn dynamic(env: &TxEnv, chain_id: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id,
        nonce: env.nonce,
        gas_limit: env.gas_limit,
        max_fee_per_gas: env.gas_price,
        max_priority_fee_per_gas: env.gas_priority_fee.unwrap_or_default(),
        to: env.kind,
        value: env.value,
        access_list: env.access_list.clone(),
        input: env.data.clone(),
    }
}

fn blob(env: &TxEnv, chain_id: u64) -> TxEip4844 {
    TxEip4844 {
        chain_id,
        nonce: env.nonce,
        gas_limit: env.gas_limit,
        max_fee_per_gas: env.gas_price,
        max_priority_fee_per_gas: env.gas_priority_fee.unwrap_or_default(),
        to: target(env),
        value: env.value,
        access_list: env.access_list.clone(),
        blob_versioned_hashes: env.blob_hashes.clone(),
        max_fee_per_blob_gas: env.max_fee_per_blob_gas,
        input: env.data.clone(),
    }
}

fn set_code(env: &TxEnv, chain_id: u64) -> TxEip7702 {
    let authorization_list = env.authorization_list.iter().filter_map(|authorization| match authorization {
        Either::Left(signed) => Some(signed.clone()),
        Either::Right(_) => None,
    });
    TxEip7702 {
        chain_id,
        nonce: env.nonce,
        gas_limit: env.gas_limit,
        max_fee_per_gas: env.gas_price,
        max_priority_fee_per_gas: env.gas_priority_fee.unwrap_or_default(),
        to: target(env),
        value: env.value,
        access_list: env.access_list.clone(),
        authorization_list: authorization_list.collect(),
        input: env.data.clone(),
    }
}

/// Where a transaction of a kind that cannot create goes; the EVM refuses it when it is to create all the same.
fn target(env: &TxEnv) -> alloy_primitives::Address {
    match env.kind {
        TxKind::Call(to) => to,
        TxKind::Create => alloy_primitives::Address::ZERO,
    }
}

fn receipt(transaction: &TxEnvelope, result: &ExecutionResult, cumulative_gas_used: u64) -> ReceiptEnvelope {
    let logs: Vec<Log> = result.logs().to_vec();
    let receipt = Receipt { status: result.is_success().into(), cumulative_gas_used, logs }.with_bloom();
    match transaction {
        TxEnvelope::Legacy(_) => ReceiptEnvelope::Legacy(receipt),
        TxEnvelope::Eip2930(_) => ReceiptEnvelope::Eip2930(receipt),
        TxEnvelope::Eip1559(_) => ReceiptEnvelope::Eip1559(receipt),
        TxEnvelope::Eip4844(_) => ReceiptEnvelope::Eip4844(receipt),
        TxEnvelope::Eip7702(_) => ReceiptEnvelope::Eip7702(receipt),
    }
}
