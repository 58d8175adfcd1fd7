//! Compiled programs, and running them.

use std::sync::Arc;

use dynasmrt::{AssemblyOffset, ExecutableBuffer, mmap::MutableBuffer};
use ivm_engine::{Program, Reach, Report, RunEnd, State, interpreter};

use crate::{
    CompileError, RunError, Space,
    native::{
        analysis::index_of,
        compiler::{Compiled, Compiler},
        frame::Context,
    },
};

/// Leaving code costs about as much as interpreting this many instructions.
const CYCLES_PER_EXIT: u64 = 256;
/// Exits a run may have before it is asked whether compiled code is worth it.
const FREE_EXITS: u64 = 4096;

/// A program, compiled.
#[derive(Debug)]
pub struct Code {
    program: Arc<Program>,
    reach: Reach,
    buffer: ExecutableBuffer,
    table_offset: usize,
    no_entry: i32,
}

impl Code {
    /// Compiles a program for runs in the whole space.
    ///
    /// # Errors
    /// As [`compile_within`](Self::compile_within).
    pub fn compile(program: Arc<Program>) -> Result<Self, CompileError> {
        Self::compile_within(program, Reach::Whole)
    }

    /// Compiles a program for runs of this reach. Takes about a microsecond per instruction, whatever the text is.
    ///
    /// # Errors
    /// [`CompileError`]; the program can be interpreted then.
    pub fn compile_within(program: Arc<Program>, reach: Reach) -> Result<Self, CompileError> {
        if !crate::is_supported() {
            return Err(CompileError::Unsupported);
        }
        let Compiled { bytes, table_offset, no_entry_offset } = Compiler::new(&program, reach).compile()?;
        let mut buffer = MutableBuffer::new(bytes.len()).map_err(CompileError::Memory)?;
        buffer.set_len(bytes.len());
        buffer.copy_from_slice(&bytes);
        let buffer = buffer.make_exec().map_err(CompileError::Memory)?;
        let no_entry = no_entry_offset as i32 - table_offset as i32;
        Ok(Self { program, reach, buffer, table_offset, no_entry })
    }

    /// Bytes of code and tables.
    pub fn size_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// The program.
    pub const fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Where the code of the instruction at `pc` is, if it may be entered there.
    fn entry(&self, pc: u32) -> Option<*const u8> {
        let index = index_of(&self.program, pc)?;
        let at = self.table_offset + 4 * index;
        let distance = i32::from_le_bytes(self.buffer.get(at..at + 4)?.try_into().ok()?);
        let offset = self.table_offset as i64 + i64::from(distance);
        (distance != self.no_entry).then(|| self.buffer.ptr(AssemblyOffset(offset as usize)))
    }

    /// Runs the program with `input_image` in its initial memory, for at most `max_cycles`: the same
    /// report as the interpreter's.
    ///
    /// # Errors
    /// [`RunError`] when the run cannot start; the run itself does not fail, it ends.
    pub fn run(&self, space: &mut Space, input_image: &[u8], max_cycles: u64) -> Result<Report, RunError> {
        space.clear()?;
        let mut state = State::start(&self.program, input_image, &mut space.view_within(self.reach))?;
        let end = self.run_to_end(&mut state, space, max_cycles);
        Ok(Report::new(end, state, &space.view_within(self.reach)))
    }

    fn run_to_end(&self, state: &mut State, space: &mut Space, max_cycles: u64) -> RunEnd {
        let mut exits = 0;
        loop {
            if let Some(entry) = self.entry(state.pc) {
                self.enter(entry, state, space, max_cycles);
            }
            exits += 1;
            // A program can be built to leave code all the time; it is interpreted then.
            if exits > FREE_EXITS && exits.saturating_mul(CYCLES_PER_EXIT) > state.cycles {
                let mut view = space.view_within(self.reach);
                return interpreter::run_to_end(&self.program, state, &mut view, max_cycles);
            }
            let stop_at = |pc| self.entry(pc).is_some();
            let mut view = space.view_within(self.reach);
            let end = interpreter::resume(&self.program, state, &mut view, max_cycles, stop_at);
            if let Some(end) = end {
                return end;
            }
        }
    }

    fn enter(&self, entry: *const u8, state: &mut State, space: &mut Space, max_cycles: u64) {
        let mut context = Context {
            registers: state.registers,
            remaining_cycles: max_cycles.saturating_sub(state.cycles),
            memory: space.base(),
            memory_size_bytes: self.reach.size_bytes(),
            pc: state.pc,
        };
        let trampoline = self.buffer.ptr(AssemblyOffset(0));
        // SAFETY: the buffer starts with a function of this type, `entry` is an instruction it made an entry of, and
        // the context's memory is a space, borrowed for as long as the code runs, of which it touches what is in reach.
        unsafe {
            let enter: extern "sysv64" fn(*mut Context, *const u8) = std::mem::transmute(trampoline);
            enter(&raw mut context, entry);
        }
        state.registers = context.registers;
        state.registers[0] = 0;
        state.pc = context.pc;
        state.cycles = max_cycles - context.remaining_cycles;
    }
}
