//! The SDK an InfinityVM program is written with.
//!
//! A program is a function of its two inputs. It reads them, computes, and gives one output:
//!
//! ```ignore
//! #![cfg_attr(target_os = "zkvm", no_main)]
//! ivm_guest::entry!(run);
//!
//! fn run() {
//!     let input = ivm_guest::onchain_input();
//!     ivm_guest::output(&input);
//! }
//! ```
//!
//! **Outcome.** A program that returns has the outcome `Success(output)`, with an empty output when it gave none. One
//! that panics, or runs out of memory, has the outcome `Panicked(message)`: committed and provable like any other.
//! The message is the panic's text without its source location, cut at
//! [`MAX_PANIC_MESSAGE_SIZE_BYTES`](ivm_primitives::limits::MAX_PANIC_MESSAGE_SIZE_BYTES), so it is the same natively.
//!
//! **No other source of data.** Input lies in initial memory, bound by the proof. There are no hints, files,
//! environment variables, arguments or clock: using one panics or finds nothing. "Random" numbers, which std's
//! `HashMap` asks for, are one fixed stream, the same for everyone ([`FixedStream`]).
//!
//! **Natively.** The same code compiles for the host: [`native::run`] calls the program with given inputs inside a
//! plain `cargo test`, and the program's own binary takes inputs as arguments.
//!
//! **Memory.** The allocator grows upwards and takes back only the newest block: a short-lived program needs no more,
//! and every touched page costs proving time.

#[cfg(feature = "abi")]
mod abi;
mod fixed_stream;
mod io;
#[cfg(not(target_os = "zkvm"))]
pub mod native;
#[cfg(feature = "serde")]
mod postcard_io;
#[cfg(target_os = "zkvm")]
mod zkvm;

#[cfg(not(target_os = "zkvm"))]
use native as platform;
#[cfg(target_os = "zkvm")]
use zkvm as platform;

#[cfg(feature = "abi")]
pub use abi::{abi_output, offchain_abi_input, onchain_abi_input};
pub use alloy_primitives::{self, keccak256};
#[cfg(feature = "abi")]
pub use alloy_sol_types;
pub use fixed_stream::FixedStream;
pub use io::{offchain_input, onchain_input, output};
pub use ivm_primitives::{JobInput, Outcome, limits};
#[cfg(feature = "serde")]
pub use postcard_io::{offchain_serde_input, onchain_serde_input, serde_output};

/// SHA-256 of a message. In the zkVM it is one instruction per block of 64 bytes; a message at an address that is a
/// multiple of 4, as the inputs are, is not copied.
pub fn sha256(message: &[u8]) -> [u8; 32] {
    platform::sha256(message)
}

/// Makes a `fn()` the program's entry point, in the zkVM and natively.
///
/// The crate root must also carry `#![cfg_attr(target_os = "zkvm", no_main)]`.
#[macro_export]
macro_rules! entry {
    ($program:path) => {
        #[cfg(target_os = "zkvm")]
        #[unsafe(no_mangle)]
        extern "C" fn __ivm_program() {
            let program: fn() = $program;
            program()
        }

        #[cfg(not(target_os = "zkvm"))]
        fn main() -> ::std::process::ExitCode {
            $crate::native::main($program)
        }
    };
}
