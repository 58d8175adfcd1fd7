//! What can go wrong, by step.

use alloy_primitives::B256;
use ivm_engine::{ElfError, ExecutorError, Fault, InputDoesNotFit};
use ivm_primitives::limits::{MAX_ELF_SIZE_BYTES, MAX_OUTPUT_SIZE_BYTES, MAX_PANIC_MESSAGE_SIZE_BYTES};
use ivm_verifier::MAX_PROOF_SIZE_BYTES;
use thiserror::Error;

/// Why a file is not admitted as a program.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum AdmitError {
    /// Larger than the limit.
    #[error("ELF is {got} bytes, the limit is {MAX_ELF_SIZE_BYTES}")]
    TooLarge {
        /// Size found, in bytes.
        got: usize,
    },
    /// Not an admissible ELF.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// The circuit's own translation refused the text.
    #[error("the circuit refuses the program: {0}")]
    Circuit(String),
    /// The file is not the one that was admitted.
    #[error("ELF hashes to {got}, the one admitted to {expected}")]
    OtherElf {
        /// keccak256 of the file.
        got: B256,
        /// keccak256 of the one admitted.
        expected: B256,
    },
    /// The program's id is another than was claimed.
    #[error("program id is {got}, but {expected} was claimed")]
    WrongId {
        /// Id derived from the file.
        got: B256,
        /// Id claimed.
        expected: B256,
    },
}

/// Why a run yields nothing to propose. Such a run is never posted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoOutcome {
    /// It did something that the circuit has no proof for.
    #[error("the program trapped: {0}")]
    Trapped(#[from] Fault),
    /// It could not start.
    #[error(transparent)]
    Input(#[from] InputDoesNotFit),
    /// It did not end within its cycles.
    #[error("the program did not end within {max_cycles} cycles")]
    OutOfCycles {
        /// Limit given.
        max_cycles: u64,
    },
    /// It ended with an exit code other than 0 (an abort, a system instruction).
    #[error("the program ended with exit code {exit_code}, expected 0")]
    ExitCode {
        /// Code found.
        exit_code: u8,
    },
    /// It ended with 0, but what it left is not an outcome: unknown status, bytes out of memory or over the limit.
    #[error(
        "the program left no outcome: status {status}, {size_bytes} bytes \
         (limits: {MAX_OUTPUT_SIZE_BYTES} output, {MAX_PANIC_MESSAGE_SIZE_BYTES} panic message)"
    )]
    Malformed {
        /// Status register.
        status: u32,
        /// Size register.
        size_bytes: u32,
    },
    /// The bytes it left do not hash to what it revealed.
    #[error("the program revealed {revealed}, but its outcome hashes to {expected}")]
    HashMismatch {
        /// Public values of the run.
        revealed: B256,
        /// Hash of status and bytes left.
        expected: B256,
    },
}

/// Why a run gave no execution.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExecuteError {
    /// The run ended without a provable outcome: so it does for everyone.
    #[error(transparent)]
    NoOutcome(#[from] NoOutcome),
    /// The executor has no report of the run: a fault of this machine or of the engine, which says nothing about program
    /// and input. Neither an outcome nor its absence may be concluded from it.
    #[error(transparent)]
    Broken(ExecutorError),
}

/// Why a claimed outcome is not found right.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckError {
    /// The executor has no report of the run, so nothing is known: the claim may be right or wrong.
    #[error(transparent)]
    Broken(ExecutorError),
    /// The run has no provable end, so it has no outcome at all.
    #[error(transparent)]
    NoOutcome(#[from] NoOutcome),
    /// The run revealed the hash of another outcome.
    #[error("outcome {got} was claimed, but the run revealed {expected}")]
    WrongOutcome {
        /// Outcome hash claimed.
        got: B256,
        /// Public values of the run.
        expected: B256,
    },
}

/// Why the keys cannot be had.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Key generation failed.
    #[error("key generation failed: {0}")]
    Generation(String),
}

/// Why there is no proof.
#[derive(Debug, Error)]
pub enum ProveError {
    /// There is nothing to prove.
    #[error("nothing to prove: {0}")]
    NoOutcome(#[from] NoOutcome),
    /// Whether there is something to prove could not be found out.
    #[error(transparent)]
    Broken(ExecutorError),
    /// The caller's progress callback asked to stop.
    #[error("proving was cancelled")]
    Cancelled,
    /// The prover failed. It should never, for a run that has an outcome.
    #[error("the prover failed: {0}")]
    Prover(String),
    /// The proof is, or would become, larger than a verifier accepts.
    #[error("the proof takes {got} bytes, the limit is {MAX_PROOF_SIZE_BYTES}; aggregated it would be small")]
    TooLarge {
        /// Size, in bytes.
        got: usize,
    },
}

impl From<ExecuteError> for CheckError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::NoOutcome(reason) => Self::NoOutcome(reason),
            ExecuteError::Broken(reason) => Self::Broken(reason),
        }
    }
}

impl From<ExecuteError> for ProveError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::NoOutcome(reason) => Self::NoOutcome(reason),
            ExecuteError::Broken(reason) => Self::Broken(reason),
        }
    }
}
