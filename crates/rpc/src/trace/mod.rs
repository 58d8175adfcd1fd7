//! `debug_trace*`: what a call, a transaction or a block did.

mod guard;
mod options;

use alloy_consensus::TxEnvelope;
use alloy_consensus::transaction::Recovered;
use alloy_eips::BlockId;
use alloy_evm::{Evm, EvmEnv, ToTxEnv};
use alloy_primitives::{TxHash, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{
    CallFrame, GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace, TraceResult,
};
use ivm_chain::{CallError, ChainEvm, Overrides, SealedBlock};
use revm::DatabaseCommit;
use revm::context::TxEnv;
use revm::state::EvmState;
use revm_inspectors::tracing::{DebugInspector, TransactionContext};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

pub(crate) use guard::{Guard, Trip};

use crate::api::Api;
use crate::error::{RpcError, RpcResult};
use crate::methods::{MethodTable, RegisterError};
use crate::params::{BlockArg, HashArg, NumberArg};

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.tracing("debug_traceTransaction", transaction)?;
    table.tracing("debug_traceCall", call)?;
    table.tracing("debug_traceBlockByNumber", |api, (number, options): (NumberArg, Option<_>)| {
        block(api, number.0.into(), options)
    })?;
    table.tracing("debug_traceBlockByHash", |api, (hash, options): (HashArg, Option<_>)| {
        block(api, hash.0.into(), options)
    })
}

type TracingEvm = ChainEvm<(DebugInspector, Guard)>;

fn transaction(
    api: &Api,
    (HashArg(hash), options): (HashArg, Option<GethDebugTracingOptions>),
) -> RpcResult<Box<RawValue>> {
    let inspector = options::inspector(&api.config.limits, options.unwrap_or_default())?;
    let mined = api.chain.transaction(hash)?.ok_or(RpcError::TransactionNotFound)?;
    let block = api.chain.block_by_hash(mined.block_hash)?.ok_or(RpcError::TransactionNotFound)?;
    let position = usize::try_from(mined.index).unwrap_or(usize::MAX);
    let before = block.transactions().get(..position).unwrap_or_default();
    let mut evm = api.chain.block_context(&block)?.replay(before, inspector)?;
    let (mut trace, _) = run_mined(&mut evm, &block, position, &mined.transaction)?;
    number_logs(api, &block, position, &mut trace)?;
    json(&trace)
}

fn call(
    api: &Api,
    (request, block, options): (TransactionRequest, Option<BlockArg>, Option<GethDebugTracingCallOptions>),
) -> RpcResult<Box<RawValue>> {
    let GethDebugTracingCallOptions { tracing_options, state_overrides, block_overrides, tx_index } =
        options.unwrap_or_default();
    let inspector = options::inspector(&api.config.limits, tracing_options)?;
    let overrides = Overrides { state: state_overrides, block: block_overrides };
    let id = block.map_or_else(BlockId::latest, |block| block.0);
    if id.is_pending() {
        return Err(RpcError::TracePending);
    }
    let block = find_block(api, id)?;
    let (mut evm, transaction) = match tx_index {
        None => api.chain.call_context(block.hash().into())?.call_evm(request, overrides, inspector)?,
        Some(index) => {
            let before = usize::try_from(index).ok().and_then(|index| block.transactions().get(..index));
            let out_of_range = RpcError::TransactionIndex { index, block: block.hash() };
            let before = before.ok_or(out_of_range)?;
            api.chain.block_context(&block)?.call_evm_after(before, request, overrides, inspector)?
        }
    };
    let (trace, _) = run(&mut evm, transaction, None)?;
    json(&trace)
}

fn block(api: &Api, id: BlockId, options: Option<GethDebugTracingOptions>) -> RpcResult<Box<RawValue>> {
    let inspector = options::inspector(&api.config.limits, options.unwrap_or_default())?;
    let block = find_block(api, id)?;
    if block.number() == 0 {
        return Err(RpcError::TraceGenesis);
    }
    let mut evm = api.chain.block_context(&block)?.replay(&[], inspector)?;
    let mut traces = Vec::with_capacity(block.transactions().len());
    for (position, transaction) in block.transactions().iter().enumerate() {
        let (mut trace, changes) = run_mined(&mut evm, &block, position, transaction)?;
        number_logs(api, &block, position, &mut trace)?;
        traces.push(TraceResult::Success { result: trace, tx_hash: Some(*transaction.inner().tx_hash()) });
        evm.db_mut().commit(changes);
        let fused = evm.components_mut().1.0.fuse();
        fused.map_err(|error| RpcError::Tracer { reason: error.to_string() })?;
    }
    json(&traces)
}

