//! What one chain builds another imports to the same hash; a block with anything changed is refused by name.

mod common;

use alloy_consensus::{Block, Header, TxEip1559, TxEnvelope};
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, TxKind, U256};
use alloy_rlp::{Decodable, Encodable};
use common::*;
use ivm_chain::{BlockError, Chain, ChainError};
use proptest::prelude::*;

/// One transaction of a random chain.
#[derive(Clone, Debug)]
enum Action {
    Transfer { to: u8, value: u64 },
    Deploy,
    Store { value: u8, starved: bool },
    SelfDestruct,
    RevertingDeploy,
}

fn action() -> impl Strategy<Value = (u8, u8, Action)> {
    let action = prop_oneof![
        (0u8..6, any::<u64>()).prop_map(|(to, value)| Action::Transfer { to, value }),
        Just(Action::Deploy),
        (0u8..3, any::<bool>()).prop_map(|(value, starved)| Action::Store { value, starved }),
        Just(Action::SelfDestruct),
        Just(Action::RevertingDeploy),
    ];
    (0u8..4, 0u8..5, action)
}

fn sign_action(nonce: u64, from: u8, tip: u8, action: &Action) -> TxEnvelope {
    let contract = signer(0).address().create(0);
    let tx = match action {
        Action::Transfer { to, value } => TxEip1559 {
            to: TxKind::Call(Address::repeat_byte(*to)),
            value: U256::from(*value),
            ..transfer(nonce)
        },
        Action::Deploy => create(nonce, &STORE_INITCODE),
        Action::Store { value, starved } => TxEip1559 {
            gas_limit: if *starved { 22_000 } else { 100_000 },
            ..call(nonce, contract, B256::with_last_byte(*value))
        },
        Action::SelfDestruct => TxEip1559 { value: U256::from(5), ..create(nonce, &SELFDESTRUCT_INITCODE) },
        Action::RevertingDeploy => create(nonce, &[0x5f, 0x5f, 0xfd]),
    };
    sign(TxEip1559 { max_priority_fee_per_gas: u128::from(tip) * GWEI / 2, ..tx }, from)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn built_blocks_import_to_the_same_chain(
        blocks in proptest::collection::vec(proptest::collection::vec(action(), 0..12), 1..6),
    ) {
        let (builder, importer) = (chain(), chain());
        let mut nonces = [0u64; 4];
        for actions in &blocks {
            let mut leading = Vec::new();
            for (index, (from, tip, action)) in actions.iter().enumerate() {
                let nonce = &mut nonces[usize::from(*from)];
                let tx = sign_action(*nonce, *from, *tip, action);
                *nonce += 1;
                // The proposer of these tests is account 3: its transactions lead.
                if *from == 3 {
                    leading.push(tx);
                } else {
                    submit(&builder, &tx).unwrap_or_else(|error| panic!("{index}: {error}"));
                }
            }
            let built = builder.build_block(request(leading)).expect("builds");
            prop_assert_eq!(built.rejected_leading(), &[]);
            prop_assert_eq!(built.dropped_from_pool(), &[]);
            prop_assert_eq!(built.block().transactions().len(), actions.len());
            let mut encoded = Vec::new();
            built.block().to_block().encode(&mut encoded);
            prop_assert_eq!(encoded.len(), built.block().size_bytes());
            let decoded = Block::<TxEnvelope>::decode(&mut encoded.as_slice()).expect("decodes");
            let imported = importer.import(decoded).expect("imports");
            prop_assert_eq!(imported.block.hash(), built.block().hash());
            builder.commit(built, Vec::new()).expect("commits");
            prop_assert_eq!(importer.head(), builder.head());
            prop_assert_eq!(builder.pool().status(), (0, 0));
        }
    }
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

/// A chain, and the valid block that follows its head.
fn next_block() -> (Chain, Block<TxEnvelope>) {
    let chain = chain();
    mine(&chain);
    submit(&chain, &sign(create(0, &STORE_INITCODE), 0)).expect("accepted");
    submit(&chain, &sign(transfer(0), 1)).expect("accepted");
    let block = chain.build_block(request(Vec::new())).expect("builds").block().to_block();
    (chain, block)
}

#[test]
fn every_tampered_header_field_is_named() {
    type Tamper = fn(&mut Header);
    let cases: [(&str, Tamper); 21] = [
        ("parentHash", |header| header.parent_hash.0[0] ^= 1),
        ("sha3Uncles", |header| header.ommers_hash.0[0] ^= 1),
        ("stateRoot", |header| header.state_root.0[0] ^= 1),
        ("transactionsRoot", |header| header.transactions_root.0[0] ^= 1),
        ("receiptsRoot", |header| header.receipts_root.0[0] ^= 1),
        ("logsBloom", |header| header.logs_bloom = Bloom::repeat_byte(1)),
        ("difficulty", |header| header.difficulty = U256::from(1)),
        ("number", |header| header.number += 1),
        ("gasLimit", |header| header.gas_limit += 1),
        ("gasUsed", |header| header.gas_used += 1),
        ("timestamp", |header| header.timestamp -= 1),
        ("extraData", |header| header.extra_data = Bytes::from(vec![0; 33])),
        ("nonce", |header| header.nonce = B64::with_last_byte(1)),
        ("baseFeePerGas", |header| header.base_fee_per_gas = header.base_fee_per_gas.map(|fee| fee + 1)),
        ("withdrawalsRoot", |header| header.withdrawals_root = None),
        ("blobGasUsed", |header| header.blob_gas_used = Some(131_072)),
        ("excessBlobGas", |header| header.excess_blob_gas = Some(1)),
        ("parentBeaconBlockRoot", |header| header.parent_beacon_block_root = None),
        ("requestsHash", |header| header.requests_hash = Some(B256::ZERO)),
        ("blockAccessListHash", |header| header.block_access_list_hash = Some(B256::ZERO)),
        ("slotNumber", |header| header.slot_number = Some(0)),
    ];
    let (chain, valid) = next_block();
    for (name, tamper) in cases {
        let mut block = valid.clone();
        tamper(&mut block.header);
        match refusal(&chain, block) {
            BlockError::Field { field, got, expected } => {
                assert_eq!(field, name);
                assert_ne!(got, expected, "{name}");
            }
            other => panic!("{name}: {other}"),
        }
    }
    // Chosen by the proposer, but with an effect on state.
    for tamper in
        [|header: &mut Header| header.beneficiary.0[0] ^= 1, |header: &mut Header| header.timestamp += 1]
    {
        let mut block = valid.clone();
        tamper(&mut block.header);
        assert!(matches!(refusal(&chain, block), BlockError::Field { field: "stateRoot", .. }));
    }
    chain.import(valid).expect("the untampered block imports");
}

#[test]
fn tampered_bodies_are_refused() {
    let (chain, valid) = next_block();
    let with_root = |mut block: Block<TxEnvelope>| {
        block.header.transactions_root =
            alloy_consensus::proofs::calculate_transaction_root(&block.body.transactions);
        block
    };
    let named = |block| match refusal(&chain, block) {
        BlockError::Field { field, .. } => field,
        other => panic!("{other}"),
    };
    let mut fewer = valid.clone();
    fewer.body.transactions.pop();
    assert_eq!(named(fewer.clone()), "transactionsRoot");
    assert_eq!(named(with_root(fewer)), "gasUsed");

    let mut uncle = valid.clone();
    uncle.body.ommers.push(Header::default());
    assert_eq!(named(uncle), "uncles");
    let mut bare = valid.clone();
    bare.body.withdrawals = None;
    assert_eq!(named(bare), "withdrawals");
    let mut withdrawing = valid.clone();
    withdrawing.body.withdrawals = Some(vec![Default::default()].into());
    assert_eq!(named(withdrawing), "withdrawals");

    let mut repeated = valid.clone();
    repeated.body.transactions.push(valid.body.transactions[1].clone());
    match refusal(&chain, with_root(repeated)) {
        BlockError::Transaction { index: 2, reason, .. } => assert!(reason.contains("nonce"), "{reason}"),
        other => panic!("{other}"),
    }
    let mut huge = valid.clone();
    huge.body.transactions.push(sign(create(0, &vec![0; ivm_chain::MAX_BLOCK_SIZE_BYTES]), 2));
    assert_eq!(named(huge), "size");
}

#[test]
fn blocks_share_a_second() {
    let chain = chain();
    let (first, second) = (mine(&chain), mine(&chain));
    assert_eq!(first.block.header().timestamp, second.block.header().timestamp);
    assert_eq!(second.block.number(), 2);
}
