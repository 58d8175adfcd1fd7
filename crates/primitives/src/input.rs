//! A job's inputs: their commitment, and their place in a guest's initial memory.
//!
//! **Commitment.** `input_commitment = keccak256(keccak256(onchain) ‖ keccak256(offchain))`: what a claim carries.
//!
//! **Image.** A guest reads its input from initial memory, never from hints, so that a proof, which binds the root of
//! initial memory, binds the input. The image starts where the program's last segment ends, rounded up to
//! [`INPUT_ALIGNMENT_BYTES`], and is, little-endian:
//!
//! ```text
//! onchain_len: u32 | offchain_len: u32 | onchain bytes | zeros to a multiple of 4 | offchain bytes
//! ```
//!
//! One pair of inputs has exactly one image, so its memory root is unique. The guest's heap starts after the image.
//! Everything lies low and close together because proving hashes initial memory up to its last byte that is not zero.

use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes, keccak256};

use crate::limits::{MAX_OFFCHAIN_INPUT_SIZE_BYTES, MAX_ONCHAIN_INPUT_SIZE_BYTES};

/// What the start of the image is rounded up to.
pub const INPUT_ALIGNMENT_BYTES: u32 = 16;

/// Bytes of the image's header: two `u32` lengths.
pub const INPUT_HEADER_SIZE_BYTES: usize = 8;

/// Where the image of an input starts, for a program whose last segment ends at `program_end`.
pub const fn input_address(program_end: u32) -> u32 {
    program_end.next_multiple_of(INPUT_ALIGNMENT_BYTES)
}

/// Why a pair of inputs is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputError {
    /// The onchain input is over [`MAX_ONCHAIN_INPUT_SIZE_BYTES`].
    OnchainTooLarge {
        /// Size given, in bytes.
        got: usize,
    },
    /// The offchain input is over [`MAX_OFFCHAIN_INPUT_SIZE_BYTES`].
    OffchainTooLarge {
        /// Size given, in bytes.
        got: usize,
    },
}

impl core::fmt::Display for InputError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OnchainTooLarge { got } => {
                write!(f, "onchain input is {got} bytes, the limit is {MAX_ONCHAIN_INPUT_SIZE_BYTES}")
            }
            Self::OffchainTooLarge { got } => {
                write!(f, "offchain input is {got} bytes, the limit is {MAX_OFFCHAIN_INPUT_SIZE_BYTES}")
            }
        }
    }
}

impl core::error::Error for InputError {}

/// Both inputs of a job, within their limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct JobInput {
    onchain: Bytes,
    offchain: Bytes,
}

impl JobInput {
    /// Takes both inputs.
    ///
    /// # Errors
    /// [`InputError`] when one is over its limit.
    pub fn new(onchain: Bytes, offchain: Bytes) -> Result<Self, InputError> {
        if onchain.len() > MAX_ONCHAIN_INPUT_SIZE_BYTES {
            return Err(InputError::OnchainTooLarge { got: onchain.len() });
        }
        if offchain.len() > MAX_OFFCHAIN_INPUT_SIZE_BYTES {
            return Err(InputError::OffchainTooLarge { got: offchain.len() });
        }
        Ok(Self { onchain, offchain })
    }

    /// Takes an onchain input alone.
    ///
    /// # Errors
    /// [`InputError::OnchainTooLarge`] when it is over its limit.
    pub fn onchain_only(onchain: impl Into<Bytes>) -> Result<Self, InputError> {
        Self::new(onchain.into(), Bytes::new())
    }

    /// Bytes carried by the request.
    pub const fn onchain(&self) -> &Bytes {
        &self.onchain
    }

    /// Bytes held by DA.
    pub const fn offchain(&self) -> &Bytes {
        &self.offchain
    }

    /// What a claim carries: `keccak256(keccak256(onchain) ‖ keccak256(offchain))`.
    pub fn commitment(&self) -> B256 {
        input_commitment(keccak256(&self.onchain), keccak256(&self.offchain))
    }

    /// The bytes placed at [`input_address`] before a run.
    pub fn memory_image(&self) -> Vec<u8> {
        let onchain_padded = self.onchain.len().next_multiple_of(4);
        let mut image = Vec::with_capacity(INPUT_HEADER_SIZE_BYTES + onchain_padded + self.offchain.len());
        image.extend_from_slice(&(self.onchain.len() as u32).to_le_bytes());
        image.extend_from_slice(&(self.offchain.len() as u32).to_le_bytes());
        image.extend_from_slice(&self.onchain);
        image.resize(INPUT_HEADER_SIZE_BYTES + onchain_padded, 0);
        image.extend_from_slice(&self.offchain);
        image
    }
}

