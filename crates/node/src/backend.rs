//! What the node does for `ivm_*` and development methods.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY, keccak256};
use async_trait::async_trait;
use ivm_contracts::JobKind;
use ivm_primitives::{
    Outcome, ProgramId, input_commitment,
    limits::{MAX_ELF_SIZE_BYTES, MAX_OFFCHAIN_INPUT_SIZE_BYTES},
};
use ivm_rpc::{
    AssembleRequest, AssembledBlock, BlockDuty, BlockOffer, CycleFeeHistory, DevControl, DevError,
    EstimateRequest, IvmBackend, IvmError, JobEstimate, JobInfo, JobState, MAX_SERVED_PAYLOAD_SIZE_BYTES,
    OrderedBlock, ProgramInfo, ProofInfo, ProofState, ProposalInfo, ProposerSession, SettlementInfo,
    SignedHeaderInfo, SignedJobRequest, SubmittedJob, SubmittedProgram,
};
use ivm_zkvm::{AdmitError, AdmittedProgram};
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};

use crate::{
    NodeError,
    node::Shared,
    producer::Command,
    progress::Stage,
    prover::{ProofStatus, ProofTask, Prover},
    records::{
        self, JobPhase, JobRecord, ProgramRecord, ProofRecord, ResultRecord, job_key, program_key, proof_key,
    },
    remote_proposers, requests, settlement_views,
};

/// Programs admitted at the same time: each takes a second of work on all cores.
const MAX_ADMISSIONS: usize = 1;

/// Programs that wait for admission or registration.
const MAX_WAITING_PROGRAMS: usize = 64;

/// How long a submission waits for its registration before it answers without.
const REGISTRATION_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Backend {
    pub(crate) shared: Arc<Shared>,
    prover: Prover,
    pub(crate) commands: mpsc::Sender<Command>,
    /// One estimate at a time: nobody pays for it.
    pub(crate) estimates: Semaphore,
    admissions: Semaphore,
    submissions: Semaphore,
    max_queued_proofs: usize,
    settlement_port: u16,
}

pub(crate) fn internal(error: impl std::fmt::Display) -> IvmError {
    IvmError::Internal(error.to_string())
}

impl Backend {
    pub(crate) fn new(
        shared: Arc<Shared>,
        prover: Prover,
        commands: mpsc::Sender<Command>,
        max_queued_proofs: usize,
        settlement_port: u16,
    ) -> Self {
        Self {
            shared,
            prover,
            commands,
            estimates: Semaphore::new(1),
            admissions: Semaphore::new(MAX_ADMISSIONS),
            submissions: Semaphore::new(MAX_WAITING_PROGRAMS),
            max_queued_proofs,
            settlement_port,
        }
    }

    /// Refuses what nobody paid for while the payload store needs its room for blocks.
    pub(crate) fn check_room(&self) -> Result<(), IvmError> {
        if self.shared.payloads.takes_unpaid() {
            return Ok(());
        }
        let limit = usize::try_from(self.shared.payloads.limit_bytes() / 2).unwrap_or(usize::MAX);
        Err(IvmError::Busy { what: "bytes of payloads held", limit })
    }

    async fn admit(&self, elf: Bytes) -> Result<AdmittedProgram, IvmError> {
        let _permit = self.admissions.acquire().await.map_err(internal)?;
        let shared = self.shared.clone();
        tokio::task::spawn_blocking(move || {
            let program = shared.zkvm.admit(&elf).map_err(|error| match error {
                AdmitError::TooLarge { got } => IvmError::ProgramTooLarge { got, limit: MAX_ELF_SIZE_BYTES },
                error => IvmError::InvalidProgram { reason: error.to_string() },
            })?;
            shared.payloads.put(&elf).map_err(internal)?;
            shared.programs.insert(program.clone());
            Ok(program)
        })
        .await
        .map_err(internal)?
    }

    pub(crate) fn program_record(&self, program_id: ProgramId) -> Result<Option<ProgramRecord>, IvmError> {
        self.shared.record(&program_key(program_id)).map_err(internal)
    }

