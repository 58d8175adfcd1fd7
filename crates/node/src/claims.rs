//! Whether what a block says about jobs and programs is right: what every validator finds out before it follows a block.
//!
//! * **Every claim is reproduced** (DESIGN §4): the node runs the job's program on the job's inputs, within the job's
//!   cycles. The block is refused when the run does not reveal the outcome claimed, or took other cycles than are billed.
//! * **Every registration is derived**: the ELF that the registry names hashes to the id it is registered under.
//!
//! * **Every claim can be challenged**: the receipt that shows it fits into a transaction of the settlement chain.
//!
//! Runs and registrations need payloads. A block is refused while one of them is not held.

use std::sync::Arc;

use alloy_consensus::ReceiptEnvelope;
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY};
use alloy_sol_types::SolEvent;
use ivm_chain::SealedBlock;
use ivm_contracts::{JOB_MANAGER_ADDRESS, JobKind, JobManager, JobManager::ClaimPosted};
use ivm_coprocessor::{Executor, ExecutorCall, ProgramCache, ProgramError, ProgramRunner, RunRefusal};
use ivm_da::{DaError, PayloadStore};
use ivm_primitives::{InputError, JobInput, ProgramId, input_commitment};
use ivm_zkvm::{CheckError, Zkvm};
use thiserror::Error;

use crate::{
    NodeError,
    records::{self, Changes, JobRecord, ProgramRecord},
};

/// Largest receipt that may hold a claim, in bytes as consensus encodes it: shown to the settlement contract, it has to fit
/// into a transaction. A single result always fits: its callback can log 625 kB with all the gas it may have.
pub const MAX_CLAIM_RECEIPT_SIZE_BYTES: usize = 1024 * 1024;

/// What is wrong with what a block says.
#[derive(Debug, Error)]
pub enum Objection {
    /// No job with this id was asked for.
    #[error("claim about job {job_id}, which nobody asked for")]
    UnknownJob {
        /// The job named.
        job_id: B256,
    },
    /// The claim is about another program, input or limit than the job's.
    #[error("claim about job {job_id} has {field} {got}, the job has {expected}")]
    OtherJob {
        /// The job named.
        job_id: B256,
        /// What differs.
        field: &'static str,
        /// What the claim says.
        got: String,
        /// What the job says.
        expected: String,
    },
    /// Running the job does not give the outcome claimed.
    #[error("claim about job {job_id} is wrong: {reason}")]
    WrongClaim {
        /// The job.
        job_id: B256,
        /// What the run gave.
        reason: CheckError,
    },
    /// The cycles billed are not those that the run takes.
    #[error("claim about job {job_id} bills {got} cycles, the run takes {expected}")]
    WrongCycles {
        /// The job.
        job_id: B256,
        /// Cycles billed.
        got: u64,
        /// Cycles taken.
        expected: u64,
    },
    /// The job's inputs are over the limits.
    #[error("job {job_id}: {reason}")]
    Input {
        /// The job.
        job_id: B256,
        /// Why.
        reason: InputError,
    },
    /// A receipt is too large for its claims to be challenged.
    #[error("receipt {index} holds a claim and has {got} bytes, the limit is {MAX_CLAIM_RECEIPT_SIZE_BYTES}")]
    ReceiptTooLarge {
        /// Its place in the block.
        index: usize,
        /// Its size, in bytes.
        got: usize,
    },
    /// A payload that the block rests on is not held.
    #[error("payload {0} is not held")]
    MissingPayload(B256),
    /// A program is not what it is registered as.
    #[error("program {program_id}: {reason}")]
    Program {
        /// The program.
        program_id: ProgramId,
        /// Why.
        reason: Box<ProgramError>,
    },
    /// A program is registered with another size than its ELF has.
    #[error("program {program_id} is registered with {got} bytes, its ELF has {expected}")]
    ProgramSize {
        /// The program.
        program_id: ProgramId,
        /// Size registered.
        got: u64,
        /// Size of the ELF.
        expected: u64,
    },
}

