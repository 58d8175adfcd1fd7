//! A proposer that lies, for demonstrations and tests: what validators, challengers and nodes are there for.
//!
//! Lies about outcomes are put into the results that the proposer posts, so that the block is a valid Ethereum block with a
//! false claim in it. The others are put into the finished block. Which lie is stopped by what is in
//! `docs/protocol/settlement.md`.

use std::{fmt, num::NonZeroU64, str::FromStr, sync::Arc};

use alloy_consensus::{Block, ReceiptEnvelope, TxEnvelope, proofs::calculate_receipt_root};
use alloy_primitives::{B256, Bloom, Bytes, Log, keccak256};
use alloy_sol_types::SolEvent;
use ivm_contracts::{JOB_MANAGER_ADDRESS, JobManager};
use ivm_coprocessor::ToldRun;
use ivm_primitives::{JobInput, Outcome, OutcomeStatus, limits::MAX_CYCLES_PER_JOB};
use ivm_zkvm::{Execution, NoOutcome};
use thiserror::Error;

use crate::{
    node::Shared,
    progress::OpenJobs,
    records::{self, JobRecord, ProgramRecord},
};

/// Output that a liar claims for a job whose run has none: where an address is expected, it is one.
const INVENTED_OUTPUT: &[u8; 20] = b"the liar's own purse";

/// A way to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LieMode {
    /// Another output than the program gave.
    WrongOutput,
    /// A panic for an output, or an output for a panic.
    WrongStatus,
    /// An output of a run that does not end.
    NeverEnds,
    /// An output of a run that traps.
    Traps,
    /// A claim about other inputs than the job's.
    WrongInput,
    /// A claim about a job that nobody asked for.
    UnknownJob,
    /// Two signed headers for one height.
    Equivocation,
    /// The outcome of a run that takes more cycles than the job allows.
    OverLimit,
    /// A state root that is not the state's.
    StateRoot,
    /// A header field that does not follow from the parent.
    Header,
    /// Another output of a run inside a transaction.
    SyncOutput,
}

/// No way to lie has this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown mode {got:?}, expected one of {}", LieMode::names())]
pub struct UnknownLieMode {
    got: String,
}

impl LieMode {
    /// Every way to lie.
    pub const ALL: [Self; 11] = [
        Self::WrongOutput,
        Self::WrongStatus,
        Self::NeverEnds,
        Self::Traps,
        Self::WrongInput,
        Self::UnknownJob,
        Self::Equivocation,
        Self::OverLimit,
        Self::StateRoot,
        Self::Header,
        Self::SyncOutput,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WrongOutput => "wrong-output",
            Self::WrongStatus => "wrong-status",
            Self::NeverEnds => "never-ends",
            Self::Traps => "traps",
            Self::WrongInput => "wrong-input",
            Self::UnknownJob => "unknown-job",
            Self::Equivocation => "equivocation",
            Self::OverLimit => "over-limit",
            Self::StateRoot => "state-root",
            Self::Header => "header",
            Self::SyncOutput => "sync-output",
        }
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Whether the lie is a false claim in a block that is valid otherwise, so that arbitration can undo it.
    pub const fn is_false_claim(self) -> bool {
        matches!(
            self,
            Self::WrongOutput | Self::WrongStatus | Self::NeverEnds | Self::Traps | Self::SyncOutput
        )
    }
}

impl fmt::Display for LieMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for LieMode {
    type Err = UnknownLieMode;

    fn from_str(name: &str) -> Result<Self, UnknownLieMode> {
        let found = Self::ALL.into_iter().find(|mode| mode.name() == name);
        found.ok_or_else(|| UnknownLieMode { got: name.into() })
    }
}

/// How a proposer lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Byzantine {
    /// The way.
    pub mode: LieMode,
    /// It lies at each of this many occasions; without it, at the first alone.
    pub every: Option<NonZeroU64>,
}

/// A lie about a job.
#[derive(Clone, Debug)]
pub(crate) struct FalseResult {
    pub(crate) job_id: B256,
    pub(crate) record: JobRecord,
    pub(crate) execution: Execution,
}

/// A proposer's lies so far.
#[derive(Debug)]
pub(crate) struct Liar {
    config: Byzantine,
    occasions: u64,
}

impl Liar {
    pub(crate) const fn new(config: Byzantine) -> Self {
        Self { config, occasions: 0 }
    }

