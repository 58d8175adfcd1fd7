//! How a node is set up.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use ivm_chain::{Chain, ChainConfig};
use ivm_coprocessor::CoprocessorConfig;
use ivm_da::{DEFAULT_MEMORY_STORE_SIZE_BYTES, DEFAULT_STORE_SIZE_BYTES, replica::ReplicaConfig};
use ivm_engine::{Executor, InProcess};
use ivm_rpc::RpcConfig;

use ivm_settlement::{
    DEFAULT_SETTLEMENT_CHAIN_ID, DEFAULT_SETTLEMENT_GAS_LIMIT, FollowMode, SettlementGenesis,
    SettlementParameters,
};

use crate::Byzantine;

/// When blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockMode {
    /// One after each such time, whether there is something to put in or not.
    Interval(Duration),
    /// One when there is something to put in.
    OnDemand,
}

/// Where a node keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In memory, gone with the process.
    Memory,
    /// In this folder: `chain/`, `settlement/`, `payloads/` and `keys/`.
    Folder(PathBuf),
}

/// What the validator of this node does before it has a block ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Diligence {
    /// It checks the block, its claims included, and has no wrong one ordered.
    #[default]
    Checks,
    /// It has anything ordered, as a corrupt majority of validators would.
    Lazy,
}

/// How a node settles its chain.
#[derive(Clone, Debug)]
pub struct SettlementConfig {
    /// Chain id of the settlement chain.
    pub chain_id: u64,
    /// Gas limit of its blocks.
    pub block_gas_limit: u64,
    /// The rules of arbitration.
    pub parameters: SettlementParameters,
    /// Who decides who may propose.
    pub owner: Address,
    /// Proposers that are bonded at genesis and whose keys this node has not: `ivm proposer` has them.
    pub external_proposers: Vec<Address>,
    /// Accounts with funds at genesis: proposers, challengers and provers pay gas and bonds.
    pub funds: BTreeMap<Address, U256>,
    /// What is done before a block is ordered.
    pub diligence: Diligence,
    /// What is done before a block is followed.
    pub follow_mode: FollowMode,
    /// How the first of the node's proposers lies.
    pub byzantine: Option<Byzantine>,
    /// The JSON-RPC server of the settlement chain.
    pub rpc: RpcConfig,
}

impl SettlementConfig {
    /// A chain with development's rules, whose proposers this account admits.
    pub fn development(owner: Address) -> Self {
        Self {
            chain_id: DEFAULT_SETTLEMENT_CHAIN_ID,
            block_gas_limit: DEFAULT_SETTLEMENT_GAS_LIMIT,
            parameters: SettlementParameters::development(),
            owner,
            external_proposers: Vec::new(),
            funds: BTreeMap::new(),
            diligence: Diligence::default(),
            follow_mode: FollowMode::Validating,
            byzantine: None,
            rpc: RpcConfig::default(),
        }
    }

    /// The settlement chain's genesis, for an execution chain and its first proposers.
    pub(crate) fn genesis(&self, execution: &Chain, mut proposers: Vec<Address>) -> SettlementGenesis {
        proposers.extend(&self.external_proposers);
        SettlementGenesis {
            chain_id: self.chain_id,
            block_gas_limit: self.block_gas_limit,
            parameters: self.parameters,
            funds: self.funds.clone(),
            ..SettlementGenesis::development(execution, self.owner, proposers)
        }
    }
}

/// How a node is set up.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The chain.
    pub chain: ChainConfig,
    /// Where data is kept.
    pub storage: Storage,
    /// When blocks are made.
    pub block_mode: BlockMode,
    /// Keys of this node's proposers: who proposes signs results and gets the tips. The first that is bonded and not jailed
    /// does. Without any, all blocks are made by [external ones](SettlementConfig::external_proposers).
    pub proposers: Vec<PrivateKeySigner>,
    /// The settlement chain.
    pub settlement: SettlementConfig,
    /// The workers.
    pub coprocessor: CoprocessorConfig,
    /// What runs programs. In this process unless it is set, which confines nothing: for tests.
    pub executor: Arc<dyn Executor>,
    /// Most programs held in memory.
    pub max_cached_programs: usize,
    /// Most bytes of payloads held.
    pub max_payload_store_size_bytes: u64,
    /// Where payloads that blocks need are copied to; nowhere without it.
    pub replica: Option<ReplicaConfig>,
    /// Most jobs that wait for a proof.
    pub max_queued_proofs: usize,
    /// The JSON-RPC server.
    pub rpc: RpcConfig,
}

impl NodeConfig {
    /// A node with default limits.
    pub fn new(
        chain: ChainConfig,
        storage: Storage,
        block_mode: BlockMode,
        proposers: Vec<PrivateKeySigner>,
        settlement: SettlementConfig,
    ) -> Self {
        let max_payload_store_size_bytes = match &storage {
            Storage::Memory => DEFAULT_MEMORY_STORE_SIZE_BYTES,
            Storage::Folder(_) => DEFAULT_STORE_SIZE_BYTES,
        };
        Self {
            chain,
            storage,
            block_mode,
            proposers,
            settlement,
            coprocessor: CoprocessorConfig::default(),
            executor: Arc::new(InProcess),
            max_cached_programs: 64,
            max_payload_store_size_bytes,
            replica: None,
            max_queued_proofs: 16,
            rpc: RpcConfig::default(),
        }
    }
}
