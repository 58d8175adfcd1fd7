//! Executes programs exactly as the zkVM circuit would.
//!
//! Running a job is consensus-critical: an outcome may be posted only when it can be proven, so this crate faults
//! precisely where the circuit has no proof (see [`fault`] for the list). It is safe code throughout, bounded in
//! memory (one address space of 128 MiB, mapped lazily) and metered by what instructions cost.
//!
//! * [`elf`] turns an ELF file into a [`Program`]; hostile bytes are an error, never a panic.
//! * [`decode`] turns instruction words into [`decode::Instruction`]s and names the allowed set.
//! * [`cost`] says how many cycles each of them is.
//! * [`interpreter`] runs a program on an input image up to a cycle limit. It is the oracle: what it does is what the
//!   program does.
//! * [`state`] is what runs begin with and leave, for the faster paths too.
//! * [`executor`] is the seam to whoever runs programs: this process, or confined workers.
//!
//! A *cycle* is a unit of cost: an executed instruction is one, the final terminate included, and the custom instructions
//! on blocks of memory are as many as [`cost`] says. A count of cycles is therefore no count of instructions;
//! [`interpreter::count_instructions`] is, for whoever compares runs with the circuit's.

#![forbid(unsafe_code)]

pub mod cost;
pub mod custom;
pub mod decode;
pub mod elf;
pub mod executor;
pub mod fault;
pub mod interpreter;
pub mod memory;
pub mod program_bytes;
pub mod state;
#[cfg(any(test, feature = "test-utils"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use elf::{ElfError, Program};
pub use executor::{BrokenRun, Call, Executor, ExecutorError, InProcess, ProgramKey};
pub use fault::Fault;
pub use interpreter::{Run, run};
pub use memory::{Memory, MemoryView, Reach};
pub use state::{InputDoesNotFit, Report, RunEnd, State};

/// Bytes a program may reveal as public values; ours reveals one 32-byte hash.
pub const PUBLIC_VALUES_SIZE_BYTES: usize = 32;

/// Exit code a system instruction (`ecall`, `ebreak`, CSR access) ends a run with. Never provable as an outcome.
pub const SYSTEM_INSTRUCTION_EXIT_CODE: u8 = 2;
