//! A plain model of the state, and random blocks over it.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use alloy_trie::root::storage_root_unhashed;
use alloy_trie::{KECCAK_EMPTY, TrieAccount};
use ivm_state::StateView;
use proptest::prelude::*;
use revm::database::states::StorageSlot;
use revm::database::{AccountStatus, BundleAccount, BundleState};
use revm::state::AccountInfo;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ModelAccount {
    pub(crate) nonce: u64,
    pub(crate) balance: u64,
    pub(crate) storage: BTreeMap<U256, U256>,
}

pub(crate) type Model = BTreeMap<Address, ModelAccount>;

impl ModelAccount {
    pub(crate) fn info(&self) -> AccountInfo {
        AccountInfo {
            nonce: self.nonce,
            balance: U256::from(self.balance),
            code_hash: KECCAK_EMPTY,
            account_id: None,
            code: None,
        }
    }

    pub(crate) fn trie_account(&self) -> TrieAccount {
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
pub(crate) enum Change {
    Write { nonce: u64, balance: u64, slots: Vec<(u8, u8)> },
    Delete,
    Recreate { nonce: u64, balance: u64, slots: Vec<(u8, u8)> },
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let slots = || proptest::collection::vec((0u8..12, 0u8..4), 0..8);
    prop_oneof![
        4 => (1u64..9, any::<u64>(), slots())
            .prop_map(|(nonce, balance, slots)| Change::Write { nonce, balance, slots }),
        1 => Just(Change::Delete),
        1 => (1u64..9, any::<u64>(), slots())
            .prop_map(|(nonce, balance, slots)| Change::Recreate { nonce, balance, slots }),
    ]
}

pub(crate) fn address(index: u8) -> Address {
    Address::left_padding_from(&[index])
}

/// Applies a block to the model, and says it in revm's words.
pub(crate) fn apply(model: &mut Model, block: &BTreeMap<u8, Change>) -> BundleState {
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

pub(crate) fn check_view(view: &StateView, model: &Model) {
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
