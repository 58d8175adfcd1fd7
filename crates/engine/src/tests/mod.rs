#![allow(clippy::unwrap_used)]

mod cost;
mod custom;
mod elf;
mod faults;
mod instructions;
mod program_bytes;

use crate::{
    Fault, Program, Run, RunEnd, run,
    testing::{self, TEXT_ADDRESS, li, terminate},
};

/// Where tests put data: behind the text, before nothing.
const SCRATCH: u32 = 0x0020_0000;

fn program(words: &[u32]) -> Program {
    Program::from_elf(&testing::elf(words)).unwrap()
}

/// Runs words with a terminate behind them.
fn run_words(words: &[u32]) -> Run {
    run(&program(&[words, &[terminate(0)]].concat()), &[], 1_000_000).unwrap()
}

/// Runs `body` with registers set before it.
fn run_with(registers: &[(u32, u32)], body: &[u32]) -> Run {
    let mut words: Vec<u32> = registers.iter().flat_map(|&(register, value)| li(register, value)).collect();
    words.extend(body);
    run_words(&words)
}

#[track_caller]
fn assert_ended(run: &Run) {
    assert_eq!(run.end, RunEnd::Terminated { exit_code: 0 });
}

/// The fault of `body`, whose first instruction must be the one that faults; checks the pc it names.
#[track_caller]
fn fault_of(registers: &[(u32, u32)], body: &[u32]) -> Fault {
    let run = run_with(registers, body);
    let RunEnd::Faulted(fault) = run.end else { panic!("ended with {:?}", run.end) };
    let expected_pc = TEXT_ADDRESS + 8 * registers.len() as u32;
    match fault {
        Fault::BadJump { .. } => {}
        Fault::UnalignedAccess { pc, .. } | Fault::OutOfBounds { pc, .. } | Fault::XorinLength { pc, .. } => {
            assert_eq!(pc, expected_pc);
            assert_eq!(run.pc, expected_pc, "the pc stays at the fault");
        }
    }
    fault
}
