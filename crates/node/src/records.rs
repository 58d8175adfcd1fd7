//! What a node remembers of jobs and programs: a pure function of blocks.
//!
//! [`changes`] reads a block's receipts and says which records come of it. The node writes them in the block's own atomic
//! commit, under these keys of its private table:
//!
//! | key | value |
//! | --- | --- |
//! | `job/` ‖ job id | [`JobRecord`], JSON |
//! | `open/` ‖ block ‖ index ‖ job id | nothing: the job awaits its result, in order of request |
//! | `signed/` ‖ job id | a signed request that waits for a block, JSON |
//! | `program/` ‖ program id | [`ProgramRecord`], JSON |
//! | `proof/` ‖ program id ‖ input commitment | [`ProofRecord`], JSON |

use alloy_consensus::{ReceiptEnvelope, Transaction};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Log, TxHash, keccak256};
use alloy_sol_types::{SolCall, SolEvent};
use ivm_chain::{ExtraWrite, SealedBlock};
use ivm_contracts::{
    IJobManager::Job, JOB_MANAGER_ADDRESS, JobKind, JobManager, JobNonce, PROGRAM_REGISTRY_ADDRESS,
    ProgramRegistry, RequestFault,
};
use ivm_primitives::{OutcomeStatus, ProgramId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{NodeError, signed};

/// Where a job is in its life on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobPhase {
    /// It awaits its result.
    Open,
    /// Its outcome is recorded and its consumer took it.
    Delivered,
    /// Its outcome is recorded; the callback failed and can be retried.
    CallbackFailed,
    /// The consumer took it back.
    Cancelled,
    /// Its deadline passed.
    Expired,
}

/// A result that a block carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultRecord {
    /// Block that carries it.
    pub block: u64,
    /// Transaction that carries it.
    pub transaction: TxHash,
    /// Status of the outcome.
    pub status: OutcomeStatus,
    /// Payload that holds its bytes.
    pub bytes_hash: B256,
    /// Cycles billed.
    pub cycles: u64,
}

/// What a node remembers of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Contract that asked.
    pub consumer: Address,
    /// How many jobs it had asked for before.
    pub nonce: u64,
    /// Program to run.
    pub program_id: ProgramId,
    /// Payload that holds the onchain input.
    pub onchain_input_hash: B256,
    /// Payload that holds the offchain input.
    pub offchain_input_hash: B256,
    /// Most cycles.
    pub max_cycles: u64,
    /// Gas of the callback.
    pub callback_gas_limit: u64,
    /// Last block that may carry the result.
    pub deadline_block: u64,
    /// Price of a cycle; 0 for a run inside a transaction, which is paid for in gas.
    pub cycle_price_wei: u64,
    /// Block that asked.
    pub requested_block: u64,
    /// Its place among the requests of that block.
    pub request_index: u64,
    /// Where it is in its life.
    pub phase: JobPhase,
    /// Its result, once a block carries one.
    pub result: Option<ResultRecord>,
}

impl JobRecord {
    /// The job as the contracts know it.
    pub fn to_job(&self) -> Job {
        Job {
            consumer: self.consumer,
            nonce: self.nonce,
            programId: self.program_id,
            onchainInputHash: self.onchain_input_hash,
            offchainInputHash: self.offchain_input_hash,
            maxCycles: self.max_cycles,
            callbackGasLimit: self.callback_gas_limit,
            deadlineBlock: self.deadline_block,
            cyclePriceWei: self.cycle_price_wei,
        }
    }

    /// How it was asked for.
    pub const fn kind(&self) -> JobKind {
        JobNonce::from_raw(self.nonce).kind()
    }
}

/// What a node remembers of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRecord {
    /// Payload that holds its ELF.
    pub elf_hash: B256,
    /// Size of its ELF, in bytes.
    pub elf_size_bytes: u64,
    /// Block that registered it.
    pub registered_block: u64,
}

/// A proof that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofRecord {
    /// Payload that holds it.
    pub proof_hash: B256,
    /// How long it took, in milliseconds.
    pub prove_ms: u64,
}

/// What a block changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Jobs whose records change, with their new records.
    pub jobs: BTreeMap<B256, JobRecord>,
    /// Programs registered.
    pub programs: BTreeMap<ProgramId, ProgramRecord>,
    /// Payloads that records name: store them before the block is committed.
    pub payloads: Vec<Bytes>,
    /// Signed requests that the contract passed over or will, by consumer and number, and why.
    pub skipped: Vec<(Address, u64, RequestFault)>,
}

/// Key of a job's record.
pub fn job_key(job_id: B256) -> Vec<u8> {
    [b"job/".as_slice(), job_id.as_slice()].concat()
}

/// What the keys of programs start with.
pub const PROGRAM_PREFIX: &[u8] = b"program/";

/// Key of a program's record.
pub fn program_key(program_id: ProgramId) -> Vec<u8> {
    [PROGRAM_PREFIX, program_id.as_slice()].concat()
}

