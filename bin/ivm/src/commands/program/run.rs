//! `ivm program run`.

use std::time::Instant;

use alloy_primitives::B256;
use clap::Args;
use eyre::Result;
use ivm_primitives::JobInput;
use ivm_zkvm::{AdmittedProgram, ExecuteError, Execution, NoOutcome, OpenVm, Zkvm};
use serde::Serialize;

use super::{
    outcome::{self, OutcomeJson},
    source::{InputArgs, LimitArgs, ProgramArgs},
};
use crate::commands::confined_zkvm;

/// Run a program on an input and show its outcome.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    program: ProgramArgs,

    #[command(flatten)]
    input: InputArgs,

    #[command(flatten)]
    limit: LimitArgs,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct RunJson {
    program_id: B256,
    input_commitment: B256,
    #[serde(flatten)]
    outcome: OutcomeJson,
    seconds: f64,
}

impl RunArgs {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> Result<()> {
        let input = self.input.load()?;
        let zkvm = confined_zkvm();
        let program = self.program.admit(&zkvm)?;
        let start = Instant::now();
        let execution = execute(&zkvm, &program, &input, self.limit.max_cycles)?;
        let time = start.elapsed();
        if self.json {
            let json = RunJson {
                program_id: program.id(),
                input_commitment: input.commitment(),
                outcome: (&execution).into(),
                seconds: time.as_secs_f64(),
            };
            println!("{}", serde_json::to_string_pretty(&json)?);
        } else {
            outcome::print(&execution);
            println!("time          {time:.1?}");
        }
        Ok(())
    }
}

/// Executes, with advice when there is no outcome.
pub(crate) fn execute(
    zkvm: &OpenVm,
    program: &AdmittedProgram,
    input: &JobInput,
    max_cycles: u64,
) -> Result<Execution> {
    zkvm.execute(program, input, max_cycles).map_err(|error| {
        let advice = match error {
            ExecuteError::NoOutcome(NoOutcome::OutOfCycles { .. }) => "; raise --max-cycles if it should end",
            ExecuteError::NoOutcome(_) => "",
            ExecuteError::Broken(error) => return eyre::eyre!("the program could not be run: {error}"),
        };
        eyre::eyre!("no outcome, nothing to post or prove: {error}{advice}")
    })
}
