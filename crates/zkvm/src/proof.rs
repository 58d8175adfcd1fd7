//! A proof as it travels.

use alloy_primitives::Bytes;

/// Largest proof a verifier looks at, in bytes. A segment takes about 1 MB.
pub const MAX_PROOF_SIZE_BYTES: usize = 64 * 1024 * 1024;

/// A proof, encoded (see [`codec`](crate::codec)). Proofs are malleable: never use one, or its hash, as an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    bytes: Bytes,
}

impl Proof {
    /// Wraps bytes from anywhere; nothing is checked before [`Zkvm::verify`](crate::Zkvm::verify).
    pub const fn from_bytes(bytes: Bytes) -> Self {
        Self { bytes }
    }

    /// The bytes.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Size, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// How far a prover has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProveProgress {
    /// The run was executed and cut into segments.
    Planned {
        /// Segments to prove.
        segments: usize,
        /// Instructions in all.
        instructions: u64,
    },
    /// A segment's proof is about to be computed.
    SegmentStarted {
        /// Its index, from 0.
        index: usize,
    },
    /// All segments are proven.
    Finished,
}