    /// Asks block production to register a program, and waits until a block does or time is over.
    async fn register(
        &self,
        program_id: ProgramId,
        elf_hash: B256,
        elf_size_bytes: u64,
    ) -> Result<bool, IvmError> {
        let mut committed = self.shared.committed.subscribe();
        self.shared.registrations.lock().programs.insert(program_id, (elf_hash, elf_size_bytes));
        self.shared.wake.notify_one();
        let registered = async {
            while self.program_record(program_id)?.is_none() {
                committed.changed().await.map_err(internal)?;
            }
            Ok(())
        };
        match tokio::time::timeout(REGISTRATION_TIMEOUT, registered).await {
            Ok(result) => result.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    fn job_record(&self, job_id: B256) -> Result<JobRecord, IvmError> {
        self.shared.record(&job_key(job_id)).map_err(internal)?.ok_or(IvmError::UnknownJob { job_id })
    }

    pub(crate) fn job_info(&self, job_id: B256, record: JobRecord) -> Result<JobInfo, IvmError> {
        let stage = self.shared.open_jobs.lock().get(job_id).map(|job| job.stage.clone());
        let kind = record.kind();
        let mut info = JobInfo {
            job_id,
            kind: match kind {
                JobKind::Onchain => ivm_rpc::JobKind::Onchain,
                JobKind::Sync => ivm_rpc::JobKind::Sync,
                JobKind::Offchain => ivm_rpc::JobKind::Offchain,
                JobKind::OffchainOrdered => ivm_rpc::JobKind::OffchainOrdered,
            },
            nonce: record.nonce,
            cycle_price_wei: Some(record.cycle_price_wei),
            consumer: record.consumer,
            program_id: record.program_id,
            onchain_input_hash: record.onchain_input_hash,
            offchain_input_hash: record.offchain_input_hash,
            input_commitment: input_commitment(record.onchain_input_hash, record.offchain_input_hash),
            max_cycles: record.max_cycles,
            callback_gas_limit: record.callback_gas_limit,
            deadline_block: record.deadline_block,
            requested_block: Some(record.requested_block),
            state: match record.phase {
                JobPhase::Open => JobState::Pending,
                JobPhase::Delivered => JobState::Delivered,
                JobPhase::CallbackFailed => JobState::CallbackFailed,
                JobPhase::Cancelled => JobState::Cancelled,
                JobPhase::Expired => JobState::Expired,
            },
            result_block: None,
            result_transaction: None,
            outcome: None,
            cycles: None,
            no_outcome_reason: None,
        };
        if let Some(result) = record.result {
            let bytes = self.outcome_bytes(&result)?;
            info.result_block = Some(result.block);
            info.result_transaction = Some(result.transaction);
            info.cycles = Some(result.cycles);
            info.outcome = Some(Outcome::new(result.status, bytes).into());
            return Ok(info);
        }
        match stage.filter(|_| record.phase == JobPhase::Open) {
            Some(Stage::Executing) => info.state = JobState::Executing,
            Some(Stage::Executed { execution, .. }) => {
                info.state = JobState::Executed;
                info.cycles = Some(execution.cycles);
                info.outcome = Some(execution.outcome.into());
            }
            Some(Stage::NoOutcome(reason)) => {
                info.state = JobState::NoOutcome;
                info.no_outcome_reason = Some(reason.to_string());
            }
            // It is pending: another node may well have its outcome.
            Some(Stage::CannotRun(reason)) => {
                info.no_outcome_reason = Some(format!("this node cannot run it: {reason}"));
            }
            Some(Stage::MissingPayload(hash)) => {
                info.no_outcome_reason = Some(format!("waits for payload {hash}: ivm_submitPayload"));
            }
            Some(Stage::Waiting | Stage::Queued) | None => {}
        }
        Ok(info)
    }

    /// A request that waits for a block, or was given up.
    fn signed_job(&self, job_id: B256) -> Result<Option<JobInfo>, IvmError> {
        let (record, refusal) = {
            let open_jobs = self.shared.open_jobs.lock();
            match (open_jobs.get(job_id), open_jobs.signed.refusal(job_id)) {
                (Some(open), _) => (open.record.clone(), None),
                (None, Some((job, reason))) => (job.record(0, 0), Some(reason.clone())),
                (None, None) => return Ok(None),
            }
        };
        let mut info = self.job_info(job_id, record)?;
        info.requested_block = None;
        info.cycle_price_wei = None;
        if refusal.is_some() {
            info.state = JobState::Refused;
            info.no_outcome_reason = refusal;
        }
        Ok(Some(info))
    }

    /// Bytes of an outcome: the payload, or from the block that carries them when that is over.
    fn outcome_bytes(&self, result: &ResultRecord) -> Result<Bytes, IvmError> {
        if result.bytes_hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        if let Some(bytes) = self.shared.payloads.get(result.bytes_hash).map_err(internal)? {
            return Ok(bytes);
        }
        let missing = || IvmError::Internal(format!("block {} does not carry the result", result.block));
        let chain = &self.shared.chain;
        let block = chain.block_by_number(result.block).map_err(internal)?.ok_or_else(missing)?;
        let receipts = chain.receipts(block.hash()).map_err(internal)?.ok_or_else(missing)?;
        let changes = records::changes(&block, &receipts, |_| Ok::<_, IvmError>(None))?;
        let mut payloads = changes.payloads.into_iter().chain(records::outputs(&block));
        payloads.find(|bytes| keccak256(bytes) == result.bytes_hash).ok_or_else(missing)
    }

    /// A proof that was made; `None` when it is no longer held.
    fn ready_proof(&self, record: &ProofRecord) -> Result<Option<ProofInfo>, IvmError> {
        let Some(proof) = self.shared.payloads.get(record.proof_hash).map_err(internal)? else {
            return Ok(None);
        };
        Ok(Some(ProofInfo {
            state: ProofState::Ready,
            proof_size_bytes: Some(proof.len() as u64),
            proof: Some(proof),
            prove_ms: Some(record.prove_ms),
            error: None,
        }))
    }
}

const fn proof_without_bytes(state: ProofState, error: Option<String>) -> ProofInfo {
    ProofInfo { state, proof: None, proof_size_bytes: None, prove_ms: None, error }
}

#[async_trait]
impl IvmBackend for Backend {
    async fn submit_program(&self, elf: Bytes) -> Result<SubmittedProgram, IvmError> {
        let busy =
            |_| IvmError::Busy { what: "programs that wait for registration", limit: MAX_WAITING_PROGRAMS };
        let _permit = self.submissions.try_acquire().map_err(busy)?;
        self.check_room()?;
        let elf_size_bytes = elf.len() as u64;
        let program = self.admit(elf).await?;
        let registered = match self.program_record(program.id())? {
            Some(_) => true,
            None => self.register(program.id(), program.elf_hash(), elf_size_bytes).await?,
        };
        Ok(SubmittedProgram {
            program_id: program.id(),
            elf_hash: program.elf_hash(),
            elf_size_bytes,
            instructions: program.engine().words.len() as u64,
            registered,
        })
    }

    async fn program(&self, program_id: ProgramId) -> Result<Option<ProgramInfo>, IvmError> {
        let Some(record) = self.program_record(program_id)? else { return Ok(None) };
        let shared = self.shared.clone();
        let elf_hash = record.elf_hash;
        let program = tokio::task::spawn_blocking(move || shared.programs.get(program_id, elf_hash))
            .await
            .map_err(internal)?
            .map_err(internal)?;
        Ok(Some(ProgramInfo {
            program: SubmittedProgram {
                program_id,
                elf_hash: record.elf_hash,
                elf_size_bytes: record.elf_size_bytes,
                instructions: program.engine().words.len() as u64,
                registered: true,
            },
            registered_block: Some(record.registered_block),
        }))
    }

    async fn submit_payload(&self, payload: Bytes) -> Result<B256, IvmError> {
        if payload.len() > MAX_OFFCHAIN_INPUT_SIZE_BYTES {
            let (got, limit) = (payload.len(), MAX_OFFCHAIN_INPUT_SIZE_BYTES);
            return Err(IvmError::PayloadTooLarge { got, limit });
        }
        self.check_room()?;
        let shared = self.shared.clone();
        tokio::task::spawn_blocking(move || {
            shared.payloads.put(&payload).map_err(internal)?;
            let hash = keccak256(&payload);
            shared.open_jobs.lock().payload_arrived(hash);
            shared.wake.notify_one();
            Ok(hash)
        })
        .await
        .map_err(internal)?
    }

    async fn job(&self, job_id: B256) -> Result<Option<JobInfo>, IvmError> {
        match self.job_record(job_id) {
            Ok(record) => self.job_info(job_id, record).map(Some),
            Err(IvmError::UnknownJob { .. }) => match self.signed_job(job_id)? {
                Some(job) => Ok(Some(job)),
                // A block may have taken it meanwhile.
                None => match self.job_record(job_id) {
                    Ok(record) => self.job_info(job_id, record).map(Some),
                    Err(IvmError::UnknownJob { .. }) => Ok(None),
                    Err(error) => Err(error),
                },
            },
            Err(error) => Err(error),
        }
    }

    async fn submit_job(&self, request: SignedJobRequest) -> Result<SubmittedJob, IvmError> {
        let shared = self.shared.clone();
        // Both inputs are stored before anybody has paid.
        self.check_room()?;
        let submitted = tokio::task::spawn_blocking(move || requests::submit(&shared, request));
        let submitted = submitted.await.map_err(internal)??;
        // An error means that block production has ended, which is told elsewhere.
        let _ = self.commands.send(Command::Dispatch).await;
        Ok(submitted)
    }

    fn job_changes(&self) -> Option<broadcast::Receiver<B256>> {
        Some(self.shared.job_changes.subscribe())
    }

    async fn estimate_job(&self, request: EstimateRequest) -> Result<JobEstimate, IvmError> {
        let _permit = self.estimates.acquire().await.map_err(internal)?;
        let shared = self.shared.clone();
        tokio::task::spawn_blocking(move || requests::estimate(&shared, request)).await.map_err(internal)?
    }

    async fn fee_history(&self, block_count: u64, newest: u64) -> Result<CycleFeeHistory, IvmError> {
        let shared = self.shared.clone();
        tokio::task::spawn_blocking(move || requests::fee_history(&shared, block_count, newest))
            .await
            .map_err(internal)?
    }

    async fn proof(&self, job_id: B256) -> Result<ProofInfo, IvmError> {
        let record = self.job_record(job_id)?;
        let commitment = input_commitment(record.onchain_input_hash, record.offchain_input_hash);
        let proven = (record.program_id, commitment);
        match self.prover.status(&proven) {
            Some(ProofStatus::Ready(record)) => {
                if let Some(proof) = self.ready_proof(&record)? {
                    return Ok(proof);
                }
            }
            Some(ProofStatus::Queued) => return Ok(proof_without_bytes(ProofState::Queued, None)),
            Some(ProofStatus::Proving) => return Ok(proof_without_bytes(ProofState::Proving, None)),
            Some(ProofStatus::Failed(reason)) => {
                return Ok(proof_without_bytes(ProofState::Failed, Some(reason)));
            }
            None => {}
        }
        let key = proof_key(record.program_id, commitment);
        if let Some(record) = self.shared.record::<ProofRecord>(&key).map_err(internal)?
            && let Some(proof) = self.ready_proof(&record)?
        {
            return Ok(proof);
        }
        if record.result.is_none() {
            return Err(IvmError::NotProvable { job_id, reason: "no block carries its result".into() });
        }
        let program = self
            .program_record(record.program_id)?
            .ok_or(IvmError::UnknownProgram { program_id: record.program_id })?;
        let task = ProofTask {
            job_id,
            program_id: record.program_id,
            elf_hash: program.elf_hash,
            onchain_input_hash: record.onchain_input_hash,
            offchain_input_hash: record.offchain_input_hash,
            max_cycles: record.max_cycles,
        };
        let busy = |_| IvmError::Busy { what: "jobs that wait for a proof", limit: self.max_queued_proofs };
        self.prover.submit(task).map_err(busy)?;
        Ok(proof_without_bytes(ProofState::Queued, None))
    }

    async fn payload(&self, hash: B256) -> Result<Option<Bytes>, IvmError> {
        let shared = self.shared.clone();
        let payload = tokio::task::spawn_blocking(move || shared.payloads.get(hash));
        let payload = payload.await.map_err(internal)?.map_err(internal)?;
        match payload.as_ref().map(|payload| payload.len()) {
            Some(got) if got > MAX_SERVED_PAYLOAD_SIZE_BYTES => {
                Err(IvmError::PayloadTooLarge { got, limit: MAX_SERVED_PAYLOAD_SIZE_BYTES })
            }
            _ => Ok(payload),
        }
    }

    async fn proposal(&self, block_hash: B256) -> Result<Option<ProposalInfo>, IvmError> {
        let shared = self.shared.clone();
        tokio::task::spawn_blocking(move || settlement_views::proposal(&shared, block_hash))
            .await
            .map_err(internal)?
            .map_err(internal)
    }

    async fn signed_headers(&self, number: u64) -> Result<Vec<SignedHeaderInfo>, IvmError> {
        settlement_views::signed_headers(&self.shared, number).map_err(internal)
    }

    async fn submit_signed_header(&self, header: SignedHeaderInfo) -> Result<B256, IvmError> {
        settlement_views::take_signed_header(&self.shared, header)
    }

    async fn prepare_block(&self, session: ProposerSession) -> Result<Option<BlockDuty>, IvmError> {
        remote_proposers::prepare(self, session).await
    }

    async fn assemble_block(
        &self,
        session: ProposerSession,
        request: AssembleRequest,
    ) -> Result<AssembledBlock, IvmError> {
        remote_proposers::assemble(self, session, request).await
    }

    async fn propose_block(&self, offer: BlockOffer) -> Result<OrderedBlock, IvmError> {
        remote_proposers::propose(self, offer).await
    }

    async fn settlement(&self) -> Result<SettlementInfo, IvmError> {
        Ok(settlement_views::info(&self.shared, self.settlement_port))
    }
}

#[async_trait]
impl DevControl for Backend {
    async fn mine(&self, timestamp: Option<u64>) -> Result<(), DevError> {
        let head = self.shared.chain.head().block.header().timestamp;
        if let Some(got) = timestamp.filter(|&timestamp| timestamp < head) {
            return Err(DevError::TimestampTooLow { got, head });
        }
        let (reply, answer) = oneshot::channel();
        let command = Command::Mine { timestamp, reply };
        self.commands.send(command).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?.map_err(DevError::Internal)
    }

    async fn increase_time(&self, seconds: u64) -> Result<u64, DevError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::IncreaseTime { seconds, reply };
        self.commands.send(command).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?.ok_or(DevError::TimeOverflow { got: seconds })
    }
}

fn stopped() -> DevError {
    DevError::Internal(NodeError::Stopped.to_string())
}

/// Settlement blocks by hand. The clock is the execution chain's.
pub(crate) struct SettlementControl {
    commands: mpsc::Sender<Command>,
}

impl SettlementControl {
    pub(crate) const fn new(commands: mpsc::Sender<Command>) -> Self {
        Self { commands }
    }
}

#[async_trait]
impl DevControl for SettlementControl {
    async fn mine(&self, _: Option<u64>) -> Result<(), DevError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::MineSettlement { reply }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?.map_err(DevError::Internal)
    }

    async fn increase_time(&self, seconds: u64) -> Result<u64, DevError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::IncreaseTime { seconds, reply };
        self.commands.send(command).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?.ok_or(DevError::TimeOverflow { got: seconds })
    }
}
