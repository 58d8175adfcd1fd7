//! `web3`, `net` and `rpc`: what the node is.

use std::collections::BTreeMap;

use alloy_primitives::{Bytes, U64, keccak256};

use crate::api::Api;
use crate::error::RpcResult;
use crate::methods::{MethodTable, RegisterError};

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.inline("web3_clientVersion", |_, ()| Ok(crate::client_version()))?;
    table.inline("web3_sha3", |_, (data,): (Bytes,)| Ok(keccak256(data)))?;
    table.inline("net_version", |api, ()| Ok(api.chain.config().chain_id.to_string()))?;
    table.inline("net_listening", |_, ()| Ok(true))?;
    table.inline("net_peerCount", |_, ()| Ok(U64::ZERO))?;
    table.inline("rpc_modules", modules)
}

fn modules(api: &Api, (): ()) -> RpcResult<BTreeMap<&'static str, &'static str>> {
    Ok(api.modules.iter().map(|module| (*module, "1.0")).collect())
}
