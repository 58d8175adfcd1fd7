//! What runs programs inside a worker.

use std::{io, sync::Arc};

use ivm_engine::{Program, ProgramKey, Reach, Report, interpreter};
use ivm_recompiler::{Code, RunError, Space};
use thiserror::Error;

use crate::{cache::Cache, wire::Path};

/// Most bytes of programs and their code that a worker keeps.
const MAX_CACHED_SIZE_BYTES: usize = 128 * 1024 * 1024;

/// Why an engine does not run a program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RunRefused {
    /// It does not hold the program: it is to be loaded.
    #[error("the program is not loaded")]
    ProgramUnknown,
    /// The input does not fit, which the node should have seen.
    #[error("the input does not fit")]
    InputDoesNotFit,
    /// The address space cannot be cleared, so that no other run may use it.
    #[error("the address space cannot be cleared: {0}")]
    Space(String),
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
        reach: Reach,
        key: ProgramKey,
        input_image: &[u8],
        max_cycles: u64,
    ) -> Result<Report, RunRefused>;
}

/// The engine as it is: recompiler and interpreter, in one address space that is cleared after each run.
#[derive(Debug)]
pub struct NativeEngine {
    space: Space,
    programs: Cache<Held>,
}

/// A program, and its code for runs of each reach when that was wanted.
#[derive(Debug)]
struct Held {
    program: Arc<Program>,
    whole: Compiled,
    low: Compiled,
}

impl Held {
    const fn code(&self, reach: Reach) -> &Compiled {
        match reach {
            Reach::Whole => &self.whole,
            Reach::Low => &self.low,
        }
    }

    const fn code_mut(&mut self, reach: Reach) -> &mut Compiled {
        match reach {
            Reach::Whole => &mut self.whole,
            Reach::Low => &mut self.low,
        }
    }

    fn size_bytes(&self) -> usize {
        let Program { segments, words, instructions, .. } = &*self.program;
        let segments = segments.iter().map(|segment| segment.bytes.len()).sum::<usize>();
        let code = self.whole.size_bytes() + self.low.size_bytes();
        segments + size_of_val(&words[..]) + size_of_val(&instructions[..]) + code
    }
}

#[derive(Debug)]
enum Compiled {
    NotYet,
    Code(Code),
    /// The compiler refuses the program, so the interpreter runs it.
    Refused,
}

impl Compiled {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Code(code) => code.size_bytes(),
            Self::NotYet | Self::Refused => 0,
        }
    }
}

impl NativeEngine {
    /// An engine that holds no program.
    ///
    /// # Errors
    /// The system's, when it has no room for an address space.
    pub fn new() -> io::Result<Self> {
        Ok(Self { space: Space::new()?, programs: Cache::new(MAX_CACHED_SIZE_BYTES) })
    }

    fn compile(&mut self, key: ProgramKey, reach: Reach) -> Result<(), RunRefused> {
        let held = self.programs.get_mut(key).ok_or(RunRefused::ProgramUnknown)?;
        if matches!(held.code(reach), Compiled::NotYet)
            && let Some(mut held) = self.programs.take(key)
        {
            let code = Code::compile_within(held.program.clone(), reach);
            *held.code_mut(reach) = code.map_or(Compiled::Refused, Compiled::Code);
            let size = held.size_bytes();
            self.programs.insert(key, held, size);
        }
        Ok(())
    }

    fn run_held(
        &mut self,
        path: Path,
        reach: Reach,
        key: ProgramKey,
        input_image: &[u8],
        max_cycles: u64,
    ) -> Result<Report, RunRefused> {
        let held = self.programs.get_mut(key).ok_or(RunRefused::ProgramUnknown)?;
        match (path, held.code(reach)) {
            (Path::Recompiler, Compiled::Code(code)) => {
                code.run(&mut self.space, input_image, max_cycles).map_err(|error| match error {
                    RunError::Input(_) => RunRefused::InputDoesNotFit,
                    RunError::Space(error) => RunRefused::Space(error.to_string()),
                })
            }
            _ => {
                let mut view = self.space.view_within(reach);
                interpreter::report(&held.program, &mut view, input_image, max_cycles)
                    .map_err(|_| RunRefused::InputDoesNotFit)
            }
        }
    }
}

impl Engine for NativeEngine {
    fn has_recompiler(&self) -> bool {
        ivm_recompiler::is_supported()
    }

    fn load(&mut self, key: ProgramKey, program: Program) {
        let program = Arc::new(program);
        let held = Held { program, whole: Compiled::NotYet, low: Compiled::NotYet };
        let size = held.size_bytes();
        self.programs.insert(key, held, size);
    }

    fn run(
        &mut self,
        path: Path,
        reach: Reach,
        key: ProgramKey,
        input_image: &[u8],
        max_cycles: u64,
    ) -> Result<Report, RunRefused> {
        if path == Path::Recompiler {
            self.compile(key, reach)?;
        }
        let result = self.run_held(path, reach, key, input_image, max_cycles);
        self.space.clear().map_err(|error| RunRefused::Space(error.to_string()))?;
        result
    }
}
