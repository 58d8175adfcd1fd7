//! Mean of numbers: `abi.encode(uint256[] numbers)` in, `abi.encode(uint256 mean)` out, rounded down.
//!
//! `{{contract}}Consumer` in `contracts/` asks for it and takes the result.

#![cfg_attr(target_os = "zkvm", no_main)]

use ivm_guest::{abi_output, alloy_primitives::U256, onchain_abi_input};

ivm_guest::entry!(run);

fn run() {
    abi_output(&mean(&onchain_abi_input::<Vec<U256>>()));
}

/// A panic is an outcome too: the consumer gets its message.
fn mean(numbers: &[U256]) -> U256 {
    assert!(!numbers.is_empty(), "no numbers given, at least 1 is needed");
    let sum = numbers.iter().try_fold(U256::ZERO, |sum, number| sum.checked_add(*number));
    let Some(sum) = sum else { panic!("the sum is over 256 bits") };
    sum / U256::from(numbers.len())
}

#[cfg(test)]
mod tests {
    use ivm_guest::{JobInput, Outcome, alloy_primitives::U256, alloy_sol_types::SolValue, native};

    fn outcome_of(numbers: &[U256]) -> Outcome {
        let input = JobInput::onchain_only(numbers.to_vec().abi_encode()).expect("input within its limit");
        native::run(super::run, input)
    }

    #[test]
    fn gives_the_mean() {
        let numbers = [10_u64, 20, 31].map(U256::from);
        assert_eq!(outcome_of(&numbers), Outcome::Success(U256::from(20).abi_encode().into()));
    }

    #[test]
    fn panics_without_numbers() {
        let message = b"no numbers given, at least 1 is needed";
        assert_eq!(outcome_of(&[]), Outcome::Panicked(message.into()));
    }

    #[test]
    fn panics_when_the_sum_overflows() {
        let message = b"the sum is over 256 bits";
        assert_eq!(outcome_of(&[U256::MAX, U256::ONE]), Outcome::Panicked(message.into()));
    }
}
