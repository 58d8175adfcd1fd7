//! Calls, estimates and replays on the state of a block.

use alloy_eips::BlockId;
use alloy_evm::eth::EthEvmContext;
use alloy_primitives::TxHash;
use alloy_rpc_types_eth::state::StateOverride;
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use ivm_evm::{CallContext, ChainDatabase, ChainEvm, ExecutionResult, Overrides};
use revm::Inspector;
use revm::database::State;

use crate::block::MinedTransaction;
use crate::chain::Chain;
use crate::error::ChainError;
use crate::store;

/// A call to run on the state after a block.
#[derive(Clone, Debug, Default)]
pub struct CallRequest {
    /// The transaction; what it leaves out is filled in as geth does.
    pub transaction: TransactionRequest,
    /// The block.
    pub block: BlockId,
    /// Accounts that differ.
    pub state_overrides: Option<StateOverride>,
    /// Block fields that differ.
    pub block_overrides: Option<BlockOverrides>,
}

impl Chain {
    /// Runs a call (`eth_call`). A revert or a halt is a result, not an error.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`], or [`ChainError::Call`] when the request is not valid.
    pub fn call(&self, request: CallRequest) -> Result<ExecutionResult, ChainError> {
        let context = self.call_context(request.block)?;
        let overrides = Overrides { state: request.state_overrides, block: request.block_overrides };
        Ok(context.call(request.transaction, overrides)?)
    }

    /// Estimates the gas a transaction needs (`eth_estimateGas`).
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`], or [`ChainError::Call`] when it fails with all the gas it may have.
    pub fn estimate_gas(&self, request: CallRequest) -> Result<u64, ChainError> {
        let context = self.call_context(request.block)?;
        let overrides = Overrides { state: request.state_overrides, block: request.block_overrides };
        Ok(context.estimate_gas(request.transaction, overrides)?)
    }

    /// A block's environment and the state after it: whatever is run there, with whatever inspector, by the methods of
    /// [`CallContext`].
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`], or the store's error.
    pub fn call_context(&self, id: BlockId) -> Result<CallContext, ChainError> {
        let header = self.header(id)?.ok_or(ChainError::UnknownBlock(id))?;
        let database = self.database(self.state_at(id)?);
        Ok(CallContext {
            header,
            rules: self.config().rules.clone(),
            chain_id: self.config().chain_id,
            gas_cap: self.config().limits.call_gas,
            database,
        })
    }

    /// The EVM as it stands right before a mined transaction, and that transaction to run. The inspector sees what runs
    /// from then on.
    ///
    /// # Errors
    /// [`ChainError::UnknownTransaction`], or the store's error.
    pub fn replay<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(
        &self,
        hash: TxHash,
        inspector: I,
    ) -> Result<(ChainEvm<I>, MinedTransaction), ChainError> {
        let mined = self.transaction(hash)?.ok_or(ChainError::UnknownTransaction(hash))?;
        let block =
            self.block_by_hash(mined.block_hash)?.ok_or_else(|| store::missing("block", mined.block_hash))?;
        let mut context = self.call_context(BlockId::hash(block.header().parent_hash))?;
        context.header = block.header().clone();
        let before = block.transactions().iter().take_while(|tx| *tx.inner().tx_hash() != hash).cloned();
        let evm = context.replay(&before.collect::<Vec<_>>(), inspector)?;
        Ok((evm, mined))
    }
}
