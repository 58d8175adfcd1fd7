//! One module per command.

mod build;
mod new;
pub(crate) mod program;

use clap::Subcommand;
use eyre::Result;

/// What `ivm` can be told to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a program with its consumer contract and tests.
    New(new::NewArgs),
    /// Build programs for the zkVM and lock what they are.
    Build(build::BuildArgs),
    /// Inspect, run, prove and verify a program.
    Program(program::ProgramCommand),
}

impl Command {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::New(args) => args.run(),
            Self::Build(args) => args.run(),
            Self::Program(command) => command.run(),
        }
    }
}
