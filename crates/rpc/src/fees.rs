//! Fee suggestions and history.

use alloy_consensus::Header;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U64, U256};
use alloy_rpc_types_eth::FeeHistory;
use parking_lot::Mutex;

use crate::api::Api;
use crate::args::ArgsError;
use crate::error::{RpcError, RpcResult};
use crate::methods::{MethodTable, RegisterError};
use crate::params::NumberArg;

/// Blocks a suggestion looks back on.
const SAMPLE_BLOCKS: u64 = 20;
/// Percentile of the tips of each of them that counts.
const SAMPLE_PERCENTILE: u8 = 60;
/// Most that is suggested, in wei: 500 gwei.
const MAX_SUGGESTED_TIP_WEI: u128 = 500_000_000_000;

pub(crate) fn register(table: &mut MethodTable) -> Result<(), RegisterError> {
    table.blocking("eth_gasPrice", gas_price)?;
    table.blocking("eth_maxPriorityFeePerGas", |api, ()| Ok(U256::from(suggested_tip(api)?)))?;
    table.inline("eth_baseFee", |api, ()| Ok(U256::from(api.chain.next_base_fee())))?;
    table.inline("eth_blobBaseFee", |api, ()| {
        Ok(U256::from(blob_base_fee(api, api.chain.head().block.header())))
    })?;
    table.blocking("eth_feeHistory", fee_history)
}

/// Remembers the suggestion made at a head.
#[derive(Default)]
pub(crate) struct TipOracle {
    last: Mutex<Option<(B256, u128)>>,
}

/// Price of blob gas in a block; 0 before there was any.
fn blob_base_fee(api: &Api, header: &Header) -> u128 {
    api.chain.blob_base_fee(header).unwrap_or_default()
}

/// A price that pays the tip in the next block, and that a call at the head is not refused for.
fn gas_price(api: &Api, (): ()) -> RpcResult<U256> {
    let head = api.chain.head().block.header().base_fee_per_gas.unwrap_or_default();
    let base_fee = head.max(api.chain.next_base_fee());
    Ok(U256::from(suggested_tip(api)?.saturating_add(base_fee.into())))
}

/// The median of what recent blocks took, of those that hold transactions.
pub(crate) fn suggested_tip(api: &Api) -> RpcResult<u128> {
    let head = api.chain.head().block.hash();
    if let Some((at, tip)) = *api.tips.last.lock()
        && at == head
    {
        return Ok(tip);
    }
    let history = api.chain.fee_history(SAMPLE_BLOCKS, head.into(), &[SAMPLE_PERCENTILE])?;
    let mut tips: Vec<u128> = history
        .gas_used_and_limit
        .iter()
        .zip(&history.rewards)
        .filter(|((gas_used, _), _)| *gas_used > 0)
        .filter_map(|(_, rewards)| rewards.first().copied())
        .collect();
    tips.sort_unstable();
    let floor = api.chain.config().pool.min_tip_wei;
    let tip = tips.get(tips.len() / 2).copied().unwrap_or(api.config.default_tip_wei);
    let tip = tip.min(MAX_SUGGESTED_TIP_WEI).max(floor);
    *api.tips.last.lock() = Some((head, tip));
    Ok(tip)
}

fn fee_history(
    api: &Api,
    (count, NumberArg(newest), percentiles): (U64, NumberArg, Option<Vec<f64>>),
) -> RpcResult<FeeHistory> {
    let percentiles = percentiles.unwrap_or_default();
    let whole = whole_percentiles(&percentiles, api.config.limits.max_reward_percentiles)?;
    if let BlockNumberOrTag::Number(requested) = newest {
        let head = api.chain.head().block.number();
        if requested > head {
            return Err(RpcError::BeyondHead { requested, head });
        }
    }
    let count = count.to::<u64>().min(api.chain.config().limits.fee_history_blocks);
    if count == 0 {
        return Ok(FeeHistory::default());
    }
    let history = api.chain.fee_history(count, BlockId::Number(newest), &whole)?;
    let mut base_fee_per_blob_gas = Vec::new();
    let mut blob_gas_used_ratio = Vec::new();
    let first = history.oldest_block;
    for number in (first..).take(history.gas_used_and_limit.len()) {
        let Some(header) = api.chain.header(number.into())? else { break };
        base_fee_per_blob_gas.push(blob_base_fee(api, &header));
        let blobs = api.chain.config().rules.blob_params(header.timestamp);
        let max_blob_gas = blobs.map_or(0, |blobs| blobs.max_blob_gas_per_block());
        blob_gas_used_ratio.push(ratio(header.blob_gas_used.unwrap_or_default(), max_blob_gas));
        if blob_gas_used_ratio.len() == history.gas_used_and_limit.len() {
            base_fee_per_blob_gas
                .push(blobs.and_then(|blobs| header.next_block_blob_fee(blobs)).unwrap_or_default());
        }
    }
    Ok(FeeHistory {
        oldest_block: history.oldest_block,
        base_fee_per_gas: history.base_fee_per_gas,
        gas_used_ratio: history.gas_used_and_limit.iter().map(|(used, limit)| ratio(*used, *limit)).collect(),
        base_fee_per_blob_gas,
        blob_gas_used_ratio,
        reward: (!whole.is_empty()).then_some(history.rewards),
    })
}

fn ratio(used: u64, limit: u64) -> f64 {
    if limit == 0 { 0.0 } else { used as f64 / limit as f64 }
}

/// Percentiles must rise from 0 to 100. They are rounded to whole ones, which is as fine as the chain tells tips apart.
fn whole_percentiles(percentiles: &[f64], limit: usize) -> Result<Vec<u8>, ArgsError> {
    if percentiles.len() > limit {
        let got = percentiles.len();
        return Err(ArgsError::invalid(2, format!("{got} reward percentiles, limit {limit}")));
    }
    let mut last = 0.0;
    for percentile in percentiles {
        if !(0.0..=100.0).contains(percentile) || *percentile < last {
            return Err(ArgsError::invalid(2, format!("invalid reward percentile: {percentile}")));
        }
        last = *percentile;
    }
    Ok(percentiles.iter().map(|percentile| percentile.round() as u8).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn percentiles_rise_within_bounds() {
        assert_eq!(whole_percentiles(&[0.0, 24.6, 100.0], 3).unwrap(), [0, 25, 100]);
        for refused in [&[-1.0][..], &[100.1], &[50.0, 40.0], &[f64::NAN], &[1.0, 2.0, 3.0, 4.0]] {
            assert!(whole_percentiles(refused, 3).is_err(), "{refused:?}");
        }
    }
}
