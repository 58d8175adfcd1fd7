//! A committed aggregated proof, and what is left of it after damage.
//!
//! `IVM_UPDATE_KEYS=1` renews the fixtures when `ivm-zkvm`'s test of aggregated proofs runs.

#![allow(clippy::unwrap_used)]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use ivm_primitives::{JobInput, Outcome};
use ivm_verifier::{InvalidProof, Proof, ProofKind, VerifyError, VerifyingProgram, codec, inspect, verify};
use proptest::prelude::*;

/// Far more than any proof takes.
const PATIENCE: Duration = Duration::from_secs(10);

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/fixtures").join(name))
        .unwrap()
}

fn program() -> VerifyingProgram<'static> {
    VerifyingProgram::from_bytes(&fixture("program")).unwrap()
}

fn verify_bytes(bytes: Vec<u8>) -> Result<(), VerifyError> {
    let input = JobInput::onchain_only(b"word").unwrap();
    let outcome = Outcome::Success(b"word".into());
    let started = Instant::now();
    let verdict = verify(&program(), &input, outcome.hash(), &Proof::from_bytes(bytes.into()));
    assert!(started.elapsed() < PATIENCE, "took {:?}", started.elapsed());
    verdict
}

#[test]
fn the_committed_proof_verifies() {
    let proof = fixture("aggregated.proof");
    assert_eq!(codec::kind(&proof), Ok(ProofKind::Aggregated));
    assert!(proof.len() < 300_000, "{} bytes", proof.len());
    assert_eq!(verify_bytes(proof.clone()), Ok(()));
    let shown = inspect(&Proof::from_bytes(proof.into())).unwrap();
    assert_eq!(shown.outcome_hash, Outcome::Success(b"word".into()).hash());
    assert_eq!(shown.execution, program().execution_commitment(&JobInput::onchain_only(b"word").unwrap()));
}

#[test]
fn public_values_are_bound() {
    let proof = fixture("aggregated.proof");
    // From the end: root, values, their count, Merkle path.
    for from_end in [1, 32, 33, 32 + 4 * 32, 32 + 4 * 32 + 4 + 1, 32 + 4 * 32 + 4 + 32 * 20] {
        let mut bytes = proof.clone();
        let at = bytes.len() - from_end;
        bytes[at] ^= 1;
        let refused = verify_bytes(bytes);
        let values = matches!(
            refused,
            Err(VerifyError::Invalid(InvalidProof::PublicValues(_)) | VerifyError::Malformed(_))
        );
        assert!(values, "{from_end} bytes from the end: {refused:?}");
    }
}

#[test]
fn stored_programs_are_checked() {
    let stored = fixture("program");
    assert_eq!(program().to_bytes(), stored);
    for size in 0..stored.len() {
        assert!(VerifyingProgram::from_bytes(&stored[..size]).is_err(), "cut at {size}");
    }
    assert!(VerifyingProgram::from_bytes(&[&stored[..], &[0]].concat()).is_err());
    // A word of the commitment that is no field element, and counts and sizes of any size.
    for word in [0, 10, 11, 12] {
        let mut bytes = stored.clone();
        bytes[4 * word..4 * word + 4].fill(0xff);
        assert!(VerifyingProgram::from_bytes(&bytes).is_err(), "word {word}");
    }
    // What decodes after a change has another id.
    for at in 0..stored.len() {
        let mut bytes = stored.clone();
        bytes[at] ^= 16;
        if let Ok(other) = VerifyingProgram::from_bytes(&bytes) {
            assert_ne!(other.id(), program().id(), "byte {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn damaged_proofs_are_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4),
        words in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![Just(u32::MAX), Just(0), 0_u32..1000]), 0..2),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let good = fixture("aggregated.proof");
        let mut bytes = good.clone();
        for (at, change) in changes {
            bytes[at.index(good.len())] ^= change;
        }
        for (at, word) in words {
            let at = at.index(good.len() - 4);
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(good.len()));
        }
        if bytes != good {
            prop_assert!(verify_bytes(bytes).is_err());
        }
    }

    #[test]
    fn random_bytes_are_refused(kind in 0_u8..2, noise in prop::collection::vec(any::<u8>(), 0..3000)) {
        let kind = ProofKind::from_byte(kind).unwrap();
        prop_assert!(verify_bytes([codec::header(kind), noise.clone()].concat()).is_err());
        prop_assert!(verify_bytes(noise).is_err());
    }
}
