//! What a proposer makes sure of before it signs: that it posts what it means to, and that the block is the one it was
//! shown. Pure. Whether the claims are true is found by running them.
//!
//! A proposer answers with its bond for every claim in its block, those of users' transactions too, and for signing no two
//! headers on one parent. It does not answer for the state root: validators refuse a block with a wrong one.

use alloy_consensus::proofs::calculate_transaction_root;
use alloy_consensus::{Block, ReceiptEnvelope, TxEnvelope};
use alloy_eips::Decodable2718;
use alloy_primitives::{Address, B256, U256};
use alloy_rlp::Decodable;
use ivm_contracts::{JOB_MANAGER_ADDRESS, PROGRAM_REGISTRY_ADDRESS};
use ivm_rpc_types::{AssembledBlock, BlockDuty};
use ivm_settlement::{BlockRef, Call, EvidenceError, LeadingTerms, ReceiptedBlock};

/// Why a proposer does not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The duty does not follow the newest block that the settlement contract has.
    #[error(
        "the duty is block {got_number} on {got}, the settlement contract's tip is block {tip} ({expected})"
    )]
    NotOnTip {
        /// Number of the duty.
        got_number: u64,
        /// Its parent.
        got: B256,
        /// Number of the tip.
        tip: u64,
        /// Hash of the tip.
        expected: B256,
    },
    /// The proposer is to call a contract that it has nothing to say to.
    #[error("call {index} goes to {to}, expected the job manager or the program registry")]
    Target {
        /// Place of the call.
        index: usize,
        /// Whom it calls.
        to: Address,
    },
    /// What the proposer posts may cost too much.
    #[error("the calls may cost {got} wei, the limit is {limit}")]
    Cost {
        /// What they may cost.
        got: U256,
        /// Most that they may.
        limit: U256,
    },
    /// Something is not what it should be called.
    #[error("{what} does not decode: {reason}")]
    Malformed {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// The block differs from what was agreed.
    #[error("the block's {field} is {got}, expected {expected}")]
    Other {
        /// What differs.
        field: &'static str,
        /// What the block has.
        got: String,
        /// What it should have.
        expected: String,
    },
    /// The receipts are not the block's.
    #[error(transparent)]
    Receipts(#[from] EvidenceError),
    /// A claim is about a job that the node does not tell of.
    #[error("the node does not say what job {0} is")]
    UnknownJob(B256),
    /// A claim is false, or cannot be judged here.
    #[error("claim about job {job_id}: {reason}")]
    Claim {
        /// The job.
        job_id: B256,
        /// Why.
        reason: String,
    },
}

fn other(field: &'static str, got: impl ToString, expected: impl ToString) -> Fault {
    Fault::Other { field, got: got.to_string(), expected: expected.to_string() }
}

fn malformed(what: &'static str) -> impl Fn(&dyn std::fmt::Display) -> Fault {
    move |reason| Fault::Malformed { what, reason: reason.to_string() }
}

/// The calls of a duty, when the proposer may make them.
pub(crate) fn calls(duty: &BlockDuty, tip: BlockRef, limit: U256) -> Result<Vec<Call>, Fault> {
    if duty.parent_hash != tip.hash || duty.number != tip.number.saturating_add(1) {
        let (got_number, got) = (duty.number, duty.parent_hash);
        return Err(Fault::NotOnTip { got_number, got, tip: tip.number, expected: tip.hash });
    }
    let mut gas = U256::ZERO;
    let mut calls = Vec::with_capacity(duty.calls.len());
    for (index, call) in duty.calls.iter().enumerate() {
        let to = call.to;
        if to != JOB_MANAGER_ADDRESS && to != PROGRAM_REGISTRY_ADDRESS {
            return Err(Fault::Target { index, to });
        }
        gas += U256::from(call.gas_limit);
        calls.push(Call { to, input: call.input.clone(), gas_limit: call.gas_limit });
    }
    let got = gas.saturating_mul(U256::from(duty.base_fee_per_gas));
    if got > limit { Err(Fault::Cost { got, limit }) } else { Ok(calls) }
}

/// Signs a duty's calls.
pub(crate) fn sign_calls(
    duty: &BlockDuty,
    calls: &[Call],
    chain_id: u64,
    signer: &impl alloy_signer::SignerSync,
) -> Result<Vec<TxEnvelope>, alloy_signer::Error> {
    let terms = LeadingTerms { chain_id, base_fee_wei: duty.base_fee_per_gas };
    (duty.nonce..).zip(calls).map(|(nonce, call)| terms.sign(signer, nonce, call)).collect()
}

/// A block that was built for a duty, with its receipts, when both are what they should be.
pub(crate) fn read(
    assembled: &AssembledBlock,
    duty: &BlockDuty,
    proposer: Address,
) -> Result<(Block<TxEnvelope>, ReceiptedBlock), Fault> {
    let mut rest = &assembled.block[..];
    let block = Block::<TxEnvelope>::decode(&mut rest).map_err(|error| malformed("block")(&error))?;
    if !rest.is_empty() {
        return Err(malformed("block")(&format!("{} bytes follow it", rest.len())));
    }
    let header = &block.header;
    if header.parent_hash != duty.parent_hash {
        return Err(other("parent", header.parent_hash, duty.parent_hash));
    }
    if header.number != duty.number {
        return Err(other("number", header.number, duty.number));
    }
    if header.timestamp != duty.timestamp {
        return Err(other("timestamp", header.timestamp, duty.timestamp));
    }
    if header.beneficiary != proposer {
        return Err(other("beneficiary", header.beneficiary, proposer));
    }
    let root = calculate_transaction_root(&block.body.transactions);
    if header.transactions_root != root {
        return Err(other("transactions root", header.transactions_root, root));
    }
    let receipts = assembled.receipts.iter().map(|receipt| ReceiptEnvelope::decode_2718_exact(receipt));
    let receipts: Vec<_> =
        receipts.collect::<Result<_, _>>().map_err(|error| malformed("receipt")(&error))?;
    let shown = ReceiptedBlock::new(header.clone(), receipts)?;
    Ok((block, shown))
}
