//! What a proof shows and what it does not: one real proof, held against everything it must not verify for.

#![allow(clippy::unwrap_used)]

use std::{ops::ControlFlow, sync::OnceLock};

use alloy_primitives::B256;
use ivm_engine::{Program, testing::*};
use ivm_primitives::{JobInput, Outcome};
use ivm_zkvm::{
    AdmittedProgram, MAX_PROOF_SIZE_BYTES, NoOutcome, OpenVm, Proof, ProofKind, ProveError, ProveProgress,
    VerifyError, Zkvm, config::VM_CONFIG_ID,
};

const BLOCK: u32 = 0x0020_0000;
const STATE: u32 = 0x0020_0100;
const HEADER_SIZE_BYTES: usize = 1 + VM_CONFIG_ID.len();

/// A program that gives the first word of its onchain input back. On the way it uses the circuits of every kind of
/// instruction, so that the proof shows that they all can be proven.
fn words(input_address: u32, mark: i32) -> Vec<u32> {
    let mut words = Vec::new();
    words.extend(li(5, BLOCK));
    words.extend(li(6, STATE));
    words.extend(li(7, input_address));
    words.push(load(2, 8, 7, 8));
    // Every register, immediate, multiply and divide instruction once, then loads and stores of every width.
    for funct3 in 0..8 {
        words.extend([alu(funct3, 0, 9, 8, 7), alu(funct3, 1, 9, 9, 8)]);
    }
    words.extend([alu(0, 0x20, 9, 9, 7), alu(5, 0x20, 9, 9, 7)]);
    words.extend([0, 2, 3, 4, 6, 7].map(|funct3| alui(funct3, 9, 8, mark)));
    words.extend([
        alui(1, 9, 9, 3),
        alui(5, 9, 9, 3),
        alui(5, 9, 9, 3 | 0x400),
        lui(9, 0x1234_5000),
        auipc(9, 0x1000),
    ]);
    words.extend([s_type(2, 9, 6, 512), s_type(1, 9, 6, 518), s_type(0, 9, 6, 521)]);
    words.extend(
        [(0, 521), (1, 518), (2, 512), (4, 523), (5, 516)].map(|(funct3, at)| load(funct3, 9, 6, at)),
    );
    words.push(load(2, 0, 6, 512));
    for funct3 in [0, 1, 4, 5, 6, 7] {
        words.extend([b_type(funct3, 8, 7, 8), 0x0ff0_000f]);
    }
    words.extend([jal(1, 8), addi(9, 0, 1), auipc(1, 0), jalr(2, 1, 9), addi(9, 0, 1)]);
    words.extend([
        addi(9, 6, 1024),
        addi(10, 6, 1536),
        custom(2, 9, 9, 10),
        custom(3, 9, 9, 10),
        custom(1, 9, 10, 0),
    ]);
    // The block to hash: status 0, the word, and keccak's padding.
    for byte in 0..4 {
        words.extend([alui(5, 9, 8, 8 * byte), s_type(0, 9, 5, 1 + byte)]);
    }
    words.extend([
        addi(9, 0, 1),
        s_type(0, 9, 5, 5),
        addi(9, 0, 0x80),
        s_type(0, 9, 5, 135),
        addi(9, 0, 136),
    ]);
    words.extend([custom(1, 6, 5, 9), custom(0, 6, 0, 0)]);
    for index in 0..8 {
        words.extend([load(2, 9, 6, 4 * index), reveal(9, index as u32)]);
    }
    // Status, address and size of the outcome's bytes.
    words.extend([addi(10, 0, 0), addi(11, 5, 1), addi(12, 0, 4), terminate(0)]);
    words
}

fn file(mark: i32) -> Vec<u8> {
    // The input's address depends on the size of the text only.
    let address = Program::from_elf(&elf(&words(0x1234_5678, mark))).unwrap().input_address;
    elf(&words(address, mark))
}

struct Proven {
    zkvm: OpenVm,
    program: AdmittedProgram,
    input: JobInput,
    outcome: Outcome,
    proof: Proof,
    progress: Vec<ProveProgress>,
    cycles: u64,
}

fn input(bytes: &'static [u8]) -> JobInput {
    JobInput::onchain_only(bytes).unwrap()
}

