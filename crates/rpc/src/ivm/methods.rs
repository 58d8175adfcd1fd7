//! The `ivm_*` methods.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes, U64};
use ivm_primitives::limits;

use super::{
    IvmBackend, IvmError, JobInfo, NodeInfo, NodeLimits, ProgramInfo, ProofInfo, ProposalInfo,
    SettlementInfo, SignedHeaderInfo, SubmittedProgram, jobs, proposing,
};
use crate::api::Api;
use crate::error::{RpcError, RpcResult};
use crate::methods::{MethodTable, RegisterError};

type Backend = Arc<dyn IvmBackend>;

pub(crate) fn register(table: &mut MethodTable, backend: &Backend) -> Result<(), RegisterError> {
    table.asynchronous("ivm_submitProgram", with(backend, submit_program))?;
    table.asynchronous("ivm_getProgram", with(backend, program))?;
    table.asynchronous("ivm_submitPayload", with(backend, submit_payload))?;
    table.asynchronous("ivm_getJob", with(backend, job))?;
    table.asynchronous("ivm_getProof", with(backend, proof))?;
    table.asynchronous("ivm_getPayload", with(backend, payload))?;
    table.asynchronous("ivm_getProposal", with(backend, proposal))?;
    table.asynchronous("ivm_getSignedHeaders", with(backend, signed_headers))?;
    table.asynchronous("ivm_submitSignedHeader", with(backend, submit_signed_header))?;
    table.asynchronous("ivm_settlementInfo", with(backend, settlement))?;
    table.inline("ivm_nodeInfo", node_info)?;
    proposing::register(table, backend)?;
    jobs::register(table, backend)
}

/// A method of the backend as one of the table.
fn with<A, Run>(
    backend: &Backend,
    method: fn(Backend, A) -> Run,
) -> impl Fn(Arc<Api>, A) -> Run + Clone + Send + Sync + 'static
where
    A: 'static,
    Run: 'static,
{
    let backend = Arc::clone(backend);
    move |_, args| method(Arc::clone(&backend), args)
}

async fn submit_program(backend: Backend, (elf,): (Bytes,)) -> RpcResult<SubmittedProgram> {
    let (got, limit) = (elf.len(), limits::MAX_ELF_SIZE_BYTES);
    if got > limit {
        return Err(IvmError::ProgramTooLarge { got, limit }.into());
    }
    Ok(backend.submit_program(elf).await?)
}

async fn program(backend: Backend, (program_id,): (B256,)) -> RpcResult<Option<ProgramInfo>> {
    Ok(backend.program(program_id).await?)
}

pub(crate) async fn submit_payload(backend: Backend, (payload,): (Bytes,)) -> RpcResult<B256> {
    let (got, limit) = (payload.len(), limits::MAX_OFFCHAIN_INPUT_SIZE_BYTES);
    if got > limit {
        return Err(IvmError::PayloadTooLarge { got, limit }.into());
    }
    Ok(backend.submit_payload(payload).await?)
}

async fn job(backend: Backend, (job_id,): (B256,)) -> RpcResult<Option<JobInfo>> {
    Ok(backend.job(job_id).await?)
}

async fn proof(backend: Backend, (job_id,): (B256,)) -> RpcResult<ProofInfo> {
    Ok(backend.proof(job_id).await?)
}

async fn payload(backend: Backend, (hash,): (B256,)) -> RpcResult<Option<Bytes>> {
    Ok(backend.payload(hash).await?)
}

async fn proposal(backend: Backend, (block_hash,): (B256,)) -> RpcResult<Option<ProposalInfo>> {
    Ok(backend.proposal(block_hash).await?)
}

async fn signed_headers(backend: Backend, (number,): (U64,)) -> RpcResult<Vec<SignedHeaderInfo>> {
    Ok(backend.signed_headers(number.to()).await?)
}

async fn submit_signed_header(backend: Backend, (header,): (SignedHeaderInfo,)) -> RpcResult<B256> {
    Ok(backend.submit_signed_header(header).await?)
}

async fn settlement(backend: Backend, (): ()) -> RpcResult<SettlementInfo> {
    Ok(backend.settlement().await?)
}

fn node_info(api: &Api, (): ()) -> Result<NodeInfo, RpcError> {
    let chain = api.chain.config();
    let server = &api.config.limits;
    Ok(NodeInfo {
        client_version: crate::client_version(),
        chain_id: chain.chain_id,
        genesis_hash: api.chain.genesis_hash(),
        head_block: api.chain.head().block.number(),
        limits: NodeLimits {
            max_elf_size_bytes: limits::MAX_ELF_SIZE_BYTES as u64,
            max_onchain_input_size_bytes: limits::MAX_ONCHAIN_INPUT_SIZE_BYTES as u64,
            max_offchain_input_size_bytes: limits::MAX_OFFCHAIN_INPUT_SIZE_BYTES as u64,
            max_output_size_bytes: limits::MAX_OUTPUT_SIZE_BYTES as u64,
            max_cycles_per_job: limits::MAX_CYCLES_PER_JOB,
            max_callback_gas: limits::MAX_CALLBACK_GAS,
            block_gas_limit: chain.block_gas_limit,
            max_request_size_bytes: server.max_request_size_bytes.into(),
            max_response_size_bytes: server.max_response_size_bytes.into(),
            max_batch_length: server.max_batch_length.into(),
            max_log_blocks: chain.limits.log_blocks,
        },
    })
}
