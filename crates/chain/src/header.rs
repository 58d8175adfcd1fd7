//! Header rules: what every field of a block's header must be.

use std::fmt::Debug;

use alloy_consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS};
use alloy_consensus::proofs::{
    calculate_ommers_root, calculate_receipt_root, calculate_transaction_root, calculate_withdrawals_root,
};
use alloy_consensus::{Header, Transaction, TxEnvelope, TxReceipt};
use alloy_eips::eip1559::BaseFeeParams;
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::{Address, B64, B256, Bloom, Bytes};
use ivm_evm::{BLOB_PARAMS, ExecutedBlock, Rules};

use crate::block::SealedBlock;
use crate::config::ChainConfig;
use crate::error::BlockError;
use crate::ethereum::{self, Place};

/// The fields of a header that are the proposer's to choose, within bounds or freely.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) timestamp: u64,
    pub(crate) beneficiary: Address,
    pub(crate) prev_randao: B256,
    pub(crate) parent_beacon_block_root: B256,
    pub(crate) extra_data: Bytes,
    /// Not looked at on an InfinityVM chain.
    pub(crate) gas_limit: u64,
    /// Part of the seal, before the merge.
    pub(crate) nonce: B64,
}

impl Chosen {
    /// What the proposer of this header chose.
    pub(crate) fn of(header: &Header) -> Self {
        Self {
            timestamp: header.timestamp,
            beneficiary: header.beneficiary,
            prev_randao: header.mix_hash,
            parent_beacon_block_root: header.parent_beacon_block_root.unwrap_or_default(),
            extra_data: header.extra_data.clone(),
            gas_limit: header.gas_limit,
            nonce: header.nonce,
        }
    }
}

/// What a block's body gives to its header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BodyFacts {
    pub(crate) transactions_root: B256,
    pub(crate) ommers_hash: B256,
    /// That of the empty list when there is none.
    pub(crate) withdrawals_root: B256,
    pub(crate) blob_gas_used: u64,
}

impl BodyFacts {
    pub(crate) fn new<'a>(
        transactions: impl Iterator<Item = &'a TxEnvelope>,
        ommers: &[Header],
        withdrawals: Option<&Withdrawals>,
    ) -> Self {
        let transactions: Vec<&TxEnvelope> = transactions.collect();
        let blob_gas = transactions.iter().map(|tx| Transaction::blob_gas_used(*tx).unwrap_or_default());
        Self {
            blob_gas_used: blob_gas.fold(0, u64::saturating_add),
            transactions_root: calculate_transaction_root(&transactions),
            ommers_hash: calculate_ommers_root(ommers),
            withdrawals_root: withdrawals
                .map_or(EMPTY_WITHDRAWALS, |withdrawals| calculate_withdrawals_root(withdrawals)),
        }
    }

    /// Checks that a header is one of this body.
    pub(crate) fn check(&self, header: &Header) -> Result<(), BlockError> {
        check("transactionsRoot", &header.transactions_root, &self.transactions_root)?;
        check("sha3Uncles", &header.ommers_hash, &self.ommers_hash)?;
        check(
            "withdrawalsRoot",
            &header.withdrawals_root.unwrap_or(EMPTY_WITHDRAWALS),
            &self.withdrawals_root,
        )
    }

    /// Of a body with nothing in it.
    pub(crate) fn empty() -> Self {
        Self {
            transactions_root: calculate_transaction_root::<TxEnvelope>(&[]),
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            withdrawals_root: EMPTY_WITHDRAWALS,
            blob_gas_used: 0,
        }
    }
}

/// Base fee of the block after `parent` (EIP-1559); `None` before London.
pub(crate) fn next_base_fee(rules: &Rules, parent: &Header) -> Option<u64> {
    match rules.schedule() {
        None => Some(parent.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default()),
        Some(schedule) => ethereum::next_base_fee(schedule, parent),
    }
}

/// The place after a block of an Ethereum chain; `None` on an InfinityVM chain.
pub(crate) fn ethereum_place<'a>(rules: &'a Rules, parent: &'a SealedBlock) -> Option<Place<'a>> {
    rules.schedule().map(|schedule| Place {
        schedule,
        parent_hash: parent.hash(),
        parent: parent.header(),
        merged: schedule.is_merged_after(parent.total_difficulty()),
    })
}

/// The header of the block after `parent`, its results still empty.
pub(crate) fn next_header(
    config: &ChainConfig,
    parent: &SealedBlock,
    chosen: Chosen,
    body: &BodyFacts,
) -> Header {
    if let Some(place) = ethereum_place(&config.rules, parent) {
        return place.next_header(chosen, body);
    }
    let parent_header = parent.header();
    Header {
        parent_hash: parent.hash(),
        number: parent_header.number + 1,
        transactions_root: body.transactions_root,
        gas_limit: config.block_gas_limit,
        timestamp: chosen.timestamp,
        beneficiary: chosen.beneficiary,
        mix_hash: chosen.prev_randao,
        extra_data: chosen.extra_data,
        base_fee_per_gas: next_base_fee(&config.rules, parent_header),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(parent_header.next_block_excess_blob_gas(BLOB_PARAMS).unwrap_or_default()),
        parent_beacon_block_root: Some(chosen.parent_beacon_block_root),
        ..Header::default()
    }
}

/// Fills in the results of execution.
pub(crate) fn set_results(
    header: &mut Header,
    executed: &ExecutedBlock,
    state_root: B256,
    has_requests: bool,
) {
    header.state_root = state_root;
    header.receipts_root = calculate_receipt_root(&executed.receipts);
    header.logs_bloom = executed.receipts.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | receipt.bloom());
    header.gas_used = executed.gas_used;
    header.requests_hash = has_requests.then(|| executed.requests.requests_hash());
    header.blob_gas_used = header.blob_gas_used.map(|_| executed.blob_gas_used);
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

/// Checks the gas used, as soon as it is known: with [`check_environment`] this is all of a header on which the next block's
/// execution depends.
pub(crate) fn check_gas_used(got: &Header, executed: &ExecutedBlock) -> Result<(), BlockError> {
    check("gasUsed", &got.gas_used, &executed.gas_used)
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

/// An error that names a field.
pub(crate) fn field(field: &'static str, got: impl ToString, expected: impl ToString) -> BlockError {
    BlockError::Field { field, got: got.to_string(), expected: expected.to_string() }
}
