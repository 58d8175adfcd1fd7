//! What is tried on a valid proof of either kind.

use alloy_primitives::B256;
use ivm_primitives::{JobInput, Outcome};
use ivm_zkvm::{
    AdmittedProgram, MAX_PROOF_SIZE_BYTES, OpenVm, Proof, ProofKind, VerifyError, Zkvm, config::VM_CONFIG_ID,
};

use crate::guest::EchoWord;

/// Bytes before the kind.
pub(crate) const ID_SIZE_BYTES: usize = 1 + VM_CONFIG_ID.len();
/// Bytes before the kind's part.
pub(crate) const HEADER_SIZE_BYTES: usize = ID_SIZE_BYTES + 1;

/// A valid proof that a program gives `word` back.
pub(crate) struct Proven {
    pub(crate) zkvm: OpenVm,
    pub(crate) echo: EchoWord,
    pub(crate) program: AdmittedProgram,
    pub(crate) proof: Proof,
}

pub(crate) fn word() -> JobInput {
    JobInput::onchain_only(b"word").unwrap()
}

pub(crate) fn outcome() -> Outcome {
    Outcome::Success(b"word".into())
}

impl Proven {
    pub(crate) fn verify(&self, bytes: Vec<u8>) -> Result<(), VerifyError> {
        self.zkvm.verify(&self.program, &word(), outcome().hash(), &Proof::from_bytes(bytes.into()))
    }

    /// Everything that does not depend on the kind.
    pub(crate) fn stands_alone(&self) {
        self.verifies_for_what_it_shows();
        self.is_not_for_another_input();
        self.is_not_for_another_program();
        self.is_not_for_another_outcome();
        self.flipped_bits_are_refused();
        self.cut_and_extended_it_does_not_decode();
        self.other_vms_and_kinds_are_named();
        self.hostile_lengths_cost_nothing();
        self.oversized_it_is_refused_unread();
    }

    fn verifies_for_what_it_shows(&self) {
        assert_eq!(self.verify(self.proof.bytes().to_vec()), Ok(()));
        // Another node, with keys of its own.
        let other = OpenVm::new();
        let program = other.admit(&self.echo.elf()).unwrap();
        assert_eq!(other.verify(&program, &word(), outcome().hash(), &self.proof), Ok(()));
        // A light client, which stored what admission gave it.
        let stored = self.program.verifying().to_bytes();
        let program = ivm_verifier::VerifyingProgram::from_bytes(&stored).unwrap();
        assert_eq!(program.id(), self.program.id());
        assert_eq!(ivm_verifier::verify(&program, &word(), outcome().hash(), &self.proof), Ok(()));
    }

    fn is_not_for_another_input(&self) {
        let longer = JobInput::new(b"word".into(), b"\0".into()).unwrap();
        let moved = JobInput::new("".into(), b"word".into()).unwrap();
        let [wore, more] =
            [&b"wore"[..], b"word and more"].map(|bytes| JobInput::onchain_only(bytes.to_vec()).unwrap());
        // The first and the last of these give the very same outcome: the proof still says nothing about them.
        for other in [more, moved, wore, JobInput::default(), longer] {
            let refused = self.zkvm.verify(&self.program, &other, outcome().hash(), &self.proof);
            assert!(matches!(refused, Err(VerifyError::WrongExecution { .. })), "{refused:?}");
        }
    }

    fn is_not_for_another_program(&self) {
        // Does the same, but for one unused constant.
        let other = self.zkvm.admit(&EchoWord { mark: self.echo.mark + 1, ..self.echo }.elf()).unwrap();
        assert!(self.zkvm.check(&other, &word(), 10_000, outcome().hash()).is_ok());
        let refused = self.zkvm.verify(&other, &word(), outcome().hash(), &self.proof);
        assert!(matches!(refused, Err(VerifyError::WrongExecution { .. })), "{refused:?}");
    }

    fn is_not_for_another_outcome(&self) {
        for other in
            [Outcome::Success(b"wore".into()).hash(), Outcome::Panicked(b"word".into()).hash(), B256::ZERO]
        {
            let expected = VerifyError::WrongOutcome { got: outcome().hash(), expected: other };
            assert_eq!(self.zkvm.verify(&self.program, &word(), other, &self.proof), Err(expected));
        }
    }

    fn flipped_bits_are_refused(&self) {
        let good = self.proof.bytes().to_vec();
        let spread = (0..60).map(|step| step * good.len() / 60 + step);
        let start = 0..HEADER_SIZE_BYTES + 60;
        let end = good.len() - 1200..good.len();
        for at in spread.chain(start.step_by(3)).chain(end.step_by(17)) {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << (at % 8);
            assert!(self.verify(bytes).is_err(), "byte {at} of {}", good.len());
        }
    }

    fn cut_and_extended_it_does_not_decode(&self) {
        let good = self.proof.bytes().to_vec();
        let header = [0, 1, HEADER_SIZE_BYTES - 1, HEADER_SIZE_BYTES, HEADER_SIZE_BYTES + 4];
        for size in header.into_iter().chain([good.len() / 2, good.len() - 1]) {
            let refused = self.verify(good[..size].to_vec());
            assert!(matches!(refused, Err(VerifyError::Malformed(_))), "{size}: {refused:?}");
        }
        let refused = self.verify([&good[..], &[0]].concat());
        assert_eq!(refused, Err(VerifyError::Malformed("1 bytes after the end".into())));
    }

    fn other_vms_and_kinds_are_named(&self) {
        let good = self.proof.bytes().to_vec();
        let id = b"ivm-openvm-9";
        let bytes = [&[id.len() as u8], &id[..], &good[ID_SIZE_BYTES..]].concat();
        assert_eq!(self.verify(bytes), Err(VerifyError::WrongVm { got: "ivm-openvm-9".into() }));

        let kind = ivm_verifier::codec::kind(&good).unwrap();
        let other = match kind {
            ProofKind::Segments => ProofKind::Aggregated,
            ProofKind::Aggregated => ProofKind::Segments,
        };
        for byte in [other.byte(), 2, 255] {
            let mut bytes = good.clone();
            bytes[ID_SIZE_BYTES] = byte;
            assert!(matches!(self.verify(bytes), Err(VerifyError::Malformed(_))), "kind {byte}");
        }
    }

    fn hostile_lengths_cost_nothing(&self) {
        let good = self.proof.bytes().to_vec();
        // Every aligned word near the start could be a length: make each the largest, in turn.
        for at in (HEADER_SIZE_BYTES + 4..HEADER_SIZE_BYTES + 600).step_by(4) {
            let mut bytes = good.clone();
            bytes[at..at + 4].fill(0xff);
            // Some words are that already.
            assert!(bytes == good || self.verify(bytes).is_err(), "{at}");
        }
    }

    fn oversized_it_is_refused_unread(&self) {
        let got = MAX_PROOF_SIZE_BYTES + 1;
        assert_eq!(self.verify(vec![0; got]), Err(VerifyError::TooLarge { got }));
    }
}
