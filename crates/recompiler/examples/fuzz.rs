//! Holds compiled code against the interpreter for as long as asked, on random programs and on real ones with changed bytes.
//!
//! ```text
//! cargo run --release -p ivm-recompiler --example fuzz -- SECONDS [SEED [ELF...]]
//! ```
//!
//! Each round takes the next seed: a random program of any shape, then each ELF given, with a few words of its text or
//! a few bytes anywhere changed. Both ways must report the same end, cycles, registers, public values and outcome
//! bytes, and leave the same memory; one round in four with little reach. Stops at the first difference, and says which seed showed it.

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use ivm_engine::{
    Program, Reach, Report, RunEnd, interpreter,
    testing::{
        self,
        random::{Random, SCRATCH_ADDRESS, SCRATCH_REACH_BYTES, Shape, random_program},
    },
};
use ivm_recompiler::{Code, CompileError, RunError, Space};

/// Ranges of memory that are compared, besides what reports hold.
const COMPARED: [(u32, usize); 3] =
    [(0, 0x4000), (SCRATCH_ADDRESS - SCRATCH_REACH_BYTES, 0x4000), ((1 << 27) - 0x4000, 0x4000)];

#[derive(Default)]
struct Counts {
    terminated: u64,
    faulted: u64,
    ran_out: u64,
    refused: u64,
    cycles: u64,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(seconds) = arguments.next().and_then(|seconds| seconds.parse().ok()) else {
        eprintln!("usage: fuzz SECONDS [SEED [ELF...]]");
        return ExitCode::FAILURE;
    };
    let first_seed: u64 = arguments.next().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let elfs: Result<Vec<_>, _> = arguments.map(std::fs::read).collect();
    let outcome = elfs.map_err(|error| error.to_string()).and_then(|elfs| {
        fuzz(Duration::from_secs(seconds), first_seed, &elfs).map_err(|error| error.to_string())
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn fuzz(time: Duration, first_seed: u64, elfs: &[Vec<u8>]) -> Result<(), String> {
    let mut spaces = [Space::new(), Space::new()].map(|space| space.map_err(|error| error.to_string()));
    let [Ok(compiled), Ok(interpreted)] = &mut spaces else { return Err("no address space".into()) };
    let (started, mut counts, mut seed) = (Instant::now(), Counts::default(), first_seed);
    while started.elapsed() < time {
        let mut random = Random::new(seed);
        let shape = Shape { steps: 1 + random.below(600), wild: random.below(3) > 0 };
        let words = random_program(seed, shape);
        let limit = u64::from(random.below(20_000));
        let file = testing::elf(&words);
        let reach = if random.below(4) == 0 { Reach::Low } else { Reach::Whole };
        compare(&file, limit, reach, compiled, interpreted, &mut counts)
            .map_err(|problem| format!("seed {seed}, {shape:?}, {limit} cycles: {problem}"))?;
        for (index, elf) in elfs.iter().enumerate() {
            let changed = change(elf, &mut random);
            let limit = u64::from(random.below(1_000_000));
            compare(&changed, limit, reach, compiled, interpreted, &mut counts)
                .map_err(|problem| format!("seed {seed}, file {index}, {limit} cycles: {problem}"))?;
        }
        seed += 1;
    }
    let Counts { terminated, faulted, ran_out, refused, cycles } = counts;
    println!(
        "seeds {first_seed}..{seed} in {:.0} s: {terminated} terminated, {faulted} faulted, {ran_out} ran out of \
         cycles, {refused} files refused; {cycles} cycles, no difference",
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Changes a few words to others of the same file, or a few bytes to any.
fn change(elf: &[u8], random: &mut Random) -> Vec<u8> {
    let mut changed = elf.to_vec();
    let words = (elf.len() / 4) as u32;
    for _ in 0..1 + random.below(8) {
        let to = 4 * random.below(words) as usize;
        match random.below(4) {
            0 => changed[to + random.below(4) as usize] = random.below(256) as u8,
            1 => changed[to] ^= 1 << random.below(8),
            _ => {
                let from = 4 * random.below(words) as usize;
                changed.copy_within(from..from + 4, to);
            }
        }
    }
    changed
}

fn compare(
    file: &[u8],
    max_cycles: u64,
    reach: Reach,
    compiled_space: &mut Space,
    interpreted_space: &mut Space,
    counts: &mut Counts,
) -> Result<(), String> {
    let Ok(program) = Program::from_elf(file) else {
        counts.refused += 1;
        return Ok(());
    };
    let program = Arc::new(program);
    let code = match Code::compile_within(program.clone(), reach) {
        Ok(code) => code,
        Err(CompileError::TooLarge { .. }) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let image = b"an input of some bytes";
    let compiled = code.run(compiled_space, image, max_cycles);
    interpreted_space.clear().map_err(|error| error.to_string())?;
    let mut view = interpreted_space.view_within(reach);
    let interpreted = interpreter::report(&program, &mut view, image, max_cycles);
    let (compiled, interpreted) = match (compiled, interpreted) {
        (Ok(compiled), Ok(interpreted)) => (compiled, interpreted),
        (Err(RunError::Input(_)), Err(_)) => {
            counts.refused += 1;
            return Ok(());
        }
        (compiled, interpreted) => return Err(format!("compiled {compiled:?}\ninterpreted {interpreted:?}")),
    };
    if compiled != interpreted {
        return Err(format!("compiled {compiled:?}\ninterpreted {interpreted:?}"));
    }
    for (address, size) in COMPARED {
        let differ = {
            let (one, other) = (compiled_space.view(), interpreted_space.view());
            one.slice(address, size) != other.slice(address, size)
        };
        if differ {
            return Err(format!("memory from {address:#x} on differs"));
        }
    }
    count(counts, &compiled);
    Ok(())
}

fn count(counts: &mut Counts, report: &Report) {
    counts.cycles += report.state.cycles;
    match report.end {
        RunEnd::Terminated { .. } => counts.terminated += 1,
        RunEnd::Faulted(_) => counts.faulted += 1,
        RunEnd::OutOfCycles => counts.ran_out += 1,
    }
}
