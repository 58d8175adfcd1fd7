//! Proofs by segments.

use std::{io::Cursor, ops::ControlFlow};

use ivm_engine::interpreter::count_instructions;
use ivm_zkvm::{
    OpenVm, Proof, ProofKind, ProveError, ProveProgress, VerifyError, Zkvm,
    config::{system_params, vm_config},
};
use openvm_circuit::{
    arch::ContinuationVmProof, system::memory::merkle::public_values::UserPublicValuesProof,
};
use openvm_sdk::{
    DefaultStarkEngine, F, SC,
    config::AppConfig,
    keygen::{AppProvingKey, AppVerifyingKey},
    prover::verify_app_proof,
};
use openvm_sdk_config::SdkVmConfig;
use openvm_stark_backend::{
    codec::{Decode, Encode},
    p3_field::PrimeCharacteristicRing,
    proof::Proof as StarkProof,
};

use crate::{
    forgeries::{HEADER_SIZE_BYTES, Proven, word},
    guest::EchoWord,
};

/// Two thousand instructions and some: three segments, when each is as small as can be. Nobody could propose its
/// outcome by its registers; it is right, and can be proven, all the same.
const LONG: EchoWord = EchoWord { mark: 1, loops: 1_020, status: 7 };
const SHORT: EchoWord = EchoWord { mark: 3, loops: 0, status: 0 };

/// The parts of an encoded proof: segments, and the public values.
struct Parts {
    segments: Vec<Vec<u8>>,
    values: Vec<u8>,
}

impl Parts {
    fn of(proof: &Proof) -> Self {
        let bytes = proof.bytes();
        let body = &bytes[HEADER_SIZE_BYTES..];
        let count = u32::from_le_bytes(*body.first_chunk().unwrap());
        let mut reader = Cursor::new(&body[4..]);
        let mut segments = Vec::new();
        for _ in 0..count {
            let start = reader.position() as usize;
            StarkProof::<SC>::decode(&mut reader).unwrap();
            segments.push(body[4 + start..4 + reader.position() as usize].to_vec());
        }
        Self { segments, values: body[4 + reader.position() as usize..].to_vec() }
    }

    fn join(segments: &[&[u8]], values: &[u8]) -> Vec<u8> {
        let mut bytes = ivm_verifier::codec::header(ProofKind::Segments);
        bytes.extend((segments.len() as u32).to_le_bytes());
        segments.iter().for_each(|segment| bytes.extend(*segment));
        bytes.extend(values);
        bytes
    }
}

/// OpenVM's own verdict on a proof by segments.
fn openvm_accepts(key: &AppVerifyingKey, segments: &[&[u8]], values: &[u8]) -> bool {
    let per_segment =
        segments.iter().map(|segment| StarkProof::decode_from_bytes(segment).unwrap()).collect();
    let user_public_values =
        UserPublicValuesProof::<8, F>::decode::<SC, _>(&mut Cursor::new(values)).unwrap();
    let proof = ContinuationVmProof { per_segment, user_public_values };
    verify_app_proof::<DefaultStarkEngine>(key, &proof).is_ok()
}

fn prove(zkvm: &OpenVm, echo: EchoWord) -> (Proof, Vec<ProveProgress>) {
    let program = zkvm.admit(&echo.elf()).unwrap();
    let mut progress = Vec::new();
    let mut note = |step| {
        progress.push(step);
        ControlFlow::Continue(())
    };
    let proof = zkvm.prove(&program, &word(), 10_000, ProofKind::Segments, &mut note).unwrap();
    (proof, progress)
}

#[test]
fn proofs_by_segments() {
    let zkvm = OpenVm::new().with_segment_memory(1);
    let program = zkvm.admit(&LONG.elf()).unwrap();
    cancelled_before_a_segment_it_stops(&zkvm);
    let (proof, progress) = prove(&zkvm, LONG);
    let instructions = count_instructions(program.engine(), &word().memory_image(), 10_000).unwrap();
    assert_eq!(
        progress[..],
        [
            ProveProgress::Planned { segments: 3, aggregations: 0, instructions },
            ProveProgress::SegmentStarted { index: 0 },
            ProveProgress::SegmentStarted { index: 1 },
            ProveProgress::SegmentStarted { index: 2 },
            ProveProgress::Finished
        ]
    );
    let proven = Proven { zkvm, echo: LONG, program, proof };
    proven.stands_alone();

    let long = Parts::of(&proven.proof);
    let (other, _) = prove(&OpenVm::new(), SHORT);
    let short = Parts::of(&other);
    assert_eq!(short.segments.len(), 1);
    segments_are_one_run(&proven, &long, &short);
    what_segments_expose_cannot_be_changed(&proven, &long);
    counts_are_bounded(&proven, &long);
}

