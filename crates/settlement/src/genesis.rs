//! The embedded settlement chain from its start: the contract is in its genesis.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_eips::BlockId;
use alloy_evm::Evm;
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolConstructor;
use ivm_chain::{
    CallError, Chain, ChainConfig, ChainError, NativeContract, Overrides, QueryLimits, Rules, Storage,
    halt_message,
};
use ivm_contracts::{ISettlement, JOB_MANAGER_ADDRESS, Settlement};
use revm::context::result::ExecutionResult;
use revm::inspector::NoOpInspector;

use crate::parameters::{ParametersError, SettlementParameters};

/// Chain id of a settlement chain that is not given another: one more than that of its execution chain.
pub const DEFAULT_SETTLEMENT_CHAIN_ID: u64 = 4957;
/// Gas limit of settlement blocks. Verifying the largest proof fits; see [`crate::native`].
pub const DEFAULT_SETTLEMENT_GAS_LIMIT: u64 = 120_000_000;
/// Where genesis places the contract.
pub const SETTLEMENT_ADDRESS: Address = address!("0x4956000000000000000000000000000000000010");

/// Who calls the constructor: nobody in particular.
const DEPLOYER: Address = address!("0x4956000000000000000000000000000000000011");
/// Gas for the constructor, far more than it takes.
const CONSTRUCTOR_GAS: u64 = 1_000_000_000;

/// What a settlement chain starts from.
#[derive(Clone, Debug)]
pub struct SettlementGenesis {
    /// Its chain id.
    pub chain_id: u64,
    /// Gas limit of its blocks.
    pub block_gas_limit: u64,
    /// Timestamp of its genesis block, in seconds.
    pub timestamp: u64,
    /// The rules of arbitration.
    pub parameters: SettlementParameters,
    /// Who decides who may propose.
    pub owner: Address,
    /// The contract of the execution chain whose logs are claims.
    pub job_manager: Address,
    /// Hash of the execution chain's genesis block.
    pub execution_genesis_hash: B256,
    /// Its number.
    pub execution_genesis_number: u64,
    /// Its timestamp, in seconds.
    pub execution_genesis_timestamp: u64,
    /// Who proposes from the start. Their bonds are in the contract.
    pub proposers: Vec<Address>,
    /// Accounts with funds: challengers and provers pay gas and bonds.
    pub funds: BTreeMap<Address, U256>,
}

impl SettlementGenesis {
    /// A development chain's, for this execution chain.
    pub fn development(execution: &Chain, owner: Address, proposers: Vec<Address>) -> Self {
        let header = execution.config().genesis_header();
        Self {
            chain_id: DEFAULT_SETTLEMENT_CHAIN_ID,
            block_gas_limit: DEFAULT_SETTLEMENT_GAS_LIMIT,
            timestamp: header.timestamp,
            parameters: SettlementParameters::development(),
            owner,
            job_manager: JOB_MANAGER_ADDRESS,
            execution_genesis_hash: execution.genesis_hash(),
            execution_genesis_number: header.number,
            execution_genesis_timestamp: header.timestamp,
            proposers,
            funds: BTreeMap::new(),
        }
    }
}

/// Why there is no such chain.
#[derive(Debug, thiserror::Error)]
pub enum SettlementGenesisError {
    /// The rules are unsound.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// The contract refuses to be constructed so.
    #[error("the settlement contract's constructor failed: {0}")]
    Constructor(String),
    /// The constructor did not run.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The state under it cannot be made.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// An account with funds is where a contract goes.
    #[error("genesis gives funds to {0}, which is the address of a contract")]
    FundedContract(Address),
}

