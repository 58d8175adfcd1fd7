//! Proofs by segments: each segment's STARK, and that they are one run.
//!
//! The rules of OpenVM's `verify_app_proof`, one segment at a time.

use alloy_primitives::B256;
use openvm_stark_backend::{
    p3_field::{PrimeCharacteristicRing, PrimeField32},
    proof::Proof as StarkProof,
    verifier,
};

use crate::{
    InvalidProof, Shown,
    keys::SegmentKey,
    program::{digest_to_b256, execution_commitment},
    public_values::PublicValuesProof,
    stark::{CHUNK, Digest, F, Stark, Transcript, poseidon2},
};

// Places in the circuit.
const PROGRAM_AIR: usize = 0;
const CONNECTOR_AIR: usize = 1;
const BOUNDARY_AIR: usize = 2;
const MERKLE_AIR: usize = 3;

/// Exit code of a segment that the run goes on from.
const SUSPENDED_EXIT_CODE: u32 = 42;

/// Segments verified so far, which follow each other.
#[derive(Default)]
pub(crate) struct SegmentChain {
    segments: usize,
    ends: Option<Ends>,
}

/// Where a chain of segments begins and ends.
struct Ends {
    code: Digest,
    pc_start: F,
    initial_root: Digest,
    final_pc: F,
    final_root: Digest,
}

impl SegmentChain {
    /// Verifies the next segment.
    pub(crate) fn add(
        &mut self,
        key: &SegmentKey,
        proof: &StarkProof<Stark>,
        is_last: bool,
    ) -> Result<(), InvalidProof> {
        let index = self.segments;
        let mut transcript = Transcript::from(poseidon2().clone());
        verifier::verify(&key.stark, &key.key, proof, &mut transcript)
            .map_err(|error| InvalidProof::Stark { index, reason: error.to_string() })?;
        self.link(Segment::of(proof, index)?, is_last)
    }

    fn link(&mut self, segment: Segment, is_last: bool) -> Result<(), InvalidProof> {
        let index = self.segments;
        segment.check_end(index, is_last)?;
        let ends = match self.ends.take() {
            None => Ends {
                code: segment.code,
                pc_start: segment.initial_pc,
                initial_root: segment.initial_root,
                final_pc: segment.final_pc,
                final_root: segment.final_root,
            },
            Some(ends) => {
                segment.check_follows(index, &ends)?;
                Ends { final_pc: segment.final_pc, final_root: segment.final_root, ..ends }
            }
        };
        self.ends = Some(ends);
        self.segments += 1;
        Ok(())
    }

    /// Ends the chain with the public values.
    pub(crate) fn finish(self, values: &PublicValuesProof) -> Result<Shown, InvalidProof> {
        let ends = self.ends.ok_or(InvalidProof::NoSegments)?;
        let outcome_hash: B256 = values.verify(&ends.final_root)?;
        let execution = execution_commitment(&ends.code, &ends.initial_root, ends.pc_start);
        Ok(Shown { execution: digest_to_b256(&execution), outcome_hash })
    }
}

/// What a segment's STARK exposes.
#[derive(Clone)]
struct Segment {
    code: Digest,
    initial_pc: F,
    final_pc: F,
    exit_code: F,
    is_terminate: F,
    initial_root: Digest,
    final_root: Digest,
}

impl Segment {
    /// Reads what a STARK that verified exposes. The key says which parts are there and how many values each has; not
    /// to rely on that costs little.
    fn of(proof: &StarkProof<Stark>, index: usize) -> Result<Self, InvalidProof> {
        let lacks = |part| InvalidProof::Shape { index, part };
        let part = |air: usize| proof.trace_vdata.get(air).and_then(Option::as_ref);
        let values = |air: usize| proof.public_values.get(air).map_or(&[][..], Vec::as_slice);

        let program = part(PROGRAM_AIR).ok_or_else(|| lacks("the program"))?;
        let &[code] = program.cached_commitments.as_slice() else { return Err(lacks("the program")) };
        part(BOUNDARY_AIR).ok_or_else(|| lacks("the memory boundary"))?;
        part(CONNECTOR_AIR).ok_or_else(|| lacks("the connector"))?;
        let &[initial_pc, final_pc, exit_code, is_terminate] = values(CONNECTOR_AIR) else {
            return Err(lacks("the connector"));
        };
        part(MERKLE_AIR).ok_or_else(|| lacks("the memory tree"))?;
        let &[initial_root, final_root] = values(MERKLE_AIR).as_chunks::<CHUNK>().0 else {
            return Err(lacks("the memory tree"));
        };
        let others = proof.public_values.iter().enumerate();
        if others
            .filter(|(air, _)| ![CONNECTOR_AIR, MERKLE_AIR].contains(air))
            .any(|(_, values)| !values.is_empty())
            || values(MERKLE_AIR).len() != 2 * CHUNK
        {
            return Err(lacks("nothing: it has others"));
        }
        Ok(Self { code, initial_pc, final_pc, exit_code, is_terminate, initial_root, final_root })
    }

