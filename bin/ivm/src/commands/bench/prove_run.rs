//! One run, proven and verified in this process.

use std::{ops::ControlFlow, time::Instant};

use alloy_primitives::B256;
use eyre::{Context, Result, eyre};
use ivm_bench::percentile;
use ivm_engine::testing::{addi, alu, b_type, elf, li, load, s_type, terminate};
use ivm_primitives::JobInput;
use ivm_zkvm::{OpenVm, ProofKind, ProveProgress, Zkvm};
use serde::{Deserialize, Serialize};

use super::prove::Run;
use crate::{bundled, commands::demo::closes_in_cents};

/// Cycles a run may take.
const MAX_CYCLES: u64 = 20_000_000;

/// Times each proof is verified.
const VERIFICATIONS: usize = 9;

/// Clock ticks a second in `/proc`, as Linux has them on every architecture it runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Instructions in one round of the loop.
const LOOP_INSTRUCTIONS: u32 = 5;

/// Where the loop stores and loads: an address in the heap.
const LOOP_ADDRESS: u32 = 0x0020_0000;

/// What was measured.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) cycles: u64,
    pub(crate) segments: usize,
    pub(crate) admit_ms: f64,
    pub(crate) keys_seconds: f64,
    pub(crate) execute_ms: f64,
    pub(crate) prove_seconds: f64,
    pub(crate) prove_cpu_seconds: f64,
    /// Highest resident memory of the process, for keys, proof and verification.
    pub(crate) peak_memory_bytes: u64,
    pub(crate) proof_bytes: usize,
    pub(crate) verify_ms_p50: f64,
}

/// Proves and verifies a run.
pub(crate) fn measure(run: Run, kind: ProofKind) -> Result<Row> {
    let zkvm = OpenVm::new();
    let (name, elf, input, outcome_hash) = program(&zkvm, run)?;
    let (program, admit_ms) = timed(|| Ok(zkvm.admit(&elf)?))?;
    let (_, keys_ms) = timed(|| Ok(zkvm.prepare(kind)?))?;
    let (cycles, execute_ms) = timed(|| Ok(zkvm.check(&program, &input, MAX_CYCLES, outcome_hash)?))?;

    let mut segments = 0;
    let mut note = |event| {
        if let ProveProgress::Planned { segments: planned, .. } = event {
            segments = planned;
        }
        ControlFlow::Continue(())
    };
    let cpu_before = cpu_seconds()?;
    let (proof, prove_ms) = timed(|| Ok(zkvm.prove(&program, &input, MAX_CYCLES, kind, &mut note)?))?;
    let prove_cpu_seconds = cpu_seconds()? - cpu_before;

    let mut verify_ms = Vec::new();
    for _ in 0..VERIFICATIONS {
        verify_ms.push(timed(|| Ok(zkvm.verify(&program, &input, outcome_hash, &proof)?))?.1);
    }
    Ok(Row {
        name,
        kind: kind.to_string(),
        cycles,
        segments,
        admit_ms,
        keys_seconds: keys_ms / 1e3,
        execute_ms,
        prove_seconds: prove_ms / 1e3,
        prove_cpu_seconds,
        peak_memory_bytes: peak_memory_bytes()?,
        proof_bytes: proof.size_bytes(),
        verify_ms_p50: percentile(&mut verify_ms, 50),
    })
}

/// A run's name, its program's ELF, its input and what it reveals.
fn program(zkvm: &OpenVm, run: Run) -> Result<(String, Vec<u8>, JobInput, B256)> {
    let (name, instructions) = run.name_and_loop();
    if let Some(instructions) = instructions {
        // It reveals nothing, which is 32 zeros.
        return Ok((name.into(), elf(&loop_words(instructions)), JobInput::default(), B256::ZERO));
    }
    let (bundled, input) = match run {
        Run::Volatility => {
            let closes: Vec<u8> = closes_in_cents()?.iter().flat_map(|close| close.to_be_bytes()).collect();
            (bundled::VOLATILITY, closes)
        }
        _ => (bundled::ECHO, b"hello".to_vec()),
    };
    let input = JobInput::onchain_only(input)?;
    let outcome = zkvm.execute(&zkvm.admit(bundled.elf)?, &input, MAX_CYCLES)?.outcome;
    Ok((name.into(), bundled.elf.to_vec(), input, outcome.hash()))
}

/// A program of about so many instructions.
fn loop_words(instructions: u32) -> Vec<u32> {
    [
        &li(5, instructions / LOOP_INSTRUCTIONS)[..],
        &li(8, LOOP_ADDRESS),
        &[alu(4, 0, 6, 6, 5), s_type(2, 6, 8, 0), load(2, 7, 8, 0), addi(5, 5, -1), b_type(1, 5, 0, -16)],
        &[terminate(0)],
    ]
    .concat()
}

/// Milliseconds that something takes.
fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let started = Instant::now();
    let value = work()?;
    Ok((value, started.elapsed().as_secs_f64() * 1e3))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ivm_engine::{Program, RunEnd, run};

    use super::*;

    #[test]
    fn the_loop_is_as_long_as_it_is_named() {
        for instructions in [10_000, 1_000_000] {
            let program = Program::from_elf(&elf(&loop_words(instructions))).unwrap();
            let run = run(&program, &JobInput::default().memory_image(), MAX_CYCLES).unwrap();
            assert_eq!(run.end, RunEnd::Terminated { exit_code: 0 });
            assert_eq!(run.cycles, u64::from(instructions) + 5);
            assert_eq!(run.public_values, [0; 32]);
        }
    }
}
