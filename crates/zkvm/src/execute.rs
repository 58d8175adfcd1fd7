//! Runs and their outcomes.
//!
//! The rule by which an outcome is right is stated in the crate's documentation: [`check`] is that rule, [`execute`]
//! finds the outcome to propose.

use alloy_primitives::{B256, Bytes};
use ivm_engine::{Call, Executor, ExecutorError, ProgramKey, Reach, Report, RunEnd};
use ivm_primitives::{
    JobInput, Outcome, OutcomeStatus,
    limits::{MAX_OUTPUT_SIZE_BYTES, MAX_PANIC_MESSAGE_SIZE_BYTES},
};

use crate::{AdmittedProgram, CheckError, ExecuteError, NoOutcome};

const REGISTER_A0: usize = 10;

/// A run that has an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// What it yielded.
    pub outcome: Outcome,
    /// Cost of the instructions executed: what is billed.
    pub cycles: u64,
}

/// Runs a program and reads its outcome.
pub(crate) fn execute(
    executor: &dyn Executor,
    program: &AdmittedProgram,
    input: &JobInput,
    max_cycles: u64,
    reach: Reach,
) -> Result<Execution, ExecuteError> {
    let report = provable_run(executor, program, &input.memory_image(), max_cycles, reach)?;
    Ok(Execution { outcome: read_outcome(&report)?, cycles: report.state.cycles })
}

/// Runs a program and compares what it revealed with a claim; returns the cycles it took.
pub(crate) fn check(
    executor: &dyn Executor,
    program: &AdmittedProgram,
    input: &JobInput,
    max_cycles: u64,
    claimed_hash: B256,
) -> Result<u64, CheckError> {
    let report = provable_run(executor, program, &input.memory_image(), max_cycles, Reach::Whole)?;
    let revealed = B256::from(report.state.public_values);
    if revealed != claimed_hash {
        return Err(CheckError::WrongOutcome { got: claimed_hash, expected: revealed });
    }
    Ok(report.state.cycles)
}

/// A run that terminated with exit code 0: its public values can be proven, whatever they are.
pub(crate) fn provable_run(
    executor: &dyn Executor,
    program: &AdmittedProgram,
    input_image: &[u8],
    max_cycles: u64,
    reach: Reach,
) -> Result<Report, ExecuteError> {
    let key = ProgramKey(program.id().0);
    let call = Call { key, program: program.engine(), input_image, max_cycles, reach };
    let report = executor.execute(&call).map_err(|error| match error {
        ExecutorError::InputDoesNotFit(error) => ExecuteError::NoOutcome(error.into()),
        broken => ExecuteError::Broken(broken),
    })?;
    let no_outcome = match report.end {
        RunEnd::Terminated { exit_code: 0 } => return Ok(report),
        RunEnd::Terminated { exit_code } => NoOutcome::ExitCode { exit_code },
        RunEnd::Faulted(fault) => NoOutcome::Trapped(fault),
        RunEnd::OutOfCycles => NoOutcome::OutOfCycles { max_cycles },
    };
    Err(no_outcome.into())
}

fn read_outcome(report: &Report) -> Result<Outcome, NoOutcome> {
    let [status_register, size_bytes] = [0, 2].map(|index| report.state.registers[REGISTER_A0 + index]);
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
    let Some(bytes) = &report.outcome_bytes else { return Err(malformed) };
    let outcome = Outcome::new(status, Bytes::copy_from_slice(bytes));
    let (revealed, expected) = (B256::from(report.state.public_values), outcome.hash());
    if revealed != expected {
        return Err(NoOutcome::HashMismatch { revealed, expected });
    }
    Ok(outcome)
}
