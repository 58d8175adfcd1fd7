//! Taking a state from a snapshot file into an empty store.

use std::sync::Arc;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, Nibbles};

use super::{ChunkKind, SnapshotError, SnapshotHeader, invalid};
use crate::kv::{Durability, KeyValue, KeyValueStore, WriteBatch};
use crate::state::{
    ACCOUNT_TRIE, ACCOUNTS, CODE, Head, STATE_META, STORAGE, STORAGE_TRIE, mark_importing, mark_pruned,
};
use crate::trie::{self, NodeWrite, Root, TrieChange, path_key};
use crate::update::{decode_account, encode_head, slot_path};
use crate::view::Nodes;

/// An import under way. A store in which one was not finished does not open as a state.
#[derive(Debug)]
pub struct StateImport {
    store: Arc<dyn KeyValueStore>,
    header: SnapshotHeader,
    root: Root,
    /// Accounts with storage, and those of them whose storage is there and right.
    with_storage: u64,
    complete_storage: u64,
    /// The account whose storage is being read, and its root so far.
    current: Option<(Address, Root)>,
}

impl StateImport {
    /// Starts an import.
    ///
    /// # Errors
    /// [`SnapshotError::NotEmpty`], or the store's error.
    pub fn start(store: Arc<dyn KeyValueStore>, header: SnapshotHeader) -> Result<Self, SnapshotError> {
        if store.seek(STATE_META, &[], &[])?.is_some() || store.seek(ACCOUNTS, &[], &[])?.is_some() {
            return Err(SnapshotError::NotEmpty);
        }
        let mut batch = WriteBatch::default();
        mark_importing(&mut batch, true);
        store.commit(batch, Durability::Synced)?;
        let root = Root::stored(EMPTY_ROOT_HASH);
        Ok(Self { store, header, root, with_storage: 0, complete_storage: 0, current: None })
    }

    /// Takes the entries of one chunk, in the order of the file. Blocks are the caller's.
    ///
    /// # Errors
    /// [`SnapshotError::Invalid`] when they are not those of a state, or the store's error.
    pub fn chunk(&mut self, kind: ChunkKind, entries: Vec<KeyValue>) -> Result<(), SnapshotError> {
        let mut batch = WriteBatch::default();
        match kind {
            ChunkKind::Header | ChunkKind::Blocks | ChunkKind::End => {}
            ChunkKind::Code => self.code(entries, &mut batch)?,
            ChunkKind::Accounts => self.accounts(entries, &mut batch)?,
            ChunkKind::Storage => self.storage(entries, &mut batch)?,
        }
        Ok(self.store.commit(batch, Durability::Buffered)?)
    }

    fn code(&self, entries: Vec<KeyValue>, batch: &mut WriteBatch) -> Result<(), SnapshotError> {
        for (key, code) in entries {
            let got = keccak256(&code);
            if key != got.as_slice() {
                return Err(invalid("hash of code", got, alloy_primitives::hex::encode_prefixed(key)));
            }
            batch.put(CODE, key, code);
        }
        Ok(())
    }

