//! The chain's face. (Skeleton: bodies follow.)
#![allow(missing_docs, clippy::unimplemented)]

use std::sync::Arc;

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Block, Header, ReceiptEnvelope, TxEnvelope};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, Log, TxHash};
use alloy_rpc_types_eth::state::StateOverride;
use alloy_rpc_types_eth::{BlockOverrides, Filter, TransactionRequest};
use ivm_evm::ExecutionResult;
use ivm_state::StateView;
use tokio::sync::broadcast;

use crate::block::{CommittedBlock, MinedTransaction, SealedBlock};
use crate::config::{ChainConfig, ExtraWrite, Storage};
use crate::error::ChainError;
use crate::event::ChainEvent;
use crate::pool::{Pool, PoolError};

/// What a block is built from.
#[derive(Clone, Debug, Default)]
pub struct BuildRequest {
    /// Transactions that come first, in this order, before any of the pool: results, program registrations.
    pub leading_transactions: Vec<TxEnvelope>,
    /// Seconds; raised to the parent's when it is lower.
    pub timestamp: u64,
    /// Who gets the tips.
    pub beneficiary: Address,
    pub prev_randao: B256,
    pub parent_beacon_block_root: B256,
    pub extra_data: Bytes,
}

/// A transaction left out of a block.
#[derive(Clone, Debug)]
pub struct RejectedTransaction {
    pub hash: TxHash,
    pub reason: String,
}

/// A block built and executed, not committed.
#[derive(Debug)]
pub struct BuiltBlock {
    pub(crate) committed: CommittedBlock,
    pub(crate) rejected_leading: Vec<RejectedTransaction>,
}

impl BuiltBlock {
    pub fn block(&self) -> &SealedBlock {
        &self.committed.block
    }
    pub fn receipts(&self) -> &[ReceiptEnvelope] {
        &self.committed.receipts
    }
    pub fn rejected_leading(&self) -> &[RejectedTransaction] {
        &self.rejected_leading
    }
}

/// A call to run on the state after a block.
#[derive(Clone, Debug, Default)]
pub struct CallRequest {
    pub transaction: TransactionRequest,
    pub block: BlockId,
    pub state_overrides: Option<StateOverride>,
    pub block_overrides: Option<BlockOverrides>,
}

/// Blocks a log query spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRange {
    Block(B256),
    Numbers { from: u64, to: u64 },
}

/// A log query: a range, and the addresses and topics of `filter` (whose own range is not looked at).
#[derive(Clone, Debug)]
pub struct LogQuery {
    pub range: LogRange,
    pub filter: Filter,
}

/// A log and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinedLog {
    pub log: Log,
    pub block_hash: B256,
    pub block_number: u64,
    pub block_timestamp: u64,
    pub transaction_hash: TxHash,
    pub transaction_index: u64,
    /// Index in the block, from 0.
    pub log_index: u64,
}

/// What `eth_feeHistory` is made from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeeHistory {
    pub oldest_block: u64,
    /// One per block, and the next block's.
    pub base_fee_per_gas: Vec<u128>,
    /// Per block: gas used and gas limit.
    pub gas_used_and_limit: Vec<(u64, u64)>,
    /// Per block: one tip per percentile asked for; empty when none was.
    pub rewards: Vec<Vec<u128>>,
}

/// The execution chain. Clones share one chain.
#[derive(Clone, Debug)]
pub struct Chain {}

impl Chain {
    pub fn open(_config: ChainConfig, _storage: Storage) -> Result<Self, ChainError> {
        unimplemented!()
    }
    pub fn config(&self) -> &ChainConfig {
        unimplemented!()
    }
    pub fn genesis_hash(&self) -> B256 {
        unimplemented!()
    }
    pub fn head(&self) -> CommittedBlock {
        unimplemented!()
    }
    /// `None`: no such block. A hash that is given may be of any committed block.
    pub fn block_hash(&self, _id: BlockId) -> Result<Option<B256>, ChainError> {
        unimplemented!()
    }
    pub fn header(&self, _id: BlockId) -> Result<Option<Header>, ChainError> {
        unimplemented!()
    }
    pub fn block(&self, _id: BlockId) -> Result<Option<SealedBlock>, ChainError> {
        unimplemented!()
    }
    pub fn block_by_number(&self, _number: u64) -> Result<Option<SealedBlock>, ChainError> {
        unimplemented!()
    }
    pub fn block_by_hash(&self, _hash: B256) -> Result<Option<SealedBlock>, ChainError> {
        unimplemented!()
    }
    pub fn receipts(&self, _block_hash: B256) -> Result<Option<Arc<Vec<ReceiptEnvelope>>>, ChainError> {
        unimplemented!()
    }
    /// A mined transaction; pending ones are in [`Chain::pool`].
    pub fn transaction(&self, _hash: TxHash) -> Result<Option<MinedTransaction>, ChainError> {
        unimplemented!()
    }
    pub fn state_at(&self, _id: BlockId) -> Result<StateView, ChainError> {
        unimplemented!()
    }
    pub fn call(&self, _request: CallRequest) -> Result<ExecutionResult, ChainError> {
        unimplemented!()
    }
    pub fn estimate_gas(&self, _request: CallRequest) -> Result<u64, ChainError> {
        unimplemented!()
    }
    pub fn logs(&self, _query: &LogQuery) -> Result<Vec<MinedLog>, ChainError> {
        unimplemented!()
    }
    /// `percentiles` are whole percents, 0 to 100, rising.
    pub fn fee_history(
        &self,
        _blocks: u64,
        _newest: BlockId,
        _percentiles: &[u8],
    ) -> Result<FeeHistory, ChainError> {
        unimplemented!()
    }
    /// Base fee of the block after the head.
    pub fn next_base_fee(&self) -> u64 {
        unimplemented!()
    }
    pub fn pool(&self) -> Pool {
        unimplemented!()
    }
    /// Takes an encoded (EIP-2718) transaction into the pool.
    pub fn submit_transaction(&self, _raw: &[u8]) -> Result<TxHash, PoolError> {
        unimplemented!()
    }
    pub fn submit_recovered(&self, _transaction: Recovered<TxEnvelope>) -> Result<TxHash, PoolError> {
        unimplemented!()
    }
    pub fn build_block(&self, _request: BuildRequest) -> Result<BuiltBlock, ChainError> {
        unimplemented!()
    }
    pub fn commit(&self, _built: BuiltBlock, _extra: Vec<ExtraWrite>) -> Result<CommittedBlock, ChainError> {
        unimplemented!()
    }
    pub fn import(&self, _block: Block<TxEnvelope>) -> Result<CommittedBlock, ChainError> {
        unimplemented!()
    }
    /// A value of the node's own table.
    pub fn extra(&self, _key: &[u8]) -> Result<Option<Vec<u8>>, ChainError> {
        unimplemented!()
    }
    /// Entries of the node's own table whose keys start with `prefix`, in key order, at most `limit`.
    pub fn extra_scan(&self, _prefix: &[u8], _limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, ChainError> {
        unimplemented!()
    }
    pub fn subscribe(&self) -> broadcast::Receiver<ChainEvent> {
        unimplemented!()
    }
}
