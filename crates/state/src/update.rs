//! From a block's changes to a new root: flat values, trie nodes, and what they replace.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount};
use rayon::prelude::*;
use revm::database::{BundleAccount, BundleState};

use crate::kv::{Reader, Table, WriteBatch};
use crate::state::{ACCOUNT_TRIE, ACCOUNTS, CODE, Head, STORAGE, STORAGE_TRIE, StateError};
use crate::trie::{self, NodeWrite, Root, TrieChange, path_key};
use crate::view::{Nodes, StateView};

/// A block's changes, applied and hashed but not yet committed.
#[derive(Clone, Debug)]
pub struct StateUpdate {
    pub(crate) parent: Option<Head>,
    pub(crate) number: u64,
    pub(crate) root: Root,
    pub(crate) changes: Vec<Change>,
}

impl StateUpdate {
    /// Root the changes were applied to.
    pub fn parent_root(&self) -> B256 {
        self.parent.unwrap_or_default().root
    }

    /// Root after the changes.
    pub const fn root(&self) -> B256 {
        self.root.hash
    }

    /// Number of the block whose changes they are: one more than the parent's, 0 for the first.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The writes that make the changes, without records to undo them.
    pub fn writes(&self) -> WriteBatch {
        let mut batch = WriteBatch::default();
        for change in &self.changes {
            batch.write(change.table, change.key.clone(), change.new.clone());
        }
        batch
    }
}

/// A value before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) table: Table,
    pub(crate) key: Vec<u8>,
    pub(crate) old: Option<Vec<u8>>,
    pub(crate) new: Option<Vec<u8>>,
}

/// Entries read at once when an account's storage is wiped.
const WIPE_CHUNK: usize = 4096;

/// Applies changes to the state of a view, which is at the head of what it reads.
pub(crate) fn prepare(view: &StateView, bundle: &BundleState) -> Result<StateUpdate, StateError> {
    let (reader, parent) = (view.reader(), view.head());
    let mut changes = Vec::new();
    let contracts: BTreeMap<_, _> = bundle.contracts.iter().collect();
    for (hash, code) in contracts {
        let new = Some(code.original_byte_slice().to_vec());
        changes.push(Change { table: CODE, key: hash.to_vec(), old: None, new });
    }
    let mut accounts: Vec<_> = bundle.state.iter().collect();
    accounts.sort_unstable_by_key(|(address, _)| **address);
    let changed: Vec<_> = accounts
        .into_par_iter()
        .with_min_len(8)
        .map(|(address, account)| change_account(reader, *address, account))
        .collect::<Result<_, _>>()?;
    let mut trie_changes = Vec::with_capacity(changed.len());
    for (account_changes, trie_change) in changed {
        changes.extend(account_changes);
        trie_changes.extend(trie_change);
    }
    trie_changes.sort_unstable_by_key(|change| change.key);
    let (root, nodes) = trie::update(&Nodes::accounts(reader, None), view.trie_root(), &trie_changes)?;
    changes.extend(node_changes(ACCOUNT_TRIE, &[], nodes));
    let number = parent.map_or(0, |parent| parent.number + 1);
    Ok(StateUpdate { parent, number, root, changes })
}

fn node_changes(table: Table, trie: &[u8], nodes: Vec<NodeWrite>) -> impl Iterator<Item = Change> {
    nodes.into_iter().map(move |NodeWrite { path, old, new }| Change {
        table,
        key: path_key(trie, &path),
        old,
        new,
    })
}

/// What changes with an account, and its own change in the account trie, if there is one.
fn change_account(
    reader: &dyn Reader,
    address: Address,
    account: &BundleAccount,
) -> Result<(Vec<Change>, Option<TrieChange>), StateError> {
    let old = reader.get(ACCOUNTS, address.as_slice())?;
    let before = old.as_deref().map(|bytes| decode_account(address, bytes)).transpose()?;
    let old_storage_root = before.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
    let wiped = account.was_destroyed() || account.info.is_none();
    let mut changes = Vec::new();
    let mut storage_root = old_storage_root;
    if wiped && old_storage_root != EMPTY_ROOT_HASH {
        wipe(reader, STORAGE, address.as_slice(), &mut changes)?;
        wipe(reader, STORAGE_TRIE, keccak256(address).as_slice(), &mut changes)?;
        storage_root = EMPTY_ROOT_HASH;
    }
    let new = match &account.info {
        None => None,
        Some(info) => {
            let slots = account.storage.iter().filter(|(_, slot)| wiped || slot.is_changed());
            let slots = slots.map(|(slot, value)| (*slot, value.present_value)).collect();
            if storage_root == EMPTY_ROOT_HASH && old_storage_root != EMPTY_ROOT_HASH {
                storage_root = refill_storage(reader, address, slots, &mut changes)?;
            } else {
                storage_root = change_storage(reader, address, storage_root, slots, &mut changes)?;
            }
            let (nonce, balance, code_hash) = (info.nonce, info.balance, info.code_hash);
            Some(alloy_rlp::encode(TrieAccount { nonce, balance, storage_root, code_hash }))
        }
    };
    if old == new {
        return Ok((changes, None));
    }
    let key = Nibbles::unpack_array(&keccak256(address).0);
    let trie_change = TrieChange { key, old: old.clone(), value: new.clone() };
    changes.push(Change { table: ACCOUNTS, key: address.to_vec(), old, new });
    Ok((changes, Some(trie_change)))
}