    fn accounts(&mut self, entries: Vec<KeyValue>, batch: &mut WriteBatch) -> Result<(), SnapshotError> {
        let mut changes = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let address = address(&key)?;
            let account = decode_account(address, &value)?;
            if alloy_rlp::encode(account) != value {
                return Err(invalid("account", address, "its one encoding"));
            }
            let code = account.code_hash;
            if code != KECCAK_EMPTY && self.store.get(CODE, code.as_slice())?.is_none() {
                return Err(invalid("code", code, "to be in the file"));
            }
            self.with_storage += u64::from(account.storage_root != EMPTY_ROOT_HASH);
            let key_path = Nibbles::unpack_array(&keccak256(address).0);
            changes.push(TrieChange { key: key_path, old: None, value: Some(value.clone()) });
            batch.put(ACCOUNTS, key, value);
        }
        changes.sort_unstable_by_key(|change| change.key);
        let source = Nodes::accounts(self.store.as_ref(), None);
        let (root, nodes) = trie::update(&source, &self.root, &changes)?;
        self.root = root;
        for NodeWrite { path, new, .. } in nodes {
            batch.write(ACCOUNT_TRIE, path_key(&[], &path), new);
        }
        Ok(())
    }

    fn storage(&mut self, entries: Vec<KeyValue>, batch: &mut WriteBatch) -> Result<(), SnapshotError> {
        for group in entries.chunk_by(|(one, _), (other, _)| one.get(..20) == other.get(..20)) {
            let address = address(group[0].0.get(..20).unwrap_or_default())?;
            if self.current.as_ref().is_some_and(|(current, _)| *current != address) {
                self.complete_storage()?;
            }
            let root = match self.current.take() {
                Some((_, root)) => root,
                None => Root::stored(EMPTY_ROOT_HASH),
            };
            let mut changes = Vec::with_capacity(group.len());
            for (key, value) in group {
                let slot = key.get(20..).and_then(|slot| <[u8; 32]>::try_from(slot).ok());
                let slot = slot.ok_or_else(|| invalid("length of a slot's key", key.len(), 52))?;
                let slot = U256::from_be_bytes(slot);
                let number =
                    U256::try_from_be_slice(value).filter(|_| value.first().is_some_and(|byte| *byte != 0));
                let number = number.ok_or_else(|| invalid("slot", slot, "a number without leading zeros"))?;
                let value_rlp = Some(alloy_rlp::encode(number));
                changes.push(TrieChange { key: slot_path(slot), old: None, value: value_rlp });
                batch.put(STORAGE, key.as_slice(), value.as_slice());
            }
            changes.sort_unstable_by_key(|change| change.key);
            let trie = keccak256(address);
            let (root, nodes) =
                trie::update(&Nodes::storage(self.store.as_ref(), trie, None), &root, &changes)?;
            for NodeWrite { path, new, .. } in nodes {
                batch.write(STORAGE_TRIE, path_key(trie.as_slice(), &path), new);
            }
            self.current = Some((address, root));
        }
        Ok(())
    }

    /// Checks a storage that is all there.
    fn complete_storage(&mut self) -> Result<(), SnapshotError> {
        let Some((address, root)) = self.current.take() else { return Ok(()) };
        let account = self.store.get(ACCOUNTS, address.as_slice())?;
        let account = account.map(|account| decode_account(address, &account)).transpose()?;
        let expected = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        if root.hash != expected {
            return Err(invalid("storage root", format!("{} of {address}", root.hash), expected));
        }
        self.complete_storage += 1;
        Ok(())
    }

    /// Checks the whole, and makes it the head's state, together with the caller's own writes. Past states are not in a
    /// file: the oldest that is kept is this one.
    ///
    /// # Errors
    /// [`SnapshotError::Invalid`] when the root is not the header's or storage is missing, or the store's error.
    pub fn finish(mut self, writes: WriteBatch) -> Result<(), SnapshotError> {
        self.complete_storage()?;
        if self.complete_storage != self.with_storage {
            return Err(invalid("accounts with their storage", self.complete_storage, self.with_storage));
        }
        let SnapshotHeader { block_number: number, state_root: expected, .. } = self.header;
        let root: B256 = self.root.hash;
        if root != expected {
            return Err(invalid("state root", root, expected));
        }
        self.store.sync()?;
        let mut batch = writes;
        batch.put(STATE_META, Head::KEY, encode_head(Head { number, root }));
        mark_pruned(&mut batch, number);
        mark_importing(&mut batch, false);
        Ok(self.store.commit(batch, Durability::Synced)?)
    }
}

fn address(key: &[u8]) -> Result<Address, SnapshotError> {
    Address::try_from(key).map_err(|_| invalid("length of an address", key.len(), 20))
}
