//! Contracts on the chain: deploy, call, logs, receipts, proofs, estimates, history, replay.

mod common;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_rpc_types_eth::{Filter, TransactionRequest};
use alloy_trie::Nibbles;
use common::*;
use ivm_chain::{
    BuildRequest, CallError, CallRequest, Chain, ChainError, ChainEvent, ExecutionResult, ExtraWrite,
    LogQuery, LogRange, QueryError, Storage,
};
use revm::Inspector;
use revm::inspector::NoOpInspector;

fn word(value: u64) -> Bytes {
    B256::from(U256::from(value)).into()
}

/// A chain whose block 1 deploys the storing contract, block 2 stores 42, block 3 stores 43.
fn stored() -> (Chain, Address) {
    let chain = chain();
    let contract = signer(0).address().create(0);
    submit(&chain, &sign(create(0, &STORE_INITCODE), 0)).expect("accepted");
    mine(&chain);
    for (nonce, value) in [(1, 42), (2, 43)] {
        submit(&chain, &sign(call(nonce, contract, word(value)), 0)).expect("accepted");
        mine(&chain);
    }
    (chain, contract)
}

fn read(chain: &Chain, contract: Address, block: BlockId) -> U256 {
    let transaction = TransactionRequest { to: Some(TxKind::Call(contract)), ..Default::default() };
    let request = CallRequest { transaction, block, ..CallRequest::default() };
    let result = chain.call(request, NoOpInspector).expect("runs");
    U256::from_be_slice(result.output().expect("returns"))
}

#[test]
fn deployed_contract_answers_at_every_block() {
    let (chain, contract) = stored();
    assert_eq!(read(&chain, contract, BlockId::latest()), U256::from(43));
    assert_eq!(read(&chain, contract, BlockId::number(2)), U256::from(42));
    assert_eq!(read(&chain, contract, BlockId::number(1)), U256::ZERO);
    assert!(!chain.state_at(BlockId::latest()).expect("known").code(contract).expect("reads").is_empty());
    let before = chain.state_at(BlockId::Number(BlockNumberOrTag::Earliest)).expect("known");
    assert!(before.code(contract).expect("reads").is_empty());
    assert_eq!(
        chain.state_at(BlockId::number(2)).expect("known").nonce(signer(0).address()).expect("reads"),
        2
    );
}

#[test]
fn transactions_receipts_and_blocks_are_found() {
    let (chain, contract) = stored();
    let block = chain.block_by_number(1).expect("reads").expect("is there");
    assert_eq!(chain.block_by_hash(block.hash()).expect("reads"), Some(block.clone()));
    let receipts = chain.receipts(block.hash()).expect("reads").expect("are there");
    assert!(receipts[0].status());
    assert_eq!(receipts[0].cumulative_gas_used(), block.header().gas_used);
    let transaction = &block.transactions()[0];
    let mined = chain.transaction(*transaction.inner().tx_hash()).expect("reads").expect("is there");
    assert_eq!((mined.block_hash, mined.block_number, mined.index), (block.hash(), 1, 0));
    assert_eq!(mined.sender(), signer(0).address());
    assert_eq!(mined.sender().create(0), contract);
    assert_eq!(chain.transaction(B256::ZERO).expect("reads"), None);
    assert_eq!(chain.block_by_number(4).expect("reads"), None);
    assert_eq!(chain.receipts(B256::ZERO).expect("reads"), None);
}