/// Key of a proof's record. It names what is proven and not the job: after a reorg one job id may stand for another job.
pub fn proof_key(program_id: ProgramId, input_commitment: B256) -> Vec<u8> {
    [b"proof/".as_slice(), program_id.as_slice(), input_commitment.as_slice()].concat()
}

/// What the keys of open jobs start with.
pub const OPEN_PREFIX: &[u8] = b"open/";

fn open_key(job_id: B256, record: &JobRecord) -> Vec<u8> {
    let block = record.requested_block.to_be_bytes();
    let index = record.request_index.to_be_bytes();
    [OPEN_PREFIX, &block, &index, job_id.as_slice()].concat()
}

/// The job that a key of an open job names.
pub fn job_of_open_key(key: &[u8]) -> Option<B256> {
    B256::try_from(key.get(key.len().checked_sub(32)?..)?).ok()
}

/// A record as it was written.
///
/// # Errors
/// [`NodeError::Damaged`] for other bytes.
pub fn decode<T: serde::de::DeserializeOwned>(key: &[u8], bytes: &[u8]) -> Result<T, NodeError> {
    serde_json::from_slice(bytes).map_err(|error| NodeError::Damaged {
        key: String::from_utf8_lossy(key).into_owned(),
        reason: error.to_string(),
    })
}

/// A write of a JSON record.
pub fn json_write<T: Serialize>(key: Vec<u8>, record: &T) -> ExtraWrite {
    // These records have string keys and no maps of other kinds: encoding them cannot fail.
    ExtraWrite { key, value: serde_json::to_vec(record).ok() }
}

impl Changes {
    /// The writes that go into the block's commit.
    pub fn writes(&self) -> Vec<ExtraWrite> {
        let mut writes = Vec::new();
        for (&job_id, record) in &self.jobs {
            writes.push(json_write(job_key(job_id), record));
            let is_open = record.phase == JobPhase::Open;
            writes.push(ExtraWrite { key: open_key(job_id, record), value: is_open.then(Vec::new) });
            if matches!(record.kind(), JobKind::Offchain | JobKind::OffchainOrdered) {
                writes.push(signed::forget(job_id));
            }
        }
        for (&program_id, record) in &self.programs {
            writes.push(json_write(program_key(program_id), record));
        }
        writes
    }
}

/// What a block changes; `known` gives the record of a job of an earlier block.
///
/// # Errors
/// Those of `known`.
pub fn changes<E>(
    block: &SealedBlock,
    receipts: &[ReceiptEnvelope],
    mut known: impl FnMut(B256) -> Result<Option<JobRecord>, E>,
) -> Result<Changes, E> {
    let mut reader = Reader { number: block.number(), changes: Changes::default(), requests: 0 };
    for (transaction, receipt) in block.transactions().iter().zip(receipts) {
        let hash = *transaction.inner().tx_hash();
        let mut posted = None;
        for log in receipt.logs() {
            match log.address {
                JOB_MANAGER_ADDRESS => {
                    reader.job_log(log, hash, &mut known, || {
                        posted.get_or_insert_with(|| posted_outcomes(transaction.inner().input())).clone()
                    })?;
                }
                PROGRAM_REGISTRY_ADDRESS => reader.program_log(log),
                _ => {}
            }
        }
    }
    Ok(reader.changes)
}

/// Outcomes by their hash, from the calldata of `submitResults` or `submitOffchainResults`.
type PostedOutcomes = BTreeMap<B256, (OutcomeStatus, Bytes)>;

fn posted_outcomes(calldata: &[u8]) -> PostedOutcomes {
    let results: Vec<(u8, Bytes)> = if let Ok(call) = JobManager::submitResultsCall::abi_decode(calldata) {
        call.results.into_iter().map(|result| (result.status, result.output)).collect()
    } else if let Ok(call) = JobManager::submitOffchainResultsCall::abi_decode(calldata) {
        call.results.into_iter().map(|result| (result.status, result.output)).collect()
    } else {
        Vec::new()
    };
    let outcomes = results.into_iter().filter_map(|(status, output)| {
        let status = OutcomeStatus::from_byte(status)?;
        Some((ivm_primitives::outcome::outcome_hash(status, &output), (status, output)))
    });
    outcomes.collect()
}

/// Outputs and panic messages that a block's transactions post.
pub fn outputs(block: &SealedBlock) -> Vec<Bytes> {
    let transactions = block.transactions().iter();
    let posted = transactions
        .filter(|transaction| transaction.inner().to() == Some(JOB_MANAGER_ADDRESS))
        .flat_map(|transaction| posted_outcomes(transaction.inner().input()));
    posted.map(|(_, (_, bytes))| bytes).collect()
}

struct Reader {
    number: u64,
    changes: Changes,
    requests: u64,
}

