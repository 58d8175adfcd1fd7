//! A node's side of jobs, as a stand-in: tests say how far a job has come, and what is refused.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use async_trait::async_trait;
use ivm_rpc::{
    CycleFeeHistory, EstimateRequest, IvmBackend, IvmError, JobEstimate, JobInfo, JobKind, JobOutcome,
    JobOutcomeStatus, JobRequest, JobState, ProgramInfo, ProofInfo, RpcConfig, SignedJobRequest,
    SubmittedJob, SubmittedProgram,
};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, broadcast};

use super::{Backend, KNOWN, Node, RECIPIENT};

/// A job that is there from the start.
pub(crate) const JOB: B256 = B256::repeat_byte(0x0b);

/// Whether the node says when jobs change.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Changes {
    Told { capacity: usize },
    Untold,
}

pub(crate) struct Jobs {
    jobs: Mutex<HashMap<B256, JobInfo>>,
    payloads: Mutex<HashMap<B256, Bytes>>,
    changes: Option<broadcast::Sender<B256>>,
    /// What every submission, and every look at a job, is refused with.
    refusal: Mutex<Option<IvmError>>,
    submissions: AtomicUsize,
    estimating: AtomicUsize,
    /// Estimates end when there is a permit.
    pub(crate) estimates: Semaphore,
}

impl Jobs {
    fn new(changes: Changes) -> Self {
        Self {
            jobs: Mutex::new([(JOB, job(JOB, JobState::Pending))].into()),
            payloads: Mutex::default(),
            changes: match changes {
                Changes::Told { capacity } => Some(broadcast::Sender::new(capacity)),
                Changes::Untold => None,
            },
            refusal: Mutex::default(),
            submissions: AtomicUsize::new(0),
            estimating: AtomicUsize::new(0),
            estimates: Semaphore::new(0),
        }
    }

    /// A server over it.
    pub(crate) async fn serve(changes: Changes, change: impl FnOnce(&mut RpcConfig)) -> (Node, Arc<Self>) {
        let jobs = Arc::new(Self::new(changes));
        let backend: Arc<dyn IvmBackend> = jobs.clone();
        let change = |config: &mut RpcConfig| {
            // So that no stream looks at its job but for word of a change, or a test's own wish.
            config.limits.event_heartbeat = Duration::from_secs(3600);
            change(config);
        };
        (Node::start_over(Some(backend), change).await, jobs)
    }

    /// A server that tells of changes, with the usual limits.
    pub(crate) async fn start() -> (Node, Arc<Self>) {
        Self::serve(Changes::Told { capacity: 64 }, |_| {}).await
    }

    /// Submissions that came this far.
    pub(crate) fn submissions(&self) -> usize {
        self.submissions.load(Ordering::SeqCst)
    }

