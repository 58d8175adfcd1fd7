//! `ivm program`: what one program is, does and proves.

mod inspect;
mod outcome;
mod prove;
mod run;
mod source;
mod submit;
mod verify;

pub(crate) use source::{InputArgs, ProgramArgs};

use clap::{Args, Subcommand};
use eyre::Result;

/// Inspect, run, prove and verify a program.
#[derive(Debug, Args)]
pub(crate) struct ProgramCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show a program's id and layout.
    Inspect(inspect::InspectArgs),
    /// Run a program on an input and show its outcome.
    Run(run::RunArgs),
    /// Prove a program's outcome on an input.
    Prove(prove::ProveArgs),
    /// Have a node admit a program and register it on chain.
    Submit(submit::SubmitArgs),
    /// Check that a proof shows an outcome of a program on an input.
    Verify(verify::VerifyArgs),
}

impl ProgramCommand {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> Result<()> {
        match self.action {
            Action::Inspect(args) => args.run(),
            Action::Run(args) => args.run(),
            Action::Prove(args) => args.run(),
            Action::Submit(args) => args.run(),
            Action::Verify(args) => args.run(),
        }
    }
}
