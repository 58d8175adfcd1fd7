//! `ivm bench`: measurements, on this machine, of what the documentation claims.

#[cfg(target_os = "linux")]
mod engine;
mod jobs;
mod prove;
mod prove_run;

use clap::{Args, Subcommand};
use eyre::Result;

/// Arguments of `ivm bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchCommand {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Running programs: natively, compiled, interpreted, and by OpenVM's interpreter.
    #[cfg(target_os = "linux")]
    Engine(engine::EngineBench),
    /// From request to callback: blocks, milliseconds, jobs a second.
    Jobs(jobs::JobsBench),
    /// Proving and verifying: seconds, memory, bytes.
    Prove(prove::ProveBench),
}

impl BenchCommand {
    /// Runs the benchmark to its end.
    pub(crate) fn run(self) -> Result<()> {
        match self.bench {
            #[cfg(target_os = "linux")]
            Bench::Engine(bench) => bench.run(),
            Bench::Jobs(bench) => bench.run(),
            Bench::Prove(bench) => bench.run(),
        }
    }
}

/// The value below which `percent` of the samples lie. Sorts them.
fn percentile(samples: &mut [f64], percent: usize) -> f64 {
    samples.sort_by(f64::total_cmp);
    let index = (samples.len() * percent).div_ceil(100).saturating_sub(1);
    samples.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let mut samples: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut samples, 50), 50.0);
        assert_eq!(percentile(&mut samples, 99), 99.0);
        assert_eq!(percentile(&mut samples, 100), 100.0);
        assert_eq!(percentile(&mut [], 50), 0.0);
    }
}
