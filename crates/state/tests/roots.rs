//! Roots against an independent trie, reads at every kept root, proofs.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::proof::verify_proof;
use alloy_trie::root::{state_root_unhashed, storage_root_unhashed};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, Nibbles, TrieAccount};
use ivm_state::kv::{MemoryStore, WriteBatch};
use ivm_state::{StateDb, StateView};
use proptest::prelude::*;
use revm::database::states::StorageSlot;
use revm::database::{AccountStatus, BundleAccount, BundleState};
use revm::state::AccountInfo;

#[derive(Clone, Debug, Default, PartialEq)]
struct ModelAccount {
    nonce: u64,
    balance: u64,
    storage: BTreeMap<U256, U256>,
}

type Model = BTreeMap<Address, ModelAccount>;

impl ModelAccount {
    fn info(&self) -> AccountInfo {
        AccountInfo {
            nonce: self.nonce,
            balance: U256::from(self.balance),
            code_hash: KECCAK_EMPTY,
            account_id: None,
            code: None,
        }
    }

    fn trie_account(&self) -> TrieAccount {
        let slots = self.storage.iter().map(|(slot, value)| (B256::from(*slot), *value));
        TrieAccount {
            nonce: self.nonce,
            balance: U256::from(self.balance),
            storage_root: storage_root_unhashed(slots),
            code_hash: KECCAK_EMPTY,
        }
    }
}

/// One account's part in a block.
#[derive(Clone, Debug)]
enum Change {
    Write { nonce: u64, balance: u64, slots: Vec<(u8, u8)> },
    Delete,
    Recreate { nonce: u64, balance: u64, slots: Vec<(u8, u8)> },
}

fn change() -> impl Strategy<Value = Change> {
    let slots = || proptest::collection::vec((0u8..12, 0u8..4), 0..8);
    prop_oneof![
        4 => (1u64..9, any::<u64>(), slots())
            .prop_map(|(nonce, balance, slots)| Change::Write { nonce, balance, slots }),
        1 => Just(Change::Delete),
        1 => (1u64..9, any::<u64>(), slots())
            .prop_map(|(nonce, balance, slots)| Change::Recreate { nonce, balance, slots }),
    ]
}

fn address(index: u8) -> Address {
    Address::left_padding_from(&[index])
}

/// Applies a block to the model, and says it in revm's words.
fn apply(model: &mut Model, block: &BTreeMap<u8, Change>) -> BundleState {
    let mut bundle = BundleState::default();
    for (index, change) in block {
        let address = address(*index);
        let before = model.get(&address).cloned();
        let old_storage = before.clone().unwrap_or_default().storage;
        let mut storage = BTreeMap::new();
        let (after, status) = match change {
            Change::Delete => (None, AccountStatus::Destroyed),
            Change::Write { nonce, balance, slots } | Change::Recreate { nonce, balance, slots } => {
                let recreated = matches!(change, Change::Recreate { .. });
                let mut account = ModelAccount {
                    nonce: *nonce,
                    balance: *balance,
                    storage: if recreated { BTreeMap::new() } else { old_storage.clone() },
                };
                for (slot, value) in slots {
                    let (slot, value) = (U256::from(*slot), U256::from(*value));
                    let original = old_storage.get(&slot).copied().unwrap_or_default();
                    storage.insert(slot, StorageSlot::new_changed(original, value));
                    if value.is_zero() {
                        account.storage.remove(&slot);
                    } else {
                        account.storage.insert(slot, value);
                    }
                }
                let status = match (recreated, &before) {
                    (true, _) => AccountStatus::DestroyedChanged,
                    (false, Some(_)) => AccountStatus::Changed,
                    (false, None) => AccountStatus::InMemoryChange,
                };
                (Some(account), status)
            }
        };
        let account = BundleAccount {
            info: after.as_ref().map(ModelAccount::info),
            original_info: before.as_ref().map(ModelAccount::info),
            storage: storage.into_iter().collect(),
            status,
        };
        bundle.state.insert(address, account);
        match after {
            Some(account) => model.insert(address, account),
            None => model.remove(&address),
        };
    }
    bundle
}

fn check_view(view: &StateView, model: &Model) {
    for index in 0..8 {
        let address = address(index);
        let expected = model.get(&address).map(ModelAccount::trie_account);
        assert_eq!(view.account(address).expect("reads"), expected);
        for slot in (0..12).map(U256::from) {
            let value = model.get(&address).and_then(|account| account.storage.get(&slot)).copied();
            assert_eq!(view.storage(address, slot).expect("reads"), value.unwrap_or_default());
        }
    }
}

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