fn cancelled_before_a_segment_it_stops(zkvm: &OpenVm) {
    let program = zkvm.admit(&LONG.elf()).unwrap();
    let mut steps = 0;
    let mut cancel = |step| {
        steps += 1;
        if matches!(step, ProveProgress::SegmentStarted { .. }) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    for kind in [ProofKind::Segments, ProofKind::Aggregated] {
        let refused = zkvm.prove(&program, &word(), 10_000, kind, &mut cancel);
        assert!(matches!(refused, Err(ProveError::Cancelled)), "{refused:?}");
    }
    assert_eq!(steps, 4, "planned, and one segment begun, each");
}

/// Segments swapped, dropped, repeated, or of another run, judged by us and by OpenVM's own verifier.
fn segments_are_one_run(proven: &Proven, long: &Parts, short: &Parts) {
    let key = AppProvingKey::<SdkVmConfig>::keygen(AppConfig::new(vm_config(), system_params()))
        .unwrap()
        .get_app_vk();
    let [first, second, third] = [0, 1, 2].map(|index| long.segments[index].as_slice());
    let alien = short.segments[0].as_slice();
    let forgeries: [(&[&[u8]], &str); 16] = [
        (&[], "it has no segments"),
        (&[first, second], "is_terminate = 0"),
        (&[first, third], "another memory"),
        (&[second, third], "about execution"),
        (&[third], "about execution"),
        (&[first], "is_terminate = 0"),
        (&[second, first, third], "starts at pc"),
        (&[first, third, second], "is_terminate = 1"),
        (&[third, second, first], "is_terminate = 1"),
        (&[first, first, second, third], "starts at pc"),
        (&[first, second, second, third], "another memory"),
        (&[first, second, third, third], "is_terminate = 1"),
        (&[first, second, alien], "other code"),
        (&[first, alien], "other code"),
        (&[alien, second, third], "is_terminate = 1"),
        (&[alien], "not in the final memory"),
    ];
    for (index, (segments, reason)) in forgeries.into_iter().enumerate() {
        let refused = proven.verify(Parts::join(segments, &long.values)).unwrap_err().to_string();
        assert!(refused.contains(reason), "forgery {index}: {refused}, expected {reason}");
        // Where the STARKs are one run, but of another execution, OpenVM's verifier leaves the rest to its caller.
        let theirs = openvm_accepts(&key, segments, &long.values);
        assert_eq!(theirs, refused.contains("about execution"), "forgery {index}: {refused}");
    }
    assert!(openvm_accepts(&key, &[first, second, third], &long.values));
    assert!(openvm_accepts(&key, &[alien], &short.values));
    // A valid proof, of another program that gives the very same outcome.
    let refused = proven.verify(Parts::join(&[alien], &short.values));
    assert!(matches!(refused, Err(VerifyError::WrongExecution { .. })), "{refused:?}");
    // The same outcome at the same place of two memories: the path to it is another.
    assert_ne!(long.values, short.values);
    assert!(proven.verify(Parts::join(&[first, second, third], &short.values)).is_err());
}

/// Exit code, end, pc, memory roots and commitment to the code: all of them are in the transcript.
fn what_segments_expose_cannot_be_changed(proven: &Proven, long: &Parts) {
    let changes: [fn(&mut StarkProof<SC>); 6] = [
        |proof| proof.public_values[1][0] += F::ONE,
        |proof| proof.public_values[1][2] += F::ONE,
        |proof| proof.public_values[1][3] = F::ONE - proof.public_values[1][3],
        |proof| proof.public_values[3][0] += F::ONE,
        |proof| proof.public_values[3][8] += F::ONE,
        |proof| proof.trace_vdata[0].as_mut().unwrap().cached_commitments[0][0] += F::ONE,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        for segment in 0..3 {
            let mut segments = long.segments.clone();
            let mut stark = StarkProof::<SC>::decode_from_bytes(&segments[segment]).unwrap();
            change(&mut stark);
            segments[segment] = stark.encode_to_vec().unwrap();
            let segments: Vec<&[u8]> = segments.iter().map(Vec::as_slice).collect();
            let refused = proven.verify(Parts::join(&segments, &long.values)).unwrap_err().to_string();
            assert!(refused.contains(&format!("STARK {segment}: ")), "change {index}: {refused}");
        }
    }
}

fn counts_are_bounded(proven: &Proven, long: &Parts) {
    let body = &proven.proof.bytes()[HEADER_SIZE_BYTES + 4..];
    for count in [0, 2, 4, u32::MAX] {
        let header = ivm_verifier::codec::header(ProofKind::Segments);
        let bytes = [&header[..], &count.to_le_bytes(), body].concat();
        assert!(matches!(proven.verify(bytes), Err(VerifyError::Malformed(_))), "{count} segments");
    }
    // The values' Merkle proof alone decodes, and shows nothing.
    assert!(matches!(proven.verify(Parts::join(&[], &long.values)), Err(VerifyError::Invalid(_))));
}
