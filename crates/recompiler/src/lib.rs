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
mod native {
    pub(crate) mod analysis;
    pub(crate) mod arithmetic;
    pub(crate) mod assembler;
    pub(crate) mod code;
    pub(crate) mod compiler;
    pub(crate) mod facts;
    pub(crate) mod frame;
    pub(crate) mod space;
    #[cfg(test)]
    mod tests;
}
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod portable;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use native::{code::Code, space::Space};
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub use portable::{Code, Space};

use ivm_engine::{InputDoesNotFit, Reach};
use thiserror::Error;

/// Most bytes of code that one program may compile to, for runs of this reach.
///
/// A jump to code that no cache holds takes long, so that runs whose time has to be bounded get no more code than caches
/// hold. The interpreter jumps about what is larger in less time: its own code is small.
pub const fn max_code_size_bytes(reach: Reach) -> usize {
    match reach {
        Reach::Whole => 64 * 1024 * 1024,
        Reach::Low => 4 * 1024 * 1024,
    }
}

/// Whether this processor runs what the compiler emits.
pub fn is_supported() -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    return std::arch::is_x86_feature_detected!("bmi2");
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    return false;
}

/// Why a program is not compiled. It can always be interpreted.
#[derive(Debug, Error)]
pub enum CompileError {
    /// Not on this machine.
    #[error("programs are compiled on x86-64 Linux with BMI2 instructions only")]
    Unsupported,
    /// Its code is too large.
    #[error("the program compiles to {got} bytes, the limit is {limit}")]
    TooLarge {
        /// Size, in bytes.
        got: usize,
        /// [`max_code_size_bytes`].
        limit: usize,
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
