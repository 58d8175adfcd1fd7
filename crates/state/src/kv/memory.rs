//! Tables in memory, for tests and chains that need not outlive their process.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use parking_lot::RwLock;

use super::{KeyValue, KeyValueStore, STAMP, StoreError, Table, WriteBatch, check_stamp};

/// Entries of one table.
type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// A store in memory.
#[derive(Debug)]
pub struct MemoryStore {
    tables: RwLock<BTreeMap<Table, Entries>>,
}

impl MemoryStore {
    /// An empty store with these tables, stamped with a genesis hash.
    ///
    /// # Errors
    /// None that a new store can meet; the signature is that of [`super::DiskStore::open`].
    pub fn new(tables: &[Table], genesis_hash: B256) -> Result<Self, StoreError> {
        let tables = tables.iter().chain([&STAMP]).map(|table| (*table, BTreeMap::new())).collect();
        let store = Self { tables: RwLock::new(tables) };
        check_stamp(&store, genesis_hash)?;
        Ok(store)
    }
}

impl KeyValueStore for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let tables = self.tables.read();
        let entries = tables.get(&table).ok_or(StoreError::UnknownTable { name: table.name() })?;
        Ok(entries.get(key).cloned())
    }

    fn scan(&self, table: Table, prefix: &[u8], limit: usize) -> Result<Vec<KeyValue>, StoreError> {
        let tables = self.tables.read();
        let entries = tables.get(&table).ok_or(StoreError::UnknownTable { name: table.name() })?;
        Ok(entries
            .range(prefix.to_vec()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn commit(&self, batch: WriteBatch) -> Result<(), StoreError> {
        let mut tables = self.tables.write();
        if let Some((table, _)) = batch.writes().keys().find(|(table, _)| !tables.contains_key(table)) {
            return Err(StoreError::UnknownTable { name: table.name() });
        }
        for ((table, key), value) in batch.into_writes() {
            let entries = tables.entry(table).or_default();
            match value {
                Some(value) => entries.insert(key, value),
                None => entries.remove(&key),
            };
        }
        Ok(())
    }
}