    pub(crate) const fn mode(&self) -> LieMode {
        self.config.mode
    }

    /// Whether to lie at this occasion.
    fn takes(&mut self) -> bool {
        let occasion = self.occasions;
        self.occasions += 1;
        match self.config.every {
            None => occasion == 0,
            Some(every) => occasion % every == 0,
        }
    }

    /// A false result for the block, when this is an occasion for one.
    pub(crate) fn false_result(
        &mut self,
        shared: &Shared,
        open_jobs: &OpenJobs,
        block: u64,
    ) -> Option<FalseResult> {
        let mode = self.mode();
        let (job_id, record, told) = match mode {
            LieMode::WrongOutput | LieMode::WrongStatus => {
                let mut ready = open_jobs.ready().filter(|(_, record, ..)| record.deadline_block >= block);
                let (job_id, record, execution, _) = ready.next()?;
                (job_id, record, Told::Instead(execution.clone()))
            }
            LieMode::NeverEnds | LieMode::Traps | LieMode::OverLimit => {
                let wanted = |reason: &NoOutcome| {
                    matches!(reason, NoOutcome::OutOfCycles { .. }) != (mode == LieMode::Traps)
                };
                let mut without = open_jobs
                    .without_outcome()
                    .filter(|(_, record, reason)| record.deadline_block >= block && wanted(reason));
                let (job_id, record, _) = without.next()?;
                (job_id, record, Told::Invented)
            }
            _ => return None,
        };
        if !self.takes() {
            return None;
        }
        let execution = match (mode, told) {
            (LieMode::WrongOutput, Told::Instead(execution)) => other_output(execution),
            (LieMode::WrongStatus, Told::Instead(execution)) => other_status(execution),
            (LieMode::OverLimit, _) => run_on(shared, record)?,
            _ => Execution {
                outcome: Outcome::Success(Bytes::from_static(INVENTED_OUTPUT)),
                cycles: record.max_cycles,
            },
        };
        Some(FalseResult { job_id, record: record.clone(), execution })
    }

    /// Whether to tamper with a finished block: one that carries a result, so that there is something to lie about.
    pub(crate) fn tampers(&mut self, receipts: &[ReceiptEnvelope]) -> bool {
        let mode = self.mode();
        let in_block = matches!(
            mode,
            LieMode::WrongInput
                | LieMode::UnknownJob
                | LieMode::StateRoot
                | LieMode::Header
                | LieMode::Equivocation
        );
        in_block && crate::claims::claims(receipts).next().is_some() && self.takes()
    }
}

impl Liar {
    /// Lies about the runs inside the transactions of a block that was built honestly: none when it has none, or this is no
    /// occasion.
    pub(crate) fn false_runs(&mut self, receipts: &[ReceiptEnvelope]) -> Vec<ToldRun> {
        if self.mode() != LieMode::SyncOutput {
            return Vec::new();
        }
        let logs = receipts.iter().flat_map(ReceiptEnvelope::logs);
        let run = logs
            .filter(|log| log.address == JOB_MANAGER_ADDRESS)
            .find_map(|log| JobManager::JobExecuted::decode_log(log).ok());
        let claim = crate::claims::claims(receipts)
            .find(|claim| run.as_ref().is_some_and(|run| run.jobId == claim.jobId));
        let (Some(run), Some(claim)) = (run, claim) else { return Vec::new() };
        let Some(status) = OutcomeStatus::from_byte(run.status).filter(|_| self.takes()) else {
            return Vec::new();
        };
        let truth = Execution { outcome: Outcome::new(status, run.data.output), cycles: claim.cycles };
        let lie = other_output(truth);
        vec![ToldRun {
            program_id: run.data.programId,
            input_hash: keccak256(&run.data.input),
            status,
            cycles: lie.cycles,
            output: lie.outcome.bytes().clone(),
        }]
    }
}

enum Told {
    Instead(Execution),
    Invented,
}

fn other_output(execution: Execution) -> Execution {
    let mut bytes = execution.outcome.bytes().to_vec();
    match bytes.last_mut() {
        Some(last) => *last ^= 1,
        None => bytes.push(1),
    }
    Execution { outcome: Outcome::new(execution.outcome.status(), bytes.into()), ..execution }
}

fn other_status(execution: Execution) -> Execution {
    let outcome = match execution.outcome {
        Outcome::Success(bytes) => Outcome::Panicked(bytes.slice(..bytes.len().min(1024))),
        Outcome::Panicked(bytes) => Outcome::Success(bytes),
    };
    Execution { outcome, ..execution }
}

