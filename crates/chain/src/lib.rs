//! The execution chain: Ethereum blocks of one proposer, their state, and the transactions that wait for a block.
//!
//! [`Chain`] is the whole of it, cheap to clone and shared by every thread:
//!
//! * the node calls [`Chain::build_block`], looks at the receipts of the [`BuiltBlock`], and calls [`Chain::commit`];
//! * a follower calls [`Chain::import`], which executes a block again and refuses it when anything differs;
//! * JSON-RPC reads by [`BlockId`](alloy_eips::BlockId), runs calls, and follows [`Chain::subscribe`].
//!
//! Blocks and headers are Ethereum's at Prague rules, with three rules of this chain:
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
mod build;
mod call;
mod chain;
mod config;
mod error;
mod event;
mod genesis;
mod header;
mod import;
mod marks;
pub mod pool;
mod query;
mod reorg;
mod snapshot;
mod store;
mod submit;

pub use block::{CommittedBlock, MinedTransaction, SealedBlock};
pub use build::{BuildRequest, BuiltBlock, RejectedTransaction};
pub use call::CallRequest;
pub use chain::Chain;
pub use config::{
    ChainConfig, DEFAULT_BASE_FEE_WEI, DEFAULT_BLOCK_GAS_LIMIT, DEFAULT_CHAIN_ID, ExtraWrite,
    MAX_BLOCK_SIZE_BYTES, MAX_EXTRA_DATA_SIZE_BYTES, QueryLimits, Storage,
};
pub use error::{BlockError, ChainError, QueryError};
pub use event::{ChainEvent, EVENT_BUFFER, Reorg};
pub use pool::{Pool, PoolConfig, PoolContent, PoolError, PooledTransaction};
pub use query::{FeeHistory, LogQuery, LogRange, MinedLog};
pub use reorg::MAX_REORG_SIZE_BYTES;

pub use ivm_evm::{CallContext, CallError, ExecutionResult, Overrides};
pub use ivm_state::dump::{SnapshotError, SnapshotHeader};
pub use ivm_state::kv::Durability;
pub use ivm_state::{AccountProof, Retention, StateView, StorageProof};
