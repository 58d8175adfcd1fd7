//! `ivm bench engine`: the same work natively, compiled, interpreted and by OpenVM's own ways, in one process.

use std::{hint::black_box, sync::Arc, time::Instant};

use clap::Args;
use eyre::{Context, Result, bail, eyre};
use ivm_engine::{Memory, Report, RunEnd, interpreter};
use ivm_primitives::JobInput;
use ivm_recompiler::{Code, Space};
use ivm_sandbox::{Sandbox, measure_call_overhead};
use ivm_zkvm::{AdmittedProgram, OpenVm, Peer, Zkvm};
use serde::Serialize;
use workloads::Workload;

use crate::{bundled, commands::sandbox_config};

/// More than any workload takes.
const MAX_CYCLES: u64 = 1 << 32;
/// Calls of the smallest program through a worker process.
const OVERHEAD_CALLS: usize = 10_000;

/// Arguments of `ivm bench engine`.
#[derive(Debug, Args)]
pub(crate) struct EngineBench {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Runs of each workload in each way, of which the fastest counts.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// Only these workloads.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

#[derive(Debug, Serialize)]
struct EngineReport {
    programs: Vec<Row>,
    /// Geometric mean of `ratio_to_native`.
    geomean_ratio: f64,
    /// Compiling the whole program that holds the workloads, standard library and all.
    compile_ms: f64,
    compile_instructions: usize,
    /// A run of one instruction through a confined worker process: half of the calls took at most this.
    call_overhead_us: f64,
    call_overhead_us_p99: f64,
}

#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    cycles: u64,
    native_ms: f64,
    recompiler_ms: f64,
    interpreter_ms: f64,
    openvm_interpreter_ms: f64,
    /// OpenVM's ahead-of-time execution, in a build that has it (`--features openvm-aot`).
    #[serde(skip_serializing_if = "Option::is_none")]
    openvm_aot_ms: Option<f64>,
    /// Instructions, of whatever cost in cycles, by the recompiler's time.
    mhz: f64,
    interpreter_mhz: f64,
    openvm_interpreter_mhz: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    openvm_aot_mhz: Option<f64>,
    ratio_to_native: f64,
}

impl EngineBench {
    /// Runs the benchmark to its end.
    pub(crate) fn run(self) -> Result<()> {
        let chosen = self.chosen()?;
        let zkvm = OpenVm::new();
        let program = zkvm.admit(bundled::WORKLOADS.elf)?;
        let engine = Arc::new(program.engine().clone());
        let compiled = fastest(self.runs, || Code::compile(engine.clone()))?;
        let mut bench = Bench { zkvm, program, code: compiled.value, space: Space::new()?, runs: self.runs };
        let mut programs = Vec::new();
        for workload in chosen {
            let row = bench.measure(workload).wrap_err(workload.name())?;
            if !self.json {
                print_row(&row, programs.is_empty());
            }
            programs.push(row);
        }
        let sandbox = Sandbox::start(sandbox_config(1))?;
        let overhead = measure_call_overhead(&sandbox, OVERHEAD_CALLS)?;
        let logarithms: f64 = programs.iter().map(|row| row.ratio_to_native.ln()).sum();
        let report = EngineReport {
            geomean_ratio: (logarithms / programs.len() as f64).exp(),
            programs,
            compile_ms: compiled.ms,
            compile_instructions: engine.instructions.len(),
            call_overhead_us: overhead.p50.as_secs_f64() * 1e6,
            call_overhead_us_p99: overhead.p99.as_secs_f64() * 1e6,
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            report.print_summary();
        }
        Ok(())
    }

    fn chosen(&self) -> Result<Vec<Workload>> {
        let names = || Workload::ALL.map(Workload::name).join(", ");
        if let Some(unknown) =
            self.only.iter().find(|name| Workload::ALL.iter().all(|known| known.name() != name.as_str()))
        {
            bail!("there is no workload {unknown:?}; there are: {}", names());
        }
        let is_chosen = |workload: &Workload| {
            self.only.is_empty() || self.only.iter().any(|name| name == workload.name())
        };
        Ok(Workload::ALL.into_iter().filter(is_chosen).collect())
    }
}

impl EngineReport {
    fn print_summary(&self) {
        println!();
        println!("ratio to native     {:.2} (geometric mean)", self.geomean_ratio);
        println!(
            "compiling           {:.1} ms for {} instructions",
            self.compile_ms, self.compile_instructions
        );
        println!(
            "call of a worker    {:.0} us, 99 % within {:.0} us",
            self.call_overhead_us, self.call_overhead_us_p99
        );
    }
}

