//! The execution chain: Ethereum blocks of one proposer, their state, and the transactions that wait for a block.
//!
//! [`Chain`] is the whole of it, cheap to clone and shared by every thread:
//!
//! * the node calls [`Chain::build_block`], looks at the receipts of the [`BuiltBlock`], and calls [`Chain::commit`];
//! * a follower calls [`Chain::import`], which executes a block again and refuses it when anything differs, or
//!   [`Chain::import_file`] for a file of blocks;
//! * JSON-RPC reads by [`BlockId`](alloy_eips::BlockId), runs calls, and follows [`Chain::subscribe`].
//!
//! A chain has one of two kinds of [`Rules`]. On an Ethereum chain, blocks are valid by Ethereum's rules, fork by fork from
//! Frontier on, but that seals of proof of work are not verified. On an InfinityVM chain, blocks and headers are Ethereum's
//! at Prague rules, with three rules of this chain:
//!
//! * **timestamp ≥ parent's**, in seconds, where Ethereum has `>`: blocks come several times a second;
//! * **gas limit** is a parameter of the chain, equal in every block; ommers, withdrawals and blobs are empty;
//! * `extraData`, `mixHash`, `parentBeaconBlockRoot` and `miner` are the proposer's to choose.
//!
//! Tracing: [`Chain::replay`] and [`Chain::call_context`] take any revm inspector.
//!
//! The tags `safe` and `finalized` of a `BlockId` mean the head until [`Chain::set_safe`] and [`Chain::set_finalized`] say
//! otherwise. [`Chain::reorg_to`] moves the head to another branch.

#![forbid(unsafe_code)]

mod block;
mod blockfile;
mod build;
mod call;
mod chain;
mod config;
mod datadir;
mod difficulty;
mod error;
mod ethereum;
mod event;
mod genesis;
mod header;
mod import;
mod marks;
mod ommers;
mod pipeline;
pub mod pool;
mod query;
mod recent;
mod recover;
mod reorg;
mod restore;
mod seal;
mod snapshot;
mod store;
mod submit;

pub use block::{CommittedBlock, MinedTransaction, SealedBlock};
pub use blockfile::{
    BlockFileError, BlockFileReader, ExportError, ExportProgress, FileBlock, ImportFileError, ImportProgress,
};
pub use build::{BuildRequest, BuiltBlock, RejectedTransaction};
pub use call::{CallRequest, MAX_UNDONE_BLOCKS, MAX_UNDONE_SIZE_BYTES};
pub use chain::Chain;
pub use config::{
    ChainConfig, DEFAULT_BASE_FEE_WEI, DEFAULT_BLOCK_GAS_LIMIT, DEFAULT_CHAIN_ID, ExtraWrite, GenesisSeal,
    MAX_BLOCK_SIZE_BYTES, MAX_ETHEREUM_BLOCK_SIZE_BYTES, MAX_EXTRA_DATA_SIZE_BYTES, QueryLimits, Storage,
};
pub use datadir::{DataDir, DataDirError, MAX_GENESIS_SIZE_BYTES};
pub use error::{BlockError, ChainError, QueryError};
pub use event::{ChainEvent, EVENT_BUFFER, Reorg};
pub use genesis::GenesisError;
pub use marks::Settled;
pub use pool::{Pool, PoolConfig, PoolContent, PoolError, PooledTransaction};
pub use query::{FeeHistory, LogQuery, LogRange, MinedLog, OldestKept};
pub use recover::{SenderError, recover_sender};
pub use reorg::{BranchRecords, MAX_REORG_SIZE_BYTES, ObserveBlock};
pub use restore::RestoredPool;

pub use ivm_evm::{
    BLOB_PARAMS, CallContext, CallError, ChainDatabase, ChainEvm, ChainEvmError, DaoFork, ExecutionResult,
    ForkSchedule, IndexedLog, LastStep, NativeCall, NativeContract, NativeFault, NativeReturn, Overrides,
    Refusal, Rules, ScheduleError, SimulatedBlock, SimulatedCall, SimulatedEnvironment, SimulationError,
    SimulationMode, Simulator, TransferLogs, halt_message, transact,
};
pub use ivm_state::dump::{SnapshotError, SnapshotHeader};
pub use ivm_state::kv::{Durability, must_reopen};
pub use ivm_state::{AccountProof, Retention, StateView, StorageProof};
