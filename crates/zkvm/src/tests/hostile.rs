//! Programs that try to have two outcomes for one input. Each has none, or one: the engine's, which is also what
//! OpenVM's metered run and its preflight, the prover's own execution, reveal.

use std::panic::{AssertUnwindSafe, catch_unwind};

use alloy_primitives::B256;
use ivm_engine::testing::*;
use ivm_primitives::JobInput;

use super::{no_input, reference, uncommitted, zkvm};
use crate::{AdmittedProgram, CheckError, NoOutcome, Zkvm};

const SCRATCH: u32 = 0x0020_0000;
const CYCLES: u64 = 10_000;

/// Checks that both executions of OpenVM reveal the one hash that a claim can be right with, and returns it.
fn only_outcome(program: &AdmittedProgram, input: &JobInput) -> B256 {
    let theirs = reference::execute(zkvm(), program, input, (0, 0)).unwrap();
    assert_eq!(theirs.metered, theirs.preflight);
    let revealed = B256::from(theirs.preflight.public_values);
    assert_eq!(zkvm().check(program, input, CYCLES, revealed), Ok(theirs.instructions));
    let mut other = revealed;
    other.0[0] ^= 1;
    let wrong = CheckError::WrongOutcome { got: other, expected: revealed };
    assert_eq!(zkvm().check(program, input, CYCLES, other), Err(wrong));
    revealed
}

/// Checks that no claim about a program is right, and that OpenVM's executions do not end well either.
fn no_outcome(program: &AdmittedProgram) -> NoOutcome {
    let theirs =
        catch_unwind(AssertUnwindSafe(|| reference::execute(zkvm(), program, &no_input(), (0, 0)).is_ok()));
    assert!(!theirs.unwrap_or(false), "OpenVM runs it to its end");
    match zkvm().check(program, &no_input(), CYCLES, B256::ZERO).unwrap_err() {
        CheckError::NoOutcome(reason) => reason,
        other => panic!("{other}"),
    }
}

fn first_word(hash: B256) -> u32 {
    u32::from_le_bytes(*hash.first_chunk().unwrap())
}

#[test]
fn text_that_rewrites_itself_runs_as_it_was() {
    // Overwrites `addi t1, zero, 1` with `addi t1, zero, 2` before it comes to it, and reads it back.
    let target = TEXT_ADDRESS + 4 * 6;
    let words = [
        &li(5, addi(6, 0, 2))[..],
        &li(7, target),
        &[s_type(2, 5, 7, 0), load(2, 8, 7, 0), addi(6, 0, 1), reveal(6, 0), reveal(8, 1), terminate(0)],
    ]
    .concat();
    assert_eq!(words[6], addi(6, 0, 1));
    let revealed = only_outcome(&uncommitted(&words), &no_input());
    assert_eq!(first_word(revealed), 1, "what runs is what was committed to");
    assert_eq!(revealed[4..8], addi(6, 0, 2).to_le_bytes(), "what is read is what was written");
}

#[test]
fn jumps_into_data_end_nowhere() {
    // Code in data: a hint instruction, then a reveal of what it brought.
    let hint = i_type(0x0b, 1, 5, 0, 0);
    for code in [hint, reveal(5, 0), terminate(0)] {
        let words = [
            &li(5, SCRATCH)[..],
            &li(6, code),
            &li(7, terminate(0)),
            &[s_type(2, 6, 5, 0), s_type(2, 7, 5, 4), jalr(0, 5, 0), terminate(0)],
        ]
        .concat();
        assert!(matches!(no_outcome(&uncommitted(&words)), NoOutcome::Trapped(_)));
    }
}

#[test]
fn jumps_into_the_input_end_nowhere() {
    let words = |address| [&li(5, address)[..], &[jalr(0, 5, 8), terminate(0)]].concat();
    let address = uncommitted(&words(0x1234_5678)).engine().input_address;
    let program = uncommitted(&words(address));
    let input = JobInput::onchain_only(terminate(0).to_le_bytes().to_vec()).unwrap();
    let refused = zkvm().check(&program, &input, CYCLES, B256::ZERO);
    assert!(matches!(refused, Err(CheckError::NoOutcome(NoOutcome::Trapped(_)))), "{refused:?}");
    let theirs =
        catch_unwind(AssertUnwindSafe(|| reference::execute(zkvm(), &program, &input, (0, 0)).is_ok()));
    assert!(!theirs.unwrap_or(false));
}

#[test]
fn of_two_values_revealed_the_last_counts() {
    let words = [addi(5, 0, 1), reveal(5, 0), addi(5, 0, 2), reveal(5, 0), terminate(0)];
    assert_eq!(first_word(only_outcome(&uncommitted(&words), &no_input())), 2);
}

#[test]
fn revealing_does_not_survive_another_exit_code() {
    let words = [addi(5, 0, 1), reveal(5, 0), terminate(1)];
    assert_eq!(no_outcome(&uncommitted(&words)), NoOutcome::ExitCode { exit_code: 1 });
    let words = [addi(5, 0, 1), reveal(5, 0), UNIMP, terminate(0)];
    assert_eq!(no_outcome(&uncommitted(&words)), NoOutcome::ExitCode { exit_code: 2 });
}

#[test]
fn memory_that_nobody_wrote_is_zero() {
    // The places a prover could choose, were they not committed to: below the stack, the heap, the end of memory.
    let places = [0, 0x000f_fffc, SCRATCH, 0x0700_0000, (1 << 27) - 4];
    let mut words = vec![addi(6, 0, 0)];
    for place in places {
        words.extend(li(5, place));
        words.extend([load(2, 7, 5, 0), alu(6, 0, 6, 6, 7)]);
    }
    // Registers that nobody wrote are zero as well.
    words.extend((8..32).map(|register| alu(6, 0, 6, 6, register)));
    words.extend([reveal(6, 0), terminate(0)]);
    assert_eq!(only_outcome(&uncommitted(&words), &no_input()), B256::ZERO);
}

#[test]
fn one_id_is_one_place_for_the_input() {
    // The same code and data, but a larger zeroed tail: the input lies elsewhere, so it is another program.
    let file = |memory_size| {
        let mut data = ElfSegment::data(TEXT_ADDRESS + 0x1000, &[1]);
        data.memory_size = memory_size;
        ElfFile::new(TEXT_ADDRESS, vec![ElfSegment::text(TEXT_ADDRESS, &[terminate(0)]), data]).build()
    };
    let [small, large] = [0x10, 0x1000].map(|size| zkvm().admit(&file(size)).unwrap());
    assert_ne!(small.engine().input_address, large.engine().input_address);
    assert_ne!(small.id(), large.id());
}
