//! What is done when a worker breaks, and when the engine's two paths disagree.
//!
//! * **A run breaks** on its way: it is made once more, by the interpreter in another worker. When it broke by what it
//!   did (a crash, no answer in time, an answer that is none), its program stays with the interpreter from then on. A
//!   worker that was killed from outside (`SIGKILL`: an operator, the out-of-memory killer) is no evidence against a
//!   program, so the same run is first tried again.
//! * **Checks**: some runs of the recompiler are made again by the interpreter. When the reports differ, which is right
//!   does not matter any more: the program is suspended, nothing is reported of it again, and the log shouts.
//!
//! Standings last as long as the process: a program that was suspended is checked at its first run after a restart.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::BuildHasher,
    sync::atomic::{AtomicU64, Ordering},
};

use ivm_engine::{BrokenRun, Call, ExecutorError, ProgramKey, Report};
use parking_lot::Mutex;

use crate::{
    config::Checks,
    records::{MAX_RECORDS, Records, Standing},
    wire::Path,
};

/// Times that a run is tried again on the same path because its worker was killed from outside.
const MAX_OUTSIDE_KILLS: u32 = 3;

/// `SIGKILL`, which no program and no bug raises.
const SIGKILL: i32 = 9;

/// Makes runs.
pub(crate) trait Runner {
    /// Whether [`Path::Recompiler`] exists.
    fn has_recompiler(&self) -> bool;

    /// Makes a run on a path, once.
    fn run(&self, path: Path, call: &Call<'_>) -> Result<Report, BrokenRun>;
}

/// The policy over a runner.
#[derive(Debug)]
pub(crate) struct Policy<R> {
    runner: R,
    records: Mutex<Records>,
    sample: Sample,
    checks: Checks,
}

impl<R: Runner> Policy<R> {
    pub(crate) fn new(runner: R, checks: Checks) -> Self {
        let sample = Sample { hasher: RandomState::new(), runs: AtomicU64::new(0), one_in: checks.one_in };
        Self { runner, records: Mutex::new(Records::new(MAX_RECORDS)), sample, checks }
    }

    /// Makes a run as its program's standing allows.
    pub(crate) fn execute(&self, call: &Call<'_>) -> Result<Report, ExecutorError> {
        match self.standing(call.key) {
            Standing::Suspended => Err(ExecutorError::PathsDisagree { key: call.key }),
            Standing::Trusted if self.runner.has_recompiler() => self.recompiled(call),
            Standing::Trusted | Standing::Quarantined => self.interpreted(call),
        }
    }

    /// A run by the recompiler, checked when that is due.
    fn recompiled(&self, call: &Call<'_>) -> Result<Report, ExecutorError> {
        let report = match self.attempt(Path::Recompiler, call) {
            Ok(report) => report,
            Err(broken) => return self.after_break(call, broken),
        };
        if self.check_is_due(call.key, &report) {
            match self.attempt(Path::Interpreter, call) {
                Ok(expected) if expected == report => self.note_checked(call.key),
                Ok(expected) => self.suspend(call.key, &report, &expected),
                // Nothing is known against the report; the check stays due when it is the program's first.
                Err(broken) => tracing::warn!("a check of program {} was not made: {broken}", call.key),
            }
        }
        self.unless_suspended(call.key, report)
    }

    /// A run by the interpreter alone.
    fn interpreted(&self, call: &Call<'_>) -> Result<Report, ExecutorError> {
        let report = match self.attempt(Path::Interpreter, call) {
            Err(broken) if is_worth_another_try(&broken) => {
                tracing::error!(
                    "a run of program {} broke on the interpreter and is tried again: {broken}",
                    call.key
                );
                self.attempt(Path::Interpreter, call)
            }
            result => result,
        };
        self.unless_suspended(call.key, report.map_err(ExecutorError::Broken)?)
    }

    /// What follows a run that broke on the recompiler: once more, on the interpreter.
    fn after_break(&self, call: &Call<'_>, broken: BrokenRun) -> Result<Report, ExecutorError> {
        if !is_worth_another_try(&broken) {
            return Err(ExecutorError::Broken(broken));
        }
        if is_outside_kill(&broken) {
            tracing::warn!("a run of program {} broke and is tried on the interpreter: {broken}", call.key);
        } else {
            self.quarantine(call.key);
            tracing::error!(
                "a run of program {} broke: {broken}. This is a bug of the engine, or an attack on it: please report it. \
                 The run is made again by the interpreter, which all further runs of this program use",
                call.key
            );
        }
        let report = self.attempt(Path::Interpreter, call).map_err(ExecutorError::Broken)?;
        self.unless_suspended(call.key, report)
    }

