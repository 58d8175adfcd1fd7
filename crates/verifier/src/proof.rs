//! A proof as it travels.

use alloy_primitives::Bytes;

/// Names the circuit that programs, keys and proofs belong to; part of every proof.
pub const VM_CONFIG_ID: &str = "ivm-openvm-2.0.2-rv32im-keccak-sha2-v1";

/// Largest proof a verifier looks at, in bytes. A segment takes about 1 MB, an aggregated proof a quarter of that.
pub const MAX_PROOF_SIZE_BYTES: usize = 64 * 1024 * 1024;

/// Which of two proofs of the same statement. Whoever proves chooses; a verifier takes both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProofKind {
    /// A proof for each segment of the run: sooner there, and larger the longer the run.
    Segments,
    /// One proof that all segments' proofs were verified: later there, and of one size whatever the run.
    Aggregated,
}

impl ProofKind {
    /// The byte that stands for it in an encoded proof.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Segments => 0,
            Self::Aggregated => 1,
        }
    }

    /// The kind that a byte stands for.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Segments),
            1 => Some(Self::Aggregated),
            _ => None,
        }
    }
}

impl std::fmt::Display for ProofKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Segments => "segments",
            Self::Aggregated => "aggregated",
        })
    }
}

/// A proof, encoded (see [`codec`](crate::codec)). Proofs are malleable: never use one, or its hash, as an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    bytes: Bytes,
}

impl Proof {
    /// Wraps bytes from anywhere; nothing is checked before [`verify`](crate::verify).
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