/// Why the claims of a block are not found right.
#[derive(Debug, Error)]
pub(crate) enum ClaimsError {
    /// The block is wrong.
    #[error(transparent)]
    Wrong(#[from] Objection),
    /// The node cannot tell.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl From<DaError> for ClaimsError {
    fn from(error: DaError) -> Self {
        Self::Node(error.into())
    }
}

/// Checks claims by running jobs again.
pub(crate) struct ClaimChecker {
    pub(crate) zkvm: Arc<dyn Zkvm>,
    pub(crate) programs: Arc<ProgramCache>,
    pub(crate) payloads: Arc<PayloadStore>,
    /// It has made the runs inside transactions, when it executed the block, and remembers them.
    pub(crate) executor: Arc<Executor<ProgramRunner>>,
}

/// Reads a record of the node's own table as of the block before.
pub(crate) type ReadRecord<'a> = &'a dyn Fn(&[u8]) -> Result<Option<Vec<u8>>, NodeError>;

impl ClaimChecker {
    /// Checks everything that a block says about jobs and programs; `changes` are what its receipts change.
    pub(crate) fn check(
        &self,
        block: &SealedBlock,
        receipts: &[ReceiptEnvelope],
        changes: &Changes,
        record: ReadRecord<'_>,
    ) -> Result<(), ClaimsError> {
        for (&program_id, registered) in &changes.programs {
            self.registration(program_id, registered)?;
        }
        if let Some((index, got)) = oversized_receipts(receipts).next() {
            return Err(Objection::ReceiptTooLarge { index, got }.into());
        }
        for claim in claims(receipts) {
            self.claim(&claim, changes, record)?;
            tracing::debug!(target: "job", "block {}: claim about job {} is right", block.number(), claim.jobId);
        }
        Ok(())
    }

    fn registration(&self, program_id: ProgramId, registered: &ProgramRecord) -> Result<(), ClaimsError> {
        let elf_hash = registered.elf_hash;
        let elf = self.payloads.get(elf_hash)?.ok_or(Objection::MissingPayload(elf_hash))?;
        let expected = elf.len() as u64;
        if registered.elf_size_bytes != expected {
            let got = registered.elf_size_bytes;
            return Err(Objection::ProgramSize { program_id, got, expected }.into());
        }
        self.programs
            .get(program_id, elf_hash)
            .map_err(|reason| Objection::Program { program_id, reason: Box::new(reason) })?;
        Ok(())
    }

    fn claim(
        &self,
        claim: &ClaimPosted,
        changes: &Changes,
        record: ReadRecord<'_>,
    ) -> Result<(), ClaimsError> {
        let job_id = claim.jobId;
        let job = match changes.jobs.get(&job_id) {
            Some(job) => job.clone(),
            None => decode::<JobRecord>(record, &records::job_key(job_id))?
                .ok_or(Objection::UnknownJob { job_id })?,
        };
        same_job(claim, &job)?;
        let program_id = job.program_id;
        let program = match changes.programs.get(&program_id) {
            Some(program) => program.clone(),
            None => decode::<ProgramRecord>(record, &records::program_key(program_id))?.ok_or_else(|| {
                let (got, expected) = (program_id.to_string(), "a registered program".to_owned());
                Objection::OtherJob { job_id, field: "program", got, expected }
            })?,
        };
        let input =
            JobInput::new(self.payload(job.onchain_input_hash)?, self.payload(job.offchain_input_hash)?)
                .map_err(|reason| Objection::Input { job_id, reason })?;
        let program = self
            .programs
            .get(program_id, program.elf_hash)
            .map_err(|reason| Objection::Program { program_id, reason: Box::new(reason) })?;
        let checked = match job.kind() {
            JobKind::Sync => self.check_run(claim, &job, &input, program.elf_hash())?,
            _ => self.zkvm.check(&program, &input, job.max_cycles, claim.outcomeHash),
        };
        match checked {
            Ok(cycles) if cycles == claim.cycles => Ok(()),
            Ok(expected) => Err(Objection::WrongCycles { job_id, got: claim.cycles, expected }.into()),
            Err(CheckError::Broken(reason)) => {
                Err(NodeError::CannotRun { job_id, reason: reason.to_string() }.into())
            }
            Err(reason) => Err(Objection::WrongClaim { job_id, reason }.into()),
        }
    }