impl SettlementGenesis {
    /// The chain's configuration; `verifier` judges proofs in its EVM. Everything but the verifier's answers follows from
    /// the fields: two nodes with the same have the same genesis hash.
    ///
    /// # Errors
    /// [`SettlementGenesisError`].
    pub fn chain_config(
        &self,
        verifier: Arc<dyn NativeContract>,
    ) -> Result<ChainConfig, SettlementGenesisError> {
        self.parameters.check()?;
        let mut alloc = BTreeMap::new();
        for (account, balance) in &self.funds {
            if [SETTLEMENT_ADDRESS, verifier.address()].contains(account) {
                return Err(SettlementGenesisError::FundedContract(*account));
            }
            alloc.insert(*account, GenesisAccount { balance: *balance, ..GenesisAccount::default() });
        }
        alloc.insert(SETTLEMENT_ADDRESS, self.contract(verifier.address())?);
        Ok(ChainConfig {
            chain_id: self.chain_id,
            rules: Rules::InfinityVmWith(verifier),
            block_gas_limit: self.block_gas_limit,
            genesis_timestamp: self.timestamp,
            alloc,
            limits: QueryLimits { call_gas: self.block_gas_limit, ..QueryLimits::default() },
            ..ChainConfig::default()
        })
    }

    /// The contract's account: what its constructor leaves when it runs at its address.
    ///
    /// It is run by a call: its creation code, with the arguments behind it, stands where the contract will be. To the
    /// code that is no different from a creation, but that it says where.
    fn contract(&self, verifier: Address) -> Result<GenesisAccount, SettlementGenesisError> {
        let code = [Settlement::BYTECODE.to_vec(), self.constructor(verifier).abi_encode()].concat();
        let bonds =
            U256::from(self.parameters.proposer_bond_wei).saturating_mul(U256::from(self.proposers.len()));
        let constructing = GenesisAccount { code: Some(code.into()), ..GenesisAccount::default() };
        let deployer = GenesisAccount { balance: bonds, ..GenesisAccount::default() };
        let config = ChainConfig {
            chain_id: self.chain_id,
            block_gas_limit: CONSTRUCTOR_GAS,
            genesis_timestamp: self.timestamp,
            alloc: [(SETTLEMENT_ADDRESS, constructing), (DEPLOYER, deployer)].into(),
            limits: QueryLimits { call_gas: CONSTRUCTOR_GAS, ..QueryLimits::default() },
            ..ChainConfig::default()
        };
        let chain = Chain::open(config, Storage::Memory)?;
        let request = TransactionRequest {
            from: Some(DEPLOYER),
            to: Some(TxKind::Call(SETTLEMENT_ADDRESS)),
            value: Some(bonds),
            ..TransactionRequest::default()
        };
        let context = chain.call_context(BlockId::latest())?;
        let (mut evm, transaction) = context.call_evm(request, Overrides::default(), NoOpInspector)?;
        let done = evm.transact_raw(transaction).map_err(CallError::from)?;
        let code = runtime_code(done.result)?;
        let account = done.state.get(&SETTLEMENT_ADDRESS);
        let slots = account.into_iter().flat_map(|account| &account.storage);
        let storage: BTreeMap<B256, B256> = slots
            .filter(|(_, value)| !value.present_value.is_zero())
            .map(|(slot, value)| (B256::from(*slot), B256::from(value.present_value)))
            .collect();
        Ok(GenesisAccount {
            nonce: Some(1),
            balance: bonds,
            code: Some(code),
            storage: Some(storage),
            ..GenesisAccount::default()
        })
    }

    fn constructor(&self, verifier: Address) -> Settlement::constructorCall {
        Settlement::constructorCall {
            rules: self.parameters.into(),
            owner: self.owner,
            verifier_: verifier,
            jobManager_: self.job_manager,
            genesis: ISettlement::ExecutionGenesis {
                hash: self.execution_genesis_hash,
                number: self.execution_genesis_number,
                timestamp: self.execution_genesis_timestamp,
            },
            proposers_: self.proposers.clone(),
        }
    }
}

fn runtime_code(result: ExecutionResult) -> Result<Bytes, SettlementGenesisError> {
    let failed = |reason: String| Err(SettlementGenesisError::Constructor(reason));
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => failed(crate::error::revert_message(&output)),
        ExecutionResult::Halt { reason, .. } => failed(halt_message(&reason)),
    }
}
