//! `ivm program prove`.

use std::{fs, ops::ControlFlow, path::PathBuf, time::Instant};

use alloy_primitives::B256;
use clap::Args;
use eyre::{Result, WrapErr, bail};
use ivm_zkvm::{ProofKind, Zkvm};
use serde::Serialize;

use super::{
    outcome::{self, OutcomeJson},
    run::execute,
    source::{InputArgs, LimitArgs, ProgramArgs},
};
use crate::{
    commands::{KindArg, confined_zkvm},
    progress::ProofProgress,
};

/// Prove a program's outcome on an input.
#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    #[command(flatten)]
    program: ProgramArgs,

    #[command(flatten)]
    input: InputArgs,

    #[command(flatten)]
    limit: LimitArgs,

    /// Kind of proof: by segments it is there sooner, aggregated it is small whatever the run
    #[arg(long, value_enum, default_value_t)]
    kind: KindArg,

    /// Where to write the proof
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ProveJson {
    program_id: B256,
    input_commitment: B256,
    #[serde(flatten)]
    outcome: OutcomeJson,
    proof_kind: String,
    proof_file: PathBuf,
    proof_size_bytes: usize,
    prove_seconds: f64,
}

impl ProveArgs {
    /// Runs the command to its end.
    pub(crate) fn run(self) -> Result<()> {
        self.check_out()?;
        let input = self.input.load()?;
        let zkvm = confined_zkvm();
        let program = self.program.admit(&zkvm)?;
        let execution = execute(&zkvm, &program, &input, self.limit.max_cycles)?;
        if !self.json {
            outcome::print(&execution);
        }
        let start = Instant::now();
        let progress = ProofProgress::start();
        let proof = zkvm.prove(&program, &input, self.limit.max_cycles, self.kind.into(), &mut |event| {
            progress.report(event);
            ControlFlow::Continue(())
        })?;
        progress.finish();
        let time = start.elapsed();
        fs::write(&self.out, proof.bytes())
            .wrap_err_with(|| format!("cannot write {}", self.out.display()))?;
        if self.json {
            let json = ProveJson {
                program_id: program.id(),
                input_commitment: input.commitment(),
                outcome: (&execution).into(),
                proof_kind: ProofKind::from(self.kind).to_string(),
                proof_size_bytes: proof.size_bytes(),
                proof_file: self.out,
                prove_seconds: time.as_secs_f64(),
            };
            println!("{}", serde_json::to_string_pretty(&json)?);
        } else {
            println!(
                "proof         {}, {} bytes, proven in {time:.1?}",
                self.out.display(),
                proof.size_bytes()
            );
        }
        Ok(())
    }

    /// Finds out that the proof cannot be written before the work, not after it.
    fn check_out(&self) -> Result<()> {
        if self.out.is_dir() {
            bail!("cannot write {}: it is a folder; give a file with --out", self.out.display());
        }
        let parent = self.out.parent().filter(|parent| !parent.as_os_str().is_empty());
        match parent {
            Some(parent) if !parent.is_dir() => {
                bail!("cannot write {}: there is no folder {}", self.out.display(), parent.display())
            }
            _ => Ok(()),
        }
    }
}
