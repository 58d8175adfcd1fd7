//! `ivm`: the InfinityVM node, developer tools and demos in one binary.
//!
//! Each command is a module of [`commands`]; building programs is [`guest`]'s.

mod bundled;
mod commands;
mod disk;
mod guest;
mod progress;

use std::process::ExitCode;

use clap::Parser;
use commands::Command;

/// Run any program, use its result on chain, and prove it when it is disputed.
#[derive(Debug, Parser)]
#[command(name = "ivm", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    if guest::wrapper::is_requested() {
        return guest::wrapper::main();
    }
    match Cli::parse().command.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