/// Sets slots of a storage trie with this root: its new root.
fn change_storage(
    reader: &dyn Reader,
    address: Address,
    root: B256,
    mut slots: Vec<(U256, U256)>,
    changes: &mut Vec<Change>,
) -> Result<B256, StateError> {
    if slots.is_empty() {
        return Ok(root);
    }
    slots.sort_unstable_by_key(|(slot, _)| *slot);
    let mut trie_changes = Vec::with_capacity(slots.len());
    for (slot, value) in slots {
        let key = slot_key(address, slot);
        let old = reader.get(STORAGE, &key)?;
        let new = (!value.is_zero()).then(|| value.to_be_bytes_trimmed_vec());
        if old == new {
            continue;
        }
        let value = new.is_some().then(|| alloy_rlp::encode(value));
        let old_value = old.as_deref().map(alloy_rlp::encode);
        trie_changes.push(TrieChange { key: slot_path(slot), old: old_value, value });
        changes.push(Change { table: STORAGE, key: key.to_vec(), old, new });
    }
    trie_changes.sort_unstable_by_key(|change| change.key);
    let account = keccak256(address);
    let source = Nodes::storage(reader, account, None);
    let (root, nodes) = trie::update(&source, &Root::stored(root), &trie_changes)?;
    changes.extend(node_changes(STORAGE_TRIE, account.as_slice(), nodes));
    Ok(root.hash)
}

/// Sets the slots of a storage that was wiped, and joins those changes with the wiping.
fn refill_storage(
    reader: &dyn Reader,
    address: Address,
    slots: Vec<(U256, U256)>,
    changes: &mut Vec<Change>,
) -> Result<B256, StateError> {
    let mut values = BTreeMap::new();
    let mut trie_changes = Vec::with_capacity(slots.len());
    for (slot, value) in slots {
        if !value.is_zero() {
            values.insert((STORAGE, slot_key(address, slot).to_vec()), value.to_be_bytes_trimmed_vec());
            let value = Some(alloy_rlp::encode(value));
            trie_changes.push(TrieChange { key: slot_path(slot), old: None, value });
        }
    }
    trie_changes.sort_unstable_by_key(|change| change.key);
    let account = keccak256(address);
    let source = Nodes::storage(reader, account, None);
    let (root, nodes) = trie::update(&source, &Root::stored(EMPTY_ROOT_HASH), &trie_changes)?;
    let nodes = node_changes(STORAGE_TRIE, account.as_slice(), nodes);
    values.extend(nodes.filter_map(|node| Some(((node.table, node.key), node.new?))));
    for change in changes.iter_mut() {
        change.new = values.remove(&(change.table, change.key.clone()));
    }
    changes.retain(|change| change.old != change.new);
    let fresh = |((table, key), value)| Change { table, key, old: None, new: Some(value) };
    changes.extend(values.into_iter().map(fresh));
    Ok(root.hash)
}

/// Removes all entries under a prefix.
fn wipe(
    reader: &dyn Reader,
    table: Table,
    prefix: &[u8],
    changes: &mut Vec<Change>,
) -> Result<(), StateError> {
    let mut from = prefix.to_vec();
    loop {
        let entries = reader.range(table, prefix, &from, WIPE_CHUNK)?;
        let complete = entries.len() < WIPE_CHUNK;
        for (key, old) in entries {
            from.clone_from(&key);
            changes.push(Change { table, key, old: Some(old), new: None });
        }
        if complete {
            return Ok(());
        }
        from.push(0);
    }
}

pub(crate) fn decode_account(address: Address, bytes: &[u8]) -> Result<TrieAccount, StateError> {
    TrieAccount::decode(&mut &*bytes).map_err(|source| StateError::DamagedAccount { address, source })
}

/// Key of a slot in the flat table.
pub(crate) fn slot_key(address: Address, slot: U256) -> [u8; 52] {
    let mut key = [0; 52];
    key[..20].copy_from_slice(address.as_slice());
    key[20..].copy_from_slice(&slot.to_be_bytes::<32>());
    key
}

/// Key of a slot in its storage trie.
pub(crate) fn slot_path(slot: U256) -> Nibbles {
    Nibbles::unpack_array(&keccak256(B256::from(slot)).0)
}

/// The record of a head.
pub(crate) fn encode_head(head: Head) -> Vec<u8> {
    [&head.number.to_be_bytes()[..], head.root.as_slice()].concat()
}
