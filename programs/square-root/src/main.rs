//! Integer square root: `abi.encode(uint256 n)` in, `abi.encode(uint256 floor(sqrt(n)))` out.

#![cfg_attr(target_os = "zkvm", no_main)]

use ivm_guest::{abi_output, alloy_primitives::U256, onchain_abi_input};

ivm_guest::entry!(run);

fn run() {
    abi_output(&floor_square_root(onchain_abi_input()));
}

/// Newton's method from above: the estimates fall until they reach the root.
fn floor_square_root(n: U256) -> U256 {
    if n.is_zero() {
        return n;
    }
    let mut estimate = U256::ONE << n.bit_len().div_ceil(2);
    loop {
        let next = (estimate + n / estimate) >> 1;
        if next >= estimate {
            return estimate;
        }
        estimate = next;
    }
}

#[cfg(test)]
mod tests {
    use super::floor_square_root;
    use ivm_guest::{JobInput, Outcome, alloy_primitives::U256, alloy_sol_types::SolValue, native};

    #[test]
    fn is_exact_around_perfect_squares() {
        for root in [1_u64, 2, 3, 255, 65_535, 65_536, u64::MAX] {
            let root = U256::from(root);
            let square = root * root;
            assert_eq!(floor_square_root(square), root);
            assert_eq!(floor_square_root(square - U256::ONE), root - U256::ONE);
            assert_eq!(floor_square_root(square + U256::ONE), root);
        }
        assert_eq!(floor_square_root(U256::ZERO), U256::ZERO);
        assert_eq!(floor_square_root(U256::MAX), U256::from(u128::MAX));
    }

    #[test]
    fn speaks_abi() {
        let input = JobInput::onchain_only(U256::from(150).abi_encode()).expect("small input");
        assert_eq!(native::run(super::run, input), Outcome::Success(U256::from(12).abi_encode().into()));
    }

    #[test]
    fn panics_on_an_input_that_is_not_a_number() {
        let input = JobInput::onchain_only(b"nine").expect("small input");
        assert!(matches!(native::run(super::run, input), Outcome::Panicked(_)));
    }
}
