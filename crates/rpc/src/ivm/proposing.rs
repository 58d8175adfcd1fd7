//! Building and ordering the blocks of a proposer that is a process of its own.

use std::sync::Arc;

use super::{
    AssembleRequest, AssembledBlock, BlockDuty, BlockOffer, IvmBackend, IvmError, OrderedBlock,
    ProposerSession, jobs::within,
};
use crate::args::ByField;
use crate::error::RpcResult;
use crate::methods::{MethodTable, RegisterError};

/// Most bytes of a signature: r, s, v.
const SIGNATURE_SIZE_BYTES: usize = 65;

/// Most transactions at the head of a block.
const MAX_LEADING_TRANSACTIONS: usize = 4096;

pub(super) fn register(table: &mut MethodTable, backend: &Arc<dyn IvmBackend>) -> Result<(), RegisterError> {
    let node = Arc::clone(backend);
    table.asynchronous("ivm_prepareBlock", move |_, (ByField(session),): (ByField<_>,)| {
        prepare(Arc::clone(&node), session)
    })?;
    let node = Arc::clone(backend);
    table.asynchronous(
        "ivm_assembleBlock",
        move |_, (ByField(session), ByField(request)): (ByField<_>, ByField<_>)| {
            assemble(Arc::clone(&node), session, request)
        },
    )?;
    let node = Arc::clone(backend);
    table.asynchronous("ivm_proposeBlock", move |_, (ByField(offer),): (ByField<_>,)| {
        propose(Arc::clone(&node), offer)
    })
}

async fn prepare(backend: Arc<dyn IvmBackend>, session: ProposerSession) -> RpcResult<Option<BlockDuty>> {
    within("session.signature", session.signature.len(), SIGNATURE_SIZE_BYTES)?;
    Ok(backend.prepare_block(session).await?)
}

async fn assemble(
    backend: Arc<dyn IvmBackend>,
    session: ProposerSession,
    request: AssembleRequest,
) -> RpcResult<AssembledBlock> {
    within("session.signature", session.signature.len(), SIGNATURE_SIZE_BYTES)?;
    let (got, limit) = (request.transactions.len(), MAX_LEADING_TRANSACTIONS);
    if got > limit {
        return Err(IvmError::BlockRefused { reason: format!("{got} transactions, limit {limit}") }.into());
    }
    Ok(backend.assemble_block(session, request).await?)
}

async fn propose(backend: Arc<dyn IvmBackend>, offer: BlockOffer) -> RpcResult<OrderedBlock> {
    within("signature", offer.signature.len(), SIGNATURE_SIZE_BYTES)?;
    Ok(backend.propose_block(offer).await?)
}
