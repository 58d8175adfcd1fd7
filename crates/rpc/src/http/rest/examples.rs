//! Examples for the document, made of the types themselves, so that they are as the server takes and gives them.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};

use super::payloads::KeptPayload;
use crate::ivm::{
    JobInfo, JobKind, JobOutcome, JobOutcomeStatus, JobRequest, JobState, SignedJobRequest, SubmittedJob,
};

const CONSUMER: Address = Address::repeat_byte(0xc0);
const PROGRAM: B256 = B256::repeat_byte(0x1d);
const OFFCHAIN_INPUT: &[u8] = b"prices";

pub(super) fn job_id() -> B256 {
    B256::repeat_byte(0xab)
}

pub(super) fn request() -> SignedJobRequest {
    SignedJobRequest {
        request: JobRequest {
            consumer: CONSUMER,
            nonce: 7,
            ordered: false,
            program_id: PROGRAM,
            onchain_input: Bytes::from_static(&[1, 2, 3]),
            offchain_input_hash: keccak256(OFFCHAIN_INPUT),
            max_cycles: 10_000_000,
            callback_gas_limit: 200_000,
            deadline_block: 5000,
            fee_payer: CONSUMER,
            max_fee_wei: U256::from(1_000_000_000_000_000_u64),
        },
        signature: Bytes::from(vec![0x5a; 65]),
        offchain_input: Some(Bytes::from_static(OFFCHAIN_INPUT)),
    }
}

pub(super) fn submitted() -> SubmittedJob {
    SubmittedJob { job_id: job_id(), state: JobState::Pending }
}

pub(super) fn job() -> JobInfo {
    let signed = request().request;
    JobInfo {
        job_id: job_id(),
        kind: JobKind::Offchain,
        nonce: (0b10 << 62) | signed.nonce,
        consumer: signed.consumer,
        program_id: signed.program_id,
        onchain_input_hash: keccak256(&signed.onchain_input),
        offchain_input_hash: signed.offchain_input_hash,
        input_commitment: B256::repeat_byte(0x1c),
        max_cycles: signed.max_cycles,
        callback_gas_limit: signed.callback_gas_limit,
        deadline_block: signed.deadline_block,
        cycle_price_wei: Some(1_000_000),
        requested_block: Some(4242),
        state: JobState::Delivered,
        result_block: Some(4242),
        result_transaction: Some(B256::repeat_byte(0x7e)),
        outcome: Some(JobOutcome {
            status: JobOutcomeStatus::Success,
            data: Bytes::from_static(&[42]),
            hash: keccak256([0, 42]),
        }),
        cycles: Some(123_456),
        no_outcome_reason: None,
    }
}

pub(super) fn kept() -> KeptPayload {
    KeptPayload { hash: keccak256(OFFCHAIN_INPUT) }
}
