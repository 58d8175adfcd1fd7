//! Running programs and proving runs: what an agent has a zkVM for.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{B256, Bytes};
use async_trait::async_trait;
use ivm_primitives::{JobInput, ProgramId};
use ivm_verifier::ProofKind;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// With an outcome, which can be proven.
    Reveals {
        /// Hash of the outcome.
        outcome_hash: B256,
        /// Cycles it took.
        cycles: u64,
    },
    /// Without one, for this reason: it trapped, or broke a limit. Nothing about it can be proven.
    NoOutcome(String),
    /// It took more cycles than it was given.
    OverCycles,
    /// It could not be run here, for this reason, so that nothing is known of it.
    Cannot(String),
}

/// A run with its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenRun {
    /// Hash of the outcome it shows.
    pub outcome_hash: B256,
    /// The proof.
    pub proof: Bytes,
    /// What a verifier needs to know of the program: `VerifyingProgram::to_bytes`.
    pub verifying_program: Bytes,
}

/// How far a proof has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProveProgress {
    /// Hundredths that are done, 0 to 100.
    pub percent: u8,
    /// Time left, once it can be told.
    pub time_left: Option<Duration>,
}

/// Is told how far a proof has come.
pub type ProgressSink = Arc<dyn Fn(ProveProgress) + Send + Sync>;

/// Runs programs and proves runs. The node trusts it as it trusts its own zkVM.
#[async_trait]
pub trait Judge: Send + Sync {
    /// Runs a program. `elf` is the one that was admitted as `program_id`; an implementation that derives ids checks it.
    async fn run(&self, program_id: ProgramId, elf: Bytes, input: JobInput, max_cycles: u64) -> Run;

    /// Runs a program and proves what it came to. This is long work.
    ///
    /// # Errors
    /// A text for people: there is no outcome, or the prover failed.
    async fn prove(
        &self,
        program_id: ProgramId,
        elf: Bytes,
        input: JobInput,
        max_cycles: u64,
        kind: ProofKind,
        progress: ProgressSink,
    ) -> Result<ProvenRun, String>;

    /// How long proving a run of so many cycles takes here, about; `None` when it is not known.
    fn prove_estimate(&self, cycles: u64, kind: ProofKind) -> Option<Duration> {
        let _ = (cycles, kind);
        None
    }
}
