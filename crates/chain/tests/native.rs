//! A contract that is part of the node: in blocks, calls, estimates, traces and simulations, and without its data.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use alloy_eips::BlockId;
use alloy_evm::{Evm, FromRecoveredTx};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, hex};
use alloy_rpc_types_eth::TransactionRequest;
use common::*;
use ivm_chain::{
    CallError, CallRequest, Chain, ChainConfig, ChainError, ExecutionResult, NativeCall, NativeContract,
    NativeFault, NativeReturn, Rules, SimulatedEnvironment, SimulationMode, Simulator, Storage, TransferLogs,
    transact,
};
use revm::inspector::NoOpInspector;

const NATIVE: Address = address!("0x0000000000000000000000000000000000004956");
const GAS: u64 = 5_000;

/// Creation code of a contract that stores 1 in slot 1, hands its calldata to the native contract, stores 1 or 2 in slot 0 for
/// a failure or a success, and returns what it was given.
const FORWARD_INITCODE: [u8; 40] =
    hex!("601f8060095f395ff3" "6001600155" "365f5f37" "5f5f365f5f6149565af1" "6001015f55" "3d5f5f3e3d5ff3");

/// Does what the first byte of its input says.
#[derive(Debug, Default)]
struct MockContract {
    has_data: AtomicBool,
}

const ECHO: u8 = 0;
const OUT_OF_GAS: u8 = 1;
const REVERT: u8 = 2;
const NEEDS_DATA: u8 = 3;
const WHO: u8 = 4;

impl NativeContract for MockContract {
    fn address(&self) -> Address {
        NATIVE
    }

    fn name(&self) -> &'static str {
        "MOCK_CONTRACT"
    }

    fn call(
        &self,
        &NativeCall { caller, is_direct, input, gas_limit, .. }: &NativeCall<'_>,
    ) -> Result<NativeReturn, NativeFault> {
        if gas_limit < GAS {
            return Err(NativeFault::OutOfGas);
        }
        let output = Bytes::copy_from_slice(input.get(1..).unwrap_or_default());
        match input.first() {
            Some(&OUT_OF_GAS) => Err(NativeFault::OutOfGas),
            Some(&WHO) => {
                let output = [caller.as_slice(), &[u8::from(is_direct)]].concat().into();
                Ok(NativeReturn { gas_used: GAS, output })
            }
            Some(&REVERT) => Err(NativeFault::Reverted { gas_used: GAS, output }),
            Some(&NEEDS_DATA) if !self.has_data.load(Ordering::Relaxed) => {
                Err(NativeFault::Unavailable("payload 0xabc".into()))
            }
            _ => Ok(NativeReturn { gas_used: GAS, output }),
        }
    }
}

fn settlement_chain() -> (Chain, Arc<MockContract>) {
    let contract = Arc::new(MockContract::default());
    let config = ChainConfig { rules: Rules::InfinityVmWith(contract.clone()), ..config() };
    (Chain::open(config, Storage::Memory).expect("opens"), contract)
}

/// A chain whose first block has the forwarding contract.
fn with_forwarder() -> (Chain, Arc<MockContract>, Address) {
    let (chain, contract) = settlement_chain();
    submit(&chain, &sign(create(0, &FORWARD_INITCODE), 0)).expect("accepted");
    mine(&chain);
    (chain, contract, signer(0).address().create(0))
}

fn to(contract: Address, input: &[u8]) -> CallRequest {
    let transaction = TransactionRequest {
        from: Some(signer(0).address()),
        to: Some(TxKind::Call(contract)),
        input: Bytes::copy_from_slice(input).into(),
        ..TransactionRequest::default()
    };
    CallRequest { transaction, block: BlockId::latest(), ..CallRequest::default() }
}

fn slot(chain: &Chain, contract: Address, slot: u64) -> U256 {
    let state = chain.state_at(BlockId::latest()).expect("known");
    state.storage(contract, U256::from(slot)).expect("reads")
}

#[test]
fn rules_are_equal_when_the_contract_is_at_the_same_address() {
    #[derive(Debug)]
    struct Elsewhere;
    impl NativeContract for Elsewhere {
        fn address(&self) -> Address {
            Address::ZERO
        }

        fn name(&self) -> &'static str {
            "MOCK_CONTRACT"
        }

        fn call(&self, _: &NativeCall<'_>) -> Result<NativeReturn, NativeFault> {
            Err(NativeFault::OutOfGas)
        }
    }
    let here = || Rules::InfinityVmWith(Arc::new(MockContract::default()));
    assert_eq!(here(), here());
    assert_ne!(here(), Rules::InfinityVmWith(Arc::new(Elsewhere)));
    assert_ne!(here(), Rules::InfinityVm);
}

