//! Runs without an outcome, and claims that are right or wrong whatever a run leaves in its registers.

use std::ops::ControlFlow;

use alloy_primitives::B256;
use ivm_engine::testing::*;
use ivm_primitives::{JobInput, Outcome};
use ivm_zkvm::{CheckError, ExecuteError, Execution, NoOutcome, OpenVm, ProofKind, ProveError, Zkvm};

use crate::guest::EchoWord;

const CYCLES: u64 = 10_000;

fn word() -> JobInput {
    JobInput::onchain_only(b"word").unwrap()
}

fn no_outcome(result: Result<Execution, ExecuteError>) -> NoOutcome {
    match result {
        Err(ExecuteError::NoOutcome(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn runs_without_an_outcome_are_not_proven() {
    let (zkvm, input) = (OpenVm::new(), word());
    let prove = |words: &[u32], max_cycles| {
        let program = zkvm.admit(&elf(words)).unwrap();
        match zkvm
            .prove(&program, &input, max_cycles, ProofKind::Segments, &mut |_| ControlFlow::Continue(()))
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
    let (zkvm, input) = (OpenVm::new(), word());
    let execute = |status: i32, address: u32, size: u32| {
        let words = [&[addi(10, 0, status)][..], &li(11, address), &li(12, size), &[terminate(0)]].concat();
        no_outcome(zkvm.execute(&zkvm.admit(&elf(&words)).unwrap(), &input, 100))
    };
    let malformed = |status, size_bytes| NoOutcome::Malformed { status, size_bytes };
    assert_eq!(execute(0, 0, 64 * 1024 + 1), malformed(0, 64 * 1024 + 1));
    assert_eq!(execute(1, 0, 1025), malformed(1, 1025));
    assert_eq!(execute(0, (1 << 27) - 1, 2), malformed(0, 2));
    assert_eq!(execute(-1, 0, 0), malformed(u32::MAX, 0));
    assert_eq!(execute(256, 0, 0), malformed(256, 0));
    assert!(matches!(execute(0, 0, 64 * 1024), NoOutcome::HashMismatch { .. }));
}

/// Leaves status 7, which is none, and reveals the hash of a success.
const BAD_REGISTERS: EchoWord = EchoWord { mark: 1, loops: 0, status: 7 };
/// Leaves the status of a panic, and reveals the hash of a success.
const OTHER_STATUS: EchoWord = EchoWord { mark: 1, loops: 0, status: 1 };

#[test]
fn an_outcome_is_right_by_what_is_revealed_alone() {
    let (zkvm, right, wrong) =
        (OpenVm::new(), Outcome::Success(b"word".into()).hash(), Outcome::Panicked(b"word".into()).hash());
    let is_wrong = Err(CheckError::WrongOutcome { got: wrong, expected: right });

    let program = zkvm.admit(&BAD_REGISTERS.elf()).unwrap();
    let not_found = no_outcome(zkvm.execute(&program, &word(), CYCLES));
    assert_eq!(not_found, NoOutcome::Malformed { status: 7, size_bytes: 4 }, "a proposer finds no outcome");
    let cycles = zkvm.check(&program, &word(), CYCLES, right).unwrap();
    assert_eq!(zkvm.check(&program, &word(), CYCLES, wrong), is_wrong);

    let program = zkvm.admit(&OTHER_STATUS.elf()).unwrap();
    let not_found = no_outcome(zkvm.execute(&program, &word(), CYCLES));
    assert_eq!(not_found, NoOutcome::HashMismatch { revealed: right, expected: wrong });
    assert_eq!(zkvm.check(&program, &word(), CYCLES, right), Ok(cycles));
    assert_eq!(
        zkvm.check(&program, &word(), CYCLES, wrong),
        is_wrong,
        "the registers' outcome is not revealed"
    );
}

#[test]
fn what_execution_proposes_checks_and_within_its_cycles_only() {
    let zkvm = OpenVm::new();
    let program = zkvm.admit(&EchoWord { mark: 1, loops: 0, status: 0 }.elf()).unwrap();
    let execution = zkvm.execute(&program, &word(), CYCLES).unwrap();
    let claimed = execution.outcome.hash();
    assert_eq!(zkvm.check(&program, &word(), CYCLES, claimed), Ok(execution.cycles));
    assert_eq!(zkvm.check(&program, &word(), execution.cycles, claimed), Ok(execution.cycles));
    let max_cycles = execution.cycles - 1;
    let out_of_cycles = CheckError::NoOutcome(NoOutcome::OutOfCycles { max_cycles });
    assert_eq!(zkvm.check(&program, &word(), max_cycles, claimed), Err(out_of_cycles));
}

#[test]
fn claims_about_runs_without_an_end_are_wrong() {
    let zkvm = OpenVm::new();
    let check = |words: &[u32]| {
        let program = zkvm.admit(&elf(words)).unwrap();
        zkvm.check(&program, &word(), 10, B256::ZERO)
    };
    let no_outcome = |reason| Err(CheckError::NoOutcome(reason));
    assert_eq!(check(&[terminate(3)]), no_outcome(NoOutcome::ExitCode { exit_code: 3 }));
    assert_eq!(check(&[reveal(5, 0), EBREAK]), no_outcome(NoOutcome::ExitCode { exit_code: 2 }));
    assert_eq!(check(&[jal(0, 0)]), no_outcome(NoOutcome::OutOfCycles { max_cycles: 10 }));
    assert!(matches!(check(&[load(2, 5, 0, 1)]), Err(CheckError::NoOutcome(NoOutcome::Trapped(_)))));
    // Reveals nothing, which is 32 zeros: provable, and no outcome hashes to it.
    assert_eq!(check(&[terminate(0)]), Ok(1));
}
