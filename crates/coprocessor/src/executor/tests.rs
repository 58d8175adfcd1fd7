#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_primitives::U256;
use ivm_engine::Fault;
use ivm_primitives::{Outcome, OutcomeStatus, limits::MAX_ONCHAIN_INPUT_SIZE_BYTES};

use super::*;

const MANAGER: Address = Address::repeat_byte(1);
const INSTRUCTIONS: u64 = 500;
const PROGRAM: B256 = B256::repeat_byte(7);
const PLENTY: u64 = 10_000_000;
const BLOCK: u64 = 12;

/// A program that takes as many cycles as its input says in its first byte, times a thousand, and gives it back; 254
/// panics and 255 traps at once.
#[derive(Debug, Default)]
struct MockRunner {
    runs: AtomicUsize,
    lost: bool,
}

impl RunProgram for MockRunner {
    fn instructions(&self, program_id: ProgramId, _: B256) -> Result<u64, String> {
        if program_id == PROGRAM { Ok(INSTRUCTIONS) } else { Err("its ELF is not held".into()) }
    }

    fn run(&self, _: &ExecutorCall, input: &JobInput, max_cycles: u64) -> Result<Execution, RunRefusal> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        if self.lost {
            return Err(RunRefusal::Unavailable("the worker broke".into()));
        }
        let first = input.onchain()[0];
        if first == 255 {
            return Err(RunRefusal::NoOutcome(Fault::OutOfBounds { pc: 0, address: 0, size: 0 }.into()));
        }
        let cycles = u64::from(first) * 1000;
        if cycles > max_cycles {
            return Err(RunRefusal::NoOutcome(NoOutcome::OutOfCycles { max_cycles }));
        }
        let bytes = input.onchain().clone();
        let outcome = if first == 254 { Outcome::Panicked(bytes) } else { Outcome::Success(bytes) };
        Ok(Execution { outcome, cycles })
    }
}

fn executor() -> Executor<MockRunner> {
    Executor::new(MANAGER, MockRunner::default())
}

fn asks(input: &[u8], max_cycles: u64) -> ExecutorCall {
    let input = Bytes::copy_from_slice(input);
    ExecutorCall { program_id: PROGRAM, elf_hash: B256::ZERO, max_cycles, input }
}

fn call(
    executor: &Executor<MockRunner>,
    asked: &ExecutorCall,
    gas: u64,
) -> Result<NativeReturn, NativeFault> {
    raw(executor, MANAGER, true, &asked.to_bytes(), gas)
}

fn raw(
    executor: &Executor<MockRunner>,
    caller: Address,
    is_direct: bool,
    input: &[u8],
    gas_limit: u64,
) -> Result<NativeReturn, NativeFault> {
    executor.call(&NativeCall { caller, is_direct, block_number: BLOCK, input, gas_limit })
}

fn gas_of(input: usize, output: usize, cycles: u64) -> u64 {
    RunCosts { instructions: INSTRUCTIONS, input_bytes: input as u64, output_bytes: output as u64 }
        .gas(cycles)
}

fn no_outcome(reason: NoOutcomeReason) -> Bytes {
    JobManager::NoOutcome { programId: PROGRAM, reason: reason as u8 }.abi_encode().into()
}

#[test]
fn a_run_is_answered_and_paid_by_what_it_takes() {
    let executor = executor();
    let answered = call(&executor, &asks(&[3, 9], 5000), PLENTY).unwrap();
    let (status, cycles, output) = <(U256, u64, Bytes)>::abi_decode_params(&answered.output).unwrap();
    assert_eq!((status, cycles, output), (U256::ZERO, 3000, Bytes::from_static(&[3, 9])));
    assert_eq!(answered.gas_used, gas_of(2, 2, 3000));
    // The exact gas suffices, and one less does not.
    assert_eq!(call(&executor, &asks(&[3, 9], 5000), answered.gas_used), Ok(answered.clone()));
    assert_eq!(call(&executor, &asks(&[3, 9], 5000), answered.gas_used - 1), Err(NativeFault::OutOfGas));
    assert_eq!(executor.runner.runs.load(Ordering::Relaxed), 1, "the same run is made once");
}

#[test]
fn a_panic_is_an_outcome() {
    let answered = call(&executor(), &asks(&[254], 1_000_000), PLENTY).unwrap();
    let (status, ..) = <(U256, u64, Bytes)>::abi_decode_params(&answered.output).unwrap();
    assert_eq!(status, U256::from(1));
}

#[test]
fn a_run_without_outcome_reverts_with_its_reason_and_is_paid_for_whole() {
    for (first, reason) in [(255, NoOutcomeReason::Trapped), (9, NoOutcomeReason::OutOfCycles)] {
        let fault = call(&executor(), &asks(&[first], 8000), PLENTY).unwrap_err();
        let expected = NativeFault::Reverted { gas_used: gas_of(1, 0, 8000), output: no_outcome(reason) };
        assert_eq!(fault, expected);
    }
}

