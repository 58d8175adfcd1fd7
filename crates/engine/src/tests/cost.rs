//! What instructions cost, and where runs stop for it.

use proptest::prelude::*;

use super::{SCRATCH, program};
use crate::{
    Fault, Memory, Program, Report, RunEnd, State,
    cost::{self, MAX_CYCLES_PER_INSTRUCTION},
    decode::{Instruction, Operation, decode},
    interpreter::{self, count_instructions},
    run,
    testing::{
        random::{Shape, random_program},
        *,
    },
};

/// `(word, cost)` of each custom instruction on blocks of memory, on `x5`, `x6` and `x7`.
const CUSTOM: [(u32, u64); 4] =
    [(custom(0, 5, 0, 0), 64), (custom(1, 5, 6, 8), 4), (custom(2, 5, 6, 7), 32), (custom(3, 5, 6, 7), 64)];

fn setup() -> Vec<u32> {
    let pointers = [li(5, SCRATCH), li(6, SCRATCH + 0x1000), li(7, SCRATCH + 0x2000)].concat();
    // A block that is not zero, so that each instruction changes memory.
    [&pointers[..], &[addi(8, 0, 136), s_type(2, 8, 6, 0)]].concat()
}

#[test]
fn all_but_the_custom_instructions_on_memory_cost_one() {
    let mut ordinary = 0;
    for seed in 0..50 {
        for word in random_program(seed, Shape { steps: 200, wild: true }) {
            let operation = decode(word).unwrap().operation;
            let expected = match operation {
                Operation::Keccakf | Operation::Sha512 => 64,
                Operation::Sha256 => 32,
                Operation::Xorin => 4,
                _ => 1,
            };
            assert_eq!(cost::cycles(operation), expected, "{operation:?}");
            assert!(expected <= MAX_CYCLES_PER_INSTRUCTION);
            ordinary += usize::from(expected == 1);
        }
    }
    assert!(ordinary > 1000, "{ordinary}");
}

#[test]
fn an_instruction_whose_cost_does_not_fit_is_not_executed() {
    for (word, cost) in CUSTOM {
        let setup = setup();
        let before = setup.len() as u64;
        let pc = TEXT_ADDRESS + 4 * setup.len() as u32;
        let program = program(&[&setup[..], &[word, terminate(0)]].concat());
        let changed = |max_cycles| {
            let run = run(&program, &[], max_cycles).unwrap();
            let bytes = run.memory.slice(SCRATCH, 200).unwrap().to_vec();
            (run.end, run.cycles, run.pc, bytes.iter().any(|&byte| byte != 0))
        };
        for max_cycles in before..before + cost {
            assert_eq!(
                changed(max_cycles),
                (RunEnd::OutOfCycles, before, pc, false),
                "{word:#x} {max_cycles}"
            );
        }
        assert_eq!(changed(before + cost), (RunEnd::OutOfCycles, before + cost, pc + 4, true), "{word:#x}");
        let ended = RunEnd::Terminated { exit_code: 0 };
        assert_eq!(changed(before + cost + 1), (ended, before + cost + 1, pc + 4, true), "{word:#x}");
    }
}

#[test]
fn an_instruction_that_faults_costs_what_it_would() {
    for (word, cost) in CUSTOM {
        let mut words = setup();
        words.extend([addi(5, 5, 1), word]);
        let before = words.len() as u64 - 1;
        let program = program(&words);
        let out_of_cycles = run(&program, &[], before + cost - 1).unwrap();
        assert_eq!((out_of_cycles.end, out_of_cycles.cycles), (RunEnd::OutOfCycles, before));
        let faulted = run(&program, &[], before + cost).unwrap();
        assert!(matches!(faulted.end, RunEnd::Faulted(Fault::UnalignedAccess { .. })), "{:?}", faulted.end);
        assert_eq!(faulted.cycles, before + cost);
    }
}

#[test]
fn limits_at_the_end_of_all_numbers_are_limits() {
    let program = program(&[&setup()[..], &CUSTOM.map(|(word, _)| word), &[terminate(0)]].concat());
    let whole = run(&program, &[], u64::MAX).unwrap();
    assert_eq!(whole.cycles, setup().len() as u64 + 64 + 4 + 32 + 64 + 1);
    let mut memory = Memory::default();
    let mut state = State::start(&program, &[], &mut memory.view()).unwrap();
    state.cycles = u64::MAX - 70;
    let end = interpreter::run_to_end(&program, &mut state, &mut memory.view(), u64::MAX);
    assert_eq!((end, state.cycles), (RunEnd::OutOfCycles, u64::MAX - 70 + setup().len() as u64));
}

fn instruction_at(program: &Program, pc: u32) -> Option<Instruction> {
    let offset = pc.checked_sub(program.pc_base).filter(|offset| offset.is_multiple_of(4))?;
    program.instructions.get(offset as usize / 4).copied()
}

/// Steps through a run, asking before each instruction whether its cost fits; gives the report and how many it
/// executed.
fn step_by_step(program: &Program, max_cycles: u64) -> (Report, u64) {
    let mut memory = Memory::default();
    let mut view = memory.view();
    let mut state = State::start(program, &[], &mut view).unwrap();
    let mut executed = 0;
    loop {
        let next = instruction_at(program, state.pc);
        let cost = next.map_or(0, |instruction| cost::cycles(instruction.operation).into());
        if next.is_some() && state.cycles + cost > max_cycles {
            return (Report::new(RunEnd::OutOfCycles, state, &view), executed);
        }
        let before = state.cycles;
        let end = interpreter::resume(program, &mut state, &mut view, u64::MAX, |_| true);
        assert_eq!(state.cycles, before + cost);
        executed += u64::from(next.is_some());
        if let Some(end) = end {
            return (Report::new(end, state, &view), executed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn runs_stop_where_the_next_instruction_does_not_fit(
        seed: u64,
        steps in 1_u32..200,
        wild: bool,
        max_cycles in 0_u64..1500,
    ) {
        let program = program(&random_program(seed, Shape { steps, wild }));
        let (expected, executed) = step_by_step(&program, max_cycles);
        let report = interpreter::report(&program, &mut Memory::default().view(), &[], max_cycles).unwrap();
        prop_assert_eq!(report, expected);
        prop_assert_eq!(count_instructions(&program, &[], max_cycles).unwrap(), executed);
    }
}

#[test]
fn instructions_are_counted_whatever_they_cost() {
    let count = |words: &[u32], max_cycles| count_instructions(&program(words), &[], max_cycles).unwrap();
    let words = [&setup()[..], &CUSTOM.map(|(word, _)| word), &[terminate(0)]].concat();
    assert_eq!(count(&words, 10_000), words.len() as u64);
    assert_eq!(count(&words, 10), 8, "the first that costs more than the two that are left");
    assert_eq!(count(&[addi(5, 0, 1), load(2, 5, 5, 0)], 10), 2, "the fault is executed");
    assert_eq!(count(&[addi(5, 0, 1)], 10), 1, "there is nothing behind the text to execute");
    assert_eq!(count(&[jal(0, 0)], 10), 10);
}
