//! Every fault of the engine, beside what OpenVM's preflight, the prover's own execution, makes of the same program.
//!
//! OpenVM may panic on such a program or read outside its memory, so each case runs in a process of its own.

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    process::Command,
};

use alloy_primitives::B256;
use ivm_engine::{
    Fault, RunEnd, run,
    testing::{TEXT_ADDRESS, *},
};

use super::{admit, no_input, reference, uncommitted, zkvm};
use crate::{
    VerifyError, Zkvm,
    prove::{ProvableRun, prove_segments},
};

const CASE: &str = "IVM_TEST_PROVABLE_SET_CASE";
const ENDED: &str = "the preflight came to the end";
const SPACE: u32 = 1 << 27;
const DATA: u32 = 0x0020_0000;

struct Case {
    name: &'static str,
    /// Base in `x5`, something in `x6` and `x7`.
    base: u32,
    word: u32,
    fault: fn(pc: u32) -> Fault,
}

macro_rules! case {
    ($name:literal, $base:expr, $word:expr, |$pc:ident| $fault:expr) => {
        Case { name: $name, base: $base, word: $word, fault: |$pc| $fault }
    };
}

fn unaligned(pc: u32, address: u32, size: u32) -> Fault {
    Fault::UnalignedAccess { pc, address, size }
}

fn outside(pc: u32, address: u32, size: u32) -> Fault {
    Fault::OutOfBounds { pc, address, size }
}

fn cases() -> Vec<Case> {
    vec![
        case!("lw, 1 off", DATA, load(2, 8, 5, 1), |pc| unaligned(pc, DATA + 1, 4)),
        case!("lw, 2 off", DATA, load(2, 8, 5, 2), |pc| unaligned(pc, DATA + 2, 4)),
        case!("lh, 1 off", DATA, load(1, 8, 5, 1), |pc| unaligned(pc, DATA + 1, 2)),
        case!("lhu, 3 off", DATA, load(5, 8, 5, 3), |pc| unaligned(pc, DATA + 3, 2)),
        case!("sw, 2 off", DATA, s_type(2, 6, 5, 2), |pc| unaligned(pc, DATA + 2, 4)),
        case!("sh, 1 off", DATA, s_type(1, 6, 5, 1), |pc| unaligned(pc, DATA + 1, 2)),
        case!("lw past the space", SPACE, load(2, 8, 5, 0), |pc| outside(pc, SPACE, 4)),
        case!("lb past the space", SPACE, load(0, 8, 5, 0), |pc| outside(pc, SPACE, 1)),
        case!("lbu at the last address", 0, load(4, 8, 5, -1), |pc| outside(pc, u32::MAX, 1)),
        case!("sw past the space", SPACE, s_type(2, 6, 5, 0), |pc| outside(pc, SPACE, 4)),
        case!("sb past the space", SPACE, s_type(0, 6, 5, 0), |pc| outside(pc, SPACE, 1)),
        case!("sw wrapping below zero", 0, s_type(2, 6, 5, -4), |pc| outside(pc, u32::MAX - 3, 4)),
        case!("jump before the text", TEXT_ADDRESS, jalr(0, 5, -4), |_pc| Fault::BadJump {
            pc: TEXT_ADDRESS - 4
        }),
        // Half an instruction past the jump: were the place rounded down, the program would end well.
        case!("jump between instructions", TEXT_ADDRESS, jalr(0, 5, 30), |pc| Fault::BadJump { pc: pc + 6 }),
        case!("jump far away", 0x7000_0000, jalr(0, 5, 0), |_pc| Fault::BadJump { pc: 0x7000_0000 }),
        case!("branch before the text", 0, b_type(0, 0, 0, -64), |pc| Fault::BadJump { pc: pc - 64 }),
        case!("keccakf, 2 off", DATA + 2, custom(0, 5, 0, 0), |pc| unaligned(pc, DATA + 2, 200)),
        case!("keccakf over the end", SPACE - 196, custom(0, 5, 0, 0), |pc| outside(pc, SPACE - 196, 200)),
        case!("xorin of 6 bytes", 6, custom(1, 7, 7, 5), |pc| Fault::XorinLength { pc, length: 6 }),
        case!("xorin of 140 bytes", 140, custom(1, 7, 7, 5), |pc| Fault::XorinLength { pc, length: 140 }),
        case!("sha-256, 1 off", DATA + 1, custom(2, 5, 7, 7), |pc| unaligned(pc, DATA + 1, 32)),
        case!("sha-256 over the end", SPACE - 28, custom(2, 5, 7, 7), |pc| outside(pc, SPACE - 28, 32)),
        case!("sha-512, 2 off", DATA + 2, custom(3, 7, 7, 5), |pc| unaligned(pc, DATA + 2, 128)),
    ]
}

impl Case {
    /// The faulting instruction, then an end that would be an outcome.
    fn words(&self) -> Vec<u32> {
        let setup = [li(5, self.base), li(6, 0x8182_8384), li(7, DATA + 0x400)].concat();
        [&setup[..], &[self.word, terminate(0)]].concat()
    }
}

#[track_caller]
fn assert_faults(case: &Case) {
    let words = case.words();
    let ours = run(uncommitted(&words).engine(), &no_input().memory_image(), 1000).unwrap();
    let pc = TEXT_ADDRESS + 4 * (words.len() as u32 - 2);
    assert_eq!(ours.end, RunEnd::Faulted((case.fault)(pc)), "{}", case.name);
}

/// Whether OpenVM's executions of a case, or of a program without fault, come to the end.
fn ends_there(case: &str) -> bool {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["tests::provable_set::preflight_of_one_case", "--exact", "--nocapture"])
        .env(CASE, case)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains("running 1 test"), "{printed}");
    printed.contains(ENDED)
}

/// A prover that takes OpenVM's word for a run gets no proof of it, or one that nobody accepts.
#[track_caller]
fn assert_unprovable(case: &Case) {
    let words = case.words();
    let program = admit(&words);
    let instructions = words.len() as u64;
    let run = ProvableRun { program: &program, input_image: &no_input().memory_image(), instructions };
    let proof = catch_unwind(AssertUnwindSafe(|| {
        prove_segments(zkvm().machine().unwrap(), &run, &mut |_| ControlFlow::Continue(()))
    }));
    if let Ok(Ok(proof)) = proof {
        let refused = zkvm().verify(&program, &no_input(), B256::ZERO, &proof);
        assert!(matches!(refused, Err(VerifyError::Invalid(_))), "{}: {refused:?}", case.name);
    }
}

#[test]
fn what_faults_here_has_no_end_there_or_no_proof() {
    let mut unprovable = Vec::new();
    for (index, case) in cases().iter().enumerate() {
        assert_faults(case);
        if ends_there(&index.to_string()) {
            assert_unprovable(case);
            unprovable.push(case.name);
        }
    }
    eprintln!("OpenVM runs these, and cannot prove them: {unprovable:?}");
    assert!(unprovable.contains(&"jump between instructions"), "the way to find out works");
    assert!(ends_there("none"));
}

/// The child's part; nothing by itself.
#[test]
fn preflight_of_one_case() {
    let Ok(case) = std::env::var(CASE) else { return };
    let cases = cases();
    let words = match case.parse::<usize>() {
        Ok(index) => cases[index].words(),
        Err(_) => vec![addi(5, 0, 1), terminate(0)],
    };
    if reference::execute(zkvm(), &uncommitted(&words), &no_input(), (0, 0)).is_ok() {
        println!("{ENDED}");
    }
}
