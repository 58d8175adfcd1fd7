//! The custom instructions, under RISC-V's custom-0 opcode (see `ivm-engine`'s `decode` for the allowed set).

use core::arch::asm;

/// Reveals 32 bytes as the run's public values.
pub(super) fn reveal(hash: &[u8; 32]) {
    macro_rules! reveal_word {
        ($index:literal) => {
            let word = u32::from_le_bytes([
                hash[$index * 4],
                hash[$index * 4 + 1],
                hash[$index * 4 + 2],
                hash[$index * 4 + 3],
            ]);
            // SAFETY: writes the public values space only.
            unsafe {
                asm!(".insn i 0x0b, 2, x0, {word}, {offset}", word = in(reg) word, offset = const $index * 4)
            }
        };
    }
    reveal_word!(0);
    reveal_word!(1);
    reveal_word!(2);
    reveal_word!(3);
    reveal_word!(4);
    reveal_word!(5);
    reveal_word!(6);
    reveal_word!(7);
}

/// Ends the run with exit code 0, saying where the outcome's bytes are.
pub(super) fn terminate(status: u8, bytes: &[u8]) -> ! {
    // SAFETY: the run ends here.
    unsafe {
        asm!(
            ".insn i 0x0b, 0, x0, x0, 0",
            in("a0") u32::from(status),
            in("a1") bytes.as_ptr(),
            in("a2") bytes.len(),
            options(noreturn)
        )
    }
}

/// Ends the run without an outcome.
pub(super) fn abort() -> ! {
    // SAFETY: the run ends here.
    unsafe { asm!(".insn i 0x0b, 0, x0, x0, 1", options(noreturn)) }
}

/// Keccak-f[1600] in place.
pub(super) fn keccakf(state: &mut [u64; 25]) {
    // SAFETY: reads and writes the 200 bytes of the state, which is aligned.
    unsafe { asm!(".insn r 0x0b, 4, 0, {state}, x0, x0", state = in(reg) state.as_mut_ptr()) }
}

/// XORs one 136-byte block into the state.
pub(super) fn xorin(state: &mut [u64; 25], block: &[u32; 34]) {
    // SAFETY: reads 136 bytes of the block, reads and writes as many of the state; both are aligned.
    unsafe {
        asm!(
            ".insn r 0x0b, 4, 1, {state}, {block}, {size}",
            state = in(reg) state.as_mut_ptr(),
            block = in(reg) block.as_ptr(),
            size = in(reg) 136
        )
    }
}

/// Compresses one block into the state of SHA-256. The block's address must be a multiple of 4, or the run faults.
pub(super) fn sha256_compress(state: &mut [u32; 8], block: &[u8; 64]) {
    // SAFETY: reads 64 bytes of the block, reads and writes the 32 bytes of the state.
    unsafe {
        asm!(
            ".insn r 0x0b, 4, 2, {state}, {state}, {block}",
            state = in(reg) state.as_mut_ptr(),
            block = in(reg) block.as_ptr()
        )
    }
}