#[test]
fn a_limit_on_cycles_means_the_same_for_a_run_that_is_known() {
    let executor = executor();
    call(&executor, &asks(&[9], 9000), PLENTY).unwrap();
    let fault = call(&executor, &asks(&[9], 8999), PLENTY).unwrap_err();
    assert!(
        matches!(fault, NativeFault::Reverted { output, .. } if output == no_outcome(NoOutcomeReason::OutOfCycles))
    );
}

#[test]
fn gas_that_buys_too_few_cycles_is_gone() {
    let executor = executor();
    for gas in [0, REFUSED_CALL_GAS, EXECUTE_BASE_GAS, gas_of(1, 0, 0) - 1, gas_of(1, 0, 8999)] {
        let fault = call(&executor, &asks(&[9], 9000), gas).unwrap_err();
        assert_eq!(fault, NativeFault::OutOfGas, "{gas}");
    }
    // Cycles are paid, and the output is not.
    assert_eq!(call(&executor, &asks(&[9], 9000), gas_of(1, 0, 9000)), Err(NativeFault::OutOfGas));
}

#[test]
fn only_the_job_manager_is_answered_and_only_directly() {
    let executor = executor();
    let input = asks(&[1], 5000).to_bytes();
    for (caller, is_direct) in [(Address::ZERO, true), (MANAGER, false)] {
        let error = errors::NotJobManager { got: caller, expected: MANAGER }.abi_encode().into();
        let fault = raw(&executor, caller, is_direct, &input, PLENTY).unwrap_err();
        assert_eq!(fault, NativeFault::Reverted { gas_used: REFUSED_CALL_GAS, output: error });
    }
    assert_eq!(executor.runner.runs.load(Ordering::Relaxed), 0);
}

#[test]
fn what_does_not_decode_is_refused() {
    let executor = executor();
    let whole = asks(&[1], 5000).to_bytes();
    let malformed: Bytes = errors::CallMalformed {}.abi_encode().into();
    // The last word is one byte and padding, which may be missing.
    for length in 0..=whole.len() - 32 {
        let fault = raw(&executor, MANAGER, true, &whole[..length], PLENTY).unwrap_err();
        assert_eq!(fault, NativeFault::Reverted { gas_used: REFUSED_CALL_GAS, output: malformed.clone() });
    }
}

#[test]
fn what_this_node_lacks_is_no_answer() {
    let unknown = ExecutorCall { program_id: B256::ZERO, ..asks(&[1], 5000) };
    let fault = call(&executor(), &unknown, PLENTY).unwrap_err();
    assert!(matches!(fault, NativeFault::Unavailable(_)), "{fault}");
    let lost = Executor::new(MANAGER, MockRunner { lost: true, ..MockRunner::default() });
    let fault = call(&lost, &asks(&[1], 5000), PLENTY).unwrap_err();
    assert!(matches!(fault, NativeFault::Unavailable(_)), "{fault}");
}

#[test]
fn an_input_over_the_limit_has_no_outcome() {
    let mut input = vec![1; MAX_ONCHAIN_INPUT_SIZE_BYTES];
    assert!(call(&executor(), &asks(&input, 5000), PLENTY).is_ok());
    input.push(1);
    let fault = call(&executor(), &asks(&input, 5000), PLENTY).unwrap_err();
    assert!(
        matches!(fault, NativeFault::Reverted { output, .. } if output == no_outcome(NoOutcomeReason::InputDoesNotFit))
    );
}

#[test]
fn what_is_told_of_a_block_holds_in_that_block_alone() {
    let executor = executor();
    let output_of =
        |answered: NativeReturn| <(U256, u64, Bytes)>::abi_decode_params(&answered.output).unwrap();
    let lie = ToldRun {
        program_id: PROGRAM,
        input_hash: keccak256([3]),
        status: OutcomeStatus::Panicked,
        cycles: 4000,
        output: Bytes::from_static(b"lie"),
    };
    executor.tell(BLOCK + 1, vec![lie.clone()]);
    let truth = (U256::ZERO, 3000, Bytes::from_static(&[3]));
    assert_eq!(output_of(call(&executor, &asks(&[3], 5000), PLENTY).unwrap()), truth);
    executor.tell(BLOCK, vec![lie]);
    let told = (U256::from(1), 4000, Bytes::from_static(b"lie"));
    assert_eq!(output_of(call(&executor, &asks(&[3], 5000), PLENTY).unwrap()), told);
    assert!(call(&executor, &asks(&[3], 3999), PLENTY).is_err(), "it is said to take 4000");
    assert_eq!(executor.truth(&asks(&[3], 5000), 5000).unwrap().cycles, 3000);
    executor.forget_told();
    assert_eq!(output_of(call(&executor, &asks(&[3], 5000), PLENTY).unwrap()), truth);
}