#[test]
fn headers_are_those_of_an_infinity_vm_chain() {
    let (settlement, _) = settlement_chain();
    assert_eq!(settlement.genesis_hash(), chain().genesis_hash());
    let [one, other] = [settlement, chain()].map(|chain| {
        submit(&chain, &sign(transfer(0), 0)).expect("accepted");
        mine(&chain).block.hash()
    });
    assert_eq!(one, other);
}

#[test]
fn a_call_is_answered_wherever_it_comes_from() {
    let (chain, _, forwarder) = with_forwarder();
    let echo = [ECHO, 7, 8];
    for contract in [NATIVE, forwarder] {
        let result = chain.call(to(contract, &echo), NoOpInspector).expect("runs");
        assert_eq!(result.output(), Some(&Bytes::from_static(&[7, 8])), "{contract}");
        let gas = chain.estimate_gas(to(contract, &echo), NoOpInspector).expect("estimates");
        assert!(gas >= 21_000 + GAS, "{contract}: {gas}");
    }

    submit(&chain, &sign(call(1, forwarder, echo), 0)).expect("accepted");
    let mined = mine(&chain);
    assert!(mined.receipts[0].status());
    assert_eq!(slot(&chain, forwarder, 0), U256::from(2));
    let hash = *mined.block.transactions()[0].inner().tx_hash();
    let (mut evm, mined) = chain.replay(hash, NoOpInspector).expect("replays");
    let transaction =
        revm::context::TxEnv::from_recovered_tx(mined.transaction.inner(), mined.transaction.signer());
    assert_eq!(transact(&mut evm, &transaction).expect("runs").output(), Some(&Bytes::from_static(&[7, 8])));
    assert_eq!(evm.chain_id(), CHAIN_ID);

    let context = chain.call_context(BlockId::latest()).expect("known");
    let environment = SimulatedEnvironment { header: context.header.clone(), ..Default::default() };
    let calls = vec![to(forwarder, &echo).transaction];
    let simulator = Simulator::new(&context, SimulationMode::Lenient);
    let (_, block) = simulator
        .run(environment, calls, &mut TransferLogs::default(), &mut NoOpInspector)
        .expect("simulates");
    assert_eq!(block.calls[0].result.output(), Some(&Bytes::from_static(&[7, 8])));
}

/// As [`FORWARD_INITCODE`], by `DELEGATECALL`.
const DELEGATE_INITCODE: [u8; 39] =
    hex!("601e8060095f395ff3" "6001600155" "365f5f37" "5f5f365f6149565af4" "6001015f55" "3d5f5f3e3d5ff3");

/// As [`FORWARD_INITCODE`], by `CALLCODE`.
const CALLCODE_INITCODE: [u8; 40] =
    hex!("601f8060095f395ff3" "6001600155" "365f5f37" "5f5f365f5f6149565af2" "6001015f55" "3d5f5f3e3d5ff3");

#[test]
fn the_contract_knows_who_calls_it() {
    let (chain, _, forwarder) = with_forwarder();
    for (nonce, initcode) in [(1, DELEGATE_INITCODE.as_slice()), (2, &CALLCODE_INITCODE)] {
        submit(&chain, &sign(create(nonce, initcode), 0)).expect("accepted");
    }
    mine(&chain);
    let user = signer(0).address();
    let [delegating, callcoding] = [1, 2].map(|nonce| user.create(nonce));
    let calls =
        [(NATIVE, user, 1), (forwarder, forwarder, 1), (delegating, user, 0), (callcoding, callcoding, 0)];
    for (contract, caller, is_direct) in calls {
        let result = chain.call(to(contract, &[WHO]), NoOpInspector).expect("runs");
        let expected = Bytes::from([caller.as_slice(), &[is_direct]].concat());
        assert_eq!(result.output(), Some(&expected), "{contract}");
    }
}

