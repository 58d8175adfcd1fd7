//! Moves a ledger that the chain knows by its hash alone: a step of a `StatefulConsumer`.
//!
//! The state is the offchain input, balances of eight bytes each, big-endian; its keccak256 is the state root. The onchain
//! input is `abi.encode(bytes32 stateRoot, bytes abi.encode(uint256 account, uint256 amount))`: so much is added to the
//! account's balance. The output is `abi.encode(bytes32 newStateRoot, bytes abi.encode(uint256 newBalance))`.

#![cfg_attr(target_os = "zkvm", no_main)]

use ivm_guest::alloy_primitives::{B256, Bytes, U256};
use ivm_guest::alloy_sol_types::SolValue;
use ivm_guest::{keccak256, offchain_input, onchain_input, output};

ivm_guest::entry!(run);

/// Bytes of a balance.
const BALANCE_SIZE_BYTES: usize = 8;

fn run() {
    match step(&onchain_input(), offchain_input().into()) {
        Ok(encoded) => output(encoded),
        Err(fault) => panic!("{fault}"),
    }
}

fn step(onchain: &[u8], mut state: Vec<u8>) -> Result<Vec<u8>, String> {
    let (root, change) =
        <(B256, Bytes)>::abi_decode_params_validate(onchain).map_err(|error| format!("input: {error}"))?;
    let (account, amount) =
        <(U256, U256)>::abi_decode_params_validate(&change).map_err(|error| format!("change: {error}"))?;
    let got = keccak256(&state);
    if got != root {
        return Err(format!("the state hashes to {got}, the root is {root}"));
    }
    let accounts = state.len() / BALANCE_SIZE_BYTES;
    let index = usize::try_from(account).ok().filter(|index| *index < accounts);
    let index = index.ok_or_else(|| format!("account {account}, there are {accounts}"))?;
    let (balances, _) = state.as_chunks_mut::<BALANCE_SIZE_BYTES>();
    let balance =
        u64::try_from(amount).ok().and_then(|amount| amount.checked_add(u64::from_be_bytes(balances[index])));
    let balance = balance.ok_or_else(|| format!("balance of account {account} overflows"))?;
    balances[index] = balance.to_be_bytes();
    let new_balance = Bytes::from(U256::from(balance).abi_encode());
    Ok((keccak256(&state), new_balance).abi_encode_params())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(root: B256, account: u64, amount: U256) -> Vec<u8> {
        let change = (U256::from(account), amount).abi_encode_params();
        (root, Bytes::from(change)).abi_encode_params()
    }

    #[test]
    fn a_balance_moves_and_the_root_with_it() {
        let state = vec![0; 24];
        let encoded =
            step(&input(keccak256(&state), 1, U256::from(7)), state).expect("it is as it should be");
        let (root, balance) =
            <(B256, Bytes)>::abi_decode_params_validate(&encoded).expect("it is what the consumer decodes");
        let mut moved = [0; 24];
        moved[15] = 7;
        assert_eq!((root, balance), (keccak256(moved), U256::from(7).abi_encode().into()));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let state = vec![0xff; 20];
        let root = keccak256(&state);
        let refused = |onchain: &[u8]| step(onchain, state.clone()).expect_err("it is refused");
        assert!(refused(&input(B256::ZERO, 1, U256::ONE)).starts_with("the state hashes to"));
        assert_eq!(refused(&input(root, 2, U256::ONE)), "account 2, there are 2");
        assert_eq!(refused(&input(root, 1, U256::ONE)), "balance of account 1 overflows");
        assert_eq!(refused(&input(root, 1, U256::MAX)), "balance of account 1 overflows");
        assert!(refused(&[0; 31]).starts_with("input:"));
        assert!(refused(&(root, Bytes::from_static(&[1; 63])).abi_encode_params()).starts_with("change:"));
    }
}
