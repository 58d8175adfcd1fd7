//! Tables in memory, for tests and chains that need not outlive their process.
//!
//! A key has as many versions as snapshots can tell apart from the newest: each write adds one, and those that the oldest
//! snapshot does not reach go when it is dropped.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use alloy_primitives::B256;
use parking_lot::RwLock;

use super::{Durability, KeyValue, KeyValueStore, Reader, STAMP, StoreError, Table, WriteBatch, check_stamp};

/// Values of a key, oldest first, each with the number of the batch that wrote it; `None` where it was removed.
type Versions = Vec<(u64, Option<Vec<u8>>)>;

#[derive(Debug, Default)]
struct Tables {
    entries: BTreeMap<Table, BTreeMap<Vec<u8>, Versions>>,
    /// Number of the newest batch.
    newest: u64,
    /// How many snapshots are held of each batch.
    snapshots: BTreeMap<u64, usize>,
    /// Keys that a batch overwrote or removed while a snapshot was held: their older versions can go when no snapshot is
    /// older than the batch.
    superseded: BTreeMap<u64, Vec<(Table, Vec<u8>)>>,
}

impl Tables {
    fn table(&self, table: Table) -> Result<&BTreeMap<Vec<u8>, Versions>, StoreError> {
        self.entries.get(&table).ok_or(StoreError::UnknownTable { name: table.name() })
    }

    fn get(&self, table: Table, key: &[u8], batch: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let versions = self.table(table)?.get(key);
        Ok(versions.and_then(|versions| visible(versions, batch)).cloned())
    }

    fn range(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
        batch: u64,
    ) -> Result<Vec<KeyValue>, StoreError> {
        let start = Bound::Included(from.max(prefix));
        Ok(self
            .table(table)?
            .range::<[u8], _>((start, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter_map(|(key, versions)| Some((key.clone(), visible(versions, batch)?.clone())))
            .take(limit)
            .collect())
    }

    fn write(&mut self, batch: WriteBatch) -> Result<(), StoreError> {
        let tables = batch.into_tables();
        if let Some(table) = tables.keys().find(|table| !self.entries.contains_key(table)) {
            return Err(StoreError::UnknownTable { name: table.name() });
        }
        self.newest += 1;
        let held = !self.snapshots.is_empty();
        let mut superseded = Vec::new();
        for (table, writes) in tables {
            let entries = self.entries.entry(table).or_default();
            for (key, value) in writes {
                if !held {
                    match value {
                        Some(value) => entries.insert(key, vec![(self.newest, Some(value))]),
                        None => entries.remove(&key),
                    };
                    continue;
                }
                let removed = value.is_none();
                let versions = entries.entry(key.clone()).or_default();
                versions.push((self.newest, value));
                if versions.len() > 1 || removed {
                    superseded.push((table, key));
                }
            }
        }
        if held {
            self.superseded.insert(self.newest, superseded);
        }
        Ok(())
    }

    fn release(&mut self, batch: u64) {
        if let Some(count) = self.snapshots.get_mut(&batch) {
            *count -= 1;
            if *count == 0 {
                self.snapshots.remove(&batch);
            }
        }
        let oldest = self.snapshots.keys().next().copied().unwrap_or(u64::MAX);
        while let Some(entry) = self.superseded.first_entry().filter(|entry| *entry.key() <= oldest) {
            let (by, keys) = entry.remove_entry();
            for (table, key) in keys {
                let Some(entries) = self.entries.get_mut(&table) else { continue };
                let Some(versions) = entries.get_mut(&key) else { continue };
                let first = versions.partition_point(|(number, _)| *number < by);
                versions.drain(..first);
                if let [(_, None)] = versions.as_slice() {
                    entries.remove(&key);
                }
            }
        }
    }
}

/// The value that a reader sees who knows batches up to this one.
fn visible(versions: &Versions, batch: u64) -> Option<&Vec<u8>> {
    let count = versions.partition_point(|(number, _)| *number <= batch);
    versions.get(count.checked_sub(1)?)?.1.as_ref()
}

/// A store in memory.
#[derive(Debug)]
pub struct MemoryStore {
    tables: Arc<RwLock<Tables>>,
}

/// The store as it was after one batch.
#[derive(Debug)]
struct MemorySnapshot {
    tables: Arc<RwLock<Tables>>,
    batch: u64,
}

impl Drop for MemorySnapshot {
    fn drop(&mut self) {
        self.tables.write().release(self.batch);
    }
}

impl MemoryStore {
    /// An empty store with these tables, stamped with a genesis hash.
    ///
    /// # Errors
    /// None that a new store can meet; the signature is that of [`super::DiskStore::open`].
    pub fn new(tables: &[Table], genesis_hash: B256) -> Result<Self, StoreError> {
        let entries = tables.iter().chain([&STAMP]).map(|table| (*table, BTreeMap::new())).collect();
        let store = Self { tables: Arc::new(RwLock::new(Tables { entries, ..Tables::default() })) };
        check_stamp(&store, genesis_hash)?;
        Ok(store)
    }
}

impl Reader for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.tables.read().get(table, key, u64::MAX)
    }

    fn range(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        self.tables.read().range(table, prefix, from, limit, u64::MAX)
    }
}

impl Reader for MemorySnapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.tables.read().get(table, key, self.batch)
    }

    fn range(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        self.tables.read().range(table, prefix, from, limit, self.batch)
    }
}

impl KeyValueStore for MemoryStore {
    fn snapshot(&self) -> Arc<dyn Reader> {
        let mut tables = self.tables.write();
        let batch = tables.newest;
        *tables.snapshots.entry(batch).or_default() += 1;
        drop(tables);
        Arc::new(MemorySnapshot { tables: self.tables.clone(), batch })
    }

    fn commit(&self, batch: WriteBatch, _durability: Durability) -> Result<(), StoreError> {
        batch.check()?;
        self.tables.write().write(batch)
    }

    fn tables(&self) -> Vec<Table> {
        self.tables.read().entries.keys().copied().collect()
    }

    fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
