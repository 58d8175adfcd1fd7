//! Encoding of proofs.
//!
//! ```text
//! id_len: u8 | VM_CONFIG_ID | kind: u8 | the kind's part | public values proof
//!
//! kind 0, segments:    segments: u32 LE | segment proofs
//! kind 1, aggregated:  proof
//! ```
//!
//! Decoding is bounded before anything is allocated: by [`MAX_PROOF_SIZE_BYTES`], and by a walk over each STARK's
//! lengths, which lets no more items through than there are bytes. Segments are decoded and verified one at a time.

mod shape;

use std::io::{Cursor, Read};

use openvm_stark_backend::{codec::Decode, proof::Proof as StarkProof};

use crate::{
    MAX_PROOF_SIZE_BYTES, ProofKind, Shown, VM_CONFIG_ID, VerifyError, aggregated,
    keys::{aggregation_key, segment_key},
    public_values::PublicValuesProof,
    segments::SegmentChain,
    stark::Stark,
};

/// Most segments a proof may have: each holds at least a few kilobytes.
const MAX_SEGMENTS: u32 = 4096;

/// The first bytes of a proof; what follows is the kind's part, and the public values.
pub fn header(kind: ProofKind) -> Vec<u8> {
    let mut bytes = vec![VM_CONFIG_ID.len() as u8];
    bytes.extend_from_slice(VM_CONFIG_ID.as_bytes());
    bytes.push(kind.byte());
    bytes
}

/// Reads the kind of a proof, without verifying anything.
///
/// # Errors
/// [`VerifyError::WrongVm`] or [`VerifyError::Malformed`].
pub fn kind(bytes: &[u8]) -> Result<ProofKind, VerifyError> {
    read_header(&mut Cursor::new(bytes))
}

/// Decodes and verifies a proof, and says what it shows.
pub(crate) fn verify(bytes: &[u8]) -> Result<Shown, VerifyError> {
    if bytes.len() > MAX_PROOF_SIZE_BYTES {
        return Err(VerifyError::TooLarge { got: bytes.len() });
    }
    let mut reader = Cursor::new(bytes);
    match read_header(&mut reader)? {
        ProofKind::Segments => {
            let mut chain = SegmentChain::default();
            let mut count = [0; 4];
            reader.read_exact(&mut count).map_err(malformed)?;
            let count = u32::from_le_bytes(count);
            if count > MAX_SEGMENTS {
                let problem = format!("{count} segments, the limit is {MAX_SEGMENTS}");
                return Err(VerifyError::Malformed(problem));
            }
            check_shapes(&reader, count)?;
            for index in 0..count {
                chain.add(segment_key(), &read_stark(&mut reader)?, index + 1 == count)?;
            }
            Ok(chain.finish(&read_values(&mut reader)?)?)
        }
        ProofKind::Aggregated => {
            check_shapes(&reader, 1)?;
            let stark = read_stark(&mut reader)?;
            Ok(aggregated::verify(aggregation_key(), &stark, &read_values(&mut reader)?)?)
        }
    }
}

fn read_header(reader: &mut Cursor<&[u8]>) -> Result<ProofKind, VerifyError> {
    let mut id_len = [0];
    reader.read_exact(&mut id_len).map_err(malformed)?;
    let mut id = vec![0; usize::from(id_len[0])];
    reader.read_exact(&mut id).map_err(malformed)?;
    if id != VM_CONFIG_ID.as_bytes() {
        return Err(VerifyError::WrongVm { got: String::from_utf8_lossy(&id).into_owned() });
    }
    let mut kind = [0];
    reader.read_exact(&mut kind).map_err(malformed)?;
    ProofKind::from_byte(kind[0])
        .ok_or_else(|| VerifyError::Malformed(format!("kind {}, expected 0 or 1", kind[0])))
}

/// Walks over so many STARKs and the public values, to refuse what is cut short before verifying the first of them.
fn check_shapes(reader: &Cursor<&[u8]>, starks: u32) -> Result<(), VerifyError> {
    let from = usize::try_from(reader.position()).unwrap_or(usize::MAX);
    let mut rest = reader.get_ref().get(from..).unwrap_or_default();
    let refuse = |problem: shape::ShapeError| VerifyError::Malformed(problem.into());
    for _ in 0..starks {
        rest = shape::after_stark(rest).map_err(refuse)?;
    }
    match shape::after_public_values(rest).map_err(refuse)? {
        [] => Ok(()),
        rest => Err(VerifyError::Malformed(format!("{} bytes after the end", rest.len()))),
    }
}

fn read_stark(reader: &mut Cursor<&[u8]>) -> Result<StarkProof<Stark>, VerifyError> {
    StarkProof::decode(reader).map_err(malformed)
}

/// Reads the public values, behind which there is nothing.
fn read_values(reader: &mut Cursor<&[u8]>) -> Result<PublicValuesProof, VerifyError> {
    let values = PublicValuesProof::decode(reader).map_err(malformed)?;
    let rest = (reader.get_ref().len() as u64).saturating_sub(reader.position());
    if rest > 0 {
        return Err(VerifyError::Malformed(format!("{rest} bytes after the end")));
    }
    Ok(values)
}

fn malformed(error: std::io::Error) -> VerifyError {
    VerifyError::Malformed(error.to_string())
}
