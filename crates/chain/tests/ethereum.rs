//! Ethereum's rules: a chain through every fork, ommers, withdrawals, blobs, and blocks that break one rule each.

mod common;

use alloy_consensus::constants::EMPTY_OMMER_ROOT_HASH;
use alloy_consensus::{Block, Header, TxEip4844Variant, TxEnvelope, TxReceipt};
use alloy_eips::eip4895::Withdrawal;
use alloy_eips::{BlockId, Typed2718};
use alloy_genesis::Genesis;
use alloy_primitives::{Address, B64, B256, Bytes, U256, address, b256};
use alloy_rlp::Decodable;
use common::ethereum::*;
use common::{GWEI, PROPOSER, sign, signer};
use ivm_chain::{BlockError, Chain, ChainConfig, ChainError, GenesisError, ScheduleError, Storage};
use proptest::prelude::*;

/// Copies a chain block by block.
fn imported(chain: &Chain) -> Chain {
    let copy = Chain::open(chain.config().clone(), Storage::Memory).expect("opens");
    for number in 1..=chain.head().block.number() {
        let block = chain.block_by_number(number).expect("reads").expect("is there").to_block();
        copy.import(block).unwrap_or_else(|error| panic!("block {number}: {error}"));
    }
    copy
}

fn header(chain: &Chain, number: u64) -> Header {
    chain.header(BlockId::number(number)).expect("reads").expect("is there")
}

/// The block at a height of a chain of proof of work, and a chain that ends before it.
fn before(chain: &Chain, number: u64) -> (Chain, Block<TxEnvelope>) {
    let copy = Chain::open(chain.config().clone(), Storage::Memory).expect("opens");
    for number in 1..number {
        let block = chain.block_by_number(number).expect("reads").expect("is there").to_block();
        copy.import(block).expect("imports");
    }
    let next = chain.block_by_number(number).expect("reads").expect("is there").to_block();
    (copy, next)
}

fn refusal(chain: &Chain, block: Block<TxEnvelope>) -> BlockError {
    let head = chain.head();
    let error = chain.import(block).expect_err("must be refused");
    assert_eq!(chain.head(), head);
    match error {
        ChainError::InvalidBlock(error) => error,
        other => panic!("expected an invalid block, got {other}"),
    }
}