impl Reader {
    fn job_log<E>(
        &mut self,
        log: &Log,
        transaction: TxHash,
        known: &mut impl FnMut(B256) -> Result<Option<JobRecord>, E>,
        posted: impl FnOnce() -> PostedOutcomes,
    ) -> Result<(), E> {
        if let Ok(event) = JobManager::JobRequested::decode_log(log) {
            self.requested(event.data);
        } else if let Ok(event) = JobManager::JobExecuted::decode_log(log) {
            self.executed(event.data, transaction);
        } else if let Ok(event) = JobManager::OffchainResultSkipped::decode_log(log) {
            if let Some(fault) = RequestFault::from_byte(event.fault) {
                self.changes.skipped.push((event.consumer, event.nonce, fault));
            }
        } else if let Ok(event) = JobManager::NumberRevoked::decode_log(log) {
            self.changes.skipped.push((event.consumer, event.number, RequestFault::NonceUsed));
        } else if let Ok(event) = JobManager::ClaimPosted::decode_log(log) {
            let block = self.number;
            if let Some(result) =
                self.changes.jobs.get_mut(&event.jobId).and_then(|record| record.result.as_mut())
            {
                // A run inside the transaction: its log came before, with all but this.
                result.cycles = event.cycles;
                return Ok(());
            }
            let outcome = posted().remove(&event.outcomeHash);
            if let (Some(record), Some((status, bytes))) = (self.record(event.jobId, known)?, outcome) {
                let bytes_hash = keccak256(&bytes);
                record.result =
                    Some(ResultRecord { block, transaction, status, bytes_hash, cycles: event.cycles });
                self.changes.payloads.push(bytes);
            }
        } else if let Ok(event) = JobManager::JobDelivered::decode_log(log) {
            let phase = if event.callbackOk { JobPhase::Delivered } else { JobPhase::CallbackFailed };
            self.set_phase(event.jobId, phase, known)?;
        } else if let Ok(event) = JobManager::JobCancelled::decode_log(log) {
            self.set_phase(event.jobId, JobPhase::Cancelled, known)?;
        } else if let Ok(event) = JobManager::JobExpired::decode_log(log) {
            self.set_phase(event.jobId, JobPhase::Expired, known)?;
        }
        Ok(())
    }

    fn requested(&mut self, event: JobManager::JobRequested) {
        let job = Job::from(&event);
        let record = JobRecord {
            consumer: job.consumer,
            nonce: job.nonce,
            program_id: job.programId,
            onchain_input_hash: job.onchainInputHash,
            offchain_input_hash: job.offchainInputHash,
            max_cycles: job.maxCycles,
            callback_gas_limit: job.callbackGasLimit,
            deadline_block: job.deadlineBlock,
            cycle_price_wei: job.cyclePriceWei,
            requested_block: self.number,
            request_index: self.requests,
            phase: JobPhase::Open,
            result: None,
        };
        self.requests += 1;
        self.changes.payloads.push(event.onchainInput);
        self.changes.jobs.insert(event.jobId, record);
    }

    /// A run inside a transaction: asked for, made and delivered at once.
    fn executed(&mut self, event: JobManager::JobExecuted, transaction: TxHash) {
        let Some(status) = OutcomeStatus::from_byte(event.status) else { return };
        let record = JobRecord {
            consumer: event.consumer,
            nonce: event.nonce,
            program_id: event.programId,
            onchain_input_hash: keccak256(&event.input),
            offchain_input_hash: KECCAK256_EMPTY,
            max_cycles: event.maxCycles,
            callback_gas_limit: 0,
            deadline_block: self.number,
            cycle_price_wei: 0,
            requested_block: self.number,
            request_index: self.requests,
            phase: JobPhase::Delivered,
            result: Some(ResultRecord {
                block: self.number,
                transaction,
                status,
                bytes_hash: keccak256(&event.output),
                cycles: 0,
            }),
        };
        self.requests += 1;
        self.changes.payloads.extend([event.input, event.output]);
        self.changes.jobs.insert(event.jobId, record);
    }

    fn set_phase<E>(
        &mut self,
        job_id: B256,
        phase: JobPhase,
        known: &mut impl FnMut(B256) -> Result<Option<JobRecord>, E>,
    ) -> Result<(), E> {
        if let Some(record) = self.record(job_id, known)? {
            record.phase = phase;
        }
        Ok(())
    }

    fn record<E>(
        &mut self,
        job_id: B256,
        known: &mut impl FnMut(B256) -> Result<Option<JobRecord>, E>,
    ) -> Result<Option<&mut JobRecord>, E> {
        if !self.changes.jobs.contains_key(&job_id)
            && let Some(record) = known(job_id)?
        {
            self.changes.jobs.insert(job_id, record);
        }
        Ok(self.changes.jobs.get_mut(&job_id))
    }

    fn program_log(&mut self, log: &Log) {
        if let Ok(event) = ProgramRegistry::ProgramRegistered::decode_log(log) {
            let record = ProgramRecord {
                elf_hash: event.elfHash,
                elf_size_bytes: u64::from(event.elfSizeBytes),
                registered_block: self.number,
            };
            self.changes.programs.insert(event.programId, record);
        }
    }
}
