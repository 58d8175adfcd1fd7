//! Tables on disk, in a fjall database: one keyspace per table, one journal for all of them.

use std::collections::BTreeMap;
use std::path::Path;

use alloy_primitives::B256;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{KeyValue, KeyValueStore, STAMP, StoreError, Table, WriteBatch, check_stamp};

/// Memory for blocks read from disk.
const CACHE_SIZE_BYTES: u64 = 128 * 1024 * 1024;

/// A store in a data directory. The directory is locked: a second process cannot open it.
pub struct DiskStore {
    database: Database,
    keyspaces: BTreeMap<Table, Keyspace>,
}

impl std::fmt::Debug for DiskStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskStore").field("tables", &self.keyspaces.keys()).finish_non_exhaustive()
    }
}

impl DiskStore {
    /// Opens the store in `path`, creating it when there is none, with these tables.
    ///
    /// # Errors
    /// When another process has it open, when it belongs to another chain or layout version, or when the disk fails.
    pub fn open(path: &Path, tables: &[Table], genesis_hash: B256) -> Result<Self, StoreError> {
        let database =
            Database::builder(path).cache_size(CACHE_SIZE_BYTES).open().map_err(|error| match error {
                fjall::Error::Locked => StoreError::Locked { path: path.to_path_buf() },
                other => StoreError::Backend(other),
            })?;
        let mut keyspaces = BTreeMap::new();
        for table in tables.iter().chain([&STAMP]) {
            keyspaces.insert(*table, database.keyspace(table.name(), KeyspaceCreateOptions::default)?);
        }
        let store = Self { database, keyspaces };
        check_stamp(&store, genesis_hash)?;
        Ok(store)
    }

    fn keyspace(&self, table: Table) -> Result<&Keyspace, StoreError> {
        self.keyspaces.get(&table).ok_or(StoreError::UnknownTable { name: table.name() })
    }
}

impl KeyValueStore for DiskStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.keyspace(table)?.get(key)?.map(|value| value.to_vec()))
    }

    fn scan(&self, table: Table, prefix: &[u8], limit: usize) -> Result<Vec<KeyValue>, StoreError> {
        self.keyspace(table)?
            .prefix(prefix)
            .take(limit)
            .map(|entry| {
                let (key, value) = entry.into_inner()?;
                Ok((key.to_vec(), value.to_vec()))
            })
            .collect()
    }

    fn commit(&self, batch: WriteBatch) -> Result<(), StoreError> {
        let mut writes = self.database.batch().durability(Some(PersistMode::SyncAll));
        for ((table, key), value) in batch.into_writes() {
            let keyspace = self.keyspace(table)?;
            match value {
                Some(value) => writes.insert(keyspace, key, value),
                None => writes.remove(keyspace, key),
            }
        }
        Ok(writes.commit()?)
    }
}
