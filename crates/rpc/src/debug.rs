//! `debug_getRaw*`: blocks, headers, receipts and transactions in their consensus encoding.

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::Bytes;
use ivm_chain::SealedBlock;

use crate::api::Api;
use crate::error::RpcResult;
use crate::eth::raw_transaction;
use crate::methods::{MethodTable, RegisterError};
use crate::params::BlockArg;

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.blocking("debug_getRawHeader", |api, args| {
        raw(api, args, |block| alloy_rlp::encode(block.header()))
    })?;
    table.blocking("debug_getRawBlock", |api, args| {
        raw(api, args, |block| alloy_rlp::encode(block.to_block()))
    })?;
    table.blocking("debug_getRawReceipts", receipts)?;
    table.blocking("debug_getRawTransaction", raw_transaction)?;
    // A block that is not valid is refused and not kept.
    table.inline("debug_getBadBlocks", |_, ()| Ok([(); 0]))
}

/// What is encoded of a block; `0x` when there is none, as geth says it.
fn raw(
    api: &Api,
    (BlockArg(id),): (BlockArg,),
    encode: impl Fn(&SealedBlock) -> Vec<u8>,
) -> RpcResult<Bytes> {
    Ok(api.chain.block(id)?.map(|block| encode(&block)).unwrap_or_default().into())
}

fn receipts(api: &Api, (BlockArg(id),): (BlockArg,)) -> RpcResult<Vec<Bytes>> {
    let Some(hash) = api.chain.block_hash(id)? else { return Ok(Vec::new()) };
    let receipts = api.chain.receipts(hash)?.unwrap_or_default();
    Ok(receipts.iter().map(|receipt| receipt.encoded_2718().into()).collect())
}
