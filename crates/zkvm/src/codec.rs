//! Encoding of proofs: the VM config id, then the segments, then the public values' Merkle proof.
//!
//! ```text
//! id_len: u8 | VM_CONFIG_ID | segments: u32 LE | segment proofs | public values proof
//! ```
//!
//! Decoding is bounded before anything is allocated: by [`MAX_PROOF_SIZE_BYTES`], and by a
//! walk over each segment's lengths, which lets no more items through than there are bytes.

mod shape;

use std::io::{Cursor, Read};

use openvm_circuit::{
    arch::ContinuationVmProof, system::memory::merkle::public_values::UserPublicValuesProof,
};
use openvm_sdk::{F, SC};
use openvm_stark_backend::{
    codec::{Decode, Encode},
    proof::Proof as SegmentProof,
};

use crate::{MAX_PROOF_SIZE_BYTES, VerifyError, config::VM_CONFIG_ID};

/// Most segments a proof may have: each holds at least a few kilobytes.
const MAX_SEGMENTS: u32 = 4096;

/// Encodes a proof as its parts are made.
#[derive(Debug)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// Starts a proof of so many segments.
    ///
    /// # Errors
    /// The I/O errors of the underlying encoders; writing to memory has none.
    pub fn new(segments: usize) -> std::io::Result<Self> {
        let segments = u32::try_from(segments).map_err(std::io::Error::other)?;
        let mut bytes = vec![VM_CONFIG_ID.len() as u8];
        bytes.extend_from_slice(VM_CONFIG_ID.as_bytes());
        bytes.extend_from_slice(&segments.to_le_bytes());
        Ok(Self { bytes })
    }

    /// Adds the next segment's proof.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn segment(&mut self, proof: &SegmentProof<SC>) -> std::io::Result<()> {
        proof.encode(&mut self.bytes)
    }

    /// Size so far, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Ends the proof.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn finish(mut self, values: &UserPublicValuesProof<8, F>) -> std::io::Result<Vec<u8>> {
        values.encode::<SC, _>(&mut self.bytes)?;
        Ok(self.bytes)
    }
}

/// Decodes a proof.
///
/// # Errors
/// [`VerifyError::TooLarge`], [`VerifyError::WrongVm`] or [`VerifyError::Malformed`].
pub fn decode(bytes: &[u8]) -> Result<ContinuationVmProof<SC>, VerifyError> {
    if bytes.len() > MAX_PROOF_SIZE_BYTES {
        return Err(VerifyError::TooLarge { got: bytes.len() });
    }
    let malformed = |error: std::io::Error| VerifyError::Malformed(error.to_string());
    let mut reader = Cursor::new(bytes);
    let mut id_len = [0];
    reader.read_exact(&mut id_len).map_err(malformed)?;
    let mut id = vec![0; usize::from(id_len[0])];
    reader.read_exact(&mut id).map_err(malformed)?;
    if id != VM_CONFIG_ID.as_bytes() {
        return Err(VerifyError::WrongVm { got: String::from_utf8_lossy(&id).into_owned() });
    }
    let mut count = [0; 4];
    reader.read_exact(&mut count).map_err(malformed)?;
    let count = u32::from_le_bytes(count);
    if count > MAX_SEGMENTS {
        return Err(VerifyError::Malformed(format!("{count} segments, the limit is {MAX_SEGMENTS}")));
    }
    let mut per_segment = Vec::new();
    for _ in 0..count {
        shape::check(&bytes[reader.position() as usize..])
            .map_err(|problem| VerifyError::Malformed(problem.into()))?;
        per_segment.push(SegmentProof::decode(&mut reader).map_err(malformed)?);
    }
    let user_public_values = UserPublicValuesProof::decode::<SC, _>(&mut reader).map_err(malformed)?;
    if reader.position() != bytes.len() as u64 {
        let rest = bytes.len() as u64 - reader.position();
        return Err(VerifyError::Malformed(format!("{rest} bytes after the end")));
    }
    Ok(ContinuationVmProof { per_segment, user_public_values })
}
