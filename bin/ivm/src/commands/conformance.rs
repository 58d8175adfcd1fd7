//! `ivm conformance`: Ethereum's public test vectors.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use eyre::Result;
use ivm_conformance::{Case, Outcome, Report, run_directory};
use serde_json::{Value, json};

/// Arguments of `ivm conformance`.
#[derive(Debug, Args)]
pub(crate) struct ConformanceArgs {
    /// Folder of vectors, of ethereum/tests or of execution-spec-tests, or one file of them.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl ConformanceArgs {
    /// Runs all of them; the code is 1 when one fails.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let report = run_directory(&self.folder, &mut |case: &Case| {
            if let Outcome::Failed(reason) = &case.outcome {
                eprintln!("failed        {} {}: {reason}", case.file.display(), case.name);
            }
        })?;
        if self.json {
            println!("{}", to_json(&report));
        } else {
            print(&report);
        }
        Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn print(report: &Report) {
    println!("passed        {}", report.passed);
    println!("failed        {}", report.failed);
    println!("skipped       {}", report.skipped_total());
    for (reason, count) in &report.skipped {
        println!("              {count}: {reason}");
    }
}

fn to_json(report: &Report) -> Value {
    let skipped: Vec<_> = report
        .skipped
        .iter()
        .map(|(reason, count)| json!({ "reason": reason.to_string(), "count": count }))
        .collect();
    let failures: Vec<_> = report
        .failures
        .iter()
        .map(|case| {
            let reason = match &case.outcome {
                Outcome::Failed(reason) => reason.as_str(),
                Outcome::Passed | Outcome::Skipped(_) => "",
            };
            json!({ "file": case.file.display().to_string(), "name": case.name, "reason": reason })
        })
        .collect();
    json!({
        "passed": report.passed,
        "failed": report.failed,
        "skipped": report.skipped_total(),
        "skippedReasons": skipped,
        "failures": failures,
    })
}
