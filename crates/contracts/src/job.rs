//! A job's identity, the job a log tells of, and what is signed to ask for one.

use std::borrow::Cow;

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue};

use crate::{IJobManager::Job, IOffchainJobs::JobRequest, JOB_MANAGER_ADDRESS, JobManager::JobRequested};

/// Bits of a nonce below those that say the kind.
const NUMBER_BITS: u32 = 62;

/// Bits of a synchronous job's number that hold its place in the block.
const SYNC_INDEX_BITS: u32 = 22;

/// How a job was asked for: the two top bits of its nonce (`contracts/src/jobs/JobKinds.sol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum JobKind {
    /// By `requestJob`. The number is how many the consumer had asked for so before.
    Onchain,
    /// By `execute`. The number is the block's and the place in the block: see [`JobNonce::sync`].
    Sync,
    /// By signature. The number is any that the signer picks.
    Offchain,
    /// By signature and in order. The number is the place in the consumer's sequence, from 0.
    OffchainOrdered,
}

impl JobKind {
    /// Every kind, in the order of its bits.
    pub const ALL: [Self; 4] = [Self::Onchain, Self::Sync, Self::Offchain, Self::OffchainOrdered];
}

/// The nonce of a job: its kind, and its number among the consumer's jobs of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JobNonce(u64);

impl JobNonce {
    /// One more than the largest number.
    pub const NUMBERS: u64 = 1 << NUMBER_BITS;

    /// The nonce of a job of this kind and number; `None` when the number is [`Self::NUMBERS`] or more.
    pub fn new(kind: JobKind, number: u64) -> Option<Self> {
        (number < Self::NUMBERS).then_some(Self((kind as u64) << NUMBER_BITS | number))
    }

    /// The nonce of the run at `index` among those that a block's transactions made.
    ///
    /// `None` when the block has no such number: after 2^40 blocks, or 2^22 runs in one.
    pub fn sync(block_number: u64, index: u64) -> Option<Self> {
        let in_range = block_number < 1 << (NUMBER_BITS - SYNC_INDEX_BITS) && index < 1 << SYNC_INDEX_BITS;
        if !in_range {
            return None;
        }
        Self::new(JobKind::Sync, block_number << SYNC_INDEX_BITS | index)
    }

    /// The nonce that a log or a call has: each is one.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// The nonce as logs and calls have it.
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// How the job was asked for.
    pub const fn kind(self) -> JobKind {
        JobKind::ALL[(self.0 >> NUMBER_BITS) as usize]
    }

    /// The job's number within its kind.
    pub const fn number(self) -> u64 {
        self.0 & (Self::NUMBERS - 1)
    }
}

/// The id of a consumer's job on a chain. `nonce` has the kind in it: see [`JobNonce`].
pub fn job_id(chain_id: u64, consumer: Address, nonce: u64) -> B256 {
    keccak256((chain_id, JOB_MANAGER_ADDRESS, consumer, nonce).abi_encode())
}

/// The EIP-712 domain of requests on a chain.
pub fn request_domain(chain_id: u64) -> Eip712Domain {
    Eip712Domain::new(
        Some(Cow::Borrowed("InfinityVM")),
        Some(Cow::Borrowed("1")),
        Some(alloy_primitives::U256::from(chain_id)),
        Some(JOB_MANAGER_ADDRESS),
        None,
    )
}

impl JobRequest {
    /// What is signed to ask for the job on this chain: the EIP-712 digest, as `JobManager.hashRequest` gives it.
    pub fn digest(&self, chain_id: u64) -> B256 {
        self.eip712_signing_hash(&request_domain(chain_id))
    }

    /// How the job is asked for.
    pub const fn kind(&self) -> JobKind {
        if self.ordered { JobKind::OffchainOrdered } else { JobKind::Offchain }
    }

    /// The nonce that the job gets; `None` when its number is too large, which is a fault.
    pub fn job_nonce(&self) -> Option<JobNonce> {
        JobNonce::new(self.kind(), self.nonce)
    }

    /// The id that the job gets on this chain; `None` when its number is too large, which is a fault.
    pub fn job_id(&self, chain_id: u64) -> Option<B256> {
        self.job_nonce().map(|nonce| job_id(chain_id, self.consumer, nonce.raw()))
    }

    /// The job that the request becomes in a block with this price; `None` when its number is too large.
    pub fn to_job(&self, cycle_price_wei: u64) -> Option<Job> {
        Some(Job {
            consumer: self.consumer,
            nonce: self.job_nonce()?.raw(),
            programId: self.programId,
            onchainInputHash: keccak256(&self.onchainInput),
            offchainInputHash: self.offchainInputHash,
            maxCycles: self.maxCycles,
            callbackGasLimit: self.callbackGasLimit,
            deadlineBlock: self.deadlineBlock,
            cyclePriceWei: cycle_price_wei,
        })
    }
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
            cyclePriceWei: event.cyclePriceWei,
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
            cyclePriceWei: 9,
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
            cyclePriceWei: 9,
        };
        assert_eq!(Job::from(&decoded), expected);
    }

    #[test]
    fn a_nonce_tells_its_kind_and_number() {
        for (bits, kind) in JobKind::ALL.into_iter().enumerate() {
            for number in [0, 1, JobNonce::NUMBERS - 1] {
                let nonce = JobNonce::new(kind, number).expect("the number is in range");
                assert_eq!(nonce.raw(), (bits as u64) << 62 | number);
                assert_eq!((nonce.kind(), nonce.number()), (kind, number));
                assert_eq!(JobNonce::from_raw(nonce.raw()), nonce);
            }
            assert_eq!(JobNonce::new(kind, JobNonce::NUMBERS), None);
        }
    }

    #[test]
    fn runs_of_different_blocks_and_places_have_different_nonces() {
        let nonce = JobNonce::sync(7, 9).expect("in range");
        assert_eq!((nonce.kind(), nonce.number()), (JobKind::Sync, 7 << 22 | 9));
        assert_eq!(JobNonce::sync(7, 1 << 22), None);
        assert_eq!(JobNonce::sync(1 << 40, 0), None);
        let last = JobNonce::sync((1 << 40) - 1, (1 << 22) - 1).expect("in range");
        assert_eq!((last.kind(), last.number()), (JobKind::Sync, JobNonce::NUMBERS - 1));
    }
}
