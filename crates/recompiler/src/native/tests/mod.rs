#![allow(clippy::unwrap_used)]
//! Compiled code against the interpreter.

mod control;
mod limits;
mod loops;
mod memory;
mod random;

use std::sync::Arc;

use ivm_engine::{
    Program, Reach, Report, State, interpreter,
    testing::{self, TEXT_ADDRESS, random::SCRATCH_ADDRESS},
};

use crate::{Code, Space};

fn program(words: &[u32]) -> Arc<Program> {
    Arc::new(Program::from_elf(&testing::elf(words)).unwrap())
}

/// A space for each way.
struct Pair {
    compiled: Space,
    interpreted: Space,
}

impl Default for Pair {
    fn default() -> Self {
        Self { compiled: Space::new().unwrap(), interpreted: Space::new().unwrap() }
    }
}

impl Pair {
    /// Runs both ways in the whole space and compares the reports, and the memory that tests touch.
    #[track_caller]
    fn assert_same(&mut self, program: &Arc<Program>, image: &[u8], max_cycles: u64) -> Report {
        self.assert_same_within(Reach::Whole, program, image, max_cycles)
    }

    #[track_caller]
    fn assert_same_within(
        &mut self,
        reach: Reach,
        program: &Arc<Program>,
        image: &[u8],
        max_cycles: u64,
    ) -> Report {
        let code = Code::compile_within(program.clone(), reach).unwrap();
        let compiled = code.run(&mut self.compiled, image, max_cycles).unwrap();
        self.interpreted.clear().unwrap();
        let mut view = self.interpreted.view_within(reach);
        let mut state = State::start(program, image, &mut view).unwrap();
        let end = interpreter::run_to_end(program, &mut state, &mut view, max_cycles);
        assert_eq!(compiled, Report::new(end, state, &view));
        let end = Reach::Whole.size_bytes() as u32 - 0x2000;
        let low_end = Reach::Low.size_bytes() as u32 - 0x1000;
        for start in [0, TEXT_ADDRESS - 0x1000, SCRATCH_ADDRESS - 0x2000, low_end, end] {
            let range = |space: &mut Space| space.view().slice(start, 0x2000).unwrap().to_vec();
            assert!(range(&mut self.compiled) == range(&mut self.interpreted), "memory at {start:#x}");
        }
        compiled
    }
}