    /// Checks the claim of a run inside a transaction.
    fn check_run(
        &self,
        claim: &ClaimPosted,
        job: &JobRecord,
        input: &JobInput,
        elf_hash: B256,
    ) -> Result<Result<u64, CheckError>, ClaimsError> {
        let (program_id, max_cycles) = (job.program_id, job.max_cycles);
        let call = ExecutorCall { program_id, elf_hash, max_cycles, input: input.onchain().clone() };
        let (got, job_id) = (claim.outcomeHash, claim.jobId);
        match self.executor.truth(&call, max_cycles) {
            Ok(execution) if execution.outcome.hash() == got => Ok(Ok(execution.cycles)),
            Ok(execution) => Ok(Err(CheckError::WrongOutcome { got, expected: execution.outcome.hash() })),
            Err(RunRefusal::NoOutcome(reason)) => Ok(Err(CheckError::NoOutcome(reason))),
            Err(RunRefusal::TooLarge(reason)) => Err(Objection::Input { job_id, reason }.into()),
            Err(RunRefusal::Unavailable(reason)) => Err(NodeError::CannotRun { job_id, reason }.into()),
        }
    }

    fn payload(&self, hash: B256) -> Result<Bytes, ClaimsError> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        Ok(self.payloads.get(hash)?.ok_or(Objection::MissingPayload(hash))?)
    }
}

/// Receipts that are too large to show the claims in them, with their sizes.
pub(crate) fn oversized_receipts(receipts: &[ReceiptEnvelope]) -> impl Iterator<Item = (usize, usize)> + '_ {
    receipts.iter().enumerate().filter_map(|(index, receipt)| {
        let size_bytes = receipt.encode_2718_len();
        let is_too_large = size_bytes > MAX_CLAIM_RECEIPT_SIZE_BYTES;
        (is_too_large && claims(std::slice::from_ref(receipt)).next().is_some())
            .then_some((index, size_bytes))
    })
}

/// The claims that receipts hold.
pub(crate) fn claims(receipts: &[ReceiptEnvelope]) -> impl Iterator<Item = ClaimPosted> + '_ {
    let logs = receipts.iter().flat_map(ReceiptEnvelope::logs);
    let manager: Address = JOB_MANAGER_ADDRESS;
    logs.filter(move |log| log.address == manager)
        .filter_map(|log| JobManager::ClaimPosted::decode_log(log).ok())
        .map(|event| event.data)
}

fn same_job(claim: &ClaimPosted, job: &JobRecord) -> Result<(), Objection> {
    let job_id = claim.jobId;
    let differs = |field, got: &dyn ToString, expected: &dyn ToString| Objection::OtherJob {
        job_id,
        field,
        got: got.to_string(),
        expected: expected.to_string(),
    };
    if claim.programId != job.program_id {
        return Err(differs("program", &claim.programId, &job.program_id));
    }
    let commitment = input_commitment(job.onchain_input_hash, job.offchain_input_hash);
    if claim.inputCommitment != commitment {
        return Err(differs("input commitment", &claim.inputCommitment, &commitment));
    }
    if claim.maxCycles != job.max_cycles {
        return Err(differs("max cycles", &claim.maxCycles, &job.max_cycles));
    }
    Ok(())
}

fn decode<T: serde::de::DeserializeOwned>(
    record: ReadRecord<'_>,
    key: &[u8],
) -> Result<Option<T>, NodeError> {
    record(key)?.map(|bytes| records::decode(key, &bytes)).transpose()
}
