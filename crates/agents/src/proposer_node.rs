//! What a proposer asks of a node: to build its blocks, and to order them.

use std::fmt::Debug;

use async_trait::async_trait;
use ivm_rpc_types::{AssembleRequest, AssembledBlock, BlockDuty, BlockOffer, OrderedBlock, ProposerSession};

use crate::error::SourceError;

/// A node that builds and orders blocks for proposers.
#[async_trait]
pub trait ProposerNode: Debug + Send + Sync {
    /// What to sign for the next block, once one is due; `None` when none is for a while.
    ///
    /// # Errors
    /// [`SourceError`].
    async fn prepare_block(&self, session: &ProposerSession) -> Result<Option<BlockDuty>, SourceError>;

    /// Builds the block of a duty.
    ///
    /// # Errors
    /// [`SourceError`], [`SourceError::Refused`] when another block was ordered meanwhile.
    async fn assemble_block(
        &self,
        session: &ProposerSession,
        request: AssembleRequest,
    ) -> Result<AssembledBlock, SourceError>;

    /// Has a block ordered.
    ///
    /// # Errors
    /// [`SourceError`], [`SourceError::Refused`] when the node does not order it.
    async fn propose_block(&self, offer: BlockOffer) -> Result<OrderedBlock, SourceError>;
}
