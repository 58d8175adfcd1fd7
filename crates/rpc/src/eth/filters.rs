//! Filters that clients poll.

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::B256;
use alloy_rpc_types_eth::{Filter, Log, Transaction};
use serde::Serialize;

use super::logs;
use crate::api::Api;
use crate::error::{RpcError, RpcResult};
use crate::filters::{Cursor, FilterError, FilterId};
use crate::methods::{MethodTable, RegisterError};
use crate::render;

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
    Transactions(Vec<Transaction>),
}

fn new_log_filter(api: &Api, (filter,): (Filter,)) -> RpcResult<FilterId> {
    logs::check_width(&filter, api.config.limits.max_filter_alternatives)?;
    for bound in [filter.block_option.get_from_block(), filter.block_option.get_to_block()] {
        if bound == Some(&BlockNumberOrTag::Pending) {
            return Err(RpcError::PendingLogs);
        }
    }
    let next = next_block(api);
    Ok(api.filters.insert(Cursor::Logs { filter: Box::new(filter), next })?)
}

fn new_block_filter(api: &Api, (): ()) -> RpcResult<FilterId> {
    Ok(api.filters.insert(Cursor::Blocks { next: next_block(api) })?)
}

fn new_pending_filter(api: &Api, (full,): (Option<bool>,)) -> RpcResult<FilterId> {
    let cursor = Cursor::Pending { next: api.pending.next(), full: full.unwrap_or(false) };
    Ok(api.filters.insert(cursor)?)
}

fn next_block(api: &Api) -> u64 {
    api.chain.head().block.number().saturating_add(1)
}

fn changes(api: &Api, (id,): (FilterId,)) -> RpcResult<Changes> {
    let cursor = api.filters.get(id)?;
    match &mut *cursor.lock() {
        Cursor::Blocks { next } => Ok(Changes::Hashes(new_blocks(api, next)?)),
        Cursor::Logs { filter, next } => Ok(Changes::Logs(new_logs(api, filter, next)?)),
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
fn new_range(api: &Api, next: u64) -> std::ops::RangeInclusive<u64> {
    let limit = api.chain.config().limits.log_blocks.max(1);
    next..=api.chain.head().block.number().min(next.saturating_add(limit - 1))
}

fn new_blocks(api: &Api, next: &mut u64) -> RpcResult<Vec<B256>> {
    let mut hashes = Vec::new();
    for number in new_range(api, *next) {
        hashes.extend(api.chain.block_hash(number.into())?);
        *next = number + 1;
    }
    Ok(hashes)
}

/// Logs of new blocks, whole blocks at a time until there are as many as a query may give.
fn new_logs(api: &Api, filter: &Filter, next: &mut u64) -> RpcResult<Vec<Log>> {
    let limit = api.chain.config().limits.log_results;
    let mut found = Vec::new();
    for number in new_range(api, *next) {
        if found.len() >= limit {
            break;
        }
        found.extend(logs_of(api, filter, number)?);
        *next = number + 1;
    }
    Ok(found)
}

fn logs_of(api: &Api, filter: &Filter, number: u64) -> RpcResult<Vec<Log>> {
    let before = filter.get_from_block().is_some_and(|from| number < from);
    let after = filter.get_to_block().is_some_and(|to| number > to);
    let Some(header) = api.chain.header(number.into())? else { return Ok(Vec::new()) };
    if before || after || !filter.matches_bloom(header.logs_bloom) {
        return Ok(Vec::new());
    }
    let Some(block) = api.chain.block_by_number(number)? else { return Ok(Vec::new()) };
    let Some(receipts) = api.chain.receipts(block.hash())? else { return Ok(Vec::new()) };
    let matching = render::logs(&block, &receipts).filter(|mined| filter.matches(&mined.log));
    Ok(matching.map(render::log).collect())
}

fn all_logs(api: &Api, (id,): (FilterId,)) -> RpcResult<Vec<Log>> {
    let cursor = api.filters.get(id)?;
    let filter = match &*cursor.lock() {
        Cursor::Logs { filter, .. } => filter.clone(),
        Cursor::Blocks { .. } | Cursor::Pending { .. } => return Err(FilterError::NotFound.into()),
    };
    logs::query(api, *filter)
}