    /// Checks that the run ends here, with exit code 0, if this is the last segment, and only then.
    fn check_end(&self, index: usize, is_last: bool) -> Result<(), InvalidProof> {
        if self.is_terminate != F::from_bool(is_last) {
            let (got, expected) = (self.is_terminate.as_canonical_u32(), u32::from(is_last));
            return Err(InvalidProof::End { index, got, expected });
        }
        let expected = if is_last { 0 } else { SUSPENDED_EXIT_CODE };
        if self.exit_code != F::from_u32(expected) {
            return Err(InvalidProof::ExitCode { index, got: self.exit_code.as_canonical_u32(), expected });
        }
        Ok(())
    }

    fn check_follows(&self, index: usize, ends: &Ends) -> Result<(), InvalidProof> {
        if self.code != ends.code {
            return Err(InvalidProof::OtherCode { index });
        }
        if self.initial_pc != ends.final_pc {
            let [got, expected] = [self.initial_pc, ends.final_pc].map(|pc| pc.as_canonical_u32());
            return Err(InvalidProof::PcGap { index, got, expected });
        }
        if self.initial_root != ends.final_root {
            return Err(InvalidProof::MemoryGap { index });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn digest(value: u32) -> Digest {
        [F::from_u32(value); CHUNK]
    }

    /// The second of three segments: from pc 8 to 16, from memory 2 to 3.
    fn inner() -> Segment {
        Segment {
            code: digest(1),
            initial_pc: F::from_u32(8),
            final_pc: F::from_u32(16),
            exit_code: F::from_u32(SUSPENDED_EXIT_CODE),
            is_terminate: F::ZERO,
            initial_root: digest(2),
            final_root: digest(3),
        }
    }

    fn first() -> Segment {
        Segment {
            initial_pc: F::ONE,
            final_pc: F::from_u32(8),
            initial_root: digest(7),
            final_root: digest(2),
            ..inner()
        }
    }

    fn last() -> Segment {
        Segment {
            initial_pc: F::from_u32(16),
            exit_code: F::ZERO,
            is_terminate: F::ONE,
            initial_root: digest(3),
            ..inner()
        }
    }

    fn link(segments: &[Segment]) -> Result<(), InvalidProof> {
        let mut chain = SegmentChain::default();
        segments
            .iter()
            .enumerate()
            .try_for_each(|(index, segment)| chain.link(segment.clone(), index + 1 == segments.len()))
    }

    #[test]
    fn segments_follow_each_other() {
        assert_eq!(link(&[first(), inner(), last()]), Ok(()));
        assert_eq!(link(&[last()]), Ok(()));
        let second = |segment| link(&[first(), segment, last()]);
        assert_eq!(second(Segment { code: digest(9), ..inner() }), Err(InvalidProof::OtherCode { index: 1 }));
        let gap = InvalidProof::PcGap { index: 1, got: 12, expected: 8 };
        assert_eq!(second(Segment { initial_pc: F::from_u32(12), ..inner() }), Err(gap));
        let gap = Err(InvalidProof::MemoryGap { index: 1 });
        assert_eq!(second(Segment { initial_root: digest(9), ..inner() }), gap);
        let gap = InvalidProof::PcGap { index: 2, got: 16, expected: 20 };
        assert_eq!(second(Segment { final_pc: F::from_u32(20), ..inner() }), Err(gap));
        assert_eq!(
            second(Segment { final_root: digest(9), ..inner() }),
            Err(InvalidProof::MemoryGap { index: 2 })
        );
    }

    #[test]
    fn the_run_ends_with_the_last_segment_and_exit_code_0() {
        let end = |index, got, expected| Err(InvalidProof::End { index, got, expected });
        assert_eq!(link(&[first(), inner()]), end(1, 0, 1));
        assert_eq!(link(&[last(), inner(), last()]), end(0, 1, 0));
        let two = Segment { is_terminate: F::TWO, ..last() };
        assert_eq!(link(&[two]), end(0, 2, 1));
        let code = |index, got, expected| Err(InvalidProof::ExitCode { index, got, expected });
        assert_eq!(link(&[Segment { exit_code: F::ONE, ..last() }]), code(0, 1, 0));
        assert_eq!(link(&[Segment { exit_code: F::ZERO, ..first() }, inner(), last()]), code(0, 0, 42));
    }

    #[test]
    fn no_segments_show_nothing() {
        let values = PublicValuesProof::decode(&mut [0; 40].as_slice()).unwrap();
        assert_eq!(SegmentChain::default().finish(&values), Err(InvalidProof::NoSegments));
    }
}
