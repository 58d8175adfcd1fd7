//! Blocks and their receipts.

use alloy_eips::BlockId;
use alloy_primitives::U64;
use alloy_rpc_types_eth::{Block, Header, Index};

use crate::api::Api;
use crate::error::RpcResult;
use crate::methods::{MethodTable, RegisterError};
use crate::params::{BlockArg, HashArg, NumberArg};
use crate::render::{self, RpcReceipt};

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.blocking("eth_getBlockByNumber", by_number)?;
    table.blocking("eth_getBlockByHash", by_hash)?;
    table.blocking("eth_getHeaderByNumber", |api, (number,): (NumberArg,)| header(api, number.0.into()))?;
    table.blocking("eth_getHeaderByHash", |api, (hash,): (HashArg,)| header(api, hash.0.into()))?;
    table.blocking("eth_getBlockReceipts", receipts)?;
    table.blocking("eth_getBlockTransactionCountByNumber", |api, (number,): (NumberArg,)| {
        transaction_count(api, number.0.into())
    })?;
    table.blocking("eth_getBlockTransactionCountByHash", |api, (hash,): (HashArg,)| {
        transaction_count(api, hash.0.into())
    })?;
    table.blocking("eth_getUncleCountByBlockNumber", |api, (number,): (NumberArg,)| {
        uncle_count(api, number.0.into())
    })?;
    table.blocking("eth_getUncleCountByBlockHash", |api, (hash,): (HashArg,)| {
        uncle_count(api, hash.0.into())
    })?;
    table.blocking("eth_getUncleByBlockNumberAndIndex", |api, (number, index): (NumberArg, Index)| {
        uncle(api, number.0.into(), index)
    })?;
    table.blocking("eth_getUncleByBlockHashAndIndex", |api, (hash, index): (HashArg, Index)| {
        uncle(api, hash.0.into(), index)
    })
}

fn by_number(api: &Api, (NumberArg(number), full): (NumberArg, Option<bool>)) -> RpcResult<Option<Block>> {
    let block = api.chain.block(number.into())?;
    Ok(block.map(|block| render::block(&block, full.unwrap_or(false))))
}

fn by_hash(api: &Api, (HashArg(hash), full): (HashArg, Option<bool>)) -> RpcResult<Option<Block>> {
    let block = api.chain.block_by_hash(hash)?;
    Ok(block.map(|block| render::block(&block, full.unwrap_or(false))))
}

fn header(api: &Api, id: BlockId) -> RpcResult<Option<Header>> {
    Ok(api.chain.block(id)?.map(|block| render::header(&block)))
}

fn receipts(api: &Api, (BlockArg(id),): (BlockArg,)) -> RpcResult<Option<Vec<RpcReceipt>>> {
    let Some(block) = api.chain.block(id)? else { return Ok(None) };
    let receipts = api.chain.receipts(block.hash())?;
    Ok(receipts.map(|receipts| render::receipts(&block, &receipts, api.chain.blob_base_fee(block.header()))))
}

fn transaction_count(api: &Api, id: BlockId) -> RpcResult<Option<U64>> {
    Ok(api.chain.block(id)?.map(|block| U64::from(block.transactions().len())))
}

/// Blocks of this chain have no uncles.
fn uncle(api: &Api, id: BlockId, index: Index) -> RpcResult<Option<Block>> {
    let block = api.chain.block(id)?;
    Ok(block.and_then(|block| render::uncle(&block, index.into())))
}

fn uncle_count(api: &Api, id: BlockId) -> RpcResult<Option<U64>> {
    Ok(api.chain.block(id)?.map(|block| U64::from(block.ommers().len())))
}
