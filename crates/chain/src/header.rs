//! Header rules: what every field of a block's header must be.

use std::fmt::Debug;

use alloy_consensus::constants::EMPTY_WITHDRAWALS;
use alloy_consensus::proofs::{calculate_receipt_root, calculate_transaction_root};
use alloy_consensus::{Header, TxEnvelope, TxReceipt};
use alloy_eips::eip1559::BaseFeeParams;
use alloy_primitives::{Address, B256, Bloom, Bytes};
use ivm_evm::{BLOB_PARAMS, ExecutedBlock};

use crate::error::BlockError;

/// The fields of a header that are the proposer's to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) timestamp: u64,
    pub(crate) beneficiary: Address,
    pub(crate) prev_randao: B256,
    pub(crate) parent_beacon_block_root: B256,
    pub(crate) extra_data: Bytes,
}

/// Base fee of the block after `parent` (EIP-1559).
pub(crate) fn next_base_fee(parent: &Header) -> u64 {
    parent.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default()
}

/// The header of the block after `parent`, its results still empty.
pub(crate) fn next_header(parent_hash: B256, parent: &Header, gas_limit: u64, chosen: Chosen) -> Header {
    Header {
        parent_hash,
        number: parent.number + 1,
        gas_limit,
        timestamp: chosen.timestamp,
        beneficiary: chosen.beneficiary,
        mix_hash: chosen.prev_randao,
        extra_data: chosen.extra_data,
        base_fee_per_gas: Some(next_base_fee(parent)),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(parent.next_block_excess_blob_gas(BLOB_PARAMS).unwrap_or_default()),
        parent_beacon_block_root: Some(chosen.parent_beacon_block_root),
        ..Header::default()
    }
}

/// Fills in the results of execution.
pub(crate) fn set_results(
    header: &mut Header,
    transactions: &[TxEnvelope],
    executed: &ExecutedBlock,
    state_root: B256,
) {
    header.state_root = state_root;
    header.transactions_root = calculate_transaction_root(transactions);
    header.receipts_root = calculate_receipt_root(&executed.receipts);
    header.logs_bloom = executed.receipts.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | receipt.bloom());
    header.gas_used = executed.gas_used;
    header.requests_hash = Some(executed.requests.requests_hash());
}

/// Checks what execution does not give: everything but roots of results, bloom, gas used and requests.
pub(crate) fn check_environment(got: &Header, expected: Header) -> Result<(), BlockError> {
    let expected = Header {
        state_root: got.state_root,
        receipts_root: got.receipts_root,
        logs_bloom: got.logs_bloom,
        gas_used: got.gas_used,
        requests_hash: got.requests_hash,
        ..expected
    };
    check_equal(got, &expected)
}

/// Checks every field of a header; the error names the first that differs.
pub(crate) fn check_equal(got: &Header, expected: &Header) -> Result<(), BlockError> {
    let Header {
        parent_hash,
        ommers_hash,
        beneficiary,
        state_root,
        transactions_root,
        receipts_root,
        logs_bloom,
        difficulty,
        number,
        gas_limit,
        gas_used,
        timestamp,
        extra_data,
        mix_hash,
        nonce,
        base_fee_per_gas,
        withdrawals_root,
        blob_gas_used,
        excess_blob_gas,
        parent_beacon_block_root,
        requests_hash,
        block_access_list_hash,
        slot_number,
    } = got;
    check("parentHash", parent_hash, &expected.parent_hash)?;
    check("number", number, &expected.number)?;
    check("sha3Uncles", ommers_hash, &expected.ommers_hash)?;
    check("miner", beneficiary, &expected.beneficiary)?;
    check("difficulty", difficulty, &expected.difficulty)?;
    check("gasLimit", gas_limit, &expected.gas_limit)?;
    check("timestamp", timestamp, &expected.timestamp)?;
    check("extraData", extra_data, &expected.extra_data)?;
    check("mixHash", mix_hash, &expected.mix_hash)?;
    check("nonce", nonce, &expected.nonce)?;
    check("baseFeePerGas", base_fee_per_gas, &expected.base_fee_per_gas)?;
    check("withdrawalsRoot", withdrawals_root, &expected.withdrawals_root)?;
    check("blobGasUsed", blob_gas_used, &expected.blob_gas_used)?;
    check("excessBlobGas", excess_blob_gas, &expected.excess_blob_gas)?;
    check("parentBeaconBlockRoot", parent_beacon_block_root, &expected.parent_beacon_block_root)?;
    check("blockAccessListHash", block_access_list_hash, &expected.block_access_list_hash)?;
    check("slotNumber", slot_number, &expected.slot_number)?;
    check("transactionsRoot", transactions_root, &expected.transactions_root)?;
    check("gasUsed", gas_used, &expected.gas_used)?;
    check("receiptsRoot", receipts_root, &expected.receipts_root)?;
    check("logsBloom", logs_bloom, &expected.logs_bloom)?;
    check("requestsHash", requests_hash, &expected.requests_hash)?;
    check("stateRoot", state_root, &expected.state_root)
}

fn check<T: PartialEq + Debug>(field: &'static str, got: &T, expected: &T) -> Result<(), BlockError> {
    if got == expected {
        return Ok(());
    }
    Err(BlockError::Field { field, got: format!("{got:?}"), expected: format!("{expected:?}") })
}
