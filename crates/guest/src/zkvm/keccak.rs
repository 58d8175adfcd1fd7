//! Keccak-256 on the custom instructions.

use super::instructions::{keccakf, xorin};

const RATE_BYTES: usize = 136;

pub(super) struct Keccak256 {
    state: [u64; 25],
    block: [u32; RATE_BYTES / 4],
    filled: usize,
}

impl Keccak256 {
    pub(super) const fn new() -> Self {
        Self { state: [0; 25], block: [0; RATE_BYTES / 4], filled: 0 }
    }

    fn block_bytes(&mut self) -> &mut [u8] {
        // SAFETY: the words are plain bytes, and bytes need no alignment.
        unsafe { core::slice::from_raw_parts_mut(self.block.as_mut_ptr().cast(), RATE_BYTES) }
    }

    fn absorb(&mut self) {
        xorin(&mut self.state, &self.block);
        keccakf(&mut self.state);
        self.filled = 0;
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let filled = self.filled;
            let taken = bytes.len().min(RATE_BYTES - filled);
            self.block_bytes()[filled..filled + taken].copy_from_slice(&bytes[..taken]);
            self.filled += taken;
            bytes = &bytes[taken..];
            if self.filled == RATE_BYTES {
                self.absorb();
            }
        }
    }

    pub(super) fn finalize(mut self) -> [u8; 32] {
        let filled = self.filled;
        let block = self.block_bytes();
        block[filled..].fill(0);
        block[filled] = 0x01;
        block[RATE_BYTES - 1] |= 0x80;
        self.absorb();
        let mut hash = [0; 32];
        for (lane, bytes) in self.state.iter().zip(hash.as_chunks_mut::<8>().0) {
            *bytes = lane.to_le_bytes();
        }
        hash
    }
}

/// What `alloy-primitives` calls for `keccak256`.
///
/// # Safety
/// `bytes` must be readable for `size` bytes and `output` writable for 32.
#[unsafe(no_mangle)]
unsafe extern "C" fn native_keccak256(bytes: *const u8, size: usize, output: *mut u8) {
    let mut hasher = Keccak256::new();
    // SAFETY: by this function's contract.
    unsafe {
        hasher.update(core::slice::from_raw_parts(bytes, size));
        output.copy_from_nonoverlapping(hasher.finalize().as_ptr(), 32);
    }
}