#[test]
fn logs_are_found_and_bounded() {
    let (chain, contract) = stored();
    let filter = Filter::new().address(contract).event_signature(B256::from(U256::from(0xaa)));
    let all = LogQuery { range: LogRange::Numbers { from: 0, to: 99 }, filter: filter.clone() };
    let logs = chain.logs(&all).expect("finds");
    assert_eq!(logs.iter().map(|log| log.block_number).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(logs[1].log.data.data, word(43));
    let one = LogQuery { range: LogRange::Block(logs[0].block_hash), filter: filter.clone() };
    assert_eq!(chain.logs(&one).expect("finds"), logs[..1]);
    let other = Filter::new().address(Address::repeat_byte(3));
    let none = LogQuery { range: LogRange::Numbers { from: 0, to: 3 }, filter: other };
    assert_eq!(chain.logs(&none).expect("finds"), []);

    let mut narrow = config();
    narrow.limits.log_blocks = 2;
    narrow.limits.log_results = 0;
    let chain = Chain::open(narrow, Storage::Memory).expect("opens");
    submit(&chain, &sign(create(0, &STORE_INITCODE), 0)).expect("accepted");
    submit(&chain, &sign(call(1, contract, word(1)), 0)).expect("accepted");
    mine(&chain);
    mine(&chain);
    let query = |from, to| {
        let range = LogRange::Numbers { from, to };
        match chain.logs(&LogQuery { range, filter: filter.clone() }) {
            Err(ChainError::Query(error)) => error,
            other => panic!("expected a refusal, got {other:?}"),
        }
    };
    assert_eq!(query(0, 2), QueryError::RangeTooWide { got: 3, limit: 2 });
    assert_eq!(query(1, 1), QueryError::TooManyLogs { limit: 0 });
    assert_eq!(query(2, 1), QueryError::EmptyRange { from: 2, to: 1 });
}

#[test]
fn proofs_verify_against_the_header() {
    let (chain, contract) = stored();
    for number in 1..=3 {
        let header = chain.header(BlockId::number(number)).expect("reads").expect("is there");
        let view = chain.state_at(BlockId::number(number)).expect("known");
        let proof = view.proof(contract, &[U256::ZERO]).expect("proves");
        let account = proof.account.expect("exists");
        let path = Nibbles::unpack(keccak256(contract));
        alloy_trie::proof::verify_proof(
            header.state_root,
            path,
            Some(alloy_rlp::encode(account)),
            &proof.proof,
        )
        .expect("verifies");
    }
}

#[test]
fn estimates_are_enough_and_tight() {
    let (chain, contract) = stored();
    let estimate = |transaction| {
        chain.estimate_gas(CallRequest { transaction, ..CallRequest::default() }, NoOpInspector)
    };
    let from = Some(signer(0).address());
    let to = Some(TxKind::Call(Address::repeat_byte(0x77)));
    let transfer = TransactionRequest { from, to, value: Some(U256::from(1)), ..Default::default() };
    assert_eq!(estimate(transfer.clone()).expect("estimates"), 21_000);

    let store = TransactionRequest {
        from,
        to: Some(TxKind::Call(contract)),
        input: word(7).into(),
        ..Default::default()
    };
    let gas = estimate(store).expect("estimates");
    let tx = alloy_consensus::TxEip1559 { gas_limit: gas, ..call(3, contract, word(7)) };
    submit(&chain, &sign(tx, 0)).expect("accepted");
    let mined = mine(&chain);
    assert!(mined.receipts[0].status());
    assert!(gas < mined.block.header().gas_used * 102 / 100, "{gas}");

    let poor = TransactionRequest { from: Some(Address::repeat_byte(5)), gas_price: Some(GWEI), ..transfer };
    let error = estimate(poor).expect_err("no funds");
    assert!(error.to_string().starts_with("insufficient funds for transfer"), "{error}");
}

#[test]
fn reverts_are_told_with_their_data() {
    let chain = chain();
    submit(&chain, &sign(create(0, &REVERT_INITCODE), 0)).expect("accepted");
    mine(&chain);
    let to = Some(TxKind::Call(signer(0).address().create(0)));
    let request =
        CallRequest { transaction: TransactionRequest { to, ..Default::default() }, ..Default::default() };
    match chain.call(request.clone(), NoOpInspector).expect("runs") {
        ExecutionResult::Revert { output, .. } => assert_eq!(output[..], [0xde, 0xad]),
        other => panic!("expected a revert, got {other:?}"),
    }
    match chain.estimate_gas(request, NoOpInspector) {
        Err(ChainError::Call(CallError::Reverted { output })) => assert_eq!(output[..], [0xde, 0xad]),
        other => panic!("expected a revert, got {other:?}"),
    }
}

#[test]
fn overrides_pretend() {
    let (chain, contract) = stored();
    let transaction = TransactionRequest { to: Some(TxKind::Call(contract)), ..Default::default() };
    let account = alloy_rpc_types_eth::state::AccountOverride {
        state_diff: Some([(B256::ZERO, B256::from(U256::from(99)))].into_iter().collect()),
        ..Default::default()
    };
    let state_overrides = Some([(contract, account)].into_iter().collect());
    let request = CallRequest { transaction, state_overrides, ..CallRequest::default() };
    let result = chain.call(request, NoOpInspector).expect("runs");
    assert_eq!(U256::from_be_slice(result.output().expect("returns")), U256::from(99));
    assert_eq!(read(&chain, contract, BlockId::latest()), U256::from(43));
}

#[derive(Default)]
struct Steps(usize);

impl<CTX> Inspector<CTX> for Steps {
    fn step(&mut self, _interp: &mut revm::interpreter::Interpreter, _context: &mut CTX) {
        self.0 += 1;
    }
}

#[test]
fn mined_transactions_are_replayed_under_an_inspector() {
    use alloy_evm::Evm;
    let chain = chain();
    let contract = signer(0).address().create(0);
    submit(&chain, &sign(create(0, &STORE_INITCODE), 0)).expect("accepted");
    submit(&chain, &sign(call(1, contract, word(42)), 0)).expect("accepted");
    let last = submit(&chain, &sign(call(2, contract, word(43)), 0)).expect("accepted");
    let block = mine(&chain);
    mine(&chain);
    let (mut evm, mined) = chain.replay(last, Steps::default()).expect("replays");
    let result = evm.transact(&mined.transaction).expect("runs").result;
    let receipts = &block.receipts;
    let gas_used = receipts[2].cumulative_gas_used() - receipts[1].cumulative_gas_used();
    assert_eq!(result.tx_gas_used(), gas_used);
    assert_eq!(result.logs(), receipts[2].logs());
    assert_eq!(evm.inspector().0, 16);
}

#[test]
fn leading_transactions_come_first_and_bad_ones_are_reported() {
    let chain = chain();
    submit(&chain, &sign(transfer(0), 0)).expect("accepted");
    let good = sign(transfer(0), 1);
    let gap = sign(transfer(7), 2);
    let built = chain.build_block(request(vec![gap.clone(), good.clone()])).expect("builds");
    let hashes: Vec<_> = built.block().transactions().iter().map(|tx| *tx.inner().tx_hash()).collect();
    assert_eq!(hashes.len(), 2);
    assert_eq!(hashes[0], *good.tx_hash());
    let [rejected] = built.rejected_leading() else { panic!("one is left out") };
    assert_eq!(rejected.hash, *gap.tx_hash());
    assert!(rejected.reason.contains("nonce"), "{}", rejected.reason);
}

#[test]
fn a_block_and_the_nodes_writes_are_committed_together() {
    let chain = chain();
    let mut events = chain.subscribe();
    let write = |key: &[u8], value: &[u8]| ExtraWrite { key: key.to_vec(), value: Some(value.to_vec()) };
    let built = chain.build_block(request(Vec::new())).expect("builds");
    let stale = chain.build_block(BuildRequest::default()).expect("builds");
    chain.commit(built, vec![write(b"job/1", b"one"), write(b"job/2", b"two")]).expect("commits");
    assert_eq!(chain.extra(b"job/1").expect("reads"), Some(b"one".to_vec()));
    assert_eq!(chain.extra_scan(b"job/", 10).expect("scans").len(), 2);
    match chain.commit(stale, vec![write(b"job/1", b"never")]) {
        Err(ChainError::NotOnHead { expected, .. }) => assert_eq!(expected, chain.head().block.hash()),
        other => panic!("expected a refusal, got {other:?}"),
    }
    assert_eq!(chain.extra(b"job/1").expect("reads"), Some(b"one".to_vec()));
    match events.try_recv().expect("an event") {
        ChainEvent::NewHead(committed) => assert_eq!(committed, chain.head()),
        other => panic!("expected the head, got {other:?}"),
    }
}

#[test]
fn fee_history_follows_the_blocks() {
    let chain = chain();
    for nonce in 0..3 {
        submit(&chain, &sign(transfer(nonce), 0)).expect("accepted");
        mine(&chain);
    }
    let history = chain.fee_history(2, BlockId::latest(), &[0, 50, 100]).expect("reads");
    assert_eq!(history.oldest_block, 2);
    assert_eq!(history.base_fee_per_gas.len(), 3);
    assert_eq!(history.base_fee_per_gas[2], u128::from(chain.next_base_fee()));
    assert_eq!(history.gas_used_and_limit, [(21_000, 30_000_000); 2]);
    assert_eq!(history.rewards, vec![vec![GWEI; 3]; 2]);
    assert_eq!(chain.fee_history(u64::MAX, BlockId::latest(), &[]).expect("reads").oldest_block, 0);
}

#[test]
fn block_hashes_are_seen_by_contracts() {
    // PUSH1 1, BLOCKHASH, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN
    let code = alloy_primitives::hex!("6001405f5260205ff3");
    let (chain, contract) = stored();
    let account = alloy_rpc_types_eth::state::AccountOverride {
        code: Some(Bytes::copy_from_slice(&code)),
        ..Default::default()
    };
    let transaction = TransactionRequest { to: Some(TxKind::Call(contract)), ..Default::default() };
    let state_overrides = Some([(contract, account)].into_iter().collect());
    let request = CallRequest { transaction, state_overrides, ..CallRequest::default() };
    let output = chain.call(request, NoOpInspector).expect("runs").into_output().expect("returns");
    let first = chain.block_by_number(1).expect("reads").expect("is there");
    assert_eq!(output[..], first.hash()[..]);
    // EIP-2935 keeps the parent's hash in state.
    let history = alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
    let kept =
        chain.state_at(BlockId::latest()).expect("known").storage(history, U256::from(1)).expect("reads");
    assert_eq!(B256::from(kept), first.hash());
}
