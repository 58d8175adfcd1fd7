//! The chain of simulated blocks: their order, their headers, and running them.

use alloy_consensus::proofs::{calculate_receipt_root, calculate_transaction_root};
use alloy_consensus::{Header, TxEnvelope};
use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::BlockOverrides;
use alloy_rpc_types_eth::simulate::{SimBlock, SimulatePayload};
use ivm_chain::{ChainError, SealedBlock, SimulatedEnvironment, SimulationMode, Simulator, TransferLogs};
use serde_json::value::RawValue;

use super::error::SimulateError;
use super::{MAX_BLOCKS, render};
use crate::api::Api;
use crate::error::RpcResult;
use crate::trace::Guard;

/// Seconds between simulated blocks that name no time.
const SECONDS_BETWEEN_BLOCKS: u64 = 12;

pub(super) fn run(api: &Api, base: &SealedBlock, payload: SimulatePayload) -> RpcResult<Vec<Box<RawValue>>> {
    let SimulatePayload { block_state_calls, trace_transfers, validation, return_full_transactions } =
        payload;
    let blocks = in_order(base.header(), block_state_calls)?;
    let mode = if validation { SimulationMode::Validated } else { SimulationMode::Lenient };
    let mut transfers =
        if trace_transfers { TransferLogs::with_transfers() } else { TransferLogs::logs_only() };
    let mut guard = Guard::for_call(api.config.limits.max_call_time);
    let context = api.chain.call_context(base.hash().into())?;
    let tries = api.chain.changeable_state(base)?.ok_or(SimulateError::OldBase { number: base.number() })?;
    let mut simulator = Simulator::new(&context, mode);
    let mut parent = base.header().clone();
    let mut parent_hash = base.hash();
    simulator.add_block_hash(parent.number, parent_hash);
    let transactions = render::Transactions::new(return_full_transactions);
    let mut answers = Vec::with_capacity(blocks.len());
    for block in blocks {
        let (environment, calls) = environment(api, block, &parent, parent_hash, mode);
        let (next, mut simulated) =
            simulator.run(environment, calls, &mut transfers, &mut guard).map_err(SimulateError::from)?;
        let update = tries.prepare(&simulated.changes).map_err(ChainError::from)?;
        simulated.header.state_root = update.root();
        let plain: Vec<TxEnvelope> =
            simulated.calls.iter().map(|call| call.transaction.inner().clone()).collect();
        simulated.header.transactions_root = calculate_transaction_root(&plain);
        simulated.header.receipts_root = calculate_receipt_root(&simulated.receipts);
        parent_hash = simulated.header.hash_slow();
        parent = simulated.header.clone();
        simulator = next;
        simulator.add_block_hash(parent.number, parent_hash);
        answers.push(render::block(simulated, parent_hash, plain, transactions)?);
    }
    Ok(answers)
}

/// The blocks with their numbers and times, gaps filled with empty blocks.
fn in_order(base: &Header, blocks: Vec<SimBlock>) -> Result<Vec<SimBlock>, SimulateError> {
    let mut ordered = Vec::with_capacity(blocks.len());
    let (mut number_before, mut time_before) = (base.number, base.timestamp);
    for mut block in blocks {
        let overrides = block.block_overrides.get_or_insert_default();
        let number =
            overrides.number.map_or(number_before.saturating_add(1), |number| number.saturating_to());
        if number <= number_before {
            return Err(SimulateError::NumberOrder { number, before: number_before });
        }
        if number - base.number > MAX_BLOCKS {
            return Err(SimulateError::TooManyBlocks);
        }
        for gap in number_before + 1..number {
            time_before = time_before.saturating_add(SECONDS_BETWEEN_BLOCKS);
            let overrides = BlockOverrides {
                number: Some(U256::from(gap)),
                time: Some(time_before),
                ..BlockOverrides::default()
            };
            ordered.push(SimBlock { block_overrides: Some(overrides), ..SimBlock::default() });
        }
        let timestamp = overrides.time.unwrap_or_else(|| time_before.saturating_add(SECONDS_BETWEEN_BLOCKS));
        if timestamp <= time_before {
            return Err(SimulateError::TimestampOrder { timestamp, before: time_before });
        }
        overrides.number = Some(U256::from(number));
        overrides.time = Some(timestamp);
        (number_before, time_before) = (number, timestamp);
        ordered.push(block);
    }
    Ok(ordered)
}

