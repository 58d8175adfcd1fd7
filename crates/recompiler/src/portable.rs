//! Where there is no compiler: a space to interpret in, and code that never comes to be.

use std::{convert::Infallible, io, sync::Arc};

use ivm_engine::{Memory, MemoryView, Program, Reach, Report};

use crate::{CompileError, RunError};

/// A guest address space: 128 MiB, zero at first.
#[derive(Debug)]
pub struct Space(Memory);

impl Space {
    /// Allocates a space; pages become resident as they are touched.
    ///
    /// # Errors
    /// None here.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Memory::default()))
    }

    /// Makes every byte zero again.
    ///
    /// # Errors
    /// None here.
    pub fn clear(&mut self) -> io::Result<()> {
        self.0 = Memory::default();
        Ok(())
    }

    /// The space as the interpreter sees it.
    pub fn view(&mut self) -> MemoryView<'_> {
        self.0.view()
    }

    /// As much of it.
    pub fn view_within(&mut self, reach: Reach) -> MemoryView<'_> {
        self.0.view_within(reach)
    }
}

/// A program, compiled: never, here.
#[derive(Debug)]
pub struct Code(Infallible);

impl Code {
    /// Refuses.
    ///
    /// # Errors
    /// [`CompileError::Unsupported`].
    pub fn compile(_: Arc<Program>) -> Result<Self, CompileError> {
        Err(CompileError::Unsupported)
    }

    /// Refuses.
    ///
    /// # Errors
    /// [`CompileError::Unsupported`].
    pub fn compile_within(_: Arc<Program>, _: Reach) -> Result<Self, CompileError> {
        Err(CompileError::Unsupported)
    }

    /// Bytes of code and tables.
    pub fn size_bytes(&self) -> usize {
        match self.0 {}
    }

    /// The program.
    pub fn program(&self) -> &Arc<Program> {
        match self.0 {}
    }

    /// Runs the program.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn run(&self, _: &mut Space, _: &[u8], _: u64) -> Result<Report, RunError> {
        match self.0 {}
    }
}
