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
use openvm_sdk::SC;
use openvm_stark_backend::{
    codec::{Decode, Encode},
    proof::Proof as SegmentProof,
};

use crate::{MAX_PROOF_SIZE_BYTES, VerifyError, config::VM_CONFIG_ID};

/// Most segments a proof may have: each holds at least a few kilobytes.
const MAX_SEGMENTS: u32 = 4096;

/// Encodes a proof.
///
/// # Errors
/// The I/O errors of the underlying encoders; writing to memory has none.
pub fn encode(proof: &ContinuationVmProof<SC>) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![VM_CONFIG_ID.len() as u8];
    bytes.extend_from_slice(VM_CONFIG_ID.as_bytes());
    bytes.extend_from_slice(&(proof.per_segment.len() as u32).to_le_bytes());
    for segment in &proof.per_segment {
        segment.encode(&mut bytes)?;
    }
    proof.user_public_values.encode::<SC, _>(&mut bytes)?;
    Ok(bytes)
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
