//! What runs programs inside a worker.

use std::io;

use ivm_engine::{Memory, Program, ProgramKey, Report, interpreter};
use thiserror::Error;

use crate::{cache::Cache, wire::Path};

/// Most bytes of programs and their code that a worker keeps.
const MAX_CACHED_SIZE_BYTES: usize = 128 * 1024 * 1024;

/// Why an engine does not run a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RunRefused {
    /// It does not hold the program: it is to be loaded.
    #[error("the program is not loaded")]
    ProgramUnknown,
    /// The input does not fit, which the node should have seen.
    #[error("the input does not fit")]
    InputDoesNotFit,
}

/// Runs programs in a worker process, one at a time. What is not a [`Report`] in the end breaks the run: an engine may
/// panic, or crash.
pub trait Engine {
    /// Whether [`Path::Recompiler`] is another path than the interpreter here.
    fn has_recompiler(&self) -> bool;

    /// Holds a program, while there is room.
    fn load(&mut self, key: ProgramKey, program: Program);

    /// Runs a program. Nothing of a run may be left to the next.
    ///
    /// # Errors
    /// [`RunRefused`].
    fn run(
        &mut self,
        path: Path,
        key: ProgramKey,
        input_image: &[u8],
        max_cycles: u64,
    ) -> Result<Report, RunRefused>;
}

/// The engine as it is.
#[derive(Debug)]
pub struct NativeEngine {
    programs: Cache<Program>,
}

impl NativeEngine {
    /// An engine that holds no program.
    ///
    /// # Errors
    /// The system's, when it has no memory.
    pub fn new() -> io::Result<Self> {
        Ok(Self { programs: Cache::new(MAX_CACHED_SIZE_BYTES) })
    }
}

impl Engine for NativeEngine {
    fn has_recompiler(&self) -> bool {
        false
    }

    fn load(&mut self, key: ProgramKey, program: Program) {
        let size = size_bytes(&program);
        self.programs.insert(key, program, size);
    }

    fn run(
        &mut self,
        _: Path,
        key: ProgramKey,
        input_image: &[u8],
        max_cycles: u64,
    ) -> Result<Report, RunRefused> {
        let program = self.programs.get_mut(key).ok_or(RunRefused::ProgramUnknown)?;
        let mut memory = Memory::default();
        interpreter::report(program, &mut memory.view(), input_image, max_cycles)
            .map_err(|_| RunRefused::InputDoesNotFit)
    }
}

fn size_bytes(program: &Program) -> usize {
    let segments = program.segments.iter().map(|segment| segment.bytes.len()).sum::<usize>();
    segments + size_of_val(&program.words[..]) + size_of_val(&program.instructions[..])
}
