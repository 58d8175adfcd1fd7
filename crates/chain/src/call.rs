//! Calls, estimates, replays and simulations on the state of a block.

use alloy_eips::BlockId;
use alloy_evm::eth::EthEvmContext;
use alloy_primitives::TxHash;
use alloy_rpc_types_eth::state::StateOverride;
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use ivm_evm::{CallContext, ChainDatabase, ChainEvm, ExecutionResult, Overrides};
use ivm_state::StateView;
use revm::Inspector;
use revm::database::State;

use crate::block::{MinedTransaction, SealedBlock};
use crate::chain::Chain;
use crate::error::ChainError;
use crate::store;

/// Most blocks that are undone to make changes to an older state: as far back as geth keeps states.
pub const MAX_UNDONE_BLOCKS: u64 = 128;
/// Most bytes that undoing them may write: they are held in memory.
pub const MAX_UNDONE_SIZE_BYTES: usize = 256 * 1024 * 1024;

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
    /// Runs a call (`eth_call`) under an inspector, which may stop it. A revert or a halt is a result, not an error.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`], or [`ChainError::Call`] when the request is not valid.
    pub fn call<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(
        &self,
        request: CallRequest,
        inspector: I,
    ) -> Result<ExecutionResult, ChainError> {
        let context = self.call_context(request.block)?;
        let overrides = Overrides { state: request.state_overrides, block: request.block_overrides };
        Ok(context.call(request.transaction, overrides, inspector)?)
    }

    /// Estimates the gas a transaction needs (`eth_estimateGas`) under an inspector, which may stop the search.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`], or [`ChainError::Call`] when it fails with all the gas it may have.
    pub fn estimate_gas<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(
        &self,
        request: CallRequest,
        inspector: I,
    ) -> Result<u64, ChainError> {
        let context = self.call_context(request.block)?;
        let overrides = Overrides { state: request.state_overrides, block: request.block_overrides };
        Ok(context.estimate_gas(request.transaction, overrides, inspector)?)
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
        let before = block.transactions().iter().take_while(|tx| *tx.inner().tx_hash() != hash).cloned();
        let evm = self.block_context(&block)?.replay(&before.collect::<Vec<_>>(), inspector)?;
        Ok((evm, mined))
    }

    /// A block's environment and the state *before* it: where its transactions ran, for [`CallContext::replay`].
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`] when the block has no parent, or the store's error.
    pub fn block_context(&self, block: &SealedBlock) -> Result<CallContext, ChainError> {
        let mut context = self.call_context(BlockId::hash(block.header().parent_hash))?;
        context.header = block.header().clone();
        Ok(context)
    }

    /// The state after a block, as one that changes can be made to ([`StateView::prepare`]): tries are kept as they are at
    /// the head, so the blocks after this one are undone, in memory. Nothing is kept.
    ///
    /// `None` when the block is not of this chain, or too far back: [`MAX_UNDONE_BLOCKS`], [`MAX_UNDONE_SIZE_BYTES`].
    ///
    /// # Errors
    /// The store's error, or that of what is kept of blocks no more.
    pub fn changeable_state(&self, block: &SealedBlock) -> Result<Option<StateView>, ChainError> {
        let mut branch = self.inner.state.branch();
        if branch.number().saturating_sub(block.number()) > MAX_UNDONE_BLOCKS {
            return Ok(None);
        }
        while branch.number() > block.number() && branch.size_bytes() <= MAX_UNDONE_SIZE_BYTES {
            branch.undo_towards(block.number())?;
        }
        let state = branch.view();
        let is_it = state.number() == block.number() && state.root() == block.header().state_root;
        Ok(is_it.then_some(state))
    }

    /// Base fee of the block after this one; 0 before London.
    pub fn base_fee_after(&self, parent: &alloy_consensus::Header) -> u64 {
        crate::header::next_base_fee(&self.config().rules, parent).unwrap_or_default()
    }
}
