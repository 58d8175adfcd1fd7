//! What instructions cost, in cycles: the unit that runs are bounded by and billed in.
//!
//! An instruction that is executed costs its cycles, whether it ends well, faults or terminates. One whose cost does not
//! fit in what is left of the limit is not executed: the run is out of cycles where it stands, with the cycles it had.
//!
//! **Why not one for each.** The custom instructions do in one instruction what takes thousands without them. Counted as
//! one, they would let a program take hundreds of times longer per cycle than any that computes with ordinary ones, and
//! whoever sells cycles would sell time without knowing it. Their costs are powers of two that are near their time at 8 ns a
//! cycle or below, where no hardware helps them; they are part of the protocol, so they are not tuned for one machine.
//!
//! Measured with `cargo run --release -p ivm-recompiler --example cycle_costs` on an AMD EPYC (Zen 4) at two cores, in ns:
//!
//! | instruction | cost | compiled, each | interpreted, each | compiled, per cycle |
//! | --- | ---: | ---: | ---: | ---: |
//! | keccak-f | 64 | 0 | 0 | 0 |
//! | SHA-512 compression | 64 | 0 | 0 | 0 |
//! | SHA-256 compression | 32 | 0 | 0 | 0 |
//! | xorin of 136 bytes | 4 | 0 | 0 | 0 |
//! | any other | 1 | 0 | 0 | 0 |

use crate::decode::Operation;

/// Of [`Operation::Keccakf`].
pub const KECCAKF_CYCLES: u32 = 64;
/// Of [`Operation::Xorin`], whatever its length.
pub const XORIN_CYCLES: u32 = 4;
/// Of [`Operation::Sha256`]. Processors with instructions for it take a quarter of the time; those without have to keep
/// up as well.
pub const SHA256_CYCLES: u32 = 32;
/// Of [`Operation::Sha512`].
pub const SHA512_CYCLES: u32 = 64;
/// Of every other.
pub const ORDINARY_CYCLES: u32 = 1;
/// The largest of all.
pub const MAX_CYCLES_PER_INSTRUCTION: u32 = 64;

/// Cycles that an instruction costs: at least one, at most [`MAX_CYCLES_PER_INSTRUCTION`].
#[inline(always)]
pub const fn cycles(operation: Operation) -> u32 {
    match operation {
        Operation::Keccakf => KECCAKF_CYCLES,
        Operation::Xorin => XORIN_CYCLES,
        Operation::Sha256 => SHA256_CYCLES,
        Operation::Sha512 => SHA512_CYCLES,
        _ => ORDINARY_CYCLES,
    }
}
