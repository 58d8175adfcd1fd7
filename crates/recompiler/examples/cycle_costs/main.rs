//! Measures what a cycle takes, for programs built to make it take long: what a price per cycle has to cover.
//!
//! ```text
//! cargo run --release -p ivm-recompiler --example cycle_costs -- [low] [PART OF A PATTERN'S NAME]
//! ```
//!
//! With `low`, runs reach what runs inside transactions do ([`Reach::Low`]), and it is printed how long a block takes that
//! is full of such runs: as many cycles or runs of the pattern as the gas of a block pays for.
//!
//! Each pattern is a loop behind a preparation. It is run to two limits of cycles, and the difference is divided by the
//! cycles between them, so preparation and start do not count; the fastest runs of several are printed, in processor time.
//! Patterns that are dear because of what they touch first are whole runs. A program can make compiled code give up in
//! favour of the interpreter, so the larger of both columns is what a cycle may take.

use std::{error::Error, sync::Arc, time::Duration};

use ivm_engine::{Program, Reach, RunEnd, interpreter, testing};
use ivm_recompiler::{Code, CompileError, Space};
use rustix::time::{ClockId, clock_gettime};

mod patterns;

use patterns::{Pattern, Timing};

const RUNS: u32 = 5;

/// Of a development chain.
const BLOCK_GAS: u64 = 30_000_000;
/// What the executor takes at least (`ivm_coprocessor::executor`): for a run, for each instruction of its program, for each
/// cycle. What the job manager takes on top is left out.
const RUN_GAS: u64 = 20_000;
const INSTRUCTION_GAS: u64 = 2;
const CYCLE_GAS: u64 = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    let reach = if arguments.next_if(|word| word == "low").is_some() { Reach::Low } else { Reach::Whole };
    let wanted = arguments.next().unwrap_or_default();
    println!("{:<44}{:>10}{:>15}{:>15}{:>12}", "pattern", "cycles", "compiled", "interpreted", "full block");
    println!("{:<44}{:>10}{:>15}{:>15}{:>12}", "", "millions", "ns per cycle", "ns per cycle", "ms");
    for pattern in patterns::all(reach).into_iter().filter(|pattern| pattern.name.contains(&wanted)) {
        measure(&pattern, reach)?;
    }
    Ok(())
}

fn measure(pattern: &Pattern, reach: Reach) -> Result<(), Box<dyn Error>> {
    let program = Arc::new(Program::from_elf(&testing::elf(&pattern.words()))?);
    let code = match Code::compile_within(program.clone(), reach) {
        Err(CompileError::TooLarge { .. }) => None,
        code => Some(code?),
    };
    let (from, to) = match pattern.timing {
        Timing::Between { cycles } => {
            let from = preparation_cycles(pattern)?;
            (from, from + cycles)
        }
        Timing::Whole => (0, 1 << 30),
    };
    let mut space = Space::new()?;
    let mut counted = 0;
    let mut interpreted = |limit| {
        let (time, cycles) = timed(|| {
            space.clear()?;
            let mut view = space.view_within(reach);
            Ok(interpreter::report(&program, &mut view, &[], limit)?.state.cycles)
        })?;
        counted = cycles;
        Ok(time)
    };
    let interpreted_time = fastest_difference(from, to, &mut interpreted)?;
    let compiled_time = match code {
        Some(code) => {
            let mut compiled = |limit| Ok(timed(|| Ok(code.run(&mut space, &[], limit)?.state.cycles))?.0);
            Some(fastest_difference(from, to, &mut compiled)?)
        }
        None => None,
    };
    let cycles = counted - from;
    let per_cycle = |time: Duration| time.as_secs_f64() * 1e9 / cycles as f64;
    let compiled = compiled_time.map_or("too large".into(), |time| format!("{:.2}", per_cycle(time)));
    let full_block = match reach {
        Reach::Whole => String::new(),
        // What the compiler refuses is interpreted; a node runs what is compiled.
        Reach::Low => {
            let time = compiled_time.unwrap_or(interpreted_time).as_secs_f64() / cycles as f64;
            format!("{:.0}", 1e3 * time * cycles_of_block(pattern, &program, cycles) as f64)
        }
    };
    println!(
        "{:<44}{:>10.2}{compiled:>15}{:>15.2}{full_block:>12}",
        pattern.name,
        cycles as f64 / 1e6,
        per_cycle(interpreted_time),
    );
    Ok(())
}

/// Cycles of the pattern that the gas of a block pays for: in one run, or in as many as there can be.
fn cycles_of_block(pattern: &Pattern, program: &Program, cycles: u64) -> u64 {
    let fixed_gas = RUN_GAS + INSTRUCTION_GAS * program.instructions.len() as u64;
    match pattern.timing {
        Timing::Between { .. } => BLOCK_GAS.saturating_sub(fixed_gas) / CYCLE_GAS,
        Timing::Whole => BLOCK_GAS / (fixed_gas + CYCLE_GAS * cycles) * cycles,
    }
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
