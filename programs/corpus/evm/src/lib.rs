//! A published EVM, as a guest: `revm`, which deploys a token and executes a transaction, on a state in memory.
//!
//! Input: the address the transaction goes to (20 bytes), which is [`TOKEN`] or a precompiled contract, say, then its
//! calldata. Output: the transaction's status (one byte), its gas and the deployment's (8 bytes each), the sender's
//! balance (32 bytes), the returned bytes, and the logs, each with address, topics and data. Numbers are big-endian,
//! lists and bytes start with their length in 4 bytes.

#![deny(missing_docs)]

use revm::{
    Context, DatabaseRef, ExecuteCommitEvm, MainBuilder, MainContext,
    context::{TxEnv, result::ExecutionResult},
    database::{CacheDB, EmptyDB},
    primitives::{Bytes, Log, TxKind, address, hardfork::SpecId},
    state::AccountInfo,
};

pub use revm::primitives::{Address, U256};

/// Who deploys the token, has all of it, and sends the transaction.
pub const SENDER: Address = address!("0x1000000000000000000000000000000000000001");
/// Where the token is: the address of what the sender deploys first.
pub const TOKEN: Address = address!("0x5dddfce53ee040d9eb21afbc0ae1bb4dbb0ba643");

/// OpenZeppelin's ERC-20, of `Token.sol`: solc 0.8.37, by IR, optimised for 200 runs, for Prague, without metadata.
const TOKEN_CREATION_CODE: &[u8] = include_bytes!("token.bin");

const ADDRESS_SIZE_BYTES: usize = 20;
const GAS_LIMIT: u64 = 5_000_000;
const GAS_PRICE_WEI: u128 = 1_000_000_007;
const SENDER_BALANCE_WEI: u128 = 1_000_000_000_000_000_000;

/// Executes the transaction.
///
/// # Panics
/// When the input has no address; or when the transaction is invalid, as one with more calldata than its gas pays.
pub fn run(input: &[u8]) -> Vec<u8> {
    let Some((to, calldata)) = input.split_first_chunk::<ADDRESS_SIZE_BYTES>() else {
        panic!("input is {} bytes, expected an address of {ADDRESS_SIZE_BYTES} and calldata", input.len())
    };
    let mut state = CacheDB::<EmptyDB>::default();
    state.insert_account_info(SENDER, AccountInfo::from_balance(U256::from(SENDER_BALANCE_WEI)));
    let mut evm = Context::mainnet()
        .with_db(&mut state)
        .modify_cfg_chained(|cfg| cfg.set_spec_and_mainnet_gas_params(SpecId::PRAGUE))
        .build_mainnet();
    let mut execute = |nonce, kind, data: Bytes| {
        let transaction = TxEnv::builder()
            .caller(SENDER)
            .nonce(nonce)
            .kind(kind)
            .data(data)
            .gas_limit(GAS_LIMIT)
            .gas_price(GAS_PRICE_WEI)
            .build_fill();
        match evm.transact_commit(transaction) {
            Ok(result) => result,
            Err(error) => panic!("transaction {nonce} is invalid: {error}"),
        }
    };
    let deployed = execute(0, TxKind::Create, Bytes::from_static(TOKEN_CREATION_CODE));
    assert!(deployed.is_success(), "the token was not deployed: {deployed:?}");
    assert_eq!(deployed.created_address(), Some(TOKEN), "the token is elsewhere");
    let called = execute(1, TxKind::Call(Address::from(to)), Bytes::copy_from_slice(calldata));
    encode(&called, &deployed, balance(&state))
}

fn balance(state: &CacheDB<EmptyDB>) -> U256 {
    match state.basic_ref(SENDER) {
        Ok(account) => account.unwrap_or_default().balance,
        Err(never) => match never {},
    }
}

fn encode(called: &ExecutionResult, deployed: &ExecutionResult, balance: U256) -> Vec<u8> {
    fn bytes(output: &mut Vec<u8>, bytes: &[u8]) {
        output.extend((bytes.len() as u32).to_be_bytes());
        output.extend(bytes);
    }
    let mut output = vec![u8::from(called.is_success())];
    output.extend(called.tx_gas_used().to_be_bytes());
    output.extend(deployed.tx_gas_used().to_be_bytes());
    output.extend(balance.to_be_bytes::<32>());
    bytes(&mut output, called.output().map_or(&[], |output| output));
    output.extend((called.logs().len() as u32).to_be_bytes());
    for Log { address, data } in called.logs() {
        output.extend(address);
        output.extend((data.topics().len() as u32).to_be_bytes());
        data.topics().iter().for_each(|topic| output.extend(topic));
        bytes(&mut output, &data.data);
    }
    output
}

/// The input of `transfer(to, amount)` of the token.
pub fn transfer(to: Address, amount: U256) -> Vec<u8> {
    const SELECTOR: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
    call(TOKEN, &[&SELECTOR[..], &to.into_word()[..], &amount.to_be_bytes::<32>()].concat())
}

