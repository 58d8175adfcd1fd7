//! A job's identity, and the job a log tells of.

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::SolValue;

use crate::{IJobManager::Job, JOB_MANAGER_ADDRESS, JobManager::JobRequested};

/// The id of a consumer's `nonce`th job on a chain.
pub fn job_id(chain_id: u64, consumer: Address, nonce: u64) -> B256 {
    keccak256((chain_id, JOB_MANAGER_ADDRESS, consumer, nonce).abi_encode())
}

impl From<&JobRequested> for Job {
    fn from(event: &JobRequested) -> Self {
        Self {
            consumer: event.consumer,
            nonce: event.nonce,
            programId: event.programId,
            onchainInputHash: keccak256(&event.onchainInput),
            offchainInputHash: event.offchainInputHash,
            maxCycles: event.maxCycles,
            callbackGasLimit: event.callbackGasLimit,
            deadlineBlock: event.deadlineBlock,
        }
    }
}
