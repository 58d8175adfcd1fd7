//! Who runs programs: in this process, or elsewhere.

use std::{fmt, time::Duration};

use thiserror::Error;

use crate::{InputDoesNotFit, Memory, Program, Reach, Report, interpreter};

/// Says which program a run is of. Equal keys mean equal programs: a hash of the ELF, or a program id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgramKey(pub [u8; 32]);

impl fmt::Display for ProgramKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One run to make.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Names the program.
    pub key: ProgramKey,
    /// The program.
    pub program: &'a Program,
    /// What it finds in its initial memory.
    pub input_image: &'a [u8],
    /// Most cycles it may take.
    pub max_cycles: u64,
    /// Memory that it may touch.
    pub reach: Reach,
}

/// Runs programs, wherever that is. What it reports is what the interpreter would, to the last register.
pub trait Executor: Send + Sync + fmt::Debug {
    /// Runs a program to its end; blocks until then.
    ///
    /// # Errors
    /// [`ExecutorError`], of which only [`ExecutorError::InputDoesNotFit`] says something of program and input.
    fn execute(&self, call: &Call<'_>) -> Result<Report, ExecutorError>;
}

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExecutorError {
    /// The run cannot start, anywhere.
    #[error(transparent)]
    InputDoesNotFit(#[from] InputDoesNotFit),
    /// The run broke: this machine's fault or the engine's, not the program's. It may be tried again.
    #[error("the run broke: {0}")]
    Broken(BrokenRun),
    /// Two paths of the engine gave different reports for this program, so none is believed.
    #[error("program {key} is suspended: the engine's paths disagree about it (a bug; please report it)")]
    PathsDisagree {
        /// The program.
        key: ProgramKey,
    },
}

/// What broke a run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BrokenRun {
    /// The worker process was killed by a signal.
    #[error("its worker was killed by signal {signal}")]
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// The worker process ended by itself, which it never should.
    #[error("its worker exited with code {code}")]
    Exited {
        /// The exit code.
        code: i32,
    },
    /// The worker did not answer in time. A safety net behind the limit on cycles: time decides no outcome.
    #[error("its worker did not answer within {limit:?}")]
    TimedOut {
        /// Time it had.
        limit: Duration,
    },
    /// The worker's answer is not one.
    #[error("its worker's answer was refused: {0}")]
    Garbled(String),
    /// No worker could be started.
    #[error("no worker could be started: {0}")]
    NotStarted(String),
    /// Too many runs wait for a worker, or this one did for too long.
    #[error("all workers are busy, and {waiting} runs wait")]
    Busy {
        /// Runs that wait.
        waiting: usize,
    },
}

/// The interpreter in this process. A bug in it is confined by nothing but Rust.
#[derive(Clone, Copy, Debug, Default)]
pub struct InProcess;

impl Executor for InProcess {
    fn execute(&self, call: &Call<'_>) -> Result<Report, ExecutorError> {
        let mut memory = Memory::default();
        let mut view = memory.view_within(call.reach);
        Ok(interpreter::report(call.program, &mut view, call.input_image, call.max_cycles)?)
    }
}
