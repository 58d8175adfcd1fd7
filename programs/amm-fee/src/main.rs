//! The program: pool, history and tiers in, `abi.encode(uint256 feeMillionths)` out. See the library.

#![cfg_attr(target_os = "zkvm", no_main)]

use amm_fee::fee_of_input;
use ivm_guest::{onchain_input, output};

ivm_guest::entry!(run);

fn run() {
    match fee_of_input(&onchain_input()) {
        Ok(fee_millionths) => {
            let mut word = [0; 32];
            word[28..].copy_from_slice(&fee_millionths.to_be_bytes());
            output(word);
        }
        Err(fault) => panic!("{fault}"),
    }
}

#[cfg(test)]
mod tests {
    use ivm_guest::{JobInput, Outcome, native};

    fn outcome_of(input: &[u8]) -> Outcome {
        native::run(super::run, JobInput::onchain_only(input.to_vec()).expect("small input"))
    }

    #[test]
    fn what_is_wrong_with_an_input_is_the_outcome() {
        assert_eq!(
            outcome_of(&[0; 40]),
            Outcome::Panicked(b"input ends after 40 bytes, the pool needs 20 from byte 32 on".into())
        );
    }
}