#[test]
fn faults_of_the_contract_are_faults_of_the_call() {
    let (chain, _, forwarder) = with_forwarder();
    let run = |contract, input: &[u8]| chain.call(to(contract, input), NoOpInspector).expect("runs");
    let reverted = run(NATIVE, &[REVERT, 5]);
    assert!(matches!(&reverted, ExecutionResult::Revert { output, .. } if output[..] == [5]), "{reverted:?}");
    // Beside the transaction itself it took the gas it says and no more.
    assert_eq!(reverted.tx_gas_used(), 21_000 + 2 * 16 + GAS);
    let halted = run(NATIVE, &[OUT_OF_GAS]);
    assert!(matches!(halted, ExecutionResult::Halt { .. }), "{halted:?}");
    for fault in [REVERT, OUT_OF_GAS] {
        assert!(run(forwarder, &[fault]).is_success());
    }
    submit(&chain, &sign(call(1, forwarder, [REVERT]), 0)).expect("accepted");
    assert!(mine(&chain).receipts[0].status());
    assert_eq!(slot(&chain, forwarder, 0), U256::from(1));

    let mut poor = to(NATIVE, &[ECHO]);
    poor.transaction.gas = Some(21_000 + 4 + GAS - 1);
    let halted = chain.call(poor, NoOpInspector).expect("runs");
    assert!(matches!(halted, ExecutionResult::Halt { .. }), "{halted:?}");
}

#[test]
fn without_data_a_call_has_no_answer() {
    let (chain, contract, forwarder) = with_forwarder();
    for target in [NATIVE, forwarder] {
        let input = [NEEDS_DATA, 1];
        let error = chain.call(to(target, &input), NoOpInspector).expect_err("lacks data");
        assert!(
            matches!(&error, ChainError::Call(CallError::Internal(reason)) if reason.contains("payload 0xabc")),
            "{error:?}"
        );
        let error = chain.estimate_gas(to(target, &input), NoOpInspector).expect_err("lacks data");
        assert!(matches!(error, ChainError::Call(CallError::Internal(_))), "{error:?}");
    }
    contract.has_data.store(true, Ordering::Relaxed);
    assert!(chain.call(to(forwarder, &[NEEDS_DATA]), NoOpInspector).expect("runs").is_success());
}

#[test]
fn a_transaction_without_its_data_leaves_no_trace_in_a_block() {
    let build = |with: bool| {
        let (chain, _, forwarder) = with_forwarder();
        submit(&chain, &sign(transfer(1), 0)).expect("accepted");
        // Another sender's, of the highest tip: it would be first.
        let lacking = sign(
            alloy_consensus::TxEip1559 {
                max_priority_fee_per_gas: 5 * GWEI,
                ..call(0, forwarder, [NEEDS_DATA])
            },
            1,
        );
        let mut leading = vec![sign(transfer(0), 2)];
        if with {
            submit(&chain, &lacking).expect("accepted");
            leading.insert(0, sign(call(0, forwarder, [NEEDS_DATA]), 3));
            leading.push(sign(call(1, forwarder, [NEEDS_DATA]), 2));
        }
        let built = chain.build_block(request(leading)).expect("builds");
        let rejected: Vec<_> = built.rejected_leading().iter().map(|one| one.reason.clone()).collect();
        let dropped: Vec<_> =
            built.dropped_from_pool().iter().map(|one| (one.hash, one.reason.clone())).collect();
        let expected = "data is not available: payload 0xabc".to_owned();
        if with {
            assert_eq!(rejected, [expected.clone(), expected.clone()]);
            assert_eq!(dropped, [(*lacking.tx_hash(), expected)]);
            assert!(chain.pool().get(*lacking.tx_hash()).is_none());
        }
        built.block().hash()
    };
    // The hash covers state, receipts and gas.
    assert_eq!(build(true), build(false));
}

#[test]
fn a_block_without_its_data_is_not_called_invalid() {
    let (producer, has, forwarder) = with_forwarder();
    has.has_data.store(true, Ordering::Relaxed);
    let (follower, contract, _) = with_forwarder();
    submit(&producer, &sign(call(1, forwarder, [NEEDS_DATA]), 0)).expect("accepted");
    let block = mine(&producer);
    assert!(block.receipts[0].status());

    let is_unavailable = |error: &ChainError| matches!(error, ChainError::Unavailable { index: 0, lacking, .. } if lacking == "payload 0xabc");
    let error = follower.import(block.block.to_block()).expect_err("lacks data");
    assert!(is_unavailable(&error), "{error:?}");
    let hash: B256 = follower.store_block(block.block.to_block()).expect("stores");
    let error = follower.reorg_to(hash).expect_err("lacks data");
    assert!(is_unavailable(&error), "{error:?}");
    assert_eq!(follower.head().block.number(), 1);

    contract.has_data.store(true, Ordering::Relaxed);
    follower.reorg_to(hash).expect("follows");
    assert_eq!(follower.head().block.hash(), block.block.hash());
}
