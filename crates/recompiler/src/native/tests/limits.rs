//! Hostile text: as large as it may be, and of what grows most.

use std::{sync::Arc, time::Instant};

use ivm_engine::{
    Program, RunEnd,
    testing::{self, *},
};
use ivm_primitives::limits::MAX_ELF_SIZE_BYTES;

use super::Pair;
use crate::{Code, CompileError};

const WORDS: usize = MAX_ELF_SIZE_BYTES / 4 - 64;

fn program(word: impl Fn(usize) -> u32) -> Arc<Program> {
    let words: Vec<u32> = (0..WORDS).map(word).collect();
    Arc::new(Program::from_elf(&testing::elf(&words)).unwrap())
}

#[test]
fn text_of_the_largest_size_compiles_or_is_refused() {
    let offset = |index: usize| 4 * (index % 500) as i32;
    let texts = [
        ("loads", program(|index| load(2, 5, (index % 32) as u32, offset(index)))),
        ("groups", program(|index| s_type(0, 5, 6, offset(index) / 4))),
        ("branches", program(|index| b_type(4, 5, 6, if index > 1000 { -2000 } else { 8 }))),
        (
            "short loops",
            program(|index| if index % 2 == 0 { alu(4, 0, 20, 21, 22) } else { b_type(4, 25, 26, -4) }),
        ),
        ("divisions", program(|_| alu(4, 1, 5, 6, 7))),
        ("custom", program(|_| custom(2, 5, 6, 7))),
        ("computed jumps", program(|_| jalr(1, 5, 0))),
    ];
    for (name, program) in texts {
        let started = Instant::now();
        let outcome = match Code::compile(program.clone()) {
            Ok(code) => {
                Pair::default().assert_same(&program, &[], 3000);
                format!("{} bytes", code.size_bytes())
            }
            Err(CompileError::TooLarge { got, limit }) => {
                assert!(got < limit + (1 << 20), "stopped in time");
                "refused".into()
            }
            Err(error) => panic!("{name}: {error}"),
        };
        eprintln!("{name}: {outcome}, {} ms", started.elapsed().as_millis());
    }
}

#[test]
fn a_block_longer_than_the_limit_of_cycles_runs_to_it() {
    let program = program(|_| addi(5, 5, 1));
    let mut pair = Pair::default();
    for max_cycles in [0, 1, 1000, WORDS as u64 - 1, WORDS as u64, WORDS as u64 + 1] {
        let report = pair.assert_same(&program, &[], max_cycles);
        assert_eq!(report.state.cycles, max_cycles.min(WORDS as u64));
        assert_eq!(report.end == RunEnd::OutOfCycles, max_cycles < WORDS as u64);
    }
}

#[test]
fn text_that_may_be_entered_anywhere_is_read_once() {
    // Every instruction's address stands in data, so each is a block. Were each block looked for to the end of the text,
    // this would take minutes.
    let count = WORDS as u32 / 2;
    let mut words = vec![addi(5, 5, 1); count as usize - 1];
    words.push(terminate(0));
    let addresses: Vec<u8> = (0..count).flat_map(|index| (TEXT_ADDRESS + 4 * index).to_le_bytes()).collect();
    let segments =
        vec![ElfSegment::text(TEXT_ADDRESS, &words), ElfSegment::data(TEXT_ADDRESS + 4 * count, &addresses)];
    let file = ElfFile::new(TEXT_ADDRESS, segments).build();
    assert!(file.len() <= MAX_ELF_SIZE_BYTES);
    let program = Arc::new(Program::from_elf(&file).unwrap());
    let report = Pair::default().assert_same(&program, &[], u64::from(count));
    assert_eq!(report.end, RunEnd::Terminated { exit_code: 0 });
}

/// Blocks of instructions of every cost, in a loop and out of it, that end in every way.
fn costly_program(last: &[u32]) -> Arc<Program> {
    let custom_instructions =
        [custom(0, 5, 0, 0), addi(10, 10, 1), custom(1, 5, 6, 8), custom(2, 5, 6, 7), custom(3, 5, 6, 7)];
    let mut words = [li(5, 0x0020_0000), li(6, 0x0020_0100), li(7, 0x0020_0200)].concat();
    words.extend([addi(8, 0, 136), addi(9, 0, 3)]);
    words.extend(custom_instructions);
    words.extend([load(2, 11, 5, 0), s_type(2, 11, 6, 4), addi(9, 9, -1), b_type(1, 9, 0, -32)]);
    words.extend(custom_instructions);
    words.extend(last);
    words.extend(custom_instructions);
    words.push(terminate(0));
    Arc::new(Program::from_elf(&testing::elf(&words)).unwrap())
}

#[test]
fn instructions_that_cost_more_than_one_at_every_limit() {
    let mut pair = Pair::default();
    for (last, expected_fault) in [
        (vec![addi(0, 0, 0)], false),
        (vec![reveal(10, 1)], false),
        (vec![jal(1, 4)], false),
        // Faults in the middle of a block, of which the rest is given back.
        (vec![load(2, 12, 5, 1)], true),
        (vec![load(2, 12, 0, 1)], true),
        (vec![addi(5, 5, 2), custom(0, 5, 0, 0)], true),
        (vec![addi(8, 0, 6), custom(1, 5, 6, 8)], true),
        (vec![addi(6, 6, 1), custom(3, 5, 6, 7)], true),
        (vec![jalr(0, 0, 0)], true),
    ] {
        let program = costly_program(&last);
        let whole = pair.assert_same(&program, &[], 10_000);
        assert_eq!(matches!(whole.end, RunEnd::Faulted(_)), expected_fault, "{:?}", whole.end);
        // Four times the custom instructions, at least.
        assert!(whole.state.cycles > 4 * (64 + 4 + 32 + 64), "{}", whole.state.cycles);
        for max_cycles in 0..whole.state.cycles {
            let report = pair.assert_same(&program, &[], max_cycles);
            assert_eq!(report.end, RunEnd::OutOfCycles, "{max_cycles}");
            assert!(report.state.cycles <= max_cycles && report.state.cycles + 64 > max_cycles);
        }
        assert_eq!(pair.assert_same(&program, &[], whole.state.cycles), whole);
    }
}

#[test]
fn the_dearest_block_is_charged_as_a_whole() {
    let words = vec![custom(0, 5, 0, 0); 1 << 17];
    let program = Arc::new(Program::from_elf(&testing::elf(&words)).unwrap());
    let mut pair = Pair::default();
    for max_cycles in [0, 63, 64, 6400, 6463] {
        let report = pair.assert_same(&program, &[], max_cycles);
        assert_eq!((report.end, report.state.cycles), (RunEnd::OutOfCycles, max_cycles / 64 * 64));
    }
}
