//! How a node is set up.

use std::{path::PathBuf, sync::Arc, time::Duration};

use alloy_signer_local::PrivateKeySigner;
use ivm_chain::ChainConfig;
use ivm_coprocessor::CoprocessorConfig;
use ivm_da::{DEFAULT_MEMORY_STORE_SIZE_BYTES, DEFAULT_STORE_SIZE_BYTES};
use ivm_engine::{Executor, InProcess};
use ivm_rpc::RpcConfig;

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
    /// In this folder: `chain/`, `payloads/` and `keys/`.
    Folder(PathBuf),
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
    /// Key of the proposer: it signs results and gets the tips.
    pub proposer: PrivateKeySigner,
    /// The workers.
    pub coprocessor: CoprocessorConfig,
    /// What runs programs. In this process unless it is set, which confines nothing: for tests.
    pub executor: Arc<dyn Executor>,
    /// Most programs held in memory.
    pub max_cached_programs: usize,
    /// Most bytes of payloads held.
    pub max_payload_store_size_bytes: u64,
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
        proposer: PrivateKeySigner,
    ) -> Self {
        let max_payload_store_size_bytes = match &storage {
            Storage::Memory => DEFAULT_MEMORY_STORE_SIZE_BYTES,
            Storage::Folder(_) => DEFAULT_STORE_SIZE_BYTES,
        };
        Self {
            chain,
            storage,
            block_mode,
            proposer,
            coprocessor: CoprocessorConfig::default(),
            executor: Arc::new(InProcess),
            max_cached_programs: 64,
            max_payload_store_size_bytes,
            max_queued_proofs: 16,
            rpc: RpcConfig::default(),
        }
    }
}
