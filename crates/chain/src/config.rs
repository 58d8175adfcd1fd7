//! What a chain is from its start: parameters and genesis.

use std::collections::BTreeMap;

use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, Bytes};

use ivm_state::Retention;

use crate::pool::PoolConfig;

/// Chain id of a chain that is not given another.
pub const DEFAULT_CHAIN_ID: u64 = 4956;
/// Gas limit of every block of a chain that is not given another.
pub const DEFAULT_BLOCK_GAS_LIMIT: u64 = 30_000_000;
/// Base fee of the genesis block: 1 gwei.
pub const DEFAULT_BASE_FEE_WEI: u64 = 1_000_000_000;
/// Most bytes of a block's RLP.
pub const MAX_BLOCK_SIZE_BYTES: usize = 8 * 1024 * 1024;
/// Most bytes of a header's extra data.
pub const MAX_EXTRA_DATA_SIZE_BYTES: usize = 32;

/// What a chain is from its start. Two nodes with the same configuration have the same genesis hash.
///
/// The fields up to `alloc` are consensus; `pool`, `limits` and `retention` are this node's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainConfig {
    /// Chain id (EIP-155).
    pub chain_id: u64,
    /// Gas limit of every block. A parameter of the chain: proposers do not vote on it.
    pub block_gas_limit: u64,
    /// Base fee of the genesis block, in wei.
    pub genesis_base_fee_wei: u64,
    /// Timestamp of the genesis block, in seconds.
    pub genesis_timestamp: u64,
    /// Extra data of the genesis block.
    pub genesis_extra_data: Bytes,
    /// Accounts at genesis: balance, nonce, code, storage. The system contracts of Prague are added to it.
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
            block_gas_limit: DEFAULT_BLOCK_GAS_LIMIT,
            genesis_base_fee_wei: DEFAULT_BASE_FEE_WEI,
            genesis_timestamp: 0,
            genesis_extra_data: Bytes::new(),
            alloc: BTreeMap::new(),
            pool: PoolConfig::default(),
            limits: QueryLimits::default(),
            retention: Retention::default(),
        }
    }
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