/// What a block runs in, by its overrides and its parent, and its calls.
fn environment(
    api: &Api,
    block: SimBlock,
    parent: &Header,
    parent_hash: B256,
    mode: SimulationMode,
) -> (SimulatedEnvironment, Vec<alloy_rpc_types_eth::TransactionRequest>) {
    let SimBlock { block_overrides, state_overrides, calls } = block;
    let overrides = block_overrides.unwrap_or_default();
    let base_fee = parent.base_fee_per_gas.map(|_| match (overrides.base_fee, mode) {
        (Some(fee), _) => fee.saturating_to(),
        (None, SimulationMode::Validated) => api.chain.base_fee_after(parent),
        (None, SimulationMode::Lenient) => 0,
    });
    let time = overrides.time.unwrap_or_default();
    let blobs = api.chain.config().rules.blob_params(time);
    let beacon_root = parent.parent_beacon_block_root.map(|_| overrides.beacon_root.unwrap_or_default());
    let header = Header {
        parent_hash,
        beneficiary: overrides.coinbase.unwrap_or(parent.beneficiary),
        // Every fork that simulated blocks can be in is after the merge.
        difficulty: overrides.difficulty.unwrap_or_default(),
        number: overrides.number.unwrap_or_default().saturating_to(),
        gas_limit: overrides.gas_limit.unwrap_or(parent.gas_limit),
        timestamp: time,
        mix_hash: overrides.random.unwrap_or_default(),
        base_fee_per_gas: base_fee,
        withdrawals_root: parent.withdrawals_root.map(|_| alloy_consensus::constants::EMPTY_WITHDRAWALS),
        blob_gas_used: parent.blob_gas_used.map(|_| 0),
        excess_blob_gas: parent
            .excess_blob_gas
            .map(|_| blobs.and_then(|blobs| parent.next_block_excess_blob_gas(blobs)).unwrap_or_default()),
        parent_beacon_block_root: beacon_root,
        requests_hash: parent.requests_hash,
        ..Header::default()
    };
    (SimulatedEnvironment { header, blob_base_fee: overrides.blob_base_fee, state_overrides }, calls)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn base() -> Header {
        Header { number: 10, timestamp: 100, ..Header::default() }
    }

    fn block(number: Option<u64>, time: Option<u64>) -> SimBlock {
        let overrides = BlockOverrides { number: number.map(U256::from), time, ..BlockOverrides::default() };
        SimBlock { block_overrides: Some(overrides), ..SimBlock::default() }
    }

    #[test]
    fn gaps_are_filled() {
        let blocks = in_order(&base(), vec![block(Some(13), None), SimBlock::default()]).unwrap();
        let places: Vec<_> = blocks
            .iter()
            .map(|block| block.block_overrides.as_ref().unwrap())
            .map(|overrides| (overrides.number.unwrap().to::<u64>(), overrides.time.unwrap()))
            .collect();
        assert_eq!(places, [(11, 112), (12, 124), (13, 136), (14, 148)]);
    }

    #[test]
    fn numbers_and_times_rise() {
        let refusal = |blocks| in_order(&base(), blocks).unwrap_err().to_string();
        let backward = vec![block(Some(20), None), block(Some(15), None)];
        assert_eq!(refusal(backward), "block numbers must be in order: 15 <= 20");
        let late = vec![block(None, Some(100))];
        assert_eq!(refusal(late), "block timestamps must be in order: 100 <= 100");
        assert_eq!(refusal(vec![block(Some(10 + 257), None)]), "too many blocks");
        assert_eq!(in_order(&base(), vec![block(Some(10 + 256), None)]).unwrap().len(), 256);
        assert_eq!(refusal(vec![block(Some(u64::MAX), None)]), "too many blocks");
    }
}
