use std::collections::BTreeMap;

use alloy_rlp::Encodable;
use alloy_trie::{
    HashBuilder, Nibbles,
    proof::{ProofRetainer, verify_proof},
};
use ivm_guest::alloy_primitives::{Address, B256, Bytes, U256, address, b256, keccak256};
use proptest::prelude::*;

use crate::{Fault, HistoryProof, Input, Tier, fee_of_input, value_at, volume_of_word};

/// Root and proof as another implementation has them.
fn prove(trie: &BTreeMap<B256, Vec<u8>>, key: B256) -> (B256, Vec<Bytes>) {
    let target = Nibbles::unpack(key);
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![target]));
    for (key, value) in trie {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes().matching_nodes_sorted(&target).into_iter();
    // It also keeps what parents hold in themselves, and the empty root, which EIP-1186 leaves out.
    let nodes = nodes.map(|(path, node)| (path.is_empty(), node));
    let kept = nodes.filter(|(is_root, node)| (*is_root || node.len() >= 32) && node[..] != [0x80]);
    (root, kept.map(|(_, node)| node).collect())
}

fn slices(nodes: &[Bytes]) -> Vec<&[u8]> {
    nodes.iter().map(|node| &node[..]).collect()
}

/// Keys that share up to 63 nibbles, so that nodes of all kinds and depths come up, those in their parents among them.
fn keys() -> impl Strategy<Value = B256> {
    let shared = b256!("7e0d5c2ba1968f30412d6f1e77aa5566ccdd0011229988ffeebb3344556677de");
    (any::<[u8; 32]>(), 0..=32_usize, 0..4_u8).prop_map(move |(random, kept, last)| {
        let mut key = B256::from(random);
        key[..kept].copy_from_slice(&shared[..kept]);
        key[31] = key[31] & 0xf0 | last;
        key
    })
}

fn tries() -> impl Strategy<Value = BTreeMap<B256, Vec<u8>>> {
    prop::collection::btree_map(keys(), prop::collection::vec(any::<u8>(), 1..40), 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_in_a_trie_and_what_is_not_agrees_with_alloy(trie in tries(), other in keys(), pick in any::<prop::sample::Index>()) {
        let present = if trie.is_empty() { None } else { trie.keys().nth(pick.index(trie.len())).copied() };
        for key in present.into_iter().chain([other]) {
            let (root, nodes) = prove(&trie, key);
            let expected = trie.get(&key).cloned();
            prop_assert_eq!(verify_proof(root, Nibbles::unpack(key), expected.clone(), &nodes), Ok(()));
            prop_assert_eq!(value_at("it", root, key, &slices(&nodes)).map(|value| value.map(<[u8]>::to_vec)), Ok(expected));
        }
    }

    #[test]
    fn a_changed_proof_shows_nothing_else(
        trie in tries(), key in keys(), at in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>(),
        change in 1..=255_u8, kind in 0..5_u8,
    ) {
        let (root, mut nodes) = prove(&trie, key);
        prop_assume!(!nodes.is_empty());
        let index = at.index(nodes.len());
        let mut node = nodes[index].to_vec();
        match kind {
            0 => { let place = byte.index(node.len()); node[place] ^= change; nodes[index] = node.into(); }
            1 => { node.truncate(byte.index(node.len())); nodes[index] = node.into(); }
            2 => { node.push(change); nodes[index] = node.into(); }
            3 => { nodes.remove(index); }
            _ => { nodes.insert(index, node.into()); }
        }
        prop_assert!(value_at("it", root, key, &slices(&nodes)).is_err());
    }

    /// Nobody knows a block with such roots, but the walk must come to its end on any bytes.
    #[test]
    fn any_bytes_have_an_end(node in prop::collection::vec(any::<u8>(), 0..600), key in any::<[u8; 32]>(), head in 0..3_u8) {
        let mut list = Vec::new();
        if head > 0 {
            alloy_rlp::Header { list: true, payload_length: node.len() }.encode(&mut list);
        }
        list.extend_from_slice(&node);
        let _ = value_at("it", keccak256(&list), key.into(), &[&list]);
    }

    #[test]
    fn any_input_has_a_fee_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..900)) {
        prop_assert!(fee_of_input(&bytes).is_err());
    }
}

const POOL: Address = address!("0x5fbdb2315678afecb367f032d93f642f64180aa3");
const SLOT: B256 = b256!("1111111111111111111111111111111111111111111111111111111111111111");
const TIERS: [Tier; 3] = [
    Tier { min_volume: 0, fee_millionths: 3000 },
    Tier { min_volume: 1000, fee_millionths: 2000 },
    Tier { min_volume: 1_000_000, fee_millionths: 500 },
];

/// A state of the past, and what is asked of it.
struct Case {
    /// The pool's storage, by slot; `None` when there is no pool.
    storage: Option<Vec<(B256, U256)>>,
    volume_now: u128,
    slot: B256,
}

fn list_of(items: &[&dyn Encodable]) -> Vec<u8> {
    let payload: Vec<u8> = items.iter().flat_map(|item| rlp(*item)).collect();
    let mut bytes = Vec::new();
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut bytes);
    bytes.extend(payload);
    bytes
}

