//! A published compressor, as a guest: `miniz_oxide`.
//!
//! Input: a compression level, 0 to 10, as one byte, then the data. Output: the data compressed, as a zlib stream, which
//! was decompressed and compared.

#![deny(missing_docs)]

use miniz_oxide::{deflate::compress_to_vec_zlib, inflate::decompress_to_vec_zlib_with_limit};

/// The slowest level.
const MAX_LEVEL: u8 = 10;

/// Compresses, decompresses, compares.
///
/// # Panics
/// When the input has no such level; or when what was compressed is not what came back.
pub fn run(input: &[u8]) -> Vec<u8> {
    let Some((&level, data)) = input.split_first() else {
        panic!("input is empty, expected a level and data")
    };
    assert!(level <= MAX_LEVEL, "the level is {level}, expected at most {MAX_LEVEL}");
    let compressed = compress_to_vec_zlib(data, level);
    match decompress_to_vec_zlib_with_limit(&compressed, data.len()) {
        Ok(decompressed) => assert!(decompressed == data, "other data came back"),
        Err(error) => panic!("what was compressed is refused: {error}"),
    }
    compressed
}

/// An input of about so many bytes that compress well.
pub fn sample(level: u8, size_bytes: u32) -> Vec<u8> {
    let words = ["job ", "result ", "proof ", "the ", "of ", "callback ", "0x00 ", "a "];
    let mut state = 1_u32;
    let mut input = vec![level];
    while input.len() < size_bytes as usize {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        input.extend(words[(state >> 29) as usize].bytes());
    }
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_those_of_zlib() {
        // Read back by zlib, of which the last four bytes and the stored block are to the byte.
        let mut input = vec![9];
        input.extend([b'a'; 100]);
        let dynamic = [0xb5, 0xc0, 0x81, 0, 0, 0, 0, 0x80, 0x20, 0xd6, 0xfc, 0x25, 0xa6, 0x38, 0x7e, 0x01];
        assert_eq!(run(&input)[2..], [&dynamic[..], &[0x7a, 0x47, 0x25, 0xe5]].concat());
        let stored = [0x01, 5, 0, 0xfa, 0xff, b'h', b'e', b'l', b'l', b'o', 0x06, 0x2c, 0x02, 0x15];
        assert_eq!(run(b"\0hello")[2..], stored);
    }

    #[test]
    fn all_levels_compress() {
        for level in 1..=MAX_LEVEL {
            let input = sample(level, 10_000);
            assert!(run(&input).len() * 4 < input.len(), "level {level}");
        }
    }

    #[test]
    #[should_panic(expected = "the level is 11, expected at most 10")]
    fn other_levels_are_refused() {
        run(&[11]);
    }
}
