//! Jobs that are asked for by signature, what jobs would take, and what cycles have cost.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{U64, keccak256};
use ivm_primitives::limits::{MAX_OFFCHAIN_INPUT_SIZE_BYTES, MAX_ONCHAIN_INPUT_SIZE_BYTES};

use super::{
    CycleFeeHistory, EstimateRequest, IvmBackend, IvmError, JobEstimate, SignedJobRequest, SubmittedJob,
};
use crate::api::Api;
use crate::args::ByField;
use crate::connection::Connection;
use crate::error::{RpcError, RpcResult};
use crate::methods::{MethodTable, RegisterError};
use crate::params::NumberArg;

/// Largest signature, in bytes: room for dozens of owners of a wallet.
pub(crate) const MAX_SIGNATURE_SIZE_BYTES: usize = 4 * 1024;

/// Size of an offchain input from which it is hashed on a thread for such work, in bytes.
const LONG_INPUT_SIZE_BYTES: usize = 64 * 1024;

pub(super) fn register(table: &mut MethodTable, backend: &Arc<dyn IvmBackend>) -> Result<(), RegisterError> {
    let node = Arc::clone(backend);
    table.counted("ivm_submitJob", move |api, connection, (ByField(request),): (ByField<_>,)| {
        let node = Arc::clone(&node);
        async move { submit_job(&api, node.as_ref(), &connection, request).await }
    })?;
    let node = Arc::clone(backend);
    table.counted("ivm_estimateJob", move |api, connection, (ByField(request),): (ByField<_>,)| {
        estimate_job(api, Arc::clone(&node), connection, request)
    })?;
    let node = Arc::clone(backend);
    table.asynchronous("ivm_feeHistory", move |api, (count, NumberArg(newest)): (U64, _)| {
        let node = Arc::clone(&node);
        async move { fee_history(&api, node.as_ref(), count.to(), newest).await }
    })
}

/// Hands a request to the node, when it is of the right size and not one too many.
pub(crate) async fn submit_job(
    api: &Api,
    backend: &dyn IvmBackend,
    connection: &Connection,
    request: SignedJobRequest,
) -> RpcResult<SubmittedJob> {
    api.rates.submission(connection)?;
    let turn = api.rates.consumer(request.request.consumer)?;
    check_sizes(&request)?;
    let long = request.offchain_input.as_ref().is_some_and(|input| input.len() > LONG_INPUT_SIZE_BYTES);
    let request =
        if long { api.calls.run(move || Ok(check_input(request)?)).await? } else { check_input(request)? };
    let job = backend.submit_job(request).await?;
    turn.keep();
    Ok(job)
}

fn check_sizes(request: &SignedJobRequest) -> Result<(), IvmError> {
    within("request.onchainInput", request.request.onchain_input.len(), MAX_ONCHAIN_INPUT_SIZE_BYTES)?;
    within("signature", request.signature.len(), MAX_SIGNATURE_SIZE_BYTES)?;
    let offchain = request.offchain_input.as_ref().map_or(0, |input| input.len());
    within("offchainInput", offchain, MAX_OFFCHAIN_INPUT_SIZE_BYTES)
}

/// Refuses a part of a request that is too long.
pub(super) fn within(field: &'static str, got: usize, limit: usize) -> Result<(), IvmError> {
    if got > limit { Err(IvmError::FieldTooLarge { field, got, limit }) } else { Ok(()) }
}

/// Gives the request back when the offchain input that it brings is the one that it names.
fn check_input(request: SignedJobRequest) -> Result<SignedJobRequest, IvmError> {
    let expected = request.request.offchain_input_hash;
    match request.offchain_input.as_ref().map(keccak256) {
        Some(got) if got != expected => Err(IvmError::OtherInput { got, expected }),
        _ => Ok(request),
    }
}

async fn estimate_job(
    api: Arc<Api>,
    backend: Arc<dyn IvmBackend>,
    connection: Arc<Connection>,
    request: EstimateRequest,
) -> RpcResult<JobEstimate> {
    within("onchainInput", request.onchain_input.len(), MAX_ONCHAIN_INPUT_SIZE_BYTES)?;
    within("offchainInput", request.offchain_input.len(), MAX_OFFCHAIN_INPUT_SIZE_BYTES)?;
    let turn = api.rates.estimate(&connection)?;
    // On its own, so that a client that goes away leaves no run that is not counted.
    let estimate = tokio::spawn(async move {
        let _turn = turn;
        backend.estimate_job(request).await
    });
    Ok(estimate.await.map_err(|error| RpcError::Unfinished { reason: error.to_string() })??)
}

async fn fee_history(
    api: &Api,
    backend: &dyn IvmBackend,
    count: u64,
    newest: BlockNumberOrTag,
) -> RpcResult<CycleFeeHistory> {
    let head = api.chain.head().block.number();
    let newest = match newest {
        BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => head,
        BlockNumberOrTag::Earliest => 0,
        BlockNumberOrTag::Number(requested) if requested > head => {
            return Err(RpcError::BeyondHead { requested, head });
        }
        BlockNumberOrTag::Number(number) => number,
        tag => api.chain.header(BlockId::Number(tag))?.ok_or(RpcError::HeaderNotFound)?.number,
    };
    let count = count.min(api.chain.config().limits.fee_history_blocks).min(newest.saturating_add(1));
    if count == 0 {
        return Ok(CycleFeeHistory {
            oldest_block: 0,
            cycle_price_wei: Vec::new(),
            cycles_used: Vec::new(),
            cycles_used_ratio: Vec::new(),
        });
    }
    Ok(backend.fee_history(count, newest).await?)
}
