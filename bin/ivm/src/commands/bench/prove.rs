//! `ivm bench prove`: runs of several sizes, proven and verified, each in a process of its own.

use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};
use eyre::{Result, WrapErr, ensure};
use serde::{Deserialize, Serialize};

use super::prove_run::{Row, measure};
use crate::commands::KindArg;

/// Arguments of `ivm bench prove`.
#[derive(Debug, Args)]
pub(crate) struct ProveBench {
    /// What to prove. All of it takes the better part of an hour on two cores.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Run::value_variants().to_vec())]
    runs: Vec<Run>,
    /// Kinds of proof.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = KindArg::value_variants().to_vec())]
    kinds: Vec<KindArg>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Measure one run in this process, and print its row.
    #[arg(long, hide = true, conflicts_with = "json")]
    here: bool,
}

/// A run to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Run {
    /// The bundled program `echo`, on five bytes.
    Echo,
    /// A loop that computes, stores and loads, for ten thousand instructions.
    #[value(name = "10k")]
    TenThousand,
    /// The loop, for a hundred thousand.
    #[value(name = "100k")]
    HundredThousand,
    /// The loop, for a million.
    #[value(name = "1m")]
    Million,
    /// The bundled program `volatility`, on twenty years of prices.
    Volatility,
    /// The loop, for ten million.
    #[value(name = "10m")]
    TenMillion,
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    programs: Vec<Row>,
}

impl ProveBench {
    /// Runs the benchmark to its end.
    pub(crate) fn run(self) -> Result<()> {
        if self.here {
            for (run, kind) in self.rows() {
                println!("{}", serde_json::to_string(&measure(run, kind.into())?)?);
            }
            return Ok(());
        }
        let mut programs = Vec::new();
        for (run, kind) in self.rows() {
            let row = measure_apart(run, kind)?;
            if !self.json {
                print(&row);
            }
            programs.push(row);
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&Report { programs })?);
        }
        Ok(())
    }

    fn rows(&self) -> impl Iterator<Item = (Run, KindArg)> {
        self.runs.iter().flat_map(|&run| self.kinds.iter().map(move |&kind| (run, kind)))
    }
}

/// Measures in another process: the peak of a process's memory is that of all it ever did.
fn measure_apart(run: Run, kind: KindArg) -> Result<Row> {
    let name = |value: Option<clap::builder::PossibleValue>| {
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    };
    let (run, kind) = (name(run.to_possible_value()), name(kind.to_possible_value()));
    eprintln!("proving {run}, {kind}");
    let output = Command::new(std::env::current_exe()?)
        .args(["bench", "prove", "--here", "--runs", &run, "--kinds", &kind])
        .stderr(Stdio::inherit())
        .output()
        .wrap_err("cannot start another process")?;
    ensure!(output.status.success(), "proving {run}, {kind}: {}", output.status);
    serde_json::from_slice(&output.stdout).wrap_err("the other process printed no row")
}

fn print(row: &Row) {
    println!(
        "{:<11} {:<10} {:>9} cycles, {:>3} segments: executed in {:.1} ms, proven in {:.1} s ({:.1} CPU-s, {:.2} GiB), \
         {} bytes, verified in {:.0} ms; before: admitted in {:.0} ms, keys in {:.1} s",
        row.name,
        row.kind,
        row.cycles,
        row.segments,
        row.execute_ms,
        row.prove_seconds,
        row.prove_cpu_seconds,
        row.peak_memory_bytes as f64 / f64::from(1_u32 << 30),
        row.proof_bytes,
        row.verify_ms_p50,
        row.admit_ms,
        row.keys_seconds,
    );
}

impl Run {
    /// Its name, and instructions of the loop, where it is the loop.
    pub(crate) const fn name_and_loop(self) -> (&'static str, Option<u32>) {
        match self {
            Self::Echo => ("echo", None),
            Self::Volatility => ("volatility", None),
            Self::TenThousand => ("loop-10k", Some(10_000)),
            Self::HundredThousand => ("loop-100k", Some(100_000)),
            Self::Million => ("loop-1m", Some(1_000_000)),
            Self::TenMillion => ("loop-10m", Some(10_000_000)),
        }
    }
}
