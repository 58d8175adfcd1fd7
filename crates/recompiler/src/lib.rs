//! Compiles programs to x86-64 code that does exactly what the engine's interpreter does.
//!
//! A template compiler over [dynasm-rs](https://docs.rs/dynasmrt): one pass over the text, the most used guest registers in
//! host registers for the whole program, and every other case left to the interpreter (see `compiler`'s
//! documentation for why that makes it exact: outcome, fault, cycle count, registers).
//!
//! [`Code`] is a compiled program, [`Space`] the guarded address space it runs in. Both are for one thread at a time; the
//! code of a program is position-independent data of the process and dies with it.
//!
//! x86-64 Linux with BMI2 only ([`is_supported`]); elsewhere [`Code::compile`] says so and programs are interpreted.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod analysis;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod arithmetic;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod assembler;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod code;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod compiler;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod facts;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod frame;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod space;
#[cfg(test)]
mod tests;

pub use code::{Code, MAX_CODE_SIZE_BYTES};
pub use space::Space;

use ivm_engine::InputDoesNotFit;
use thiserror::Error;

/// Whether this processor runs what the compiler emits.
pub fn is_supported() -> bool {
    std::arch::is_x86_feature_detected!("bmi2")
}

/// Why a program is not compiled. It can always be interpreted.
#[derive(Debug, Error)]
pub enum CompileError {
    /// Not on this processor.
    #[error("this processor has no BMI2 instructions, which compiled programs use")]
    Unsupported,
    /// Its code is too large.
    #[error("the program compiles to {got} bytes, the limit is {MAX_CODE_SIZE_BYTES}")]
    TooLarge {
        /// Size, in bytes.
        got: usize,
    },
    /// The assembler failed: a jump too far, which the limits on programs exclude.
    #[error("the assembler failed: {0}")]
    Assembler(String),
    /// No memory for its code.
    #[error("no executable memory: {0}")]
    Memory(std::io::Error),
}

/// Why a run did not start.
#[derive(Debug, Error)]
pub enum RunError {
    /// The input is too large.
    #[error(transparent)]
    Input(#[from] InputDoesNotFit),
    /// The address space could not be cleared.
    #[error("the address space cannot be cleared: {0}")]
    Space(#[from] std::io::Error),
}
