//! Jobs asked for by a signature (`IOffchainJobs`): what the node takes on, keeps, posts and gives up.
//!
//! A request costs nobody anything until a block has it, and may never get there. So everything is checked before work is
//! spent on it ([`admission`]): by the contract's own rule, and by what its payer's account covers beside the other
//! requests that the node has taken for it. What is taken is bounded in number and size, for all and for each consumer.
//!
//! A taken request is run like any open job, and lives in the same table in memory
//! ([`OpenJobs`](crate::progress::OpenJobs)). It is kept in the node's own table from the next block on, until a block has
//! it, its deadline has passed, or the contract has passed it over for good. A reorg brings back what it removes.

mod admission;
mod book;
mod posting;

pub(crate) use admission::{Admission, refusal};
pub(crate) use book::{MAX_SIGNED_JOBS, SignedBook, TakeError};
pub(crate) use posting::{ReadySigned, next_in_order, signed_batches};

use alloy_consensus::Transaction;
use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolCall;
use ivm_chain::{ExtraWrite, Reorg};
use ivm_contracts::{IOffchainJobs, JOB_MANAGER_ADDRESS, JobManager, JobNonce};
use ivm_rpc::SignedJobRequest;

use crate::{
    NodeError,
    records::{self, JobPhase, JobRecord},
};

/// What the keys of requests start with that wait for a block.
pub(crate) const SIGNED_PREFIX: &[u8] = b"signed/";

/// Key of a request in the node's own table.
pub(crate) fn signed_key(job_id: B256) -> Vec<u8> {
    [SIGNED_PREFIX, job_id.as_slice()].concat()
}

/// What removes a request from the node's own table.
pub(crate) fn forget(job_id: B256) -> ExtraWrite {
    ExtraWrite { key: signed_key(job_id), value: None }
}

/// A request with what its consumer takes for its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedJob {
    pub(crate) request: IOffchainJobs::JobRequest,
    pub(crate) signature: Bytes,
}

impl From<SignedJobRequest> for SignedJob {
    fn from(signed: SignedJobRequest) -> Self {
        Self { request: signed.request.into(), signature: signed.signature }
    }
}

impl SignedJob {
    /// The job's nonce. A number that is too large has none, and is not taken: it counts as the largest here.
    fn nonce(&self) -> u64 {
        let number = self.request.nonce.min(JobNonce::NUMBERS - 1);
        JobNonce::new(self.request.kind(), number).map_or(u64::MAX, JobNonce::raw)
    }

    /// The job's id on a chain. Requests that replace each other share it.
    pub(crate) fn job_id(&self, chain_id: u64) -> B256 {
        ivm_contracts::job_id(chain_id, self.request.consumer, self.nonce())
    }

    /// Bytes that it takes in memory and in a block.
    pub(crate) fn size_bytes(&self) -> usize {
        self.request.onchainInput.len() + self.signature.len()
    }

    /// The job as it will be on record, taken on at a block; `index` keeps the order in which requests came.
    pub(crate) fn record(&self, block: u64, index: u64) -> JobRecord {
        let request = &self.request;
        JobRecord {
            consumer: request.consumer,
            nonce: self.nonce(),
            program_id: request.programId,
            onchain_input_hash: alloy_primitives::keccak256(&request.onchainInput),
            offchain_input_hash: request.offchainInputHash,
            max_cycles: request.maxCycles,
            callback_gas_limit: request.callbackGasLimit,
            deadline_block: request.deadlineBlock,
            cycle_price_wei: 0,
            requested_block: block,
            request_index: index,
            phase: JobPhase::Open,
            result: None,
        }
    }

    /// What keeps it in the node's own table.
    pub(crate) fn write(&self, job_id: B256) -> ExtraWrite {
        let signed = SignedJobRequest {
            request: self.request.clone().into(),
            signature: self.signature.clone(),
            offchain_input: None,
        };
        records::json_write(signed_key(job_id), &signed)
    }

    /// What [`SignedJob::write`] wrote.
    pub(crate) fn read(key: &[u8], bytes: &[u8]) -> Result<Self, NodeError> {
        Ok(records::decode::<SignedJobRequest>(key, bytes)?.into())
    }
}

/// Requests in the blocks that a reorg removed, in the order in which those had them.
pub(crate) fn removed_by(reorg: &Reorg) -> Vec<SignedJob> {
    let mut blocks: Vec<_> = reorg.removed.iter().map(|block| &block.block).collect();
    blocks.sort_by_key(|block| block.number());
    let transactions = blocks.into_iter().flat_map(|block| block.transactions());
    transactions
        .filter(|transaction| transaction.inner().to() == Some(JOB_MANAGER_ADDRESS))
        .filter_map(|transaction| {
            JobManager::submitOffchainResultsCall::abi_decode(transaction.inner().input()).ok()
        })
        .flat_map(|call| call.results)
        .map(|result| SignedJob { request: result.request, signature: result.signature })
        .collect()
}
