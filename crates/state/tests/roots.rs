//! Roots against an independent trie, reads at every kept root, proofs.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::proof::verify_proof;
use alloy_trie::root::state_root_unhashed;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use common::{Change, Model, address, apply, change, check_view};
use ivm_state::kv::{MemoryStore, WriteBatch};
use ivm_state::{StateDb, StateView};
use proptest::prelude::*;

fn check_proof(view: &StateView, address: Address) {
    let slots: Vec<_> = (0..12).map(U256::from).collect();
    let proof = view.proof(address, &slots).expect("proves");
    if proof.state_root != EMPTY_ROOT_HASH {
        let value = proof.account.map(alloy_rlp::encode);
        verify_proof(proof.state_root, Nibbles::unpack(keccak256(address)), value, &proof.proof)
            .expect("account proof verifies");
    }
    let Some(account) = proof.account else { return };
    if account.storage_root == EMPTY_ROOT_HASH {
        return;
    }
    for slot in proof.storage {
        let value = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
        let path = Nibbles::unpack(keccak256(B256::from(slot.slot)));
        verify_proof(account.storage_root, path, value, &slot.proof).expect("storage proof verifies");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn roots_reads_and_proofs_agree_with_a_plain_model(
        blocks in proptest::collection::vec(proptest::collection::btree_map(0u8..8, change(), 1..6), 1..12),
    ) {
        let store = MemoryStore::new(&StateDb::TABLES, B256::ZERO).expect("opens");
        let state = StateDb::open(Arc::new(store)).expect("opens");
        let mut model = Model::new();
        let mut history = Vec::new();
        for block in &blocks {
            let bundle = apply(&mut model, block);
            let update = state.prepare(&bundle).expect("prepares");
            let accounts = model.iter().map(|(address, account)| (*address, account.trie_account()));
            prop_assert_eq!(update.root(), state_root_unhashed(accounts));
            state.commit(update, WriteBatch::default()).expect("commits");
            history.push((state.head(), model.clone()));
        }
        for (number, (old_view, model)) in (0..).zip(&history) {
            // A view taken when its block was the head, and one opened now.
            for view in [old_view, &state.view(number).expect("kept")] {
                prop_assert_eq!((view.number(), view.root()), (number, old_view.root()));
                check_view(view, model);
                for index in 0..8 {
                    check_proof(view, address(index));
                }
            }
        }
    }
}

#[test]
fn an_update_for_another_head_is_refused() {
    let store = MemoryStore::new(&StateDb::TABLES, B256::ZERO).expect("opens");
    let state = StateDb::open(Arc::new(store)).expect("opens");
    let mut model = Model::new();
    let write = |balance| BTreeMap::from([(1, Change::Write { nonce: 1, balance, slots: Vec::new() })]);
    let first = state.prepare(&apply(&mut model.clone(), &write(1))).expect("prepares");
    let second = state.prepare(&apply(&mut model, &write(2))).expect("prepares");
    state.commit(first, WriteBatch::default()).expect("commits");
    let error = state.commit(second, WriteBatch::default()).expect_err("stale");
    assert!(error.to_string().starts_with("state update builds on root"), "{error}");
}

#[test]
fn a_block_that_is_not_there_is_named() {
    let store = MemoryStore::new(&StateDb::TABLES, B256::ZERO).expect("opens");
    let state = StateDb::open(Arc::new(store)).expect("opens");
    let error = state.view(3).expect_err("not there");
    assert_eq!(error.to_string(), "there is no state of block 3, the head is 0");
}
