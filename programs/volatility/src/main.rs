//! The program: prices in, `abi.encode(volatility, observations)` out. See the library.

#![cfg_attr(target_os = "zkvm", no_main)]

use ivm_guest::{abi_output, alloy_primitives::U256, onchain_input};
use volatility::realised_volatility_e18;

ivm_guest::entry!(run);

fn run() {
    let input = onchain_input();
    assert!(input.len().is_multiple_of(4), "input is {} bytes, expected whole 4-byte prices", input.len());
    let prices = input.as_chunks::<4>().0.iter().map(|price| u32::from_be_bytes(*price));
    let (volatility_e18, observations) = realised_volatility_e18(prices);
    abi_output(&(U256::from(volatility_e18), observations));
}

#[cfg(test)]
mod tests {
    use ivm_guest::{JobInput, Outcome, alloy_primitives::U256, alloy_sol_types::SolValue, native};

    fn outcome_of(input: &[u8]) -> Outcome {
        native::run(super::run, JobInput::onchain_only(input.to_vec()).expect("small input"))
    }

    #[test]
    fn prices_come_packed_and_the_figure_leaves_as_abi() {
        let flat = [500_u32; 4].map(u32::to_be_bytes).concat();
        assert_eq!(outcome_of(&flat), Outcome::Success((U256::ZERO, 3_u64).abi_encode().into()));
    }

    #[test]
    fn bad_series_panic() {
        assert_eq!(
            outcome_of(b"abc"),
            Outcome::Panicked(b"input is 3 bytes, expected whole 4-byte prices".into())
        );
        assert_eq!(outcome_of(&[0; 8]), Outcome::Panicked(b"2 prices given, at least 3 are needed".into()));
        assert_eq!(outcome_of(&[0; 12]), Outcome::Panicked(b"a price is zero".into()));
    }
}
