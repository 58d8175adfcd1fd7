//! The node's zkVM as agents use it: running programs, and proving runs.

use std::{
    collections::VecDeque,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes};
use async_trait::async_trait;
use ivm_agents::{Judge, ProgressSink, ProveProgress, ProvenRun, Run};
use ivm_primitives::{JobInput, ProgramId};
use ivm_verifier::ProofKind;
use ivm_zkvm::{AdmitError, AdmittedProgram, CheckError, ExecuteError, NoOutcome, ProveEstimate, Zkvm};
use parking_lot::Mutex;

/// Admitted programs kept, the newest: admitting one takes a second.
const MAX_KEPT_PROGRAMS: usize = 16;

/// Proving time to reckon with before anything is known: of one segment, and of each million cycles, on one core.
const SEGMENT_SECONDS: u64 = 10;
const SECONDS_PER_MILLION_CYCLES: u64 = 70;
/// An aggregation of a small run, on one core.
const AGGREGATION_SECONDS: u64 = 120;

/// Proofs kept, the newest: challenger and prover of one process may want the same.
const MAX_KEPT_PROOFS: usize = 4;

/// What a proof is of: program, commitment to its input, kind.
type ProofKey = (ProgramId, B256, ProofKind);

/// Judges by the zkVM that the node itself runs programs with. One proof is made at a time: each takes all cores.
#[derive(Clone)]
pub struct ZkvmJudge {
    zkvm: Arc<dyn Zkvm>,
    programs: Arc<Mutex<VecDeque<AdmittedProgram>>>,
    proofs: Arc<tokio::sync::Mutex<VecDeque<(ProofKey, ProvenRun)>>>,
}

impl std::fmt::Debug for ZkvmJudge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ZkvmJudge").finish_non_exhaustive()
    }
}

impl ZkvmJudge {
    /// A judge with this zkVM.
    pub fn new(zkvm: Arc<dyn Zkvm>) -> Self {
        Self { zkvm, programs: Arc::default(), proofs: Arc::default() }
    }

    /// Admits a program, or finds it among those admitted lately.
    fn program(&self, program_id: ProgramId, elf: &[u8]) -> Result<AdmittedProgram, AdmitError> {
        if let Some(program) = self.programs.lock().iter().find(|program| program.id() == program_id) {
            return Ok(program.clone());
        }
        let program = self.zkvm.admit(elf)?;
        if program.id() != program_id {
            return Err(AdmitError::WrongId { got: program.id(), expected: program_id });
        }
        let mut programs = self.programs.lock();
        if programs.len() >= MAX_KEPT_PROGRAMS {
            programs.pop_front();
        }
        programs.push_back(program.clone());
        Ok(program)
    }

    fn run_blocking(&self, program_id: ProgramId, elf: &[u8], input: &JobInput, max_cycles: u64) -> Run {
        let program = match self.program(program_id, elf) {
            Ok(program) => program,
            Err(error) => return Run::Cannot(error.to_string()),
        };
        match self.zkvm.execute(&program, input, max_cycles) {
            Ok(execution) => {
                Run::Reveals { outcome_hash: execution.outcome.hash(), cycles: execution.cycles }
            }
            Err(ExecuteError::Broken(error)) => Run::Cannot(error.to_string()),
            Err(ExecuteError::NoOutcome(NoOutcome::OutOfCycles { .. })) => Run::OverCycles,
            // A proof shows what a run reveals, whether or not the outcome's bytes can be found.
            Err(ExecuteError::NoOutcome(NoOutcome::Malformed { .. } | NoOutcome::HashMismatch { .. })) => {
                self.revealed(&program, input, max_cycles)
            }
            Err(ExecuteError::NoOutcome(reason)) => Run::NoOutcome(reason.to_string()),
        }
    }

