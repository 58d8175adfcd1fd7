//! Measures what a cycle takes, for programs built to make it take long: what a price per cycle has to cover.
//!
//! ```text
//! cargo run --release -p ivm-recompiler --example cycle_costs -- [PART OF A PATTERN'S NAME]
//! ```
//!
//! Each pattern is a loop behind a preparation. It is run to two limits of cycles, and the difference is divided by the
//! cycles between them, so preparation and start do not count; the fastest runs of several are printed, in processor time.
//! Patterns that are dear because of what they touch first are whole runs. A program can make compiled code give up in
//! favour of the interpreter, so the larger of both columns is what a cycle may take.

use std::{error::Error, sync::Arc, time::Duration};

use ivm_engine::{Program, RunEnd, interpreter, testing};
use ivm_recompiler::{Code, Space};
use rustix::time::{ClockId, clock_gettime};

mod patterns;

use patterns::{Pattern, Timing};

const RUNS: u32 = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    println!("{:<44}{:>10}{:>15}{:>15}", "pattern", "cycles", "compiled", "interpreted");
    println!("{:<44}{:>10}{:>15}{:>15}", "", "millions", "ns per cycle", "ns per cycle");
    for pattern in patterns::all().into_iter().filter(|pattern| pattern.name.contains(&wanted)) {
        measure(&pattern)?;
    }
    Ok(())
}

fn measure(pattern: &Pattern) -> Result<(), Box<dyn Error>> {
    let program = Arc::new(Program::from_elf(&testing::elf(&pattern.words()))?);
    let code = Code::compile(program.clone())?;
    let (from, to) = match pattern.timing {
        Timing::Between { cycles } => {
            let from = preparation_cycles(pattern)?;
            (from, from + cycles)
        }
        Timing::Whole => (0, 1 << 30),
    };
    let mut space = Space::new()?;
    let mut counted = 0;
    let mut compiled = |limit| {
        let (time, cycles) = timed(|| Ok(code.run(&mut space, &[], limit)?.state.cycles))?;
        counted = cycles;
        Ok(time)
    };
    let compiled_time = fastest_difference(from, to, &mut compiled)?;
    let mut interpreted = |limit| {
        let (time, _) = timed(|| {
            space.clear()?;
            Ok(interpreter::report(&program, &mut space.view(), &[], limit)?.state.cycles)
        })?;
        Ok(time)
    };
    let interpreted_time = fastest_difference(from, to, &mut interpreted)?;
    let cycles = counted - from;
    let per_cycle = |time: Duration| time.as_secs_f64() * 1e9 / cycles as f64;
    println!(
        "{:<44}{:>10.2}{:>15.2}{:>15.2}",
        pattern.name,
        cycles as f64 / 1e6,
        per_cycle(compiled_time),
        per_cycle(interpreted_time)
    );
    Ok(())
}

/// Cycles until the loop starts.
fn preparation_cycles(pattern: &Pattern) -> Result<u64, Box<dyn Error>> {
    let words = [&pattern.preparation[..], &[testing::terminate(0)]].concat();
    let run = ivm_engine::run(&Program::from_elf(&testing::elf(&words))?, &[], 1 << 30)?;
    match run.end {
        RunEnd::Terminated { exit_code: 0 } => Ok(run.cycles),
        other => Err(format!("{}: the preparation ended with {other:?}", pattern.name).into()),
    }
}

fn timed(run: impl FnOnce() -> Result<u64, Box<dyn Error>>) -> Result<(Duration, u64), Box<dyn Error>> {
    let started = processor_time()?;
    let cycles = run()?;
    Ok((processor_time()?.saturating_sub(started), cycles))
}

/// Time that this thread had, in the kernel too: other work on the machine counts for less than it would by the clock.
fn processor_time() -> Result<Duration, Box<dyn Error>> {
    Ok(Duration::try_from(clock_gettime(ClockId::ThreadCPUTime))?)
}

/// Other work on the machine makes runs slower, never faster.
fn fastest_difference(
    from: u64,
    to: u64,
    run: &mut impl FnMut(u64) -> Result<Duration, Box<dyn Error>>,
) -> Result<Duration, Box<dyn Error>> {
    let [mut before, mut whole] = [Duration::MAX; 2];
    for _ in 0..RUNS {
        before = before.min(run(from)?);
        whole = whole.min(run(to)?);
    }
    Ok(if from == 0 { whole } else { whole.saturating_sub(before) })
}
