//! Faults: everything a run can do that the circuit has no proof for.
//!
//! | fault | why the circuit cannot prove it |
//! | --- | --- |
//! | [`Fault::UnalignedAccess`] | `lh`/`sh`/`lw`/`sw` and the custom instructions access aligned words only |
//! | [`Fault::OutOfBounds`] | pointers are range-checked to 27 bits, and every touched block lies in the space |
//! | [`Fault::BadJump`] | the program table holds word-aligned pcs of the text segment only |
//! | [`Fault::XorinLength`] | the XORIN circuit absorbs whole words up to the Keccak rate, 136 bytes |
//!
//! Two more are refused before anything runs, by [`decode`](crate::decode): a `keccakf` with fields the circuit wants to
//! be zero, and a reveal at an offset that is not one of the public values' eight words.
//!
//! A jump past the end of the text would reach the table's padding, which terminates with a failing code in the
//! circuit; here it is a bad jump. Both are "no outcome".
//!
//! OpenVM's interpreter is no judge of this list: it runs two of these to a good end, a jump between two instructions and
//! an XORIN of six bytes, though neither run has a proof that verifies. `ivm-zkvm`'s test `provable_set` holds each fault
//! beside all of OpenVM's executions.

use thiserror::Error;

use crate::memory::AccessError;

/// Why a run has no provable outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// A memory access was not aligned to its size.
    #[error("unaligned access of {size} bytes at address {address:#010x} (pc {pc:#010x})")]
    UnalignedAccess {
        /// Program counter of the instruction.
        pc: u32,
        /// Address accessed.
        address: u32,
        /// Bytes accessed.
        size: u32,
    },
    /// A memory access reached past the address space.
    #[error(
        "access of {size} bytes at address {address:#010x} is past the 128 MiB address space (pc {pc:#010x})"
    )]
    OutOfBounds {
        /// Program counter of the instruction.
        pc: u32,
        /// Address accessed.
        address: u32,
        /// Bytes accessed.
        size: u32,
    },
    /// The program counter left the text, or was not word-aligned.
    #[error("jump to {pc:#010x}, which holds no instruction")]
    BadJump {
        /// The program counter reached.
        pc: u32,
    },
    /// XORIN was asked for a length its circuit cannot absorb.
    #[error("xorin of {length} bytes, expected a multiple of 4 up to 136 (pc {pc:#010x})")]
    XorinLength {
        /// Program counter of the instruction.
        pc: u32,
        /// Length asked for, in bytes.
        length: u32,
    },
}

impl Fault {
    /// The fault of a bad access of `size` bytes by the instruction at `pc`.
    pub(crate) const fn access(error: AccessError, pc: u32, address: u32, size: usize) -> Self {
        let size = size as u32;
        match error {
            AccessError::Unaligned => Self::UnalignedAccess { pc, address, size },
            AccessError::OutOfBounds => Self::OutOfBounds { pc, address, size },
        }
    }
}