    /// What a run reveals that ends with 0 and leaves no outcome to find.
    fn revealed(&self, program: &AdmittedProgram, input: &JobInput, max_cycles: u64) -> Run {
        let expected = match self.zkvm.check(program, input, max_cycles, B256::ZERO) {
            Ok(cycles) => return Run::Reveals { outcome_hash: B256::ZERO, cycles },
            Err(CheckError::WrongOutcome { expected, .. }) => expected,
            Err(CheckError::NoOutcome(reason)) => return Run::NoOutcome(reason.to_string()),
            Err(CheckError::Broken(error)) => return Run::Cannot(error.to_string()),
        };
        match self.zkvm.check(program, input, max_cycles, expected) {
            Ok(cycles) => Run::Reveals { outcome_hash: expected, cycles },
            Err(error) => Run::Cannot(error.to_string()),
        }
    }

    fn prove_blocking(&self, task: &ProveTask, is_wanted: &AtomicBool) -> Result<ProvenRun, String> {
        let ProveTask { program_id, elf, input, max_cycles, kind, progress } = task;
        let program = self.program(*program_id, elf).map_err(|error| error.to_string())?;
        let Run::Reveals { outcome_hash, .. } = self.run_blocking(*program_id, elf, input, *max_cycles)
        else {
            return Err("the run has no outcome to prove".into());
        };
        let started = Instant::now();
        let mut estimate = ProveEstimate::default();
        let mut before_step = |event| {
            let elapsed = started.elapsed();
            estimate.update(event, elapsed);
            let percent = (estimate.fraction(elapsed) * 100.0) as u8;
            progress(ProveProgress { percent, time_left: estimate.left(elapsed) });
            if is_wanted.load(Ordering::Relaxed) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let proof = self
            .zkvm
            .prove(&program, input, *max_cycles, *kind, &mut before_step)
            .map_err(|error| error.to_string())?;
        Ok(ProvenRun {
            outcome_hash,
            proof: proof.bytes().clone(),
            verifying_program: program.verifying().to_bytes().into(),
        })
    }
}

struct ProveTask {
    program_id: ProgramId,
    elf: Bytes,
    input: JobInput,
    max_cycles: u64,
    kind: ProofKind,
    progress: ProgressSink,
}

/// Cancels a proof when whoever wants it goes away.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

#[async_trait]
impl Judge for ZkvmJudge {
    async fn run(&self, program_id: ProgramId, elf: Bytes, input: JobInput, max_cycles: u64) -> Run {
        let judge = self.clone();
        tokio::task::spawn_blocking(move || judge.run_blocking(program_id, &elf, &input, max_cycles))
            .await
            .unwrap_or_else(|error| Run::Cannot(error.to_string()))
    }

    async fn prove(
        &self,
        program_id: ProgramId,
        elf: Bytes,
        input: JobInput,
        max_cycles: u64,
        kind: ProofKind,
        progress: ProgressSink,
    ) -> Result<ProvenRun, String> {
        let key = (program_id, input.commitment(), kind);
        let mut proofs = self.proofs.lock().await;
        if let Some((_, proven)) = proofs.iter().find(|(known, _)| *known == key) {
            return Ok(proven.clone());
        }
        let task = ProveTask { program_id, elf, input, max_cycles, kind, progress };
        let wanted = Wanted(Arc::new(AtomicBool::new(true)));
        let (judge, is_wanted) = (self.clone(), wanted.0.clone());
        let proven = tokio::task::spawn_blocking(move || judge.prove_blocking(&task, &is_wanted))
            .await
            .map_err(|error| error.to_string())??;
        if proofs.len() >= MAX_KEPT_PROOFS {
            proofs.pop_front();
        }
        proofs.push_back((key, proven.clone()));
        Ok(proven)
    }

    fn prove_estimate(&self, cycles: u64, kind: ProofKind) -> Option<Duration> {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        let proving = SEGMENT_SECONDS + SECONDS_PER_MILLION_CYCLES.saturating_mul(cycles) / 1_000_000;
        let aggregating = if kind == ProofKind::Aggregated { AGGREGATION_SECONDS } else { 0 };
        Some(Duration::from_secs(proving.saturating_add(aggregating) / cores))
    }
}
