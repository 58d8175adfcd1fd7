//! Transactions: sent, pending and mined.

use alloy_eips::{BlockId, BlockNumberOrTag, Encodable2718};
use alloy_primitives::{B256, Bytes, TxHash};
use alloy_rpc_types_eth::{Index, Transaction};

use crate::api::Api;
use crate::error::RpcResult;
use crate::methods::{MethodTable, RegisterError};
use crate::render::{self, RpcReceipt};

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.blocking("eth_sendRawTransaction", send_raw)?;
    table.blocking("eth_getTransactionByHash", by_hash)?;
    table.blocking("eth_getRawTransactionByHash", raw_by_hash)?;
    table.blocking("eth_getTransactionReceipt", receipt)?;
    table.blocking(
        "eth_getTransactionByBlockNumberAndIndex",
        |api, (number, index): (BlockNumberOrTag, Index)| by_position(api, number.into(), index),
    )?;
    table.blocking("eth_getTransactionByBlockHashAndIndex", |api, (hash, index): (B256, Index)| {
        by_position(api, hash.into(), index)
    })
}

fn send_raw(api: &Api, (raw,): (Bytes,)) -> RpcResult<TxHash> {
    Ok(api.chain.submit_transaction(&raw)?)
}

fn by_hash(api: &Api, (hash,): (TxHash,)) -> RpcResult<Option<Transaction>> {
    if let Some(pooled) = api.chain.pool().get(hash) {
        return Ok(Some(render::pooled_transaction(&pooled)));
    }
    let Some(mined) = api.chain.transaction(hash)? else { return Ok(None) };
    by_position(api, mined.block_hash.into(), Index(usize::try_from(mined.index).unwrap_or(usize::MAX)))
}

fn raw_by_hash(api: &Api, (hash,): (TxHash,)) -> RpcResult<Option<Bytes>> {
    if let Some(pooled) = api.chain.pool().get(hash) {
        return Ok(Some(pooled.transaction().inner().encoded_2718().into()));
    }
    let mined = api.chain.transaction(hash)?;
    Ok(mined.map(|mined| mined.transaction.inner().encoded_2718().into()))
}

fn by_position(api: &Api, id: BlockId, index: Index) -> RpcResult<Option<Transaction>> {
    let block = api.chain.block(id)?;
    Ok(block.and_then(|block| render::transaction_at(&block, index.into())))
}

fn receipt(api: &Api, (hash,): (TxHash,)) -> RpcResult<Option<RpcReceipt>> {
    let Some(mined) = api.chain.transaction(hash)? else { return Ok(None) };
    let Some(block) = api.chain.block_by_hash(mined.block_hash)? else { return Ok(None) };
    let receipts = api.chain.receipts(mined.block_hash)?;
    let blob_price = api.chain.blob_base_fee(block.header());
    Ok(receipts.and_then(|receipts| render::mined_receipt(&block, &receipts, &mined, blob_price)))
}