#[track_caller]
fn refused_field(
    chain: &Chain,
    block: &Block<TxEnvelope>,
    tamper: impl Fn(&mut Block<TxEnvelope>),
) -> String {
    let mut block = block.clone();
    tamper(&mut block);
    match refusal(chain, block) {
        BlockError::Field { field, got, expected } => {
            assert_ne!(got, expected);
            field.to_owned()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_chain_through_every_fork_imports_as_it_was_built() {
    let chain = chain_through_every_fork();
    let copy = imported(&chain);
    assert_eq!(copy.head(), chain.head());

    // Fields come with their forks.
    let london = 10 * FORK_INTERVAL;
    assert_eq!(header(&chain, london - 1).base_fee_per_gas, None);
    assert_eq!(header(&chain, london).base_fee_per_gas, Some(1_000_000_000));
    assert_eq!(header(&chain, london).gas_limit, 2 * header(&chain, london - 1).gas_limit);
    assert_eq!(header(&chain, LAST_OF_WORK).difficulty, U256::from(DIFFICULTY));
    assert_eq!(header(&chain, LAST_OF_WORK + 1).difficulty, U256::ZERO);
    let shanghai = LAST_OF_WORK + 1 + FORK_INTERVAL;
    let (cancun, prague) = (shanghai + FORK_INTERVAL, shanghai + 2 * FORK_INTERVAL);
    assert_eq!(header(&chain, shanghai - 1).withdrawals_root, None);
    assert!(header(&chain, shanghai).withdrawals_root.is_some());
    assert_eq!(header(&chain, cancun - 1).blob_gas_used, None);
    assert_eq!(header(&chain, cancun).excess_blob_gas, Some(0));
    assert_eq!(header(&chain, prague - 1).requests_hash, None);
    assert!(header(&chain, prague).requests_hash.is_some());
    assert_eq!(header(&chain, cancun + 1).blob_gas_used, Some(2 * 131_072));

    // Receipts held state roots until Byzantium.
    let receipt = |number| {
        let hash = header(&chain, number).hash_slow();
        chain.receipts(hash).expect("reads").expect("is there")[0].clone()
    };
    let byzantium = 4 * FORK_INTERVAL;
    assert!(receipt(byzantium - 1).status_or_post_state().is_post_state());
    assert!(receipt(byzantium).status_or_post_state().is_eip658());

    // The reward is 5, 3 and then 2 ether a block, none after the merge; tips are there at all times.
    let ether = |number| {
        let state = chain.state_at(BlockId::number(number)).expect("state");
        state.balance(PROPOSER).expect("balance") / U256::from(10).pow(U256::from(18))
    };
    assert_eq!(ether(byzantium - 1), U256::from(5 * (byzantium - 1)));
    let constantinople = 5 * FORK_INTERVAL;
    let until_merge =
        5 * (byzantium - 1) + 3 * (constantinople - byzantium) + 2 * (LAST_OF_WORK + 1 - constantinople);
    assert_eq!(ether(LAST_OF_WORK), U256::from(until_merge));
    assert_eq!(ether(LAST_OF_WORK + 9), U256::from(until_merge));
}

#[test]
fn total_difficulty_and_blocks_survive_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = ChainConfig::ethereum(every_fork()).expect("a genesis");
    let chain = Chain::open(config.clone(), Storage::Path(folder.path().into())).expect("opens");
    extend(&chain, vec![sign(legacy(0), 0)]);
    let head = extend(&chain, Vec::new());
    assert_eq!(head.block.total_difficulty(), U256::from(3 * DIFFICULTY));
    drop(chain);
    let chain = Chain::open(config, Storage::Path(folder.path().into())).expect("opens");
    assert_eq!(chain.head(), head);
}

#[test]
fn chosen_fields_are_bounded_before_the_merge() {
    let (chain, block) = before(&chain_through_every_fork(), 6);
    let parent = chain.head().block;
    let limit = parent.header().gas_limit;
    let field =
        |tamper: &dyn Fn(&mut Header)| refused_field(&chain, &block, |block| tamper(&mut block.header));
    assert_eq!(field(&|header| header.timestamp = parent.header().timestamp), "timestamp");
    assert_eq!(field(&|header| header.gas_limit = limit + limit / 1024), "gasLimit");
    assert_eq!(field(&|header| header.gas_limit = limit - limit / 1024), "gasLimit");
    assert_eq!(field(&|header| header.gas_used = limit + 1), "gasUsed");
    assert_eq!(field(&|header| header.difficulty += U256::from(1)), "difficulty");
    assert_eq!(field(&|header| header.difficulty = U256::ZERO), "difficulty");
    assert_eq!(field(&|header| header.extra_data = Bytes::from(vec![0; 33])), "extraData");
    assert_eq!(field(&|header| header.base_fee_per_gas = Some(7)), "baseFeePerGas");
    assert_eq!(field(&|header| header.withdrawals_root = Some(B256::ZERO)), "withdrawalsRoot");
    assert_eq!(field(&|header| header.number += 1), "number");

    // Within bounds they are the miner's, the seal too, which nobody verifies.
    let mut chosen = block;
    chosen.header.gas_limit = limit + limit / 1024 - 1;
    chosen.header.nonce = B64::repeat_byte(1);
    chosen.header.mix_hash = B256::repeat_byte(2);
    chain.import(chosen).expect("imports");
}

#[test]
fn chosen_fields_are_bounded_after_the_merge() {
    let built = chain_through_every_fork();
    let (chain, block) = before(&built, LAST_OF_WORK + 2);
    let field = |tamper: &dyn Fn(&mut Block<TxEnvelope>)| refused_field(&chain, &block, tamper);
    assert_eq!(field(&|block| block.header.nonce = B64::repeat_byte(1)), "nonce");
    assert_eq!(field(&|block| block.header.difficulty = U256::from(DIFFICULTY)), "difficulty");
    assert_eq!(field(&|block| block.header.ommers_hash = B256::ZERO), "sha3Uncles");
    assert_eq!(field(&|block| block.body.ommers = vec![Header::default()]), "uncles");
    assert_eq!(field(&|block| block.body.withdrawals = Some(Default::default())), "withdrawals");

    let (chain, block) = before(&built, LAST_OF_WORK + 8);
    let field = |tamper: &dyn Fn(&mut Block<TxEnvelope>)| refused_field(&chain, &block, tamper);
    assert_eq!(field(&|block| block.body.withdrawals = None), "withdrawals");
    assert_eq!(field(&|block| block.header.blob_gas_used = Some(0)), "blobGasUsed");
    assert_eq!(field(&|block| block.header.blob_gas_used = Some(u64::MAX)), "blobGasUsed");
    assert_eq!(field(&|block| block.header.blob_gas_used = None), "blobGasUsed");
    assert_eq!(field(&|block| block.header.excess_blob_gas = Some(1)), "excessBlobGas");
    assert_eq!(field(&|block| block.header.parent_beacon_block_root = None), "parentBeaconBlockRoot");
    assert_eq!(field(&|block| block.header.requests_hash = None), "requestsHash");
    assert_eq!(field(&|block| block.header.requests_hash = Some(B256::ZERO)), "requestsHash");
}

#[test]
fn too_many_blobs_are_refused() {
    let chain = open(prague());
    let blobs = |count| vec![sign(blobs(0, count), 1)];
    let built = chain.build_block(request_at(1, blobs(10))).expect("builds");
    assert!(built.rejected_leading()[0].reason.contains("blob"), "{:?}", built.rejected_leading());

    // Two that are within the limit each, and over it together.
    let two = vec![sign(common::ethereum::blobs(0, 6), 1), sign(common::ethereum::blobs(0, 6), 2)];
    let built = chain.build_block(request_at(1, two)).expect("builds");
    assert_eq!(built.block().header().blob_gas_used, Some(6 * 131_072));
    assert_eq!(built.rejected_leading().len(), 1);
}

#[test]
fn blobs_are_paid_for_and_priced() {
    let chain = open(prague());
    for number in 0..12 {
        extend(&chain, vec![sign(blobs(number, 9), 1)]);
    }
    let head = chain.head().block;
    assert!(head.header().excess_blob_gas > Some(0));
    let price = chain.blob_base_fee(head.header()).expect("Cancun");
    assert!(price > 1, "{price}");
    assert_eq!(imported(&chain).head(), chain.head());
}

#[test]
fn a_sidecar_in_a_block_is_refused() {
    let chain = open(prague());
    let mut block =
        chain.build_block(request_at(1, vec![sign(blobs(0, 1), 1)])).expect("builds").block().to_block();
    let TxEnvelope::Eip4844(signed) = block.body.transactions[0].clone() else {
        panic!("a blob transaction")
    };
    let with_sidecar = signed.map(|variant| {
        let TxEip4844Variant::TxEip4844(tx) = variant else { panic!("without sidecar") };
        TxEip4844Variant::TxEip4844WithSidecar(alloy_consensus::TxEip4844WithSidecar {
            tx,
            sidecar: Default::default(),
        })
    });
    block.body.transactions[0] = TxEnvelope::Eip4844(with_sidecar);
    block.header.transactions_root =
        alloy_consensus::proofs::calculate_transaction_root(&block.body.transactions);
    match refusal(&chain, block) {
        BlockError::Transaction { index: 0, reason, .. } => assert!(reason.contains("sidecar"), "{reason}"),
        other => panic!("{other}"),
    }
}

#[test]
fn withdrawals_are_credited_and_kept() {
    let chain = open(prague());
    let address = Address::repeat_byte(0x55);
    let mut block = chain.build_block(request_at(1, Vec::new())).expect("builds").block().to_block();
    let withdrawal = Withdrawal { index: 3, validator_index: 4, address, amount: 7 };
    block.body.withdrawals = Some(vec![withdrawal, withdrawal].into());
    assert_eq!(refused_field(&chain, &block, |_| {}), "withdrawalsRoot");
    let block = put_right(&chain, block);
    let committed = chain.import(block.clone()).expect("imports");
    assert_eq!(committed.block.to_block(), block);
    let balance = chain.state_at(BlockId::latest()).expect("state").balance(address).expect("balance");
    assert_eq!(balance, U256::from(14 * GWEI));
    extend(&chain, Vec::new());
    // From the store, no more from memory.
    let stored = chain.block_by_number(1).expect("reads").expect("is there");
    assert_eq!(stored.to_block(), block);
    assert_eq!(stored.withdrawals().map(|withdrawals| withdrawals.len()), Some(2));
}

/// A chain of proof of work with a block left out at height 6, and a header that lost at height 6.
fn with_ommer() -> (Chain, Header) {
    let chain = open(every_fork());
    for _ in 0..5 {
        extend(&chain, Vec::new());
    }
    let mut request = request_at(6, Vec::new());
    request.extra_data = Bytes::from_static(b"lost");
    request.beneficiary = Address::repeat_byte(0x44);
    let ommer = chain.build_block(request).expect("builds").block().header().clone();
    extend(&chain, Vec::new());
    (chain, ommer)
}

fn with_ommers(chain: &Chain, ommers: Vec<Header>) -> Block<TxEnvelope> {
    let number = chain.head().block.number() + 1;
    let mut block = chain.build_block(request_at(number, Vec::new())).expect("builds").block().to_block();
    block.header.ommers_hash = alloy_consensus::proofs::calculate_ommers_root(&ommers);
    block.body.ommers = ommers;
    block
}

#[test]
fn ommers_are_rewarded_and_kept() {
    let (chain, ommer) = with_ommer();
    let miner = ommer.beneficiary;
    let block = put_right(&chain, with_ommers(&chain, vec![ommer.clone()]));
    let committed = chain.import(block.clone()).expect("imports");
    assert_eq!(committed.block.to_block(), block);
    let state = chain.state_at(BlockId::latest()).expect("state");
    // Seven eighths of five ether.
    assert_eq!(
        state.balance(miner).expect("balance"),
        U256::from(35) * U256::from(10).pow(U256::from(18)) / U256::from(8)
    );
    extend(&chain, Vec::new());
    assert_eq!(chain.block_by_number(7).expect("reads").expect("is there").to_block(), block);
    assert_eq!(imported(&chain).head(), chain.head());

    // Once is enough.
    let again = with_ommers(&chain, vec![ommer]);
    assert_eq!(refused_field(&chain, &again, |_| {}), "uncles");
}

#[test]
fn ommers_that_break_a_rule_are_refused() {
    let (chain, ommer) = with_ommer();
    let refused = |ommers: Vec<Header>| match refusal(&chain, with_ommers(&chain, ommers)) {
        BlockError::Field { field: "uncles", expected, .. } => expected,
        BlockError::Ommer { error, .. } => error.to_string(),
        other => panic!("{other}"),
    };
    let changed = |change: &dyn Fn(&mut Header)| {
        let mut ommer = ommer.clone();
        change(&mut ommer);
        ommer
    };
    assert!(refused(vec![ommer.clone(), ommer.clone()]).contains("included already"));
    let three = (0..3).map(|nonce| changed(&|header| header.nonce = B64::repeat_byte(nonce))).collect();
    assert!(refused(three).contains("at most 2"));
    let ancestor = header(&chain, 5);
    assert!(refused(vec![ancestor]).contains("no block of the chain"));
    assert!(refused(vec![changed(&|header| header.parent_hash = B256::ZERO)]).contains("child of one of"));
    let sibling = chain.build_block(request_at(7, Vec::new())).expect("builds").block().header().clone();
    assert!(refused(vec![sibling]).contains("child of one of"));
    assert!(refused(vec![changed(&|header| header.number += 1)]).contains("number"));
    assert!(refused(vec![changed(&|header| header.gas_limit = 4999)]).contains("gasLimit"));
    assert!(refused(vec![changed(&|header| header.difficulty = U256::ZERO)]).contains("difficulty"));
    assert!(refused(vec![changed(&|header| header.timestamp = 1)]).contains("timestamp"));
    assert!(refused(vec![changed(&|header| header.base_fee_per_gas = Some(1))]).contains("baseFeePerGas"));
}

#[test]
fn ommers_are_recent() {
    let (chain, ommer) = with_ommer();
    for _ in 0..5 {
        extend(&chain, Vec::new());
    }
    // Its parent is six blocks before this one's parent, the furthest there may be.
    chain.verify(put_right(&chain, with_ommers(&chain, vec![ommer.clone()]))).expect("valid");
    extend(&chain, Vec::new());
    assert_eq!(refused_field(&chain, &with_ommers(&chain, vec![ommer]), |_| {}), "uncles");
}

#[test]
fn signatures_follow_the_forks() {
    let chain = open(every_fork());
    let mut naming = legacy(0);
    naming.chain_id = Some(common::CHAIN_ID);
    let naming = sign(naming, 0);
    let mut block =
        chain.build_block(request_at(1, vec![sign(legacy(0), 0)])).expect("builds").block().to_block();
    block.body.transactions = vec![naming];
    block.header.transactions_root =
        alloy_consensus::proofs::calculate_transaction_root(&block.body.transactions);
    match refusal(&chain, block) {
        BlockError::Transaction { reason, .. } => assert!(reason.contains("EIP-155"), "{reason}"),
        other => panic!("{other}"),
    }
}

#[test]
fn types_come_with_their_forks() {
    let chain = open(every_fork());
    for (type_id, transaction) in [(2, modern(0)), (3, sign(blobs(0, 1), 1)), (4, sign(delegation(0), 1))] {
        assert_eq!(transaction.ty(), type_id);
        let built = chain.build_block(request_at(1, vec![transaction])).expect("builds");
        assert_eq!(built.rejected_leading().len(), 1, "type {type_id}");
    }
    let chain = open(prague());
    extend(&chain, vec![modern(0), sign(blobs(0, 1), 1), sign(delegation(1), 1)]);
    let code = chain.state_at(BlockId::latest()).expect("state").code(signer(3).address()).expect("code");
    assert_eq!(code.len(), 23);
    assert_eq!(imported(&chain).head(), chain.head());
}

#[test]
fn constantinople_counts_storage_by_what_changes() {
    // Writes 1 and 0 to slot 0, which is empty.
    let code = Bytes::from_static(&[0x60, 1, 0x60, 0, 0x55, 0x60, 0, 0x60, 0, 0x55]);
    let contract = address!("0x00000000000000000000000000000000000000aa");
    let mut genesis = every_fork();
    genesis.alloc.insert(
        contract,
        alloy_genesis::GenesisAccount { code: Some(code), ..alloy_genesis::GenesisAccount::default() },
    );
    let chain = open(genesis);
    let gas_used: Vec<u64> = (0..14)
        .map(|nonce| {
            let mut call = legacy(nonce);
            call.to = contract.into();
            call.value = U256::ZERO;
            extend(&chain, vec![sign(call, 0)]).block.header().gas_used
        })
        .collect();
    // 21,000 and four pushes; then 20,000 and 5,000 with 15,000 back, or 20,000 and 200 with 19,800 back (EIP-1283), or
    // 20,000 and 800 with 19,200 back (EIP-2200). No more than half is given back.
    let [byzantium, constantinople, petersburg, istanbul] = [4, 5, 6, 7].map(|index| gas_used[2 * index - 1]);
    let base = 21_000 + 4 * 3;
    assert_eq!(byzantium, base + 25_000 - 15_000);
    assert_eq!(constantinople, base + 20_200 - 19_800);
    assert_eq!(petersburg, byzantium);
    assert_eq!(istanbul, base + 20_800 - 19_200);
    assert_eq!(imported(&chain).head(), chain.head());
}

#[test]
fn constantinople_has_its_opcodes() {
    // Shifts 1 by 1: an opcode of Constantinople's, invalid before it.
    let code = Bytes::from_static(&[0x60, 1, 0x60, 1, 0x1b]);
    let mut genesis = every_fork();
    let contract = Address::with_last_byte(0xaa);
    let account = alloy_genesis::GenesisAccount { code: Some(code), ..Default::default() };
    genesis.alloc.insert(contract, account);
    let chain = open(genesis);
    let succeeded: Vec<bool> = (0..11)
        .map(|nonce| {
            let mut call = legacy(nonce);
            call.to = contract.into();
            call.value = U256::ZERO;
            extend(&chain, vec![sign(call, 0)]).receipts[0].status()
        })
        .collect();
    let constantinople = 5 * FORK_INTERVAL as usize;
    assert!(!succeeded[constantinople - 2] && succeeded[constantinople - 1] && succeeded[constantinople]);
}

#[test]
fn the_dao_fork_moves_balances_and_marks_blocks() {
    // The first account of EIP-779's list, and the contract that gives its ether back.
    let drained = address!("0xd4fe7bc31cedb7bfb8a345f31e668033056b2728");
    let refund = address!("0xbf4ed7b27f1d666546e30d74d50d173d20bca754");
    let genesis = |support: bool| {
        let mut genesis = every_fork();
        genesis.config.dao_fork_block = Some(2);
        genesis.config.dao_fork_support = support;
        let rich = alloy_genesis::GenesisAccount { balance: U256::MAX, ..Default::default() };
        genesis.alloc.insert(drained, rich);
        genesis
    };
    let chain = open(genesis(true));
    extend(&chain, Vec::new());
    let mut request = request_at(2, Vec::new());
    let unmarked = chain.build_block(request.clone()).expect("builds").block().to_block();
    assert_eq!(refused_field(&chain, &unmarked, |_| {}), "extraData");
    request.extra_data = Bytes::from_static(b"dao-hard-fork");
    let marked = chain.build_block(request).expect("builds").block().to_block();
    chain.import(marked.clone()).expect("imports");
    let state = chain.state_at(BlockId::latest()).expect("state");
    assert_eq!(state.balance(drained).expect("balance"), U256::ZERO);
    assert_eq!(state.balance(refund).expect("balance"), U256::MAX);

    let opposed = open(genesis(false));
    extend(&opposed, Vec::new());
    extend(&opposed, Vec::new());
    let state = opposed.state_at(BlockId::latest()).expect("state");
    assert_eq!(state.balance(drained).expect("balance"), U256::MAX);
    let (opposed, _) = before(&opposed, 2);
    let mut request = request_at(2, Vec::new());
    request.extra_data = Bytes::from_static(b"dao-hard-fork");
    let marked = opposed.build_block(request).expect("builds").block().to_block();
    assert_eq!(refused_field(&opposed, &marked, |_| {}), "extraData");
}

#[test]
fn genesis_headers_are_geths() {
    // Before London nothing but the seal; mainnet's first block but for its state.
    let bare = Genesis {
        nonce: 0x42,
        difficulty: U256::from(1) << 34,
        gas_limit: 5000,
        extra_data: "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa"
            .parse()
            .expect("hex"),
        base_fee_per_gas: Some(7),
        ..Genesis::default()
    };
    let header = ChainConfig::ethereum(bare).expect("a genesis").genesis_header();
    assert_eq!(header.base_fee_per_gas, None);
    assert_eq!(header.withdrawals_root, None);
    assert_eq!(header.ommers_hash, EMPTY_OMMER_ROOT_HASH);
    // With the root of mainnet's state the hash is mainnet's.
    let mainnet = Header {
        state_root: b256!("0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544"),
        ..header
    };
    assert_eq!(
        mainnet.hash_slow(),
        b256!("0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3")
    );

    // Forks of time add their fields even where the first block is of proof of work.
    let header = ChainConfig::ethereum(prague()).expect("a genesis").genesis_header();
    assert_eq!(header.difficulty, U256::from(DIFFICULTY));
    assert_eq!(header.base_fee_per_gas, Some(1_000_000_000));
    assert!(header.requests_hash.is_some() && header.withdrawals_root.is_some());
    assert_eq!((header.blob_gas_used, header.excess_blob_gas), (Some(0), Some(0)));
}

#[test]
fn the_genesis_header_of_a_public_test_chain_is_right() {
    // A genesis of proof of work with London from the start, as geth's `genesis.json` has it.
    let genesis: Genesis = serde_json::from_str(
        r#"{"config":{"chainId":1,"homesteadBlock":0,"eip150Block":0,"eip155Block":0,"eip158Block":0,
        "byzantiumBlock":0,"constantinopleBlock":0,"petersburgBlock":0,"istanbulBlock":0,"muirGlacierBlock":0,
        "berlinBlock":0,"londonBlock":0,"arrowGlacierBlock":0,"grayGlacierBlock":0,"ethash":{}},"nonce":"0x0",
        "timestamp":"0x0","extraData":"0x","gasLimit":"0x4c4b40","difficulty":"0x1","coinbase":
        "0x0000000000000000000000000000000000000000","alloc":{},"number":"0x0","gasUsed":"0x0",
        "baseFeePerGas":"0x3b9aca00"}"#,
    )
    .expect("parses");
    let header = Header {
        state_root: b256!("0x078dc6061b1d8eaa8493384b59c9c65ceb917201221d08b80c4de6770b6ec7e7"),
        ..ChainConfig::ethereum(genesis).expect("a genesis").genesis_header()
    };
    let expected = b256!("0x33ed456e4ddc943a66d74940bcb732efac73c36c5252fe7883a05099acb9b612");
    assert_eq!(header.hash_slow(), expected);
}

