//! Calls and estimates on a block's state: what they give, and how they fail.

mod common;

use alloy_eips::BlockId;
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use common::ethereum::{FORK_INTERVAL, every_fork, extend, open, prague};
use common::signer;
use ivm_chain::{CallError, CallRequest, Chain, ChainError, ExecutionResult};
use revm::inspector::NoOpInspector;

/// Accounts with code, by the last byte of their addresses.
const STOPS: u8 = 0xa0;
const INVALID: u8 = 0xa1;
const UNDERFLOWS: u8 = 0xa2;
const LOOPS: u8 = 0xa3;
const REVERTS: u8 = 0xa4;
const PUSHES_ZERO: u8 = 0xa5;
const STORES: u8 = 0xa6;
const KEEPS_GAS: u8 = 0xa7;
const GIVES_RANDAO: u8 = 0xa8;

fn with_code(mut genesis: alloy_genesis::Genesis) -> Chain {
    let codes: [(u8, &[u8]); 9] = [
        (STOPS, &[0x00]),
        (INVALID, &[0xfe]),
        (UNDERFLOWS, &[0x01]),
        // Jumps to where it is.
        (LOOPS, &[0x5b, 0x60, 0, 0x56]),
        // Reverts with one byte, 0.
        (REVERTS, &[0x60, 1, 0x60, 0, 0xfd]),
        (PUSHES_ZERO, &[0x5f]),
        (STORES, &[0x60, 1, 0x60, 0, 0x55]),
        // Succeeds when it has 100,000 gas and more.
        (KEEPS_GAS, &[0x62, 0x01, 0x86, 0xa0, 0x5a, 0x11, 0x60, 0x0a, 0x57, 0xfe, 0x5b, 0x00]),
        (GIVES_RANDAO, &[0x44, 0x60, 0, 0x52, 0x60, 32, 0x60, 0, 0xf3]),
    ];
    for (last, code) in codes {
        let account =
            GenesisAccount { code: Some(Bytes::copy_from_slice(code)), ..GenesisAccount::default() };
        genesis.alloc.insert(Address::with_last_byte(last), account);
    }
    open(genesis)
}

fn to(last: u8) -> TransactionRequest {
    TransactionRequest {
        from: Some(signer(0).address()),
        to: Some(TxKind::Call(Address::with_last_byte(last))),
        ..TransactionRequest::default()
    }
}

fn request(transaction: TransactionRequest) -> CallRequest {
    CallRequest { transaction, block: BlockId::latest(), ..CallRequest::default() }
}

fn estimate(chain: &Chain, transaction: TransactionRequest) -> Result<u64, CallError> {
    match chain.estimate_gas(request(transaction), NoOpInspector) {
        Ok(gas) => Ok(gas),
        Err(ChainError::Call(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

/// A chain whose head is of proof of stake.
fn chain() -> Chain {
    let chain = with_code(prague());
    extend(&chain, Vec::new());
    chain
}

#[test]
fn estimates_that_cannot_succeed_say_why_as_geth_does() {
    let chain = chain();
    for (last, message) in [
        (INVALID, "invalid opcode: INVALID"),
        (UNDERFLOWS, "stack underflow (0 <=> 2)"),
        (REVERTS, "execution reverted"),
        (LOOPS, "gas required exceeds allowance (30000000)"),
    ] {
        let error = estimate(&chain, to(last)).expect_err("cannot succeed");
        assert_eq!(error.to_string(), message);
    }
    let output = match estimate(&chain, to(REVERTS)) {
        Err(CallError::Reverted { output }) => output,
        other => panic!("{other:?}"),
    };
    assert_eq!(output, Bytes::from_static(&[0]));
}

#[test]
fn an_estimate_is_enough_and_not_much_more() {
    let chain = chain();
    assert_eq!(estimate(&chain, to(STOPS)).expect("succeeds"), 21_000);
    // What is needed at once is more than what is used.
    let gas = estimate(&chain, to(KEEPS_GAS)).expect("succeeds");
    assert!((121_000..124_000).contains(&gas), "{gas}");
    let run = |gas| {
        chain
            .call(request(TransactionRequest { gas: Some(gas), ..to(KEEPS_GAS) }), NoOpInspector)
            .expect("runs")
    };
    assert!(run(gas).is_success());
    assert!(!run(120_000).is_success());
}

#[test]
fn an_estimate_stays_within_what_it_may_use() {
    let chain = chain();
    // The gas asked for bounds it, and what the sender can pay does.
    let asked = TransactionRequest { gas: Some(21_005), ..to(STORES) };
    let error = estimate(&chain, asked).expect_err("too little");
    assert!(matches!(error, CallError::GasAllowance { allowance: 21_005 }), "{error}");
    let poor = Address::repeat_byte(0x99);
    let from_poor = TransactionRequest { from: Some(poor), gas_price: Some(2_000_000_000), ..to(STOPS) };
    let error = estimate(&chain, from_poor).expect_err("cannot pay");
    // As in geth, who has nothing left cannot even send nothing.
    assert!(matches!(error, CallError::InsufficientFunds), "{error}");
    let generous = TransactionRequest { from: Some(poor), value: Some(U256::from(1)), ..to(STOPS) };
    let error = chain.call(request(generous), NoOpInspector).expect_err("cannot pay");
    assert!(
        error.to_string().contains("insufficient funds") || error.to_string().contains("lack of funds"),
        "{error}"
    );
    assert_eq!(estimate(&chain, to(STORES)).expect("succeeds"), 43_106);
}

#[test]
fn calls_run_at_the_forks_of_their_block() {
    let chain = with_code(every_fork());
    for _ in 0..40 {
        extend(&chain, Vec::new());
    }
    let call = |last, number: u64| {
        let block = BlockId::number(number);
        chain
            .call(CallRequest { transaction: to(last), block, ..CallRequest::default() }, NoOpInspector)
            .expect("runs")
    };
    // PUSH0 came with Shanghai.
    let shanghai = common::ethereum::LAST_OF_WORK + 1 + FORK_INTERVAL;
    assert!(!call(PUSHES_ZERO, shanghai - 1).is_success());
    assert!(call(PUSHES_ZERO, shanghai).is_success());
    // Osaka caps transactions, so an estimate is within the cap; a call is no transaction.
    let error = estimate(&chain, to(LOOPS)).expect_err("never ends");
    assert!(matches!(error, CallError::GasAllowance { allowance: 16_777_216 }), "{error}");
    // The same opcode gave the difficulty before the merge, and gives what the proposer chose after it.
    let word = |result: ExecutionResult| U256::from_be_slice(result.output().expect("output"));
    assert_eq!(word(call(GIVES_RANDAO, 3)), U256::from(common::ethereum::DIFFICULTY));
    assert_eq!(word(call(GIVES_RANDAO, 40)), U256::from_be_bytes([9; 32]));
}