fn rlp(item: &dyn Encodable) -> Vec<u8> {
    let mut bytes = Vec::new();
    item.encode(&mut bytes);
    bytes
}

fn hashed(storage: &[(B256, U256)]) -> BTreeMap<B256, Vec<u8>> {
    storage.iter().map(|(slot, word)| (keccak256(slot), rlp(word))).collect()
}

/// The first part of an input, as the pool writes it.
fn of_the_pool(anchor: B256, slot: B256, volume_now: u128) -> Vec<u8> {
    let mut bytes = [anchor.as_slice(), POOL.as_slice(), slot.as_slice(), &volume_now.to_be_bytes()].concat();
    bytes.push(TIERS.len() as u8);
    for tier in TIERS {
        bytes.extend(tier.min_volume.to_be_bytes());
        bytes.extend(&tier.fee_millionths.to_be_bytes()[1..]);
    }
    bytes
}

impl Case {
    /// The whole input, with the state's, the storage's and the header's proof, each of which can be altered.
    fn input(&self, alter: impl FnOnce(&mut Vec<u8>, &mut Vec<Bytes>, &mut Vec<Bytes>)) -> Vec<u8> {
        let (storage_root, mut storage_nodes) = match &self.storage {
            Some(storage) => prove(&hashed(storage), keccak256(self.slot)),
            None => (B256::ZERO, Vec::new()),
        };
        let mut state: BTreeMap<B256, Vec<u8>> = (1..40_u8)
            .map(|number| (keccak256([number; 20]), list_of(&[&1_u64, &2_u64, &B256::ZERO, &B256::ZERO])))
            .collect();
        if self.storage.is_some() {
            let code_hash = keccak256("code");
            state.insert(keccak256(POOL), list_of(&[&1_u64, &U256::from(7), &storage_root, &code_hash]));
        }
        let (state_root, mut account_nodes) = prove(&state, keccak256(POOL));
        let mut header = list_of(&[
            &B256::with_last_byte(1),
            &B256::with_last_byte(2),
            &POOL,
            &state_root,
            &&[0_u8; 300][..],
        ]);
        let anchor = keccak256(&header);
        alter(&mut header, &mut account_nodes, &mut storage_nodes);
        let proof = HistoryProof {
            header: &header,
            account_nodes: slices(&account_nodes),
            storage_nodes: slices(&storage_nodes),
        };
        let mut input = of_the_pool(anchor, self.slot, self.volume_now);
        input.extend(proof.encode().expect("a small proof"));
        input
    }

    fn fee(&self) -> Result<u32, Fault> {
        fee_of_input(&self.input(|_, _, _| ()))
    }
}

fn a_trader(volume_then: u128, volume_now: u128) -> Case {
    // What lies above the volume, the pool's tier of the trader, counts for nothing.
    let word = U256::from(volume_then) | U256::from(0x00ff_ffff_ffff_u64) << 128;
    let mut storage: Vec<_> =
        (1..30_u8).map(|number| (B256::repeat_byte(0x20 + number), U256::from(number))).collect();
    storage.push((SLOT, word));
    Case { storage: Some(storage), volume_now, slot: SLOT }
}

#[test]
fn the_fee_is_that_of_the_volume_since() {
    for (then, now, expected) in [
        (5_000_000, 5_000_000, 3000),
        (5_000_000, 5_000_999, 3000),
        (5_000_000, 5_001_000, 2000),
        (5_000_000, 5_999_999, 2000),
        (5_000_000, 6_000_000, 500),
        (1, u128::MAX, 500),
        (u128::MAX, u128::MAX, 3000),
    ] {
        assert_eq!(a_trader(then, now).fee(), Ok(expected), "from {then} to {now}");
    }
}

#[test]
fn a_trader_who_was_not_there_had_no_volume() {
    let unknown = Case { slot: B256::repeat_byte(9), ..a_trader(5, 1000) };
    assert_eq!(unknown.fee(), Ok(2000));
    let no_storage = Case { storage: Some(Vec::new()), volume_now: 999, slot: SLOT };
    assert_eq!(no_storage.fee(), Ok(3000));
    let no_pool = Case { storage: None, volume_now: 1_000_000, slot: SLOT };
    assert_eq!(no_pool.fee(), Ok(500));
}

#[test]
fn volume_never_falls() {
    assert_eq!(a_trader(1000, 999).fee(), Err(Fault::VolumeFell { now: 999, then: 1000 }));
}

#[test]
fn the_header_must_be_the_anchored_one() {
    let input = a_trader(1, 2).input(|header, _, _| header[100] ^= 1);
    assert!(matches!(fee_of_input(&input), Err(Fault::NotTheAnchor { .. })));
}