/// The commitment from the hashes of both inputs.
pub fn input_commitment(onchain_hash: B256, offchain_hash: B256) -> B256 {
    keccak256([onchain_hash.0, offchain_hash.0].concat())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use alloc::vec;
    use alloy_primitives::{Bytes, keccak256};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn limits_are_exact() {
        let onchain = |size| JobInput::onchain_only(vec![1; size]).map(|_| ());
        let offchain = |size| JobInput::new(Bytes::new(), vec![1; size].into()).map(|_| ());
        assert_eq!(onchain(MAX_ONCHAIN_INPUT_SIZE_BYTES), Ok(()));
        let got = MAX_ONCHAIN_INPUT_SIZE_BYTES + 1;
        assert_eq!(onchain(got), Err(InputError::OnchainTooLarge { got }));
        assert_eq!(offchain(MAX_OFFCHAIN_INPUT_SIZE_BYTES), Ok(()));
        let got = MAX_OFFCHAIN_INPUT_SIZE_BYTES + 1;
        assert_eq!(offchain(got), Err(InputError::OffchainTooLarge { got }));
    }

    #[test]
    fn errors_say_what_was_found_and_allowed() {
        assert_eq!(
            alloc::format!("{}", InputError::OnchainTooLarge { got: 200_000 }),
            "onchain input is 200000 bytes, the limit is 122880"
        );
        assert_eq!(
            alloc::format!("{}", InputError::OffchainTooLarge { got: 20_000_000 }),
            "offchain input is 20000000 bytes, the limit is 10485760"
        );
    }

    #[test]
    fn images_by_hand() {
        assert_eq!(JobInput::default().memory_image(), [0; 8]);
        let input = JobInput::new(b"abcde".into(), b"XY".into()).unwrap();
        assert_eq!(input.memory_image(), *b"\x05\0\0\0\x02\0\0\0abcde\0\0\0XY");
        let aligned = JobInput::new(b"abcd".into(), b"XY".into()).unwrap();
        assert_eq!(aligned.memory_image(), *b"\x04\0\0\0\x02\0\0\0abcdXY");
    }

    #[test]
    fn the_image_starts_at_a_multiple_of_16() {
        for (end, address) in [(0x10_0000, 0x10_0000), (0x10_0001, 0x10_0010), (0x10_0010, 0x10_0010)] {
            assert_eq!(input_address(end), address);
        }
    }

    #[test]
    fn the_commitment_of_nothing() {
        // keccak256(keccak256("") twice), from the definition.
        let empty =
            alloy_primitives::b256!("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
        let expected = keccak256([empty.as_slice(), empty.as_slice()].concat());
        assert_eq!(JobInput::default().commitment(), expected);
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..70)
    }

    proptest! {
        #[test]
        fn the_image_gives_both_inputs_back(onchain in bytes(), offchain in bytes()) {
            let input = JobInput::new(onchain.clone().into(), offchain.clone().into()).unwrap();
            let image = input.memory_image();
            let length = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap()) as usize;
            let offchain_start = 8 + length(0).next_multiple_of(4);
            prop_assert_eq!(&image[8..8 + length(0)], &onchain);
            prop_assert!(image[8 + length(0)..offchain_start].iter().all(|&byte| byte == 0));
            prop_assert_eq!(&image[offchain_start..], &offchain);
            prop_assert_eq!(length(4), offchain.len());
        }

        #[test]
        fn the_commitment_is_of_both_hashes(onchain in bytes(), offchain in bytes()) {
            let input = JobInput::new(onchain.clone().into(), offchain.clone().into()).unwrap();
            let mut preimage = keccak256(&onchain).to_vec();
            preimage.extend(keccak256(&offchain));
            prop_assert_eq!(input.commitment(), keccak256(preimage));
        }

        #[test]
        fn different_inputs_differ(a in (bytes(), bytes()), b in (bytes(), bytes())) {
            prop_assume!(a != b);
            let [a, b] = [a, b].map(|(on, off)| JobInput::new(on.into(), off.into()).unwrap());
            prop_assert_ne!(a.commitment(), b.commitment());
            prop_assert_ne!(a.memory_image(), b.memory_image());
        }
    }

    #[test]
    fn moving_a_byte_between_the_inputs_changes_both() {
        let a = JobInput::new(b"ab".into(), b"c".into()).unwrap();
        let b = JobInput::new(b"a".into(), b"bc".into()).unwrap();
        assert_ne!(a.commitment(), b.commitment());
        assert_ne!(a.memory_image(), b.memory_image());
    }
}