/// The one proof all tests share.
fn proven() -> &'static Proven {
    static PROVEN: OnceLock<Proven> = OnceLock::new();
    PROVEN.get_or_init(|| {
        let zkvm = OpenVm::new();
        let program = zkvm.admit(&file(1)).unwrap();
        let input = input(b"word");
        let execution = zkvm.execute(&program, &input, 10_000).unwrap();
        let mut progress = Vec::new();
        let proof = zkvm
            .prove(&program, &input, 10_000, ProofKind::Segments, &mut |step| {
                progress.push(step);
                ControlFlow::Continue(())
            })
            .unwrap();
        Proven { zkvm, program, input, outcome: execution.outcome, proof, progress, cycles: execution.cycles }
    })
}

fn verify_bytes(bytes: Vec<u8>) -> Result<(), VerifyError> {
    let Proven { zkvm, program, input, outcome, .. } = proven();
    zkvm.verify(program, input, outcome.hash(), &Proof::from_bytes(bytes.into()))
}

#[test]
fn a_proof_verifies_for_what_it_shows() {
    let Proven { zkvm, program, input, outcome, proof, progress, cycles } = proven();
    assert_eq!(*outcome, Outcome::Success(b"word".into()));
    assert_eq!(zkvm.verify(program, input, outcome.hash(), proof), Ok(()));
    assert_eq!(
        progress[..],
        [
            ProveProgress::Planned { segments: 1, aggregations: 0, instructions: *cycles },
            ProveProgress::SegmentStarted { index: 0 },
            ProveProgress::Finished
        ]
    );
    // Another node, with keys of its own.
    let other = OpenVm::new();
    let program = other.admit(&file(1)).unwrap();
    assert_eq!(other.verify(&program, input, outcome.hash(), proof), Ok(()));
}

#[test]
fn not_for_another_input() {
    let Proven { zkvm, program, outcome, proof, .. } = proven();
    let longer = JobInput::new(b"word".into(), b"\0".into()).unwrap();
    let moved = JobInput::new("".into(), b"word".into()).unwrap();
    // The second gives the very same outcome: the proof still says nothing about it.
    for other in [input(b"wore"), input(b"word and more"), longer, moved, JobInput::default()] {
        let refused = zkvm.verify(program, &other, outcome.hash(), proof);
        assert!(matches!(refused, Err(VerifyError::WrongExecution { .. })), "{refused:?}");
    }
}

#[test]
fn not_for_another_program() {
    let Proven { zkvm, input, outcome, proof, .. } = proven();
    // Does the same, but for one unused constant.
    let other = zkvm.admit(&file(2)).unwrap();
    assert_eq!(zkvm.execute(&other, input, 10_000).unwrap().outcome, *outcome);
    let refused = zkvm.verify(&other, input, outcome.hash(), proof);
    assert!(matches!(refused, Err(VerifyError::WrongExecution { .. })), "{refused:?}");
}

#[test]
fn not_for_another_outcome() {
    let Proven { zkvm, program, input, outcome, proof, .. } = proven();
    for other in [Outcome::Success(b"wore".into()), Outcome::Panicked(b"word".into())] {
        let expected = VerifyError::WrongOutcome { got: outcome.hash(), expected: other.hash() };
        assert_eq!(zkvm.verify(program, input, other.hash(), proof), Err(expected));
    }
    assert!(zkvm.verify(program, input, B256::ZERO, proof).is_err());
}

#[test]
fn flipped_bits_are_refused() {
    let good = proven().proof.bytes().to_vec();
    let spread = (0..40).map(|step| step * good.len() / 40 + step);
    let start = 0..HEADER_SIZE_BYTES + 60;
    let end = good.len() - 60..good.len();
    for at in spread.chain(start.step_by(3)).chain(end.step_by(7)) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        let refused = verify_bytes(bytes);
        assert!(refused.is_err(), "byte {at} of {}", good.len());
    }
}

#[test]
fn cut_and_extended_proofs_do_not_decode() {
    let good = proven().proof.bytes().to_vec();
    for size in [
        0,
        1,
        HEADER_SIZE_BYTES - 1,
        HEADER_SIZE_BYTES,
        HEADER_SIZE_BYTES + 4,
        good.len() / 2,
        good.len() - 1,
    ] {
        let refused = verify_bytes(good[..size].to_vec());
        assert!(
            matches!(refused, Err(VerifyError::Malformed(_) | VerifyError::WrongVm { .. })),
            "{size}: {refused:?}"
        );
    }
    let refused = verify_bytes([&good[..], &[0]].concat());
    assert_eq!(refused, Err(VerifyError::Malformed("1 bytes after the end".into())));
}

