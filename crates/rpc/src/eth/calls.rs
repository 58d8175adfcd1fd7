//! Calls that leave nothing behind.

use alloy_eips::BlockId;
use alloy_eips::eip2930::AccessListResult;
use alloy_evm::Evm;
use alloy_primitives::{Bytes, U64, U256};
use alloy_rpc_types_eth::state::StateOverride;
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use ivm_chain::{CallRequest, LastStep, Overrides, transact};
use revm_inspectors::access_list::AccessListInspector;

use super::short::ShortRun;
use crate::api::Api;
use crate::error::{RpcError, RpcResult};
use crate::methods::{MethodTable, RegisterError};
use crate::params::BlockArg;
use crate::revert;
use crate::trace::Guard;

/// Runs a call may need until its access list holds all it touches: a call can touch what depends on its gas.
const MAX_ACCESS_LIST_ROUNDS: usize = 8;

type CallArgs = (TransactionRequest, Option<BlockArg>, Option<StateOverride>, Option<BlockOverrides>);

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.mostly_short("eth_call", call_at_once, call)?;
    table.blocking("eth_estimateGas", estimate_gas)?;
    table.blocking("eth_createAccessList", create_access_list)
}

/// Most calls read some slots. Overrides take a time of their own.
fn call_at_once(api: &Api, args: &CallArgs) -> Option<RpcResult<Bytes>> {
    let (_, _, state_overrides, block_overrides) = args;
    if state_overrides.is_some() || block_overrides.is_some() {
        return None;
    }
    let (mut short, mut last) = (ShortRun::default(), LastStep::default());
    let result = api.chain.call(request(args.clone()), (&mut short, &mut last));
    let output = result.map_err(RpcError::from).and_then(|result| revert::output(result, last));
    (!short.is_long()).then_some(output)
}

fn call(api: &Api, args: CallArgs) -> RpcResult<Bytes> {
    let mut last = LastStep::default();
    let result = api.chain.call(request(args), (guard(api), &mut last))?;
    revert::output(result, last)
}

fn estimate_gas(api: &Api, args: CallArgs) -> RpcResult<U64> {
    Ok(U64::from(api.chain.estimate_gas(request(args), guard(api))?))
}

/// Gas that a transaction needs on the head's state.
pub(super) fn estimate(api: &Api, transaction: TransactionRequest) -> RpcResult<u64> {
    Ok(api.chain.estimate_gas(request((transaction, None, None, None)), guard(api))?)
}

fn guard(api: &Api) -> Guard {
    Guard::for_call(api.config.limits.max_call_time)
}

/// Runs the call with the list of what it touched the last time, until it touches nothing else.
fn create_access_list(
    api: &Api,
    (mut transaction, block, state): (TransactionRequest, Option<BlockArg>, Option<StateOverride>),
) -> RpcResult<AccessListResult> {
    let context = api.chain.call_context(block.map_or_else(BlockId::latest, |block| block.0))?;
    let mut guard = guard(api);
    let mut access_list = transaction.access_list.take().unwrap_or_default();
    for _ in 0..MAX_ACCESS_LIST_ROUNDS {
        let request = TransactionRequest { access_list: Some(access_list.clone()), ..transaction.clone() };
        let inspector = AccessListInspector::new(access_list.clone());
        let overrides = Overrides { state: state.clone(), block: None };
        let watched = (inspector, (&mut guard, LastStep::default()));
        let (mut evm, call) = context.call_evm(request, overrides, watched)?;
        let result = transact(&mut evm, &call)?;
        let (inspector, (_, last)) = evm.inspector();
        let touched = inspector.access_list();
        if touched == access_list {
            let gas_used = U256::from(result.tx_gas_used());
            let error = revert::failure(&result, *last);
            return Ok(AccessListResult { access_list, gas_used, error });
        }
        access_list = touched;
    }
    Err(RpcError::UnsettledAccessList { rounds: MAX_ACCESS_LIST_ROUNDS })
}

fn request((transaction, block, state_overrides, block_overrides): CallArgs) -> CallRequest {
    let block = block.map_or_else(BlockId::latest, |block| block.0);
    CallRequest { transaction, block, state_overrides, block_overrides }
}
