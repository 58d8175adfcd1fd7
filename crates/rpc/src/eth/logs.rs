//! Log queries.

use alloy_consensus::ReceiptEnvelope;
use alloy_eips::BlockNumberOrTag;
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};
use ivm_chain::{LogQuery, LogRange, SealedBlock};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::api::Api;
use crate::error::{RpcError, RpcResult};
use crate::filters::FilterError;
use crate::methods::{MethodTable, RegisterError};
use crate::params::from_value;
use crate::render;

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.blocking("eth_getLogs", |api, (filter,): (FilterArg,)| query(api, filter.0))
}

/// A filter. One block and a range of blocks exclude each other.
pub(crate) struct FilterArg(pub(crate) Filter);

impl<'de> Deserialize<'de> for FilterArg {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        if let Value::Object(fields) = &mut value {
            // For Go a field that is null is one that is not there.
            fields.retain(|_, field| !field.is_null());
            if fields.contains_key("blockHash")
                && (fields.contains_key("fromBlock") || fields.contains_key("toBlock"))
            {
                return Err(D::Error::custom(
                    "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other",
                ));
            }
        }
        from_value(value).map(Self).map_err(D::Error::custom)
    }
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
            check_direction(&filter)?;
            let head = api.chain.head().block.number();
            let from = block_number(api, from_block)?;
            let to = block_number(api, to_block)?;
            if to > head {
                return Err(RpcError::RangeBeyondHead);
            }
            if from > to {
                return Err(RpcError::BackwardRange);
            }
            LogRange::Numbers { from, to }
        }
    };
    let logs = api.chain.logs(&LogQuery { range, filter })?;
    Ok(logs.into_iter().map(render::log).collect())
}

/// The logs of a block that a filter matches, in order.
pub(crate) fn matching(filter: &Filter, block: &SealedBlock, receipts: &[ReceiptEnvelope]) -> Vec<Log> {
    if !filter.matches_bloom(block.header().logs_bloom) {
        return Vec::new();
    }
    let matching = render::logs(block, receipts).filter(|mined| filter.matches(&mined.log));
    matching.map(render::log).collect()
}

/// A filter's bound as a number; the head where there is none.
pub(crate) fn block_number(api: &Api, bound: Option<BlockNumberOrTag>) -> RpcResult<u64> {
    match bound.unwrap_or_default() {
        BlockNumberOrTag::Number(number) => Ok(number),
        BlockNumberOrTag::Pending => Err(RpcError::PendingLogs),
        tag => Ok(api.chain.header(tag.into())?.ok_or(RpcError::UnknownBlock)?.number),
    }
}

/// Refuses a range whose numbers go backward.
pub(crate) fn check_direction(filter: &Filter) -> RpcResult<()> {
    let bounds = [filter.block_option.get_from_block(), filter.block_option.get_to_block()];
    match bounds.map(|bound| bound.and_then(|bound| bound.as_number())) {
        [Some(from), Some(to)] if from > to => Err(RpcError::BackwardRange),
        _ => Ok(()),
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
