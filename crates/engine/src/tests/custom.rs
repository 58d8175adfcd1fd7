//! The custom instructions against other implementations of the same functions.

use alloy_primitives::keccak256;
use proptest::prelude::*;
use sha2::{Digest, Sha256, Sha512};

use super::{assert_ended, program};
use crate::{Run, run, testing::*};

/// Runs a program whose input image is `input`, with its address in x5 and 0x400 and 0x800 bytes behind it in x6, x7.
fn run_on(input: &[u8], body: &[u32]) -> (u32, Run) {
    // The size of the text does not depend on the address.
    let build = |address: u32| {
        let mut words = [li(5, address), li(6, address + 0x400), li(7, address + 0x800)].concat();
        words.extend(body);
        words.push(terminate(0));
        program(&words)
    };
    let address = build(TEXT_ADDRESS).input_address;
    let run = run(&build(address), input, 100_000).unwrap();
    assert_ended(&run);
    (address, run)
}

/// Blocks of a message padded as SHA-2 wants it.
fn sha2_padded(message: &[u8], block_size: usize) -> Vec<u8> {
    let mut padded = message.to_vec();
    padded.push(0x80);
    let length_size = block_size / 8;
    while padded.len() % block_size != block_size - length_size {
        padded.push(0);
    }
    padded.resize(padded.len() + length_size - 8, 0);
    padded.extend((8 * message.len() as u64).to_be_bytes());
    padded
}

const SHA256_START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
const SHA512_START: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn xorin_and_keccakf_make_keccak256(message in prop::collection::vec(any::<u8>(), 0..500)) {
        let mut input = message.clone();
        input.push(1);
        input.resize(input.len().next_multiple_of(136), 0);
        *input.last_mut().unwrap() |= 0x80;
        let mut image = vec![0; 0x400];
        image.extend(&input);
        let mut body = vec![addi(8, 0, 136)];
        for _ in 0..input.len() / 136 {
            body.extend([custom(1, 5, 6, 8), custom(0, 5, 0, 0), addi(6, 6, 136)]);
        }
        let (address, run) = run_on(&image, &body);
        prop_assert_eq!(run.memory.slice(address, 32).unwrap(), &keccak256(&message).0);
    }

    #[test]
    fn sha256_makes_sha256(message in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut image: Vec<u8> = SHA256_START.iter().flat_map(|word| word.to_le_bytes()).collect();
        image.resize(0x400, 0);
        let blocks = sha2_padded(&message, 64);
        image.extend(&blocks);
        let body: Vec<u32> = blocks.chunks(64).flat_map(|_| [custom(2, 5, 5, 6), addi(6, 6, 64)]).collect();
        let (address, run) = run_on(&image, &body);
        let words = run.memory.slice(address, 32).unwrap().as_chunks::<4>().0;
        let digest: Vec<u8> = words.iter().flat_map(|&word| u32::from_le_bytes(word).to_be_bytes()).collect();
        prop_assert_eq!(digest, Sha256::digest(&message).to_vec());
    }

    #[test]
    fn sha512_makes_sha512(message in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut image: Vec<u8> = SHA512_START.iter().flat_map(|word| word.to_le_bytes()).collect();
        image.resize(0x400, 0);
        let blocks = sha2_padded(&message, 128);
        image.extend(&blocks);
        let body: Vec<u32> = blocks.chunks(128).flat_map(|_| [custom(3, 5, 5, 6), addi(6, 6, 128)]).collect();
        let (address, run) = run_on(&image, &body);
        let words = run.memory.slice(address, 64).unwrap().as_chunks::<8>().0;
        let digest: Vec<u8> = words.iter().flat_map(|&word| u64::from_le_bytes(word).to_be_bytes()).collect();
        prop_assert_eq!(digest, Sha512::digest(&message).to_vec());
    }

    #[test]
    fn xorin_works_on_overlapping_ranges(
        bytes in prop::collection::vec(any::<u8>(), 300),
        distance in (0_usize..40).prop_map(|words| 4 * words),
        length in (0_usize..=34).prop_map(|words| 4 * words),
        input_first in any::<bool>(),
    ) {
        let body = [
            addi(8, 0, length as i32),
            addi(9, 5, distance as i32),
            if input_first { custom(1, 9, 5, 8) } else { custom(1, 5, 9, 8) },
        ];
        let (address, run) = run_on(&bytes, &body);
        let (buffer, input) = if input_first { (distance, 0) } else { (0, distance) };
        let mut expected = bytes.clone();
        for index in 0..length {
            expected[buffer + index] ^= bytes[input + index];
        }
        prop_assert_eq!(run.memory.slice(address, 300).unwrap(), expected);
    }
}

#[test]
fn a_compression_may_overwrite_its_state_and_its_block() {
    let image: Vec<u8> = (0..=255).collect();
    let separate = run_on(&image, &[custom(2, 7, 5, 5)]);
    let expected = separate.1.memory.slice(separate.0 + 0x800, 32).unwrap().to_vec();
    let (address, run) = run_on(&image, &[custom(2, 5, 5, 5)]);
    assert_eq!(run.memory.slice(address, 32).unwrap(), expected);
    assert_eq!(run.memory.slice(address + 32, 224).unwrap(), &image[32..]);
}
