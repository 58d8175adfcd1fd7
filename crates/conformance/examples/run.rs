//! Runs a folder of vectors and prints what failed: `cargo run --release -p ivm-conformance --example run -- DIR`.

use std::path::PathBuf;
use std::process::ExitCode;

use ivm_conformance::{Case, Outcome, run_directory};

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: run DIR");
        return ExitCode::FAILURE;
    };
    let mut print = |case: &Case| {
        if let Outcome::Failed(reason) = &case.outcome {
            println!("FAILED {} {}: {reason}", case.file.display(), case.name);
        }
    };
    match run_directory(&folder, &mut print) {
        Ok(report) => {
            println!("passed {} failed {} skipped {}", report.passed, report.failed, report.skipped_total());
            for (reason, count) in &report.skipped {
                println!("skipped {count}: {reason}");
            }
            if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