/// Precompiled contracts: name, last byte of the address, input and output, in hex.
///
/// `ecrecover` is of the vectors of the yellow paper's tests, `sha256` and `ripemd160` are of "abc", `modexp` is 3^5 mod
/// 7, the additions and multiplications on curves double a generator.
pub const PRECOMPILES: &[(&str, u8, &str, &str)] = &[
    (
        "ecrecover",
        1,
        "18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c\
         000000000000000000000000000000000000000000000000000000000000001c\
         73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f\
         eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549",
        "000000000000000000000000a94f5374fce5edbc8e2a8697c15331677e6ebf0b",
    ),
    ("sha256", 2, "616263", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("ripemd160", 3, "616263", "0000000000000000000000008eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
    ("identity", 4, "616263", "616263"),
    (
        "modexp",
        5,
        "0000000000000000000000000000000000000000000000000000000000000001\
         0000000000000000000000000000000000000000000000000000000000000001\
         0000000000000000000000000000000000000000000000000000000000000001030507",
        "05",
    ),
    (
        "bn254 addition",
        6,
        "0000000000000000000000000000000000000000000000000000000000000001\
         0000000000000000000000000000000000000000000000000000000000000002\
         0000000000000000000000000000000000000000000000000000000000000001\
         0000000000000000000000000000000000000000000000000000000000000002",
        "030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3\
         15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4",
    ),
    (
        "bn254 multiplication",
        7,
        "0000000000000000000000000000000000000000000000000000000000000001\
         0000000000000000000000000000000000000000000000000000000000000002\
         0000000000000000000000000000000000000000000000000000000000000002",
        "030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3\
         15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4",
    ),
];

/// The input of a call.
pub fn call(to: Address, calldata: &[u8]) -> Vec<u8> {
    [to.as_slice(), calldata].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use revm::primitives::{hex, keccak256};

    const OTHER: Address = address!("0x00000000000000000000000000000000000000b0");

    /// What the output says first.
    struct Head {
        is_success: bool,
        gas: u64,
        deployment_gas: u64,
        balance: U256,
        returned: Vec<u8>,
        logs: Vec<u8>,
    }

    fn head(input: &[u8]) -> Head {
        let output = run(input);
        let number = |start: usize| u64::from_be_bytes(output[start..start + 8].try_into().expect("8 bytes"));
        let length = u32::from_be_bytes(output[49..53].try_into().expect("4 bytes")) as usize;
        Head {
            is_success: output[0] == 1,
            gas: number(1),
            deployment_gas: number(9),
            balance: U256::from_be_slice(&output[17..49]),
            returned: output[53..53 + length].to_vec(),
            logs: output[53 + length..].to_vec(),
        }
    }

    #[test]
    fn a_transfer_moves_tokens_and_costs_gas() {
        assert_eq!(TOKEN, SENDER.create(0));
        let transferred = head(&transfer(OTHER, U256::from(5)));
        assert!(transferred.is_success);
        assert_eq!(transferred.returned, U256::ONE.to_be_bytes::<32>());
        let fee = U256::from(GAS_PRICE_WEI) * U256::from(transferred.gas + transferred.deployment_gas);
        assert_eq!(transferred.balance, U256::from(SENDER_BALANCE_WEI) - fee);
        // 21,000 to begin with, and 20,000 for the receiver's first balance, both exact.
        assert!((50_000..53_000).contains(&transferred.gas), "{}", transferred.gas);
        let expected = [
            &1_u32.to_be_bytes()[..],
            TOKEN.as_slice(),
            &3_u32.to_be_bytes(),
            keccak256("Transfer(address,address,uint256)").as_slice(),
            SENDER.into_word().as_slice(),
            OTHER.into_word().as_slice(),
            &32_u32.to_be_bytes(),
            &U256::from(5).to_be_bytes::<32>(),
        ]
        .concat();
        assert_eq!(transferred.logs, expected);
    }

    #[test]
    fn a_transfer_of_too_much_is_reverted() {
        let reverted = head(&transfer(OTHER, U256::MAX));
        assert!(!reverted.is_success);
        assert_eq!(
            reverted.returned[..4],
            keccak256("ERC20InsufficientBalance(address,uint256,uint256)")[..4]
        );
    }

    #[test]
    fn precompiled_contracts_answer() {
        for (name, number, input, expected) in PRECOMPILES {
            let input = hex::decode(input).expect("hex");
            let answer = head(&call(Address::with_last_byte(*number), &input));
            assert!(answer.is_success, "{name}");
            assert_eq!(hex::encode(answer.returned), *expected, "{name}");
        }
    }

    #[test]
    #[should_panic(expected = "input is 3 bytes, expected an address of 20 and calldata")]
    fn inputs_without_an_address_are_refused() {
        run(b"abc");
    }

    #[test]
    #[should_panic(expected = "exceeds the gas limit (5000000)")]
    fn transactions_that_cannot_pay_are_refused() {
        run(&call(TOKEN, &vec![1; 400_000]));
    }
}