#[test]
fn a_larger_past_cannot_be_left_out() {
    // A trader would gain by showing that the word, or the pool, was not there.
    let case = a_trader(5_000_000, 6_000_000);
    let without_word = case.input(|_, _, storage| drop(storage.pop()));
    assert!(matches!(fee_of_input(&without_word), Err(Fault::NodeMissing { of: "the word", .. })));
    let without_storage = case.input(|_, _, storage| storage.clear());
    assert!(matches!(
        fee_of_input(&without_storage),
        Err(Fault::NodeMissing { of: "the word", nodes: 0, .. })
    ));
    let without_account = case.input(|_, account, _| drop(account.pop()));
    assert!(matches!(fee_of_input(&without_account), Err(Fault::NodeMissing { of: "the account", .. })));
    // Nor by the word of somebody else, who had less.
    let other = Case { slot: B256::repeat_byte(0x21), ..a_trader(5_000_000, 6_000_000) };
    let mut of_other = Vec::new();
    other.input(|_, _, storage| of_other.clone_from(storage));
    let swapped = case.input(|_, _, storage| *storage = of_other);
    assert!(fee_of_input(&swapped).is_err());
}

#[test]
fn nothing_is_left_over() {
    let case = a_trader(1, 2);
    let longer = [case.input(|_, _, _| ()), vec![0]].concat();
    assert_eq!(fee_of_input(&longer), Err(Fault::BytesLeftOver { got: 1 }));
    let more_nodes = case.input(|_, _, storage| storage.push(Bytes::from_static(&[0xc0])));
    assert_eq!(fee_of_input(&more_nodes), Err(Fault::NodesLeftOver { of: "the word", got: 1 }));
    let no_pool = Case { storage: None, volume_now: 1, slot: SLOT };
    let storage_of_nobody = no_pool.input(|_, _, storage| storage.push(Bytes::from_static(&[0x80])));
    assert_eq!(fee_of_input(&storage_of_nobody), Err(Fault::NodesLeftOver { of: "the word", got: 1 }));
}

#[test]
fn every_shorter_input_is_too_short() {
    let input = a_trader(1, 2).input(|_, _, _| ());
    for size in 0..input.len() {
        assert!(matches!(fee_of_input(&input[..size]), Err(Fault::InputTooShort { .. })), "{size} bytes");
    }
}

#[test]
fn every_changed_byte_of_the_proof_is_refused() {
    let case = a_trader(5_000_000, 6_000_000);
    let input = case.input(|_, _, _| ());
    for place in of_the_pool(B256::ZERO, SLOT, 0).len()..input.len() {
        let mut changed = input.clone();
        changed[place] ^= 0x41;
        assert!(fee_of_input(&changed).is_err(), "byte {place}");
    }
}

#[test]
fn a_table_without_a_tier_has_no_fee() {
    let input = a_trader(1, 2).input(|_, _, _| ());
    let mut without = input[..100].to_vec();
    without.push(0);
    without.extend(&input[101 + 3 * 19..]);
    assert_eq!(fee_of_input(&without), Err(Fault::NoTier { volume: 1 }));
}

#[test]
fn an_input_reads_as_it_was_written() {
    let bytes = a_trader(3, 77).input(|_, _, _| ());
    let input = Input::read(&bytes).expect("a good input");
    assert_eq!((input.pool, input.slot, input.volume_now), (POOL, SLOT, 77));
    assert_eq!(input.anchor, keccak256(input.proof.header));
    assert_eq!(input.tiers().collect::<Vec<_>>(), TIERS);
    assert!(input.proof.account_nodes.len() >= 2 && input.proof.storage_nodes.len() >= 2);
}

#[test]
fn volume_is_the_low_half_of_a_word() {
    assert_eq!(volume_of_word(U256::MAX), u128::MAX);
    assert_eq!(volume_of_word(U256::from(1) << 128), 0);
    assert_eq!(volume_of_word(U256::from(u64::MAX) + U256::from(1)), 1 << 64);
}

/// What the pool's Solidity is tested with as well: how it writes the first part, and a proof that goes with it.
/// `IVM_UPDATE_VECTORS=1` writes the file anew.
#[test]
fn the_vector_shared_with_the_pool_holds() {
    let folder = std::env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    let path = format!("{folder}/../../contracts/test/vectors/amm-fee.json");
    let case = a_trader(5_000_000, 5_001_234);
    let bytes = case.input(|_, _, _| ());
    let input = Input::read(&bytes).expect("a good input");
    let volumes: Vec<u128> = TIERS.iter().map(|tier| tier.min_volume).collect();
    let fees: Vec<u32> = TIERS.iter().map(|tier| tier.fee_millionths).collect();
    let vector = serde_json::json!({
        "anchor": input.anchor.to_string(),
        "pool": format!("{POOL:?}"),
        "slot": SLOT.to_string(),
        "volumeNow": case.volume_now as u64,
        "tierVolumes": volumes.iter().map(|volume| *volume as u64).collect::<Vec<_>>(),
        "tierFees": fees,
        "proof": Bytes::from(input.proof.encode().expect("a small proof")).to_string(),
        "input": Bytes::from(bytes.clone()).to_string(),
        "fee": fee_of_input(&bytes).expect("a fee"),
    });
    if std::env::var_os("IVM_UPDATE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&vector).expect("plain values");
        std::fs::write(&path, text + "\n").expect("the folder of vectors");
    }
    let committed = std::fs::read_to_string(path).expect("the vector");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&committed).expect("JSON"), vector);
}
