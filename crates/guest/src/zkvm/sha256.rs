//! SHA-256 on the custom instruction.

use super::instructions::sha256_compress;

const BLOCK_SIZE_BYTES: usize = 64;
/// The last block ends with the message's length in bits.
const LENGTH_SIZE_BYTES: usize = 8;

const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A block where the instruction can read it.
#[repr(align(4))]
struct Block([u8; BLOCK_SIZE_BYTES]);

pub(crate) fn sha256(message: &[u8]) -> [u8; 32] {
    let mut state = START;
    let (blocks, rest) = message.as_chunks::<BLOCK_SIZE_BYTES>();
    if message.as_ptr().addr().is_multiple_of(align_of::<Block>()) {
        blocks.iter().for_each(|block| sha256_compress(&mut state, block));
    } else {
        blocks.iter().for_each(|block| sha256_compress(&mut state, &Block(*block).0));
    }
    let mut last = Block([0; BLOCK_SIZE_BYTES]);
    last.0[..rest.len()].copy_from_slice(rest);
    last.0[rest.len()] = 0x80;
    if rest.len() >= BLOCK_SIZE_BYTES - LENGTH_SIZE_BYTES {
        sha256_compress(&mut state, &last.0);
        last.0.fill(0);
    }
    last.0[BLOCK_SIZE_BYTES - LENGTH_SIZE_BYTES..].copy_from_slice(&(8 * message.len() as u64).to_be_bytes());
    sha256_compress(&mut state, &last.0);

    let mut hash = [0; 32];
    for (word, bytes) in state.iter().zip(hash.as_chunks_mut::<4>().0) {
        *bytes = word.to_be_bytes();
    }
    hash
}
