//! From a block's changes to a new root: the flat writes and the trie nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use revm::database::{BundleAccount, BundleState};

use crate::kv::{KeyValueStore, WriteBatch};
use crate::state::{ACCOUNTS, CODE, STORAGE, StateError};
use crate::trie::Trie;

/// A block's changes, applied and hashed but not yet committed.
#[derive(Clone, Debug)]
pub struct StateUpdate {
    pub(crate) parent_root: B256,
    pub(crate) root: B256,
    pub(crate) batch: WriteBatch,
}

impl StateUpdate {
    /// Root the changes were applied to.
    pub const fn parent_root(&self) -> B256 {
        self.parent_root
    }

    /// Root after the changes.
    pub const fn root(&self) -> B256 {
        self.root
    }
}

/// Slots removed per scan when an account's storage is wiped.
const WIPE_CHUNK: usize = 4096;

pub(crate) fn prepare(
    store: &Arc<dyn KeyValueStore>,
    parent_root: B256,
    changes: &BundleState,
) -> Result<StateUpdate, StateError> {
    let mut batch = WriteBatch::default();
    let contracts: BTreeMap<_, _> = changes.contracts.iter().collect();
    for (hash, code) in contracts {
        batch.put(CODE, hash.0, code.original_byte_slice());
    }
    let mut trie = Trie::open(store.clone(), parent_root)?;
    let accounts: BTreeMap<_, _> = changes.state.iter().collect();
    for (address, account) in accounts {
        let path = keccak256(address);
        match change_account(store, &mut batch, *address, account)? {
            Some(changed) => {
                let encoded = alloy_rlp::encode(changed);
                trie.set(path, &encoded)?;
                batch.put(ACCOUNTS, address.as_slice(), encoded);
            }
            None => {
                trie.set(path, &[])?;
                batch.delete(ACCOUNTS, address.as_slice());
            }
        }
    }
    let (root, nodes) = trie.commit()?;
    batch.extend(nodes);
    Ok(StateUpdate { parent_root, root, batch })
}

/// Writes an account's storage and gives the account as the trie holds it, or `None` when it is gone.
fn change_account(
    store: &Arc<dyn KeyValueStore>,
    batch: &mut WriteBatch,
    address: Address,
    account: &BundleAccount,
) -> Result<Option<TrieAccount>, StateError> {
    let before = flat_account(store.as_ref(), address)?;
    let old_storage_root = before.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
    let wiped = account.was_destroyed() || account.info.is_none();
    if wiped && old_storage_root != EMPTY_ROOT_HASH {
        wipe_storage(store.as_ref(), batch, address)?;
    }
    let Some(info) = &account.info else {
        return Ok(None);
    };

    let mut storage_root = if wiped { EMPTY_ROOT_HASH } else { old_storage_root };
    let slots: BTreeMap<_, _> =
        account.storage.iter().filter(|(_, slot)| wiped || slot.is_changed()).collect();
    if !slots.is_empty() {
        let mut trie = Trie::open(store.clone(), storage_root)?;
        for (slot, value) in slots {
            let value = value.present_value;
            let path = keccak256(B256::from(*slot));
            let key = slot_key(address, *slot);
            if value.is_zero() {
                trie.set(path, &[])?;
                batch.delete(STORAGE, key);
            } else {
                trie.set(path, &alloy_rlp::encode(value))?;
                batch.put(STORAGE, key, value.to_be_bytes_trimmed_vec());
            }
        }
        let (root, nodes) = trie.commit()?;
        batch.extend(nodes);
        storage_root = root;
    }
    Ok(Some(TrieAccount {
        nonce: info.nonce,
        balance: info.balance,
        storage_root,
        code_hash: info.code_hash,
    }))
}

fn wipe_storage(
    store: &dyn KeyValueStore,
    batch: &mut WriteBatch,
    address: Address,
) -> Result<(), StateError> {
    // A scan has a limit and no cursor, so it is narrowed by the first byte of the slot until it is complete.
    let mut prefixes = vec![address.to_vec()];
    while let Some(prefix) = prefixes.pop() {
        let entries = store.scan(STORAGE, &prefix, WIPE_CHUNK)?;
        if entries.len() < WIPE_CHUNK {
            for (key, _) in entries {
                batch.delete(STORAGE, key);
            }
            continue;
        }
        prefixes.extend((0..=u8::MAX).map(|byte| [prefix.as_slice(), &[byte]].concat()));
    }
    Ok(())
}

pub(crate) fn flat_account(
    store: &dyn KeyValueStore,
    address: Address,
) -> Result<Option<TrieAccount>, StateError> {
    store.get(ACCOUNTS, address.as_slice())?.map(|bytes| decode_account(address, &bytes)).transpose()
}

pub(crate) fn decode_account(address: Address, mut bytes: &[u8]) -> Result<TrieAccount, StateError> {
    TrieAccount::decode(&mut bytes).map_err(|source| StateError::DamagedAccount { address, source })
}

/// Key of a slot in the flat table.
pub(crate) fn slot_key(address: Address, slot: U256) -> [u8; 52] {
    let mut key = [0; 52];
    key[..20].copy_from_slice(address.as_slice());
    key[20..].copy_from_slice(&slot.to_be_bytes::<32>());
    key
}
