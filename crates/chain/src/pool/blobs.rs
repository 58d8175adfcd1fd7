//! Blobs that come with a transaction into the pool. They are checked and left behind: they are for those who propose
//! blocks to others, and a block has only their hashes.

use alloy_consensus::{Signed, TxEip4844, TxEip4844Variant, TxEnvelope};
use alloy_eips::eip4844::{Blob, Bytes48, kzg_to_versioned_hash};
use alloy_eips::eip7594::{BlobTransactionSidecarVariant as Sidecar, CELLS_PER_EXT_BLOB};
use alloy_primitives::B256;
use c_kzg::ethereum_kzg_settings;

use super::PoolError;

/// Bytes of a blob with its commitment, its proofs, and the headers of their lists.
const BLOB_SIZE_BYTES: usize = 131_072 + 49 * (1 + CELLS_PER_EXT_BLOB) + 64;
/// Tables that c-kzg makes ahead: none, blobs are few.
const KZG_PRECOMPUTE: u64 = 0;

/// What proves that a blob is the one of its commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlobProofs {
    /// One proof of the whole blob (EIP-4844).
    Whole,
    /// A proof of each cell of the extended blob, from Osaka on (EIP-7594).
    Cells,
}

/// The rules for blobs at the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlobRules {
    pub(crate) max_blobs: u64,
    pub(crate) proofs: BlobProofs,
}

impl BlobRules {
    /// Most bytes that blobs add to a transaction.
    pub(crate) fn max_size_bytes(self) -> usize {
        usize::try_from(self.max_blobs).unwrap_or(usize::MAX).saturating_mul(BLOB_SIZE_BYTES)
    }
}

/// Checks a blob transaction's blobs; gives the transaction without them. Another transaction is given as it is.
pub(crate) fn check_and_leave(transaction: TxEnvelope, rules: BlobRules) -> Result<TxEnvelope, PoolError> {
    let TxEnvelope::Eip4844(signed) = transaction else { return Ok(transaction) };
    let (variant, signature, hash) = signed.into_parts();
    let TxEip4844Variant::TxEip4844WithSidecar(with_blobs) = variant else {
        return Err(PoolError::MissingBlobs);
    };
    let (transaction, sidecar) = with_blobs.into_parts();
    check_hashes(&transaction, &sidecar, rules)?;
    check_proofs(&sidecar, rules)?;
    let variant = TxEip4844Variant::TxEip4844(transaction);
    Ok(TxEnvelope::Eip4844(Signed::new_unchecked(variant, signature, hash)))
}

fn invalid(reason: impl ToString) -> PoolError {
    PoolError::InvalidBlobs { reason: reason.to_string() }
}

fn check_hashes(transaction: &TxEip4844, sidecar: &Sidecar, rules: BlobRules) -> Result<(), PoolError> {
    let hashes = &transaction.blob_versioned_hashes;
    let (blobs, commitments) = match sidecar {
        Sidecar::Eip4844(sidecar) => (&sidecar.blobs, &sidecar.commitments),
        Sidecar::Eip7594(sidecar) => (&sidecar.blobs, &sidecar.commitments),
    };
    let got = hashes.len() as u64;
    if got == 0 || got > rules.max_blobs {
        return Err(PoolError::BlobCount { got, limit: rules.max_blobs });
    }
    if blobs.len() != hashes.len() || commitments.len() != hashes.len() {
        let (blobs, commitments) = (blobs.len(), commitments.len());
        return Err(invalid(format!("{blobs} blobs and {commitments} commitments for {got} hashes")));
    }
    for (index, (commitment, expected)) in commitments.iter().zip(hashes).enumerate() {
        let hash: B256 = kzg_to_versioned_hash(commitment.as_slice());
        if hash != *expected {
            return Err(invalid(format!(
                "commitment {index} hashes to {hash}, the transaction has {expected}"
            )));
        }
    }
    Ok(())
}

fn check_proofs(sidecar: &Sidecar, rules: BlobRules) -> Result<(), PoolError> {
    let proven = match (sidecar, rules.proofs) {
        (Sidecar::Eip4844(sidecar), BlobProofs::Whole) => {
            verify_whole(&sidecar.blobs, &sidecar.commitments, &sidecar.proofs)
        }
        (Sidecar::Eip7594(sidecar), BlobProofs::Cells) => {
            verify_cells(&sidecar.blobs, &sidecar.commitments, &sidecar.cell_proofs)
        }
        (Sidecar::Eip4844(_), BlobProofs::Cells) => {
            return Err(invalid(
                "proofs of whole blobs (version 0) where proofs of cells are needed (version 1)",
            ));
        }
        (Sidecar::Eip7594(_), BlobProofs::Whole) => {
            return Err(invalid(
                "proofs of cells (version 1) where proofs of whole blobs are needed (version 0)",
            ));
        }
    };
    match proven {
        Ok(true) => Ok(()),
        Ok(false) => Err(invalid("a proof is not of its blob and commitment")),
        Err(error) => Err(invalid(error)),
    }
}

fn verify_whole(blobs: &[Blob], commitments: &[Bytes48], proofs: &[Bytes48]) -> Result<bool, c_kzg::Error> {
    let settings = ethereum_kzg_settings(KZG_PRECOMPUTE);
    settings.verify_blob_kzg_proof_batch(&kzg_blobs(blobs)?, &kzg_points(commitments)?, &kzg_points(proofs)?)
}

fn verify_cells(blobs: &[Blob], commitments: &[Bytes48], proofs: &[Bytes48]) -> Result<bool, c_kzg::Error> {
    let settings = ethereum_kzg_settings(KZG_PRECOMPUTE);
    let count = blobs.len() * CELLS_PER_EXT_BLOB;
    let mut cells = Vec::with_capacity(count);
    for blob in kzg_blobs(blobs)? {
        cells.extend_from_slice(settings.compute_cells(&blob)?.as_slice());
    }
    let indices: Vec<u64> = (0..blobs.len()).flat_map(|_| 0..CELLS_PER_EXT_BLOB as u64).collect();
    let commitments: Vec<_> = kzg_points(commitments)?
        .into_iter()
        .flat_map(|commitment| std::iter::repeat_n(commitment, CELLS_PER_EXT_BLOB))
        .collect();
    settings.verify_cell_kzg_proof_batch(&commitments, &indices, &cells, &kzg_points(proofs)?)
}

fn kzg_blobs(blobs: &[Blob]) -> Result<Vec<c_kzg::Blob>, c_kzg::Error> {
    blobs.iter().map(|blob| c_kzg::Blob::from_bytes(blob.as_slice())).collect()
}

fn kzg_points(points: &[Bytes48]) -> Result<Vec<c_kzg::Bytes48>, c_kzg::Error> {
    points.iter().map(|point| c_kzg::Bytes48::from_bytes(point.as_slice())).collect()
}
