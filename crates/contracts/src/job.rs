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

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Bytes;
    use alloy_sol_types::SolEvent;

    #[test]
    fn a_log_tells_the_whole_job() {
        let event = JobRequested {
            jobId: B256::repeat_byte(1),
            consumer: Address::repeat_byte(2),
            programId: B256::repeat_byte(3),
            nonce: 4,
            offchainInputHash: B256::repeat_byte(5),
            maxCycles: 6,
            callbackGasLimit: 7,
            deadlineBlock: 8,
            onchainInput: Bytes::from_static(b"input"),
        };
        let decoded = JobRequested::decode_log_data(&event.encode_log_data()).expect("a log decodes");
        let expected = Job {
            consumer: Address::repeat_byte(2),
            nonce: 4,
            programId: B256::repeat_byte(3),
            onchainInputHash: keccak256(b"input"),
            offchainInputHash: B256::repeat_byte(5),
            maxCycles: 6,
            callbackGasLimit: 7,
            deadlineBlock: 8,
        };
        assert_eq!(Job::from(&decoded), expected);
    }
}
