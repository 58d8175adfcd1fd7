//! `debug`: what a call or a transaction did, call by call.

use alloy_eips::BlockId;
use alloy_evm::Evm;
use alloy_primitives::TxHash;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{
    CallConfig, CallFrame, GethDebugBuiltInTracerType, GethDebugTracerType, GethDebugTracingCallOptions,
    GethDebugTracingOptions,
};
use ivm_chain::{CallError, ExecutionResult, Overrides};
use revm_inspectors::tracing::{TraceLimits, TracingInspector, TracingInspectorConfig};

use crate::api::Api;
use crate::args::ArgsError;
use crate::error::{RpcError, RpcResult};
use crate::methods::{MethodTable, RegisterError};

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.tracing("debug_traceTransaction", transaction)?;
    table.tracing("debug_traceCall", call)
}

fn transaction(
    api: &Api,
    (hash, options): (TxHash, Option<GethDebugTracingOptions>),
) -> RpcResult<CallFrame> {
    let config = call_config(options.unwrap_or_default(), 1)?;
    let (mut evm, mined) = api.chain.replay(hash, inspector(api, &config))?;
    let result = evm.transact(&mined.transaction).map_err(CallError::from)?.result;
    frame(api, evm.inspector(), config, &result)
}

fn call(
    api: &Api,
    (request, block, options): (TransactionRequest, Option<BlockId>, Option<GethDebugTracingCallOptions>),
) -> RpcResult<CallFrame> {
    let options = options.unwrap_or_default();
    if options.tx_index.is_some() {
        return Err(ArgsError::invalid(2, "txIndex is not supported").into());
    }
    let config = call_config(options.tracing_options, 2)?;
    let overrides = Overrides { state: options.state_overrides, block: options.block_overrides };
    let context = api.chain.call_context(block.unwrap_or_default())?;
    let (mut evm, call) = context.call_evm(request, overrides, inspector(api, &config))?;
    let result = evm.transact(call).map_err(CallError::from)?.result;
    frame(api, evm.inspector(), config, &result)
}

/// The configuration of the call tracer, which is the one there is.
fn call_config(options: GethDebugTracingOptions, position: usize) -> Result<CallConfig, ArgsError> {
    match options.tracer {
        Some(GethDebugTracerType::BuiltInTracer(GethDebugBuiltInTracerType::CallTracer)) => {
            options.tracer_config.into_call_config().map_err(|error| ArgsError::invalid(position, error))
        }
        other => {
            let got = other.as_ref().map_or("struct logger", |tracer| tracer.as_str());
            Err(ArgsError::invalid(position, format!("tracer not supported: {got}, supported: callTracer")))
        }
    }
}

fn inspector(api: &Api, config: &CallConfig) -> TracingInspector {
    let limits = TraceLimits::default().set_max_recorded_bytes(Some(api.config.limits.max_trace_size_bytes));
    TracingInspector::new(TracingInspectorConfig::from_geth_call_config(config)).with_limits(limits)
}

fn frame(
    api: &Api,
    inspector: &TracingInspector,
    config: CallConfig,
    result: &ExecutionResult,
) -> RpcResult<CallFrame> {
    if inspector.limit_exceeded() {
        return Err(RpcError::TraceTooLarge { limit: api.config.limits.max_trace_size_bytes });
    }
    Ok(inspector.geth_builder().geth_call_traces_with_result_gas(config, *result.gas()))
}
