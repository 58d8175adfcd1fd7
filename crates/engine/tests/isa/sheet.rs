//! A program that computes values one after another and stores each, with what they should be.

use ivm_engine::{Program, RunEnd, testing::*};
use ivm_recompiler::Space;

use crate::runners;

/// Where values go; the text ends before.
const VALUES: u32 = 0x0080_0000;
/// Holds the address of the next value. Tests leave it alone.
const CURSOR: u32 = 31;
/// Sizes of programs here are far below.
const MAX_CYCLES: u64 = 10_000_000;

/// The program, and what it should store.
#[derive(Default)]
pub(crate) struct Sheet {
    words: Vec<u32>,
    expected: Vec<(String, u32)>,
}

impl Sheet {
    pub(crate) fn new() -> Self {
        Self { words: li(CURSOR, VALUES).to_vec(), expected: Vec::new() }
    }

    /// Address of the next instruction.
    pub(crate) fn pc(&self) -> u32 {
        TEXT_ADDRESS + 4 * self.words.len() as u32
    }

    pub(crate) fn push(&mut self, words: &[u32]) {
        self.words.extend(words);
    }

    /// Sets registers.
    pub(crate) fn set(&mut self, registers: &[(u32, u32)]) {
        for &(register, value) in registers {
            assert_ne!(register, CURSOR);
            self.push(&li(register, value));
        }
    }

    /// Stores the register, which should hold the value.
    pub(crate) fn check(&mut self, what: impl Into<String>, register: u32, expected: u32) {
        self.push(&[s_type(2, register, CURSOR, 0), addi(CURSOR, CURSOR, 4)]);
        self.expected.push((what.into(), expected));
    }

    /// Runs the program on all paths and compares all values, and cycles between paths.
    #[track_caller]
    pub(crate) fn run(mut self) {
        self.push(&[terminate(0)]);
        assert!(self.pc() <= VALUES && !self.expected.is_empty());
        let program = Program::from_elf(&elf(&self.words)).unwrap();
        let mut cycles = None;
        for (path, runner) in runners() {
            let mut space = Space::new().unwrap();
            let run = runner(&program, &mut space, MAX_CYCLES);
            assert_eq!(run.end, RunEnd::Terminated { exit_code: 0 }, "{path}");
            let view = space.view();
            let stored = view.slice(VALUES, 4 * self.expected.len()).unwrap().as_chunks::<4>().0;
            for ((what, expected), stored) in self.expected.iter().zip(stored) {
                let stored = u32::from_le_bytes(*stored);
                assert_eq!(
                    stored, *expected,
                    "{path}: {what}: got {stored:#010x}, expected {expected:#010x}"
                );
            }
            assert_eq!(run.state.registers[0], 0, "{path}");
            assert_eq!(
                run.state.registers[CURSOR as usize],
                VALUES + 4 * self.expected.len() as u32,
                "{path}"
            );
            assert_eq!(*cycles.get_or_insert(run.state.cycles), run.state.cycles, "{path}: cycles");
        }
    }
}
