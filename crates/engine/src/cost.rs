//! What instructions cost, in cycles: the unit that runs are bounded by and billed in.
//!
//! An instruction that is executed costs its cycles, whether it ends well, faults or terminates. One whose cost does not
//! fit in what is left of the limit is not executed: the run is out of cycles where it stands, with the cycles it had.
//!
//! **Why not one for each.** A custom instruction does at once what takes thousands of others. Counted as one, it would
//! make a cycle a thousand times dearer than one that computes, and whoever sells cycles would sell time without knowing
//! how much. The costs are powers of two at which a cycle of these takes at most about 8 ns, on processors without
//! instructions for SHA-256 too. They are part of the protocol: other machines do not change them.
//!
//! Measured on two cores of an AMD EPYC (Zen 4), in processor time, with
//! `cargo run --release -p ivm-recompiler --example cycle_costs`:
//!
//! | instruction | cost | ns each, compiled | ns per cycle, compiled | interpreted | in a loop over data that no cache holds |
//! | --- | ---: | ---: | ---: | ---: | ---: |
//! | keccak-f | 64 | 318 | 5.0 | 4.9 | 6.2 |
//! | SHA-512 compression | 64 | 231 to 269 | 3.6 to 4.2 | 3.6 to 4.8 | 4.5 |
//! | SHA-256 compression | 32 | 52 | 1.6 | 1.6 | 1.8 |
//! | the same without SHA instructions | 32 | 232 | 7.3 | 7.9 | 6.0 |
//! | xorin of 136 bytes | 4 | 15 to 19 | 3.7 to 4.7 | 3.9 to 4.4 | 8.4 |
//! | additions | 1 | 0.3 | 0.3 | 2.4 to 2.9 | |
//!
//! **What no cost here evens out** is memory: a load takes 200 ns or more where it depends on another and no cache holds
//! it, the first store to each of the 32,768 pages 1.7 us, and a jump to code that no cache holds 240 ns or more. Telling
//! these from the many that take next to nothing would mean to simulate a cache, so a price per cycle has to reckon with
//! them.

use crate::decode::Operation;

/// Of [`Operation::Keccakf`].
pub const KECCAKF_CYCLES: u32 = 64;
/// Of [`Operation::Xorin`], whatever its length.
pub const XORIN_CYCLES: u32 = 4;
/// Of [`Operation::Sha256`]: for processors without instructions for it, which take four times as long.
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