/// A block to trace in, or geth's error for one that is not there.
fn find_block(api: &Api, id: BlockId) -> RpcResult<SealedBlock> {
    api.chain.block(id)?.ok_or(RpcError::BlockNotFound { id })
}

fn run_mined(
    evm: &mut TracingEvm,
    block: &SealedBlock,
    position: usize,
    transaction: &Recovered<TxEnvelope>,
) -> RpcResult<(GethTrace, EvmState)> {
    let hash: TxHash = *transaction.inner().tx_hash();
    let context =
        TransactionContext { block_hash: Some(block.hash()), tx_index: Some(position), tx_hash: Some(hash) };
    run(evm, transaction.to_tx_env(), Some(context))
}

/// Runs a transaction; gives its trace, and its changes, which are not kept.
fn run(
    evm: &mut TracingEvm,
    transaction: TxEnv,
    context: Option<TransactionContext>,
) -> RpcResult<(GethTrace, EvmState)> {
    let environment = EvmEnv::new(evm.cfg_env().clone(), evm.block().clone());
    let outcome = match evm.transact_raw(transaction.clone()) {
        Ok(outcome) => outcome,
        Err(error) => {
            let error = CallError::of_transaction(error, &transaction, &environment);
            return Err(match evm.inspector().1.trip() {
                Some(Trip::Size) => RpcError::TraceTooLarge { reason: error.to_string() },
                _ => error.into(),
            });
        }
    };
    let (state, (tracer, _), _) = evm.components_mut();
    let mut trace = tracer
        .get_result(context, &transaction, &environment.block_env, &outcome, state)
        .map_err(|error| RpcError::Tracer { reason: error.to_string() })?;
    if let (GethTrace::CallTracer(frame), DebugInspector::CallTracer(_, config)) = (&mut trace, &*tracer)
        && config.only_top_call == Some(true)
    {
        // Where no calls are told of, no log comes after one.
        frame.logs.iter_mut().for_each(|log| log.position = Some(0));
    }
    give_all_gas(&mut trace, transaction.gas_limit);
    Ok((trace, outcome.state))
}

/// The outermost frame has the transaction's whole gas, as in geth: the tracer sees only what is left of it once the
/// transaction itself is paid for.
fn give_all_gas(trace: &mut GethTrace, gas_limit: u64) {
    match trace {
        GethTrace::CallTracer(frame) => frame.gas = U256::from(gas_limit),
        GethTrace::MuxTracer(mux) => {
            mux.0.values_mut().for_each(|trace| give_all_gas(trace, gas_limit));
        }
        _ => {}
    }
}

/// Numbers the logs of call frames as receipts do: over the whole block.
fn number_logs(api: &Api, block: &SealedBlock, position: usize, trace: &mut GethTrace) -> RpcResult<()> {
    fn shift(frame: &mut CallFrame, by: u64) {
        for log in &mut frame.logs {
            log.index = log.index.map(|index| index + by);
        }
        frame.calls.iter_mut().for_each(|call| shift(call, by));
    }

    if let GethTrace::CallTracer(frame) = trace
        && let Some(receipts) = api.chain.receipts(block.hash())?
    {
        let before = receipts.iter().take(position);
        shift(frame, before.map(|receipt| receipt.logs().len() as u64).sum());
    }
    Ok(())
}

fn json(value: &impl Serialize) -> RpcResult<Box<RawValue>> {
    to_raw_value(value).map_err(|error| RpcError::Tracer { reason: error.to_string() })
}

/// How a block is named in geth's messages about blocks that are not there.
pub(crate) fn block_name(id: &BlockId) -> String {
    match id {
        BlockId::Hash(hash) => hash.block_hash.to_string(),
        BlockId::Number(number) => match number.as_number() {
            Some(number) => format!("#{number}"),
            None => number.to_string(),
        },
    }
}
