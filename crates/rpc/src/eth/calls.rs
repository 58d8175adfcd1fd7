//! Calls that leave nothing behind.

use alloy_eips::BlockId;
use alloy_primitives::{Bytes, U64};
use alloy_rpc_types_eth::state::StateOverride;
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use ivm_chain::CallRequest;

use crate::api::Api;
use crate::error::RpcResult;
use crate::methods::{MethodTable, RegisterError};
use crate::revert;

type CallArgs = (TransactionRequest, Option<BlockId>, Option<StateOverride>, Option<BlockOverrides>);

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.blocking("eth_call", call)?;
    table.blocking("eth_estimateGas", estimate_gas)
}

fn call(api: &Api, args: CallArgs) -> RpcResult<Bytes> {
    revert::output(api.chain.call(request(args))?)
}

fn estimate_gas(api: &Api, args: CallArgs) -> RpcResult<U64> {
    Ok(U64::from(api.chain.estimate_gas(request(args))?))
}

fn request((transaction, block, state_overrides, block_overrides): CallArgs) -> CallRequest {
    CallRequest { transaction, block: block.unwrap_or_default(), state_overrides, block_overrides }
}
