//! Random changes against three other tries: `alloy_trie`'s hash builder, `eth_trie`, and one built at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::B256;
use alloy_trie::proof::verify_proof;
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles};
use eth_trie::{EthTrie, MemoryDB, Trie as _};
use proptest::prelude::*;

use super::update::{NodeWrite, TrieChange, update};
use super::{NodeSource, Root, TrieError, prove};
use crate::state::StateError;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Records(BTreeMap<Nibbles, Vec<u8>>);

impl NodeSource for Records {
    fn node(&self, path: &Nibbles) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.0.get(path).cloned())
    }
}

impl Records {
    fn change(&mut self, root: B256, changes: &Batch) -> B256 {
        let changes: Vec<_> = changes
            .iter()
            .map(|(key, value)| TrieChange { key: Nibbles::unpack(key), old: None, value: value.clone() })
            .collect();
        let (root, writes) = update(self, &Root::stored(root), &changes).expect("updates");
        self.write(writes);
        root.hash
    }

    fn write(&mut self, writes: Vec<NodeWrite>) {
        for NodeWrite { path, old, new } in writes {
            assert_ne!(old, new);
            assert_eq!(self.0.get(&path), old.as_ref(), "the old record at {path:?}");
            match new {
                Some(new) => self.0.insert(path, new),
                None => self.0.remove(&path),
            };
        }
    }
}

type Batch = BTreeMap<[u8; 32], Option<Vec<u8>>>;

/// Keys that share long prefixes, so that all forms of nodes occur: short ones, which parents hold, need keys that part
/// near their ends.
fn key() -> impl Strategy<Value = [u8; 32]> {
    let deep = (prop_oneof![Just(0usize), 28usize..32, 0usize..32], any::<u8>(), 0u8..3, 0u8..3);
    let deep = deep.prop_map(|(place, byte, before_last, last)| {
        let mut key = [0; 32];
        key[place] = byte & 0x33;
        key[30] ^= before_last << 4;
        key[31] ^= last;
        key
    });
    prop_oneof![4 => deep, 1 => any::<[u8; 32]>()]
}

/// Values as state has them: `eth_trie` reads a lone byte of 128 or more back as another, and no RLP is one.
fn value() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        2 => Just(None),
        3 => (1u8..4).prop_map(|byte| Some(vec![byte])),
        1 => (2usize..80, any::<u8>()).prop_map(|(length, byte)| Some(vec![byte | 1; length])),
    ]
}

