//! Runs and their outcomes.
//!
//! The rule by which an outcome is right is stated in the crate's documentation: [`check`] is that rule, [`execute`]
//! finds the outcome to propose.

use alloy_primitives::{B256, Bytes};
use ivm_engine::{Run, RunEnd};
use ivm_primitives::{
    JobInput, Outcome, OutcomeStatus,
    limits::{MAX_OUTPUT_SIZE_BYTES, MAX_PANIC_MESSAGE_SIZE_BYTES},
};

use crate::{AdmittedProgram, CheckError, NoOutcome};

const REGISTER_A0: usize = 10;

/// A run that has an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// What it yielded.
    pub outcome: Outcome,
    /// Instructions executed: what is billed.
    pub cycles: u64,
}

/// Runs a program and reads its outcome.
pub(crate) fn execute(
    program: &AdmittedProgram,
    input: &JobInput,
    max_cycles: u64,
) -> Result<Execution, NoOutcome> {
    let run = provable_run(program, &input.memory_image(), max_cycles)?;
    Ok(Execution { outcome: read_outcome(&run)?, cycles: run.cycles })
}

/// Runs a program and compares what it revealed with a claim; returns the cycles it took.
pub(crate) fn check(
    program: &AdmittedProgram,
    input: &JobInput,
    max_cycles: u64,
    claimed_hash: B256,
) -> Result<u64, CheckError> {
    let run = provable_run(program, &input.memory_image(), max_cycles)?;
    let revealed = B256::from(run.public_values);
    if revealed != claimed_hash {
        return Err(CheckError::WrongOutcome { got: claimed_hash, expected: revealed });
    }
    Ok(run.cycles)
}

/// A run that terminated with exit code 0: its public values can be proven, whatever they are.
pub(crate) fn provable_run(
    program: &AdmittedProgram,
    input_image: &[u8],
    max_cycles: u64,
) -> Result<Run, NoOutcome> {
    let run = ivm_engine::run(program.engine(), input_image, max_cycles)?;
    match run.end {
        RunEnd::Terminated { exit_code: 0 } => Ok(run),
        RunEnd::Terminated { exit_code } => Err(NoOutcome::ExitCode { exit_code }),
        RunEnd::Faulted(fault) => Err(NoOutcome::Trapped(fault)),
        RunEnd::OutOfCycles => Err(NoOutcome::OutOfCycles { max_cycles }),
    }
}

fn read_outcome(run: &Run) -> Result<Outcome, NoOutcome> {
    let [status_register, address, size_bytes] = [0, 1, 2].map(|index| run.registers[REGISTER_A0 + index]);
    let malformed = NoOutcome::Malformed { status: status_register, size_bytes };
    let status = u8::try_from(status_register).ok().and_then(OutcomeStatus::from_byte);
    let Some(status) = status else { return Err(malformed) };
    let limit = match status {
        OutcomeStatus::Success => MAX_OUTPUT_SIZE_BYTES,
        OutcomeStatus::Panicked => MAX_PANIC_MESSAGE_SIZE_BYTES,
    };
    if size_bytes as usize > limit {
        return Err(malformed);
    }
    let Some(bytes) = run.memory.slice(address, size_bytes as usize) else { return Err(malformed) };
    let outcome = Outcome::new(status, Bytes::copy_from_slice(bytes));
    let (revealed, expected) = (B256::from(run.public_values), outcome.hash());
    if revealed != expected {
        return Err(NoOutcome::HashMismatch { revealed, expected });
    }
    Ok(outcome)
}
