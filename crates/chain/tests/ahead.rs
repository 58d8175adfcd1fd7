//! Blocks of a file are executed on blocks whose state is not whole yet: what comes out is what comes of one block at a time.

mod common;

use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, Bytes, U256, address, hex, keccak256};
use common::ethereum::*;
use common::{call, sign};
use ivm_chain::{Chain, ChainError, Storage};
use proptest::prelude::*;

/// Creation code of a contract that is destroyed by a call with the number 0, and that by any other adds to the slot with
/// this number: one, and the hash of the block before the last.
const INITCODE: [u8; 32] = hex!("60178060095f395ff3" "5f35806008 5733ff5b80546001016002430340019055 00");
const FACTORY: Address = address!("0x00000000000000000000000000000000000fac70");

/// Puts the creation code into memory and gives it to CREATE2.
fn factory() -> Bytes {
    [&[0x7f][..], &INITCODE, &hex!("5f525f60205f5ff500")].concat().into()
}

/// What a transaction of the test does with the contract.
#[derive(Clone, Copy, Debug)]
enum Step {
    Make,
    Destroy,
    Add(u8),
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let step = prop_oneof![
        2 => Just(Step::Make),
        1 => Just(Step::Destroy),
        4 => (1_u8..4).prop_map(Step::Add),
    ];
    prop::collection::vec(prop::collection::vec(step, 0..4), 1..24)
}

/// A chain at Shanghai's rules, by which contracts can still be destroyed and made again.
fn chain() -> Chain {
    let mut genesis = prague();
    (genesis.config.cancun_time, genesis.config.prague_time) = (None, None);
    let account = GenesisAccount { code: Some(factory()), nonce: Some(1), ..GenesisAccount::default() };
    genesis.alloc.insert(FACTORY, account);
    open(genesis)
}

/// Before the merge a block waits for the state of the one before, which here never comes.
#[test]
fn a_branch_whose_first_block_is_wrong_is_refused_and_not_waited_for() {
    let chain = chain_through_every_fork();
    let block = |number| chain.block_by_number(number).expect("reads").expect("is there").to_block();
    let copy = Chain::open(chain.config().clone(), Storage::Memory).expect("opens");
    copy.import(block(1)).expect("imports");
    let mut wrong = block(2);
    wrong.header.state_root = B256::repeat_byte(1);
    let mut next = block(3);
    next.header.parent_hash = copy.store_block(wrong).expect("is kept");
    let last = copy.store_block(next).expect("is kept");
    let error = copy.reorg_to(last).expect_err("must be refused");
    assert!(matches!(error, ChainError::InvalidBranch { number: 2, .. }), "{error}");
    assert_eq!(copy.head().block.number(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_executed_ahead_give_the_same_chain(blocks in steps()) {
        let chain = chain();
        let contract = FACTORY.create2(B256::ZERO, keccak256(INITCODE));
        let mut nonce = 0;
        for steps in &blocks {
            let transactions = steps.iter().map(|step| {
                let word = |number: u8| Bytes::from(U256::from(number).to_be_bytes::<32>());
                let transaction = match *step {
                    Step::Make => call(nonce, FACTORY, Bytes::new()),
                    Step::Destroy => call(nonce, contract, word(0)),
                    Step::Add(slot) => call(nonce, contract, word(slot)),
                };
                nonce += 1;
                sign(transaction, 0)
            });
            let block = extend(&chain, transactions.collect());
            prop_assert_eq!(block.receipts.len(), steps.len());
        }
        let mut file = Vec::new();
        chain.export_file(&mut file, 1..=blocks.len() as u64, &mut |_| {}).expect("exports");
        let copy = Chain::open(chain.config().clone(), Storage::Memory).expect("opens");
        copy.import_file(file.as_slice(), &mut |_| {}).expect("imports");
        prop_assert_eq!(copy.head(), chain.head());
    }
}