    /// Returns when so many estimates were started.
    pub(crate) async fn estimating(&self, count: usize) {
        while self.estimating.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn refuse(&self, error: Option<IvmError>) {
        *self.refusal.lock() = error;
    }

    /// Moves a job on.
    pub(crate) fn advance(&self, job_id: B256, change: impl FnOnce(&mut JobInfo)) {
        self.advance_untold(job_id, change);
        self.tell(job_id);
    }

    /// Moves a job on, and keeps that to itself.
    pub(crate) fn advance_untold(&self, job_id: B256, change: impl FnOnce(&mut JobInfo)) {
        change(self.jobs.lock().get_mut(&job_id).unwrap());
    }

    pub(crate) fn forget(&self, job_id: B256) {
        self.jobs.lock().remove(&job_id);
        self.tell(job_id);
    }

    pub(crate) fn tell(&self, job_id: B256) {
        if let Some(changes) = &self.changes {
            // Nobody may listen.
            let _ = changes.send(job_id);
        }
    }

    /// How many listen to changes.
    pub(crate) fn listeners(&self) -> usize {
        self.changes.as_ref().map_or(0, broadcast::Sender::receiver_count)
    }

    fn refused(&self) -> Result<(), IvmError> {
        self.refusal.lock().clone().map_or(Ok(()), Err)
    }
}

/// A request of a consumer.
pub(crate) fn request(consumer: Address, nonce: u64) -> SignedJobRequest {
    SignedJobRequest {
        request: JobRequest {
            consumer,
            nonce,
            ordered: false,
            program_id: KNOWN,
            onchain_input: Bytes::from_static(&[1, 2]),
            offchain_input_hash: keccak256([3, 4]),
            max_cycles: 1_000_000,
            callback_gas_limit: 100_000,
            deadline_block: 50,
            fee_payer: RECIPIENT,
            max_fee_wei: U256::from(7),
        },
        signature: Bytes::from_static(&[9; 65]),
        offchain_input: Some(Bytes::from_static(&[3, 4])),
    }
}

fn job(job_id: B256, state: JobState) -> JobInfo {
    JobInfo {
        job_id,
        kind: JobKind::Offchain,
        nonce: 0b10 << 62,
        consumer: RECIPIENT,
        program_id: KNOWN,
        onchain_input_hash: KNOWN,
        offchain_input_hash: KNOWN,
        input_commitment: KNOWN,
        max_cycles: 1_000_000,
        callback_gas_limit: 100_000,
        deadline_block: 50,
        cycle_price_wei: None,
        requested_block: None,
        state,
        result_block: None,
        result_transaction: None,
        outcome: None,
        cycles: None,
        no_outcome_reason: None,
    }
}

#[async_trait]
impl IvmBackend for Jobs {
    async fn submit_program(&self, elf: Bytes) -> Result<SubmittedProgram, IvmError> {
        Backend.submit_program(elf).await
    }

    async fn program(&self, program_id: B256) -> Result<Option<ProgramInfo>, IvmError> {
        Backend.program(program_id).await
    }

    async fn submit_payload(&self, payload: Bytes) -> Result<B256, IvmError> {
        self.refused()?;
        let hash = keccak256(&payload);
        self.payloads.lock().insert(hash, payload);
        Ok(hash)
    }

    async fn job(&self, job_id: B256) -> Result<Option<JobInfo>, IvmError> {
        self.refused()?;
        Ok(self.jobs.lock().get(&job_id).cloned())
    }

    async fn submit_job(&self, request: SignedJobRequest) -> Result<SubmittedJob, IvmError> {
        self.submissions.fetch_add(1, Ordering::SeqCst);
        self.refused()?;
        let signed = request.request;
        let job_id = keccak256([signed.consumer.as_slice(), &signed.nonce.to_be_bytes()].concat());
        let taken = JobInfo {
            nonce: (0b10 << 62) | signed.nonce,
            consumer: signed.consumer,
            ..job(job_id, JobState::Pending)
        };
        self.jobs.lock().insert(job_id, taken);
        Ok(SubmittedJob { job_id, state: JobState::Pending })
    }

    fn job_changes(&self) -> Option<broadcast::Receiver<B256>> {
        self.changes.as_ref().map(broadcast::Sender::subscribe)
    }

    async fn estimate_job(&self, request: EstimateRequest) -> Result<JobEstimate, IvmError> {
        self.refused()?;
        self.estimating.fetch_add(1, Ordering::SeqCst);
        self.estimates.acquire().await.unwrap().forget();
        Ok(JobEstimate {
            cycles: 1000,
            max_cycles: request.max_cycles.unwrap_or(1100),
            outcome: JobOutcome {
                status: JobOutcomeStatus::Success,
                data: request.onchain_input,
                hash: KNOWN,
            },
            cycle_price_wei: 2,
            fee_wei: U256::from(2200),
            sync_gas: Some(30_000),
        })
    }

    async fn fee_history(&self, block_count: u64, newest: u64) -> Result<CycleFeeHistory, IvmError> {
        let length = usize::try_from(block_count).unwrap();
        Ok(CycleFeeHistory {
            oldest_block: newest + 1 - block_count,
            cycle_price_wei: vec![5; length + 1],
            cycles_used: vec![9; length],
            cycles_used_ratio: vec![0.5; length],
        })
    }

    async fn proof(&self, job_id: B256) -> Result<ProofInfo, IvmError> {
        Backend.proof(job_id).await
    }

    async fn payload(&self, hash: B256) -> Result<Option<Bytes>, IvmError> {
        self.refused()?;
        Ok(self.payloads.lock().get(&hash).cloned())
    }
}
