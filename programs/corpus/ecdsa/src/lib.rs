//! A published elliptic curve library, as a guest: `k256`, which verifies an ECDSA signature over secp256k1.
//!
//! Input: a public key as an uncompressed point (65 bytes), the hash that was signed (32 bytes), and the signature
//! (`r` and `s`, 64 bytes). Output: one byte, 1 when the signature is good, else 0.

#![deny(missing_docs)]

use k256::ecdsa::{Signature, VerifyingKey, signature::hazmat::PrehashVerifier};

const KEY_SIZE_BYTES: usize = 65;
const HASH_SIZE_BYTES: usize = 32;
const SIGNATURE_SIZE_BYTES: usize = 64;
const INPUT_SIZE_BYTES: usize = KEY_SIZE_BYTES + HASH_SIZE_BYTES + SIGNATURE_SIZE_BYTES;

/// Verifies the signature.
///
/// # Panics
/// When the input has another size, or holds no key. A signature out of range is not good.
pub fn run(input: &[u8]) -> Vec<u8> {
    assert!(input.len() == INPUT_SIZE_BYTES, "input is {} bytes, expected {INPUT_SIZE_BYTES}", input.len());
    let (key, rest) = input.split_at(KEY_SIZE_BYTES);
    let (hash, signature) = rest.split_at(HASH_SIZE_BYTES);
    let key = match VerifyingKey::from_sec1_bytes(key) {
        Ok(key) => key,
        Err(error) => panic!("no public key: {error}"),
    };
    let is_good =
        Signature::from_slice(signature).and_then(|signature| key.verify_prehash(hash, &signature)).is_ok();
    vec![u8::from(is_good)]
}

/// The input of a well-known signature: "Satoshi Nakamoto", signed with the key 1, as RFC 6979 has it.
pub fn sample() -> Vec<u8> {
    let mut input = vec![0x04];
    for word in [
        // The generator: the public key of 1.
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
        // SHA-256 of the text.
        "a0dc65ffca799873cbea0ac274015b9526505daaaed385155425f7337704883e",
        // r and s.
        "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8",
        "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5",
    ] {
        let digits = word.as_bytes().as_chunks::<2>().0;
        let digit = |character: u8| (character as char).to_digit(16).unwrap_or_default() as u8;
        input.extend(digits.iter().map(|pair| digit(pair[0]) << 4 | digit(pair[1])));
    }
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_of_the_text_it_names() {
        let hash = ivm_guest::sha256(b"Satoshi Nakamoto");
        assert_eq!(sample()[KEY_SIZE_BYTES..][..HASH_SIZE_BYTES], hash);
    }

    #[test]
    fn a_known_signature_is_good_and_no_other() {
        assert_eq!(run(&sample()), [1]);
        for position in KEY_SIZE_BYTES..INPUT_SIZE_BYTES {
            let mut input = sample();
            input[position] ^= 1 << (position % 8);
            assert_eq!(run(&input), [0], "byte {position}");
        }
        let mut out_of_range = sample();
        out_of_range[INPUT_SIZE_BYTES - 32..].fill(0xff);
        assert_eq!(run(&out_of_range), [0]);
    }

    #[test]
    #[should_panic(expected = "no public key")]
    fn a_point_beside_the_curve_is_refused() {
        let mut input = sample();
        input[KEY_SIZE_BYTES - 1] ^= 1;
        run(&input);
    }
}
