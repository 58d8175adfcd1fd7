//! Transactions: sent, pending and mined.

use alloy_consensus::constants::EIP4844_TX_TYPE_ID;
use alloy_eips::{BlockId, Encodable2718};
use alloy_primitives::{Bytes, TxHash};
use alloy_rpc_types_eth::{Index, Transaction};

use crate::api::Api;
use crate::error::RpcResult;
use crate::methods::{MethodTable, RegisterError};
use crate::params::{BytesArg, HashArg, NumberArg};
use crate::render::{self, RpcReceipt, ShownTransaction};

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.mostly_short("eth_sendRawTransaction", send_at_once, send_raw)?;
    table.blocking("eth_getTransactionByHash", by_hash)?;
    table.blocking("eth_getRawTransactionByHash", raw_transaction)?;
    table.blocking("eth_getTransactionReceipt", |api, (HashArg(hash),): (HashArg,)| receipt_of(api, hash))?;
    table
        .blocking("eth_getTransactionByBlockNumberAndIndex", |api, (number, index): (NumberArg, Index)| {
            by_position(api, number.0.into(), index)
        })?;
    table.blocking("eth_getTransactionByBlockHashAndIndex", |api, (hash, index): (HashArg, Index)| {
        by_position(api, hash.0.into(), index)
    })?;
    table.blocking(
        "eth_getRawTransactionByBlockNumberAndIndex",
        |api, (number, index): (NumberArg, Index)| raw_by_position(api, number.0.into(), index),
    )?;
    table.blocking("eth_getRawTransactionByBlockHashAndIndex", |api, (hash, index): (HashArg, Index)| {
        raw_by_position(api, hash.0.into(), index)
    })
}

/// Blobs take milliseconds to check, and a journal may wait for its disk; else there is one signature to recover.
fn send_at_once(api: &Api, (BytesArg(raw),): &(BytesArg,)) -> Option<RpcResult<TxHash>> {
    let has_blobs = raw.first() == Some(&EIP4844_TX_TYPE_ID);
    (!has_blobs && !api.chain.pool().has_journal()).then(|| Ok(api.chain.submit_transaction(raw)?))
}

fn send_raw(api: &Api, (BytesArg(raw),): (BytesArg,)) -> RpcResult<TxHash> {
    Ok(api.chain.submit_transaction(&raw)?)
}

fn by_hash(api: &Api, (HashArg(hash),): (HashArg,)) -> RpcResult<Option<ShownTransaction>> {
    if let Some(pooled) = api.chain.pool().get(hash) {
        return Ok(Some(ShownTransaction::Pending(render::pooled_transaction(&pooled).into())));
    }
    let Some(mined) = api.chain.transaction(hash)? else { return Ok(None) };
    let index = Index(usize::try_from(mined.index).unwrap_or(usize::MAX));
    Ok(by_position(api, mined.block_hash.into(), index)?.map(|shown| ShownTransaction::Mined(shown.into())))
}

/// A transaction in its encoding, pending or mined.
pub(crate) fn raw_transaction(api: &Api, (HashArg(hash),): (HashArg,)) -> RpcResult<Option<Bytes>> {
    if let Some(pooled) = api.chain.pool().get(hash) {
        return Ok(Some(pooled.transaction().inner().encoded_2718().into()));
    }
    let mined = api.chain.transaction(hash)?;
    Ok(mined.map(|mined| mined.transaction.inner().encoded_2718().into()))
}

fn raw_by_position(api: &Api, id: BlockId, index: Index) -> RpcResult<Option<Bytes>> {
    let block = api.chain.block(id)?;
    let transaction = block.as_ref().and_then(|block| block.transactions().get(usize::from(index)));
    Ok(transaction.map(|transaction| transaction.inner().encoded_2718().into()))
}

fn by_position(api: &Api, id: BlockId, index: Index) -> RpcResult<Option<Transaction>> {
    let block = api.chain.block(id)?;
    Ok(block.and_then(|block| render::transaction_at(&block, index.into())))
}

/// The receipt of a mined transaction.
pub(super) fn receipt_of(api: &Api, hash: TxHash) -> RpcResult<Option<RpcReceipt>> {
    let Some(mined) = api.chain.transaction(hash)? else { return Ok(None) };
    let Some(block) = api.chain.block_by_hash(mined.block_hash)? else { return Ok(None) };
    let receipts = api.chain.receipts(mined.block_hash)?;
    let blob_price = api.chain.blob_base_fee(block.header());
    Ok(receipts.and_then(|receipts| render::mined_receipt(&block, &receipts, &mined, blob_price)))
}
