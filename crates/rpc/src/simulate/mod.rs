//! `eth_simulateV1`: blocks of calls, each on the state the one before left.

mod chain;
mod error;
mod render;

use alloy_eips::BlockId;
use alloy_rpc_types_eth::simulate::SimulatePayload;
use serde_json::value::RawValue;

pub(crate) use error::SimulateError;

use crate::api::Api;
use crate::error::{RpcError, RpcResult};
use crate::methods::{MethodTable, RegisterError};
use crate::params::BlockArg;

/// Most blocks of one simulation, those that fill gaps included.
const MAX_BLOCKS: u64 = 256;

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.blocking("eth_simulateV1", simulate)
}

fn simulate(
    api: &Api,
    (payload, block): (SimulatePayload, Option<BlockArg>),
) -> RpcResult<Vec<Box<RawValue>>> {
    if payload.block_state_calls.is_empty() {
        return Err(SimulateError::Empty.into());
    }
    if payload.block_state_calls.len() as u64 > MAX_BLOCKS {
        return Err(SimulateError::TooManyBlocks.into());
    }
    let id = block.map_or_else(BlockId::latest, |block| block.0);
    let base = api.chain.block(id)?.ok_or(match id {
        BlockId::Hash(_) => RpcError::HeaderForHashNotFound,
        BlockId::Number(_) => RpcError::HeaderNotFound,
    })?;
    chain::run(api, &base, payload)
}
