//! `ivm bench prove`: bundled programs, proven and verified in this process.

use std::{ops::ControlFlow, time::Instant};

use clap::Args;
use eyre::{Context, Result, eyre};
use ivm_primitives::JobInput;
use ivm_zkvm::{OpenVm, ProofKind, Zkvm};
use serde::Serialize;

use super::percentile;
use crate::{
    bundled::{self, Bundled},
    commands::demo::closes_in_cents,
};

/// Cycles a run may take.
const MAX_CYCLES: u64 = 10_000_000;

/// Times each proof is verified.
const VERIFICATIONS: usize = 9;

/// Clock ticks a second in `/proc`, as Linux has them on every architecture it runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Arguments of `ivm bench prove`.
#[derive(Debug, Args)]
pub(crate) struct ProveBench {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    programs: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    cycles: u64,
    admit_ms: f64,
    execute_ms: f64,
    prove_seconds: f64,
    prove_cpu_seconds: f64,
    /// Highest resident memory of the process so far; programs go from small to large.
    peak_memory_bytes: u64,
    proof_bytes: usize,
    verify_ms_p50: f64,
}

impl ProveBench {
    /// Runs the benchmark to its end.
    pub(crate) fn run(self) -> Result<()> {
        let closes: Vec<u8> = closes_in_cents()?.iter().flat_map(|close| close.to_be_bytes()).collect();
        let zkvm = OpenVm::new();
        let programs = vec![
            measure(&zkvm, bundled::ECHO, b"hello".to_vec())?,
            measure(&zkvm, bundled::VOLATILITY, closes)?,
        ];
        if self.json {
            println!("{}", serde_json::to_string_pretty(&Report { programs })?);
            return Ok(());
        }
        for row in programs {
            println!(
                "{:<11} {:>9} cycles: executed in {:.1} ms, proven in {:.1} s ({:.1} CPU-s, {:.2} GiB), {} bytes, verified in {:.0} ms, admitted in {:.0} ms",
                row.name,
                row.cycles,
                row.execute_ms,
                row.prove_seconds,
                row.prove_cpu_seconds,
                row.peak_memory_bytes as f64 / f64::from(1_u32 << 30),
                row.proof_bytes,
                row.verify_ms_p50,
                row.admit_ms
            );
        }
        Ok(())
    }
}

fn measure(zkvm: &OpenVm, bundled: Bundled, input: Vec<u8>) -> Result<Row> {
    let started = Instant::now();
    let program = zkvm.admit(bundled.elf)?;
    let admit_ms = started.elapsed().as_secs_f64() * 1e3;
    let input = JobInput::onchain_only(input)?;

    let started = Instant::now();
    let execution = zkvm.execute(&program, &input, MAX_CYCLES)?;
    let execute_ms = started.elapsed().as_secs_f64() * 1e3;

    let (started, cpu_before) = (Instant::now(), cpu_seconds()?);
    let proof =
        zkvm.prove(&program, &input, MAX_CYCLES, ProofKind::Segments, &mut |_| ControlFlow::Continue(()))?;
    let prove_seconds = started.elapsed().as_secs_f64();
    let prove_cpu_seconds = cpu_seconds()? - cpu_before;

    let mut verify_ms = Vec::new();
    for _ in 0..VERIFICATIONS {
        let started = Instant::now();
        zkvm.verify(&program, &input, execution.outcome.hash(), &proof)?;
        verify_ms.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Row {
        name: bundled.name,
        cycles: execution.cycles,
        admit_ms,
        execute_ms,
        prove_seconds,
        prove_cpu_seconds,
        peak_memory_bytes: peak_memory_bytes()?,
        proof_bytes: proof.size_bytes(),
        verify_ms_p50: percentile(&mut verify_ms, 50),
    })
}

/// User and system time of this process so far.
fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").wrap_err("/proc/self/stat")?;
    // The command's name, in parentheses, may hold spaces; user and system time are fields 14 and 15.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS_PER_SECOND)
}

/// Highest resident memory of this process so far.
fn peak_memory_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").wrap_err("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(kibibytes.ok_or_else(|| eyre!("/proc/self/status has no VmHWM"))? * 1024)
}