#[test]
fn contradictory_genesis_files_are_refused() {
    let refused = |change: &dyn Fn(&mut Genesis)| {
        let mut genesis = every_fork();
        change(&mut genesis);
        ChainConfig::ethereum(genesis).expect_err("must be refused")
    };
    let schedule = |change: &dyn Fn(&mut Genesis)| match refused(change) {
        GenesisError::Schedule(error) => error,
        other => panic!("{other}"),
    };
    assert!(matches!(
        schedule(&|genesis| genesis.config.byzantium_block = Some(1)),
        ScheduleError::Order { fork: "byzantiumBlock", got: 1, previous: "eip158Block", previous_at: 6 }
    ));
    assert!(matches!(
        schedule(&|genesis| genesis.config.istanbul_block = None),
        ScheduleError::Missing { later: "muirGlacierBlock", missing: "istanbulBlock", .. }
    ));
    assert!(matches!(
        schedule(&|genesis| genesis.config.cancun_time = None),
        ScheduleError::Missing { missing: "cancunTime", .. }
    ));
    assert!(matches!(
        schedule(&|genesis| {
            genesis.config.clique = Some(alloy_genesis::CliqueConfig { period: None, epoch: None });
        }),
        ScheduleError::Unsupported { what: "clique" }
    ));
    assert!(matches!(
        schedule(&|genesis| genesis.config.eip155_block = Some(0)),
        ScheduleError::Unsupported { .. }
    ));
    assert!(matches!(
        schedule(&|genesis| genesis.config.amsterdam_time = Some(u64::MAX)),
        ScheduleError::Unsupported { what: "amsterdamTime" }
    ));
    let field = |change: &dyn Fn(&mut Genesis)| match refused(change) {
        GenesisError::Field { field, .. } => field,
        other => panic!("{other}"),
    };
    assert_eq!(field(&|genesis| genesis.number = Some(1)), "number");
    assert_eq!(field(&|genesis| genesis.parent_hash = Some(B256::repeat_byte(1))), "parentHash");
    assert_eq!(field(&|genesis| genesis.base_fee_per_gas = Some(u128::MAX)), "baseFeePerGas");
    assert_eq!(field(&|genesis| genesis.excess_blob_gas = Some(u64::MAX)), "excessBlobGas");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a block's bytes are, importing them is an error or another valid block, never a panic.
    #[test]
    fn no_bytes_of_a_block_make_the_importer_panic(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let chain = open(prague());
        let transactions = vec![modern(0), sign(blobs(0, 1), 1), sign(delegation(1), 1)];
        let built = chain.build_block(request_at(1, transactions)).expect("builds");
        let mut rlp = alloy_rlp::encode(built.block().to_block());
        let position = position.index(rlp.len());
        rlp[position] = byte;
        if let Ok(block) = Block::<TxEnvelope>::decode(&mut rlp.as_slice()) {
            match chain.import(block) {
                Ok(_) | Err(ChainError::InvalidBlock(_)) => {}
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}