fn batch(keys: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Batch> {
    proptest::collection::btree_map(key(), value(), keys)
}

fn built_at_once(model: &BTreeMap<[u8; 32], Vec<u8>>) -> (B256, Records) {
    let mut records = Records::default();
    let all = model.iter().map(|(key, value)| (*key, Some(value.clone()))).collect();
    (records.change(EMPTY_ROOT_HASH, &all), records)
}

fn hash_builder_root(model: &BTreeMap<[u8; 32], Vec<u8>>) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in model {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    builder.root()
}

fn names(error: &StateError, damaged: Nibbles) -> bool {
    let StateError::Trie(error) = error else { return false };
    matches!(**error, TrieError::Damaged { path, .. } if path == damaged)
}

fn is_malformed(error: &StateError) -> bool {
    matches!(error, StateError::Trie(error) if matches!(**error, TrieError::Malformed { .. }))
}

fn check_proof(records: &Records, root: B256, key: [u8; 32], value: Option<&Vec<u8>>) {
    let path = Nibbles::unpack(key);
    let (got, proof) = prove(records, root, &path).expect("proves");
    assert_eq!(got.as_ref(), value);
    verify_proof(root, path, value.cloned(), &proof).expect("the proof verifies");
    let other = Some(vec![0xee; 5]);
    assert!(verify_proof(root, path, other, &proof).is_err(), "it proves nothing else");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_changes_lead_to_the_trie_of_what_is_left(batches in proptest::collection::vec(batch(1..24), 1..10)) {
        let mut other = EthTrie::new(Arc::new(MemoryDB::new(false)));
        let (mut records, mut root, mut model) = (Records::default(), EMPTY_ROOT_HASH, BTreeMap::new());
        for changes in &batches {
            root = records.change(root, changes);
            for (key, value) in changes {
                match value {
                    Some(value) => {
                        other.insert(key, value).expect("inserts");
                        model.insert(*key, value.clone());
                    }
                    None if model.remove(key).is_some() => {
                        other.remove(key).expect("removes");
                    }
                    None => {}
                }
            }
            prop_assert_eq!(root, hash_builder_root(&model));
            prop_assert_eq!(root, other.root_hash().expect("hashes"));
            let (root_at_once, records_at_once) = built_at_once(&model);
            prop_assert_eq!(root, root_at_once);
            prop_assert_eq!(&records, &records_at_once, "no record is missing, none is left over");
            for key in changes.keys().chain(model.keys()).take(12) {
                check_proof(&records, root, *key, model.get(key));
            }
        }
    }

    #[test]
    fn work_on_all_cores_gives_the_same(base in batch(200..400), changes in batch(100..300)) {
        let (mut records, mut one_by_one) = (Records::default(), Records::default());
        let mut root = records.change(EMPTY_ROOT_HASH, &base);
        let mut other_root = EMPTY_ROOT_HASH;
        root = records.change(root, &changes);
        for (key, value) in base.iter().chain(&changes) {
            other_root = one_by_one.change(other_root, &Batch::from([(*key, value.clone())]));
        }
        prop_assert_eq!(root, other_root);
        prop_assert_eq!(records, one_by_one);
    }

    #[test]
    fn what_is_held_in_memory_and_known_of_old_values_changes_nothing(
        batches in proptest::collection::vec(batch(1..60), 1..8),
    ) {
        let (mut plain, mut held) = (Records::default(), Records::default());
        let (mut plain_root, mut held_root) = (EMPTY_ROOT_HASH, Root::stored(EMPTY_ROOT_HASH));
        let mut model = BTreeMap::new();
        for changes in &batches {
            let known: Vec<_> = changes
                .iter()
                .map(|(key, value)| TrieChange {
                    key: Nibbles::unpack(key),
                    old: model.get(key).cloned().flatten(),
                    value: value.clone(),
                })
                .collect();
            let (root, writes) = update(&held, &held_root, &known).expect("updates");
            held.write(writes);
            held_root = root;
            plain_root = plain.change(plain_root, changes);
            prop_assert_eq!(held_root.hash, plain_root);
            prop_assert_eq!(&held, &plain);
            model.extend(changes.clone());
        }
    }

    #[test]
    fn a_damaged_record_is_named_and_nothing_panics(
        base in batch(20..60), changes in batch(1..20), place in any::<usize>(), bit in any::<usize>(),
    ) {
        let mut records = Records::default();
        let root = records.change(EMPTY_ROOT_HASH, &base);
        prop_assume!(!records.0.is_empty());
        let place = place % records.0.len();
        let (damaged_path, record) = records.0.iter_mut().nth(place).expect("in range");
        let damaged_path = *damaged_path;
        let bit = bit % (record.len() * 8);
        record[bit / 8] ^= 1 << (bit % 8);
        let changes: Vec<_> = changes
            .iter()
            .map(|(key, value)| TrieChange { key: Nibbles::unpack(key), old: None, value: value.clone() })
            .collect();
        if let Err(error) = update(&records, &Root::stored(root), &changes) {
            let named = names(&error, damaged_path);
            prop_assert!(named, "{}", error);
        }
        for key in base.keys() {
            let path = Nibbles::unpack(key);
            let through = path.starts_with(&damaged_path);
            match prove(&records, root, &path) {
                Ok(_) => prop_assert!(!through, "the way leads through the damaged node"),
                Err(error) => {
                    let named = names(&error, damaged_path);
                    prop_assert!(named, "{}", error);
                }
            }
        }
    }
}

#[test]
fn a_missing_record_is_named() {
    let mut records = Records::default();
    let base = (0..40u8).map(|byte| ([byte.wrapping_mul(7); 32], Some(vec![byte + 1; 40]))).collect();
    let root = records.change(EMPTY_ROOT_HASH, &base);
    records.0.remove(&Nibbles::new());
    let error = prove(&records, root, &Nibbles::unpack([0; 32])).expect_err("missing");
    assert_eq!(error.to_string(), format!("missing trie node {root} (path Nibbles(0x))"));
}

/// What is made of bytes that are hashed right but are no node of such a trie.
#[test]
fn records_that_are_no_node_are_refused() {
    let records = |record: &[u8]| Records(BTreeMap::from([(Nibbles::new(), record.to_vec())]));
    let too_short_a_key = [0xc4, 0x20, 0x81, 0x80, 0x01];
    for record in [&[][..], &[0xc0], &[0xc1, 0x80], &too_short_a_key, &[0xff; 40], &[0x00; 600]] {
        let root = alloy_primitives::keccak256(record);
        let error = prove(&records(record), root, &Nibbles::unpack([0; 32])).expect_err("no node");
        assert!(is_malformed(&error), "{error}");
    }
}