#[test]
fn segments_cannot_be_dropped_or_repeated() {
    let good = proven().proof.bytes().to_vec();
    let with_count =
        |count: u32, rest: &[u8]| [&good[..HEADER_SIZE_BYTES], &count.to_le_bytes(), rest].concat();
    let body = &good[HEADER_SIZE_BYTES + 4..];
    for bytes in [with_count(0, body), with_count(2, body), with_count(u32::MAX, body)] {
        assert!(matches!(verify_bytes(bytes), Err(VerifyError::Malformed(_))));
    }
    // The values' Merkle proof alone: decodes, shows nothing.
    let values_size = 4 + 4 + 32 * 4 + 32;
    for tail_digests in 0..40 {
        let from = good.len() - values_size - 32 * tail_digests;
        assert!(verify_bytes(with_count(0, &good[from..])).is_err());
    }
}

#[test]
fn proofs_of_another_vm_are_named() {
    let good = proven().proof.bytes().to_vec();
    let id = b"ivm-openvm-9";
    let bytes = [&[id.len() as u8], &id[..], &good[HEADER_SIZE_BYTES..]].concat();
    assert_eq!(verify_bytes(bytes), Err(VerifyError::WrongVm { got: "ivm-openvm-9".into() }));
}

#[test]
fn oversized_proofs_are_refused_unread() {
    let got = MAX_PROOF_SIZE_BYTES + 1;
    assert_eq!(verify_bytes(vec![0; got]), Err(VerifyError::TooLarge { got }));
}

#[test]
fn hostile_lengths_cost_nothing() {
    let good = proven().proof.bytes().to_vec();
    // Every aligned word near the start could be a length: make each the largest, in turn.
    for at in (HEADER_SIZE_BYTES + 4..HEADER_SIZE_BYTES + 600).step_by(4) {
        let mut bytes = good.clone();
        bytes[at..at + 4].fill(0xff);
        assert!(verify_bytes(bytes).is_err(), "{at}");
    }
}

#[test]
fn runs_without_an_outcome_are_not_proven() {
    let Proven { zkvm, input, .. } = proven();
    let prove = |words: &[u32], max_cycles| {
        let program = zkvm.admit(&elf(words)).unwrap();
        match zkvm
            .prove(&program, input, max_cycles, ProofKind::Segments, &mut |_| ControlFlow::Continue(()))
            .unwrap_err()
        {
            ProveError::NoOutcome(error) => error,
            other => panic!("{other}"),
        }
    };
    assert_eq!(prove(&[UNIMP], 10), NoOutcome::ExitCode { exit_code: 2 });
    assert_eq!(prove(&[terminate(1)], 10), NoOutcome::ExitCode { exit_code: 1 });
    assert_eq!(prove(&[jal(0, 0)], 10), NoOutcome::OutOfCycles { max_cycles: 10 });
    assert!(matches!(prove(&[load(2, 5, 0, 1)], 10), NoOutcome::Trapped(_)));
}

#[test]
fn outcomes_have_limits() {
    let Proven { zkvm, input, .. } = proven();
    let execute = |status: i32, address: u32, size: u32| {
        let words = [&[addi(10, 0, status)][..], &li(11, address), &li(12, size), &[terminate(0)]].concat();
        zkvm.execute(&zkvm.admit(&elf(&words)).unwrap(), input, 100).unwrap_err()
    };
    let malformed = |status, size_bytes| NoOutcome::Malformed { status, size_bytes };
    assert_eq!(execute(0, 0, 64 * 1024 + 1), malformed(0, 64 * 1024 + 1));
    assert_eq!(execute(1, 0, 1025), malformed(1, 1025));
    assert_eq!(execute(0, (1 << 27) - 1, 2), malformed(0, 2));
    assert_eq!(execute(-1, 0, 0), malformed(u32::MAX, 0));
    assert_eq!(execute(256, 0, 0), malformed(256, 0));
    assert!(matches!(execute(0, 0, 64 * 1024), NoOutcome::HashMismatch { .. }));
}
