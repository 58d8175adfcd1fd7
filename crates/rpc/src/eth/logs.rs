//! Log queries.

use alloy_eips::BlockNumberOrTag;
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};
use ivm_chain::{LogQuery, LogRange};

use crate::api::Api;
use crate::error::{RpcError, RpcResult};
use crate::filters::FilterError;
use crate::methods::{MethodTable, RegisterError};
use crate::render;

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.blocking("eth_getLogs", |api, (filter,): (Filter,)| query(api, filter))
}

/// The logs a filter matches.
pub(crate) fn query(api: &Api, filter: Filter) -> RpcResult<Vec<Log>> {
    check_width(&filter, api.config.limits.max_filter_alternatives)?;
    let range = match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            api.chain.block_hash(hash.into())?.ok_or(RpcError::UnknownBlock)?;
            LogRange::Block(hash)
        }
        FilterBlockOption::Range { from_block, to_block } => {
            let head = api.chain.head().block.number();
            let from = block_number(api, from_block)?;
            let to = block_number(api, to_block)?;
            // What is to come holds nothing yet, but a range that runs backwards is a mistake wherever it is.
            if from <= to && from > head {
                return Ok(Vec::new());
            }
            LogRange::Numbers { from, to: if from <= to { to.min(head) } else { to } }
        }
    };
    let logs = api.chain.logs(&LogQuery { range, filter })?;
    Ok(logs.into_iter().map(render::log).collect())
}

/// A filter's bound as a number; the head where there is none.
pub(crate) fn block_number(api: &Api, bound: Option<BlockNumberOrTag>) -> RpcResult<u64> {
    match bound.unwrap_or_default() {
        BlockNumberOrTag::Number(number) => Ok(number),
        BlockNumberOrTag::Pending => Err(RpcError::PendingLogs),
        tag => Ok(api.chain.header(tag.into())?.ok_or(RpcError::UnknownBlock)?.number),
    }
}

/// Refuses filters with more addresses, or more alternatives of a topic, than the limit.
pub(crate) fn check_width(filter: &Filter, limit: usize) -> Result<(), FilterError> {
    let addresses = ("addresses", filter.address.len());
    let topics = filter.topics.iter().map(|topic| ("topics", topic.len()));
    match std::iter::once(addresses).chain(topics).find(|(_, got)| *got > limit) {
        Some((what, got)) => Err(FilterError::TooWide { what, got, limit }),
        None => Ok(()),
    }
}
