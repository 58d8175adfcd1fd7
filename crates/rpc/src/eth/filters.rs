//! Filters that clients poll.

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::B256;
use alloy_rpc_types_eth::{Filter, Log};
use serde::Serialize;

use super::logs::{self, FilterArg};
use crate::api::Api;
use crate::error::{RpcError, RpcResult};
use crate::filters::{Cursor, FilterError, FilterId, Seen};
use crate::methods::{MethodTable, RegisterError};
use crate::render::{self, PendingTransaction};

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.inline("eth_newFilter", new_log_filter)?;
    table.inline("eth_newBlockFilter", new_block_filter)?;
    table.inline("eth_newPendingTransactionFilter", new_pending_filter)?;
    table.blocking("eth_getFilterChanges", changes)?;
    table.blocking("eth_getFilterLogs", all_logs)?;
    table.inline("eth_uninstallFilter", |api, (id,): (FilterId,)| Ok(api.filters.remove(id)))
}

/// What is new for a filter.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Changes {
    Hashes(Vec<B256>),
    Logs(Vec<Log>),
    Transactions(Vec<PendingTransaction>),
}

fn new_log_filter(api: &Api, (FilterArg(filter),): (FilterArg,)) -> RpcResult<FilterId> {
    logs::check_width(&filter, api.config.limits.max_filter_alternatives)?;
    for bound in [filter.block_option.get_from_block(), filter.block_option.get_to_block()] {
        if bound == Some(&BlockNumberOrTag::Pending) {
            return Err(RpcError::PendingLogs);
        }
    }
    logs::check_direction(&filter)?;
    let seen = head(api);
    Ok(api.filters.insert(Cursor::Logs { filter: Box::new(filter), seen })?)
}

fn new_block_filter(api: &Api, (): ()) -> RpcResult<FilterId> {
    Ok(api.filters.insert(Cursor::Blocks { seen: head(api) })?)
}

fn new_pending_filter(api: &Api, (full,): (Option<bool>,)) -> RpcResult<FilterId> {
    let cursor = Cursor::Pending { next: api.pending.next(), full: full.unwrap_or(false) };
    Ok(api.filters.insert(cursor)?)
}

fn head(api: &Api) -> Seen {
    let block = api.chain.head().block;
    Seen { number: block.number(), hash: block.hash() }
}

fn changes(api: &Api, (id,): (FilterId,)) -> RpcResult<Changes> {
    let cursor = api.filters.get(id)?;
    match &mut *cursor.lock() {
        Cursor::Blocks { seen } => Ok(Changes::Hashes(new_blocks(api, seen)?)),
        Cursor::Logs { filter, seen } => Ok(Changes::Logs(new_logs(api, filter, seen)?)),
        Cursor::Pending { next, full } => {
            let (hashes, after) = api.pending.since(*next);
            *next = after;
            if !*full {
                return Ok(Changes::Hashes(hashes));
            }
            let pool = api.chain.pool();
            let waiting = hashes.into_iter().filter_map(|hash| pool.get(hash));
            Ok(Changes::Transactions(waiting.map(|pooled| render::pooled_transaction(&pooled)).collect()))
        }
    }
}

/// Blocks a poll covers: all that are new, up to the limit. Later ones are for the next poll.
fn new_range(api: &Api, seen: Seen) -> std::ops::RangeInclusive<u64> {
    let limit = api.chain.config().limits.log_blocks.max(1);
    let next = seen.number.saturating_add(1);
    next..=api.chain.head().block.number().min(seen.number.saturating_add(limit))
}

/// Goes back to where the chain is still the one that was seen; gives the blocks left on the way, the newest first.
fn rewind(api: &Api, seen: &mut Seen) -> RpcResult<Vec<B256>> {
    let canonical = |number: u64| api.chain.block_hash(number.into());
    let parent = |hash: B256| Ok(api.chain.header(hash.into())?.map(|header| header.parent_hash));
    Ok(seen.rewind(canonical, parent)?)
}

fn new_blocks(api: &Api, seen: &mut Seen) -> RpcResult<Vec<B256>> {
    rewind(api, seen)?;
    let mut hashes = Vec::new();
    for number in new_range(api, *seen) {
        let Some(hash) = api.chain.block_hash(number.into())? else { break };
        hashes.push(hash);
        *seen = Seen { number, hash };
    }
    Ok(hashes)
}

/// Logs of blocks that are the chain's no more, then those of new blocks, whole blocks at a time until there are as many
/// as a query may give.
fn new_logs(api: &Api, filter: &Filter, seen: &mut Seen) -> RpcResult<Vec<Log>> {
    let limit = api.chain.config().limits.log_results;
    let mut found = Vec::new();
    for hash in rewind(api, seen)? {
        found.extend(logs_of(api, filter, hash)?.into_iter().rev().map(render::removed));
    }
    for number in new_range(api, *seen) {
        if found.len() >= limit {
            break;
        }
        let Some(hash) = api.chain.block_hash(number.into())? else { break };
        found.extend(logs_of(api, filter, hash)?);
        *seen = Seen { number, hash };
    }
    Ok(found)
}

fn logs_of(api: &Api, filter: &Filter, hash: B256) -> RpcResult<Vec<Log>> {
    let Some(header) = api.chain.header(hash.into())? else { return Ok(Vec::new()) };
    let before = filter.get_from_block().is_some_and(|from| header.number < from);
    let after = filter.get_to_block().is_some_and(|to| header.number > to);
    if before || after || !filter.matches_bloom(header.logs_bloom) {
        return Ok(Vec::new());
    }
    let Some(block) = api.chain.block_by_hash(hash)? else { return Ok(Vec::new()) };
    let Some(receipts) = api.chain.receipts(hash)? else { return Ok(Vec::new()) };
    Ok(logs::matching(filter, &block, &receipts))
}

fn all_logs(api: &Api, (id,): (FilterId,)) -> RpcResult<Vec<Log>> {
    let cursor = api.filters.get(id)?;
    let filter = match &*cursor.lock() {
        Cursor::Logs { filter, .. } => filter.clone(),
        Cursor::Blocks { .. } | Cursor::Pending { .. } => return Err(FilterError::NotFound.into()),
    };
    logs::query(api, *filter)
}