    /// Makes a run on one path, again when its worker is killed from outside.
    fn attempt(&self, path: Path, call: &Call<'_>) -> Result<Report, BrokenRun> {
        let mut kills = 0;
        loop {
            match self.runner.run(path, call) {
                Err(broken) if is_outside_kill(&broken) && kills < MAX_OUTSIDE_KILLS => {
                    kills += 1;
                    tracing::warn!("a worker was killed from outside; its run is tried again");
                }
                result => return result,
            }
        }
    }

    fn standing(&self, key: ProgramKey) -> Standing {
        // Where there is no room for a record, nothing could be held against the program: the oracle runs it.
        self.records.lock().get(key).map_or(Standing::Quarantined, |record| record.standing)
    }

    fn check_is_due(&self, key: ProgramKey, report: &Report) -> bool {
        let is_checked = self.records.lock().get(key).is_some_and(|record| record.is_checked);
        (!is_checked && report.state.cycles <= self.checks.first_run_max_cycles) || self.sample.takes(key)
    }

    fn note_checked(&self, key: ProgramKey) {
        if let Some(record) = self.records.lock().get(key) {
            record.is_checked = true;
        }
    }

    fn quarantine(&self, key: ProgramKey) {
        if let Some(record) = self.records.lock().get(key)
            && record.standing == Standing::Trusted
        {
            record.standing = Standing::Quarantined;
        }
    }

    fn suspend(&self, key: ProgramKey, recompiler: &Report, interpreter: &Report) {
        let was = self
            .records
            .lock()
            .get(key)
            .map(|record| std::mem::replace(&mut record.standing, Standing::Suspended));
        if was != Some(Standing::Suspended) {
            tracing::error!(
                "THE ENGINE'S PATHS DISAGREE about program {key}: it is suspended, and nothing is posted for it. \
                 This is a bug of the engine, or a worker that was taken over: please report it. {}",
                Difference { recompiler, interpreter }
            );
        }
    }

    /// Another run of the program may have been checked meanwhile.
    fn unless_suspended(&self, key: ProgramKey, report: Report) -> Result<Report, ExecutorError> {
        match self.standing(key) {
            Standing::Suspended => Err(ExecutorError::PathsDisagree { key }),
            Standing::Trusted | Standing::Quarantined => Ok(report),
        }
    }
}

const fn is_outside_kill(broken: &BrokenRun) -> bool {
    matches!(broken, BrokenRun::Killed { signal: SIGKILL })
}

/// Whether another worker may do better.
const fn is_worth_another_try(broken: &BrokenRun) -> bool {
    match broken {
        BrokenRun::Killed { .. }
        | BrokenRun::Exited { .. }
        | BrokenRun::TimedOut { .. }
        | BrokenRun::Garbled(_) => true,
        BrokenRun::NotStarted(_) | BrokenRun::Busy { .. } => false,
    }
}

/// Chooses one in so many runs, in a way that nobody outside this process can foresee.
#[derive(Debug)]
struct Sample {
    hasher: RandomState,
    runs: AtomicU64,
    one_in: u64,
}

impl Sample {
    fn takes(&self, key: ProgramKey) -> bool {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        self.hasher.hash_one((key, run)).checked_rem(self.one_in) == Some(0)
    }
}

/// What two reports of one run do not share.
struct Difference<'a> {
    recompiler: &'a Report,
    interpreter: &'a Report,
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, report) in [("Recompiler", self.recompiler), ("interpreter", self.interpreter)] {
            let Report { end, state, .. } = report;
            write!(f, "{name}: {end:?}, {} cycles, pc {:#x}, public values ", state.cycles, state.pc)?;
            state.public_values.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
            f.write_str("; ")?;
        }
        let registers = self.recompiler.state.registers.iter().zip(&self.interpreter.state.registers);
        for (index, (recompiler, interpreter)) in registers.enumerate() {
            if recompiler != interpreter {
                write!(f, "x{index}: {recompiler:#x} and {interpreter:#x}; ")?;
            }
        }
        let same = self.recompiler.outcome_bytes == self.interpreter.outcome_bytes;
        write!(f, "outcome bytes: {}", if same { "equal" } else { "different" })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "policy_tests.rs"]
mod tests;