/// Runs a job on past its limit, and claims that it stayed within.
fn run_on(shared: &Shared, record: &JobRecord) -> Option<Execution> {
    let program: ProgramRecord = shared.record(&records::program_key(record.program_id)).ok()??;
    let program = shared.programs.get(record.program_id, program.elf_hash).ok()?;
    let payload = |hash| match hash {
        alloy_primitives::KECCAK256_EMPTY => Some(Bytes::new()),
        hash => shared.payloads.get(hash).ok()?,
    };
    let input =
        JobInput::new(payload(record.onchain_input_hash)?, payload(record.offchain_input_hash)?).ok()?;
    let execution = shared.zkvm.execute(&program, &input, MAX_CYCLES_PER_JOB).ok()?;
    Some(Execution { cycles: record.max_cycles, ..execution })
}

/// The block with a lie in it; for an equivocation, the other block.
pub(crate) fn tamper(
    mode: LieMode,
    mut block: Block<TxEnvelope>,
    receipts: &Arc<Vec<ReceiptEnvelope>>,
) -> Block<TxEnvelope> {
    let header = &mut block.header;
    match mode {
        LieMode::StateRoot => header.state_root.0[31] ^= 1,
        LieMode::Header => header.gas_used += 1,
        LieMode::Equivocation => header.extra_data = Bytes::from_static(b"the other one"),
        LieMode::WrongInput | LieMode::UnknownJob => {
            let forged: Vec<_> = receipts.iter().map(|receipt| forge(mode, receipt.clone())).collect();
            header.receipts_root = calculate_receipt_root(&forged);
            header.logs_bloom =
                forged.iter().fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom());
        }
        LieMode::WrongOutput
        | LieMode::WrongStatus
        | LieMode::NeverEnds
        | LieMode::Traps
        | LieMode::OverLimit
        | LieMode::SyncOutput => {}
    }
    block
}

/// A receipt whose claims are about something else.
fn forge(mode: LieMode, receipt: ReceiptEnvelope) -> ReceiptEnvelope {
    let forge_log = |log: &Log| match JobManager::ClaimPosted::decode_log(log) {
        Ok(claim) if log.address == JOB_MANAGER_ADDRESS => {
            let mut claim = claim.data;
            match mode {
                LieMode::WrongInput => claim.inputCommitment.0[31] ^= 1,
                _ => claim.jobId.0[31] ^= 1,
            }
            Log { address: log.address, data: claim.encode_log_data() }
        }
        _ => log.clone(),
    };
    let logs: Vec<Log> = receipt.logs().iter().map(forge_log).collect();
    ReceiptEnvelope::from_typed(
        receipt.tx_type(),
        alloy_consensus::Receipt {
            status: receipt.status().into(),
            cumulative_gas_used: receipt.cumulative_gas_used(),
            logs,
        },
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn modes_have_names() {
        for mode in LieMode::ALL {
            assert_eq!(mode.name().parse(), Ok(mode));
        }
        let error = "truth".parse::<LieMode>().unwrap_err().to_string();
        assert!(error.contains("\"truth\"") && error.contains("wrong-output, wrong-status"), "{error}");
    }

    #[test]
    fn a_liar_lies_once_or_every_so_often() {
        let lies = |every| {
            let mut liar = Liar::new(Byzantine { mode: LieMode::WrongOutput, every: NonZeroU64::new(every) });
            (0..7).map(|_| liar.takes()).collect::<Vec<_>>()
        };
        assert_eq!(lies(0), [true, false, false, false, false, false, false]);
        assert_eq!(lies(3), [true, false, false, true, false, false, true]);
    }

    #[test]
    fn outcomes_change() {
        let execution = |outcome| Execution { outcome, cycles: 1 };
        let success = execution(Outcome::Success(Bytes::from_static(b"42")));
        assert_eq!(other_output(success.clone()).outcome, Outcome::Success(Bytes::from_static(b"43")));
        assert_eq!(other_status(success).outcome, Outcome::Panicked(Bytes::from_static(b"42")));
        let empty = execution(Outcome::Panicked(Bytes::new()));
        assert_eq!(other_output(empty.clone()).outcome, Outcome::Panicked(Bytes::from_static(&[1])));
        assert_eq!(other_status(empty).outcome, Outcome::Success(Bytes::new()));
    }
}