fn print_row(row: &Row, is_first: bool) {
    if is_first {
        println!("{:<14}{:>12}{:>48}{:>36}{:>8}", "", "", "milliseconds", "MHz", "");
        println!(
            "{:<14}{:>12}{:>9}{:>9}{:>11}{:>9}{:>10}{:>9}{:>9}{:>9}{:>9}{:>8}",
            "workload",
            "cycles",
            "native",
            "compiled",
            "interpr.",
            "OpenVM",
            "its AOT",
            "compiled",
            "interpr.",
            "OpenVM",
            "its AOT",
            "ratio"
        );
    }
    println!(
        "{:<14}{:>12}{:>9.2}{:>9.2}{:>11.1}{:>9.1}{:>10}{:>9.0}{:>9.0}{:>9.0}{:>9}{:>8.2}",
        row.name,
        row.cycles,
        row.native_ms,
        row.recompiler_ms,
        row.interpreter_ms,
        row.openvm_interpreter_ms,
        or_dash(row.openvm_aot_ms.map(|ms| format!("{ms:.1}"))),
        row.mhz,
        row.interpreter_mhz,
        row.openvm_interpreter_mhz,
        or_dash(row.openvm_aot_mhz.map(|mhz| format!("{mhz:.0}"))),
        row.ratio_to_native
    );
}

struct Bench {
    zkvm: OpenVm,
    program: AdmittedProgram,
    code: Code,
    space: Space,
    runs: u32,
}

impl Bench {
    fn measure(&mut self, workload: Workload) -> Result<Row> {
        let size = workload.default_size();
        let input = JobInput::onchain_only(workload.input(size))?;
        let image = input.memory_image();
        let native = fastest(self.runs, || Ok::<_, eyre::Report>(workload.run(black_box(size), &[])))?;
        let compiled = fastest(self.runs, || self.code.run(&mut self.space, &image, MAX_CYCLES))?;
        // Slower ways vary less, and take long.
        let few_runs = self.runs.div_ceil(3);
        let engine = self.program.engine();
        let interpreted = fastest(few_runs, || {
            interpreter::report(engine, &mut Memory::default().view(), &image, MAX_CYCLES)
        })?;
        expect_digest(&compiled.value, native.value)?;
        if compiled.value != interpreted.value {
            bail!("the recompiler and the interpreter disagree: a bug, please report it");
        }
        let openvm_ms = self.peer_ms(&input, Peer::Interpreter, few_runs)?;
        #[cfg(feature = "openvm-aot")]
        let openvm_aot_ms = Some(self.peer_ms(&input, Peer::AheadOfTime, self.runs)?);
        #[cfg(not(feature = "openvm-aot"))]
        let openvm_aot_ms = None;
        let cycles = compiled.value.state.cycles;
        let instructions = interpreter::count_instructions(engine, &image, MAX_CYCLES)?;
        let mhz = |ms: f64| instructions as f64 / ms / 1e3;
        Ok(Row {
            name: workload.name(),
            cycles,
            native_ms: native.ms,
            recompiler_ms: compiled.ms,
            interpreter_ms: interpreted.ms,
            openvm_interpreter_ms: openvm_ms,
            openvm_aot_ms,
            mhz: mhz(compiled.ms),
            interpreter_mhz: mhz(interpreted.ms),
            openvm_interpreter_mhz: mhz(openvm_ms),
            openvm_aot_mhz: openvm_aot_ms.map(mhz),
            ratio_to_native: compiled.ms / native.ms,
        })
    }

    /// Milliseconds of OpenVM's fastest run.
    fn peer_ms(&self, input: &JobInput, peer: Peer, runs: u32) -> Result<f64> {
        let run = self.zkvm.run_on_openvm(&self.program, input, peer, runs).map_err(|error| eyre!(error))?;
        Ok(run.run.as_secs_f64() * 1e3)
    }
}

/// What is not in this build.
fn or_dash(figure: Option<String>) -> String {
    figure.unwrap_or_else(|| "-".into())
}

/// The program gives what the native function gives: the digest, little-endian.
fn expect_digest(report: &Report, digest: u64) -> Result<()> {
    let (got, expected) = (report.outcome_bytes.as_deref(), digest.to_le_bytes());
    if report.end != (RunEnd::Terminated { exit_code: 0 }) || got != Some(&expected) {
        bail!("the run ended with {:?} and {got:02x?}, expected {expected:02x?}", report.end);
    }
    Ok(())
}

/// The shortest time of several.
struct Fastest<T> {
    ms: f64,
    value: T,
}

fn fastest<T, E>(runs: u32, mut work: impl FnMut() -> Result<T, E>) -> Result<Fastest<T>>
where
    E: Into<eyre::Report>,
{
    let mut best: Option<Fastest<T>> = None;
    for _ in 0..runs.max(1) {
        let started = Instant::now();
        let value = black_box(work().map_err(Into::into)?);
        let ms = started.elapsed().as_secs_f64() * 1e3;
        if best.as_ref().is_none_or(|best| ms < best.ms) {
            best = Some(Fastest { ms, value });
        }
    }
    best.ok_or_else(|| eyre!("nothing was run"))
}
