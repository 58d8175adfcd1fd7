//! Runs jobs in parallel, beside block production and never on its path.
//!
//! A node gives each requested job to the [`Coprocessor`] as a [`Task`] and is told of its [`TaskEnd`] by a callback.
//! Workers are a fixed number of threads; the queue is first in, first out, and bounded. Running a job again is
//! harmless, since an outcome is a function of program and input: after a restart a node simply submits what is still
//! open on chain, and nothing here needs to be stored.
//!
//! The [`Executor`] runs jobs inside transactions: it is the contract that `JobManager.execute` calls.
//!
//! The [`ProgramCache`] keeps admitted programs in memory, up to a bound, and admits others from their ELF when a task
//! names them.

#![forbid(unsafe_code)]

pub mod executor;
mod programs;
mod queue;
mod worker;

pub use executor::{
    Executor, ExecutorCall, MAX_TOLD_RUNS, ProgramRunner, RunCosts, RunProgram, RunRefusal, ToldRun,
};
pub use programs::{ProgramCache, ProgramError};
pub use queue::{QueueFull, Task};
pub use worker::{Coprocessor, CoprocessorConfig, Notice, TaskEnd};
