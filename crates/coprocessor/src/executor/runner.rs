//! Running programs by their ids.

use std::fmt::Debug;
use std::sync::Arc;

use alloy_primitives::B256;
use ivm_primitives::{InputError, JobInput, ProgramId};
use ivm_zkvm::{ExecuteError, Execution, NoOutcome, Reach, Zkvm};

use crate::ProgramCache;
use crate::executor::ExecutorCall;

/// Why there is no run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunRefusal {
    /// It has no outcome: so it is for everyone.
    NoOutcome(NoOutcome),
    /// Its input is over the limit.
    TooLarge(InputError),
    /// This node cannot make it.
    Unavailable(String),
}

/// Runs programs by their ids.
pub trait RunProgram: Debug + Send + Sync {
    /// Instructions of a program.
    ///
    /// # Errors
    /// A text for people, when the program cannot be had here.
    fn instructions(&self, program_id: ProgramId, elf_hash: B256) -> Result<u64, String>;

    /// Runs a program within reach of little memory ([`Reach::Low`]).
    ///
    /// # Errors
    /// [`RunRefusal`].
    fn run(&self, call: &ExecutorCall, input: &JobInput, max_cycles: u64) -> Result<Execution, RunRefusal>;
}

/// Runs programs as the node does.
pub struct ProgramRunner {
    zkvm: Arc<dyn Zkvm>,
    programs: Arc<ProgramCache>,
}

impl ProgramRunner {
    /// Runs the programs of this cache.
    pub fn new(zkvm: Arc<dyn Zkvm>, programs: Arc<ProgramCache>) -> Self {
        Self { zkvm, programs }
    }
}

impl Debug for ProgramRunner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProgramRunner").finish_non_exhaustive()
    }
}

impl RunProgram for ProgramRunner {
    fn instructions(&self, program_id: ProgramId, elf_hash: B256) -> Result<u64, String> {
        let program = self.programs.get(program_id, elf_hash).map_err(|error| error.to_string())?;
        Ok(program.engine().words.len() as u64)
    }

    fn run(&self, call: &ExecutorCall, input: &JobInput, max_cycles: u64) -> Result<Execution, RunRefusal> {
        let unavailable = |error: &dyn ToString| RunRefusal::Unavailable(error.to_string());
        let program =
            self.programs.get(call.program_id, call.elf_hash).map_err(|error| unavailable(&error))?;
        self.zkvm.execute_within(&program, input, max_cycles, Reach::Low).map_err(|error| match error {
            ExecuteError::NoOutcome(reason) => RunRefusal::NoOutcome(reason),
            ExecuteError::Broken(error) => unavailable(&error),
        })
    }
}
