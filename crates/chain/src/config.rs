//! What a chain is from its start: parameters and genesis.

use std::collections::BTreeMap;

use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, U256};
use ivm_evm::Rules;

use ivm_state::Retention;

use crate::pool::PoolConfig;

/// Chain id of a chain that is not given another.
pub const DEFAULT_CHAIN_ID: u64 = 4956;
/// Gas limit of every block of a chain that is not given another.
pub const DEFAULT_BLOCK_GAS_LIMIT: u64 = 30_000_000;
/// Base fee of the genesis block: 1 gwei.
pub const DEFAULT_BASE_FEE_WEI: u64 = 1_000_000_000;
/// Most bytes of a block's RLP on an InfinityVM chain, and by EIP-7934 on an Ethereum chain from Osaka on.
pub const MAX_BLOCK_SIZE_BYTES: usize = 8 * 1024 * 1024;
/// Most bytes of a block's RLP on an Ethereum chain before Osaka, which had no limit but gas. The largest block of 200
/// million gas, all of it calldata, is smaller.
pub const MAX_ETHEREUM_BLOCK_SIZE_BYTES: usize = 64 * 1024 * 1024;
/// Most bytes of a header's extra data.
pub const MAX_EXTRA_DATA_SIZE_BYTES: usize = 32;

/// What a chain is from its start. Two nodes with the same configuration have the same genesis hash.
///
/// The fields up to `alloc` are consensus; `pool`, `limits` and `retention` are this node's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainConfig {
    /// Chain id (EIP-155).
    pub chain_id: u64,
    /// What makes a block valid.
    pub rules: Rules,
    /// Gas limit of every block: a parameter of an InfinityVM chain, on which proposers do not vote. On an Ethereum chain
    /// it is that of the genesis block.
    pub block_gas_limit: u64,
    /// Base fee of the genesis block, in wei; an Ethereum chain that starts before London has none.
    pub genesis_base_fee_wei: u64,
    /// Timestamp of the genesis block, in seconds.
    pub genesis_timestamp: u64,
    /// Extra data of the genesis block.
    pub genesis_extra_data: Bytes,
    /// What else an Ethereum chain's genesis block says; all zeros on an InfinityVM chain.
    pub genesis_seal: GenesisSeal,
    /// Accounts at genesis: balance, nonce, code, storage. An InfinityVM chain adds the system contracts of Prague.
    pub alloc: BTreeMap<Address, GenesisAccount>,
    /// The transaction pool's limits.
    pub pool: PoolConfig,
    /// Limits on queries.
    pub limits: QueryLimits,
    /// How long past states stay readable, and blocks can be undone.
    pub retention: Retention,
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self {
            chain_id: DEFAULT_CHAIN_ID,
            rules: Rules::InfinityVm,
            block_gas_limit: DEFAULT_BLOCK_GAS_LIMIT,
            genesis_base_fee_wei: DEFAULT_BASE_FEE_WEI,
            genesis_timestamp: 0,
            genesis_extra_data: Bytes::new(),
            genesis_seal: GenesisSeal::default(),
            alloc: BTreeMap::new(),
            pool: PoolConfig::default(),
            limits: QueryLimits::default(),
            retention: Retention::default(),
        }
    }
}

/// Fields of an Ethereum chain's genesis block that an InfinityVM chain leaves at zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GenesisSeal {
    /// Difficulty, from which that of the blocks after it is derived.
    pub difficulty: U256,
    /// Nonce of the seal.
    pub nonce: u64,
    /// Mix hash of the seal.
    pub mix_hash: B256,
    /// Who would have got the reward.
    pub beneficiary: Address,
    /// Blob gas used, from Cancun on.
    pub blob_gas_used: u64,
    /// Excess blob gas, from Cancun on.
    pub excess_blob_gas: u64,
}

/// Bounds on what one query may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryLimits {
    /// Most blocks a log query spans.
    pub log_blocks: u64,
    /// Most logs a query gives.
    pub log_results: usize,
    /// Most gas a call or an estimate may use.
    pub call_gas: u64,
    /// Most blocks of a fee history.
    pub fee_history_blocks: u64,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self { log_blocks: 10_000, log_results: 20_000, call_gas: 50_000_000, fee_history_blocks: 1024 }
    }
}

/// Where a chain's data is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In memory, gone with the process.
    Memory,
    /// In this data directory.
    Path(std::path::PathBuf),
}

/// A node's own write beside a block, to its private table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraWrite {
    /// The key.
    pub key: Vec<u8>,
    /// The new value; `None` removes the key.
    pub value: Option<Vec<u8>>,
}
