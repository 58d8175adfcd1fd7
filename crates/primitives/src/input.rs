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
