//! Tables on disk, in a fjall database: one keyspace per table, one journal for all of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use alloy_primitives::B256;
use fjall::{Database, Iter, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};

use super::{Durability, KeyValue, KeyValueStore, Reader, STAMP, StoreError, Table, WriteBatch, check_stamp};

/// Memory for blocks read from disk.
const CACHE_SIZE_BYTES: u64 = 128 * 1024 * 1024;

/// Bytes of journals that are kept before what they hold is written to tables: opening reads all of them, at some 100 MB a
/// second. The least that fjall takes; beside it there is the journal in use.
const MAX_JOURNALS_SIZE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of one table's new entries that are held in memory: they are written when there are more, and then the journal can
/// go.
const MAX_MEMTABLE_SIZE_BYTES: u64 = 32 * 1024 * 1024;

/// Threads that write tables and compact them. Of several, fjall's first one keeps itself for writing by handing
/// compactions back to the queue, and so takes a core for nothing as long as the others compact.
const BACKGROUND_THREADS: usize = 1;

/// The tables and what holds them.
#[derive(Clone)]
struct Keyspaces(Arc<BTreeMap<Table, Keyspace>>);

impl Keyspaces {
    fn of(&self, table: Table) -> Result<&Keyspace, StoreError> {
        self.0.get(&table).ok_or(StoreError::UnknownTable { name: table.name() })
    }
}

/// A store in a data directory. The directory is locked: a second process cannot open it.
pub struct DiskStore {
    database: Database,
    keyspaces: Keyspaces,
}

/// The store as it was at one moment.
struct DiskSnapshot {
    snapshot: Snapshot,
    keyspaces: Keyspaces,
}

impl std::fmt::Debug for DiskStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskStore").field("tables", &self.keyspaces.0.keys()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for DiskSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskSnapshot").field("tables", &self.keyspaces.0.keys()).finish_non_exhaustive()
    }
}

impl DiskStore {
    /// Opens the store in `path`, creating it when there is none, with these tables.
    ///
    /// # Errors
    /// When another process has it open, when it belongs to another chain or layout version, or when the disk fails.
    pub fn open(path: &Path, tables: &[Table], genesis_hash: B256) -> Result<Self, StoreError> {
        let builder = Database::builder(path).cache_size(CACHE_SIZE_BYTES).worker_threads(BACKGROUND_THREADS);
        let database =
            builder.max_journaling_size(MAX_JOURNALS_SIZE_BYTES).open().map_err(|error| match error {
                fjall::Error::Locked => StoreError::Locked { path: path.to_path_buf() },
                other => StoreError::Backend(other),
            })?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MAX_MEMTABLE_SIZE_BYTES);
        let mut keyspaces = BTreeMap::new();
        for table in tables.iter().chain([&STAMP]) {
            keyspaces.insert(*table, database.keyspace(table.name(), options)?);
        }
        let store = Self { database, keyspaces: Keyspaces(Arc::new(keyspaces)) };
        check_stamp(&store, genesis_hash)?;
        Ok(store)
    }
}

impl Reader for DiskStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.keyspaces.of(table)?.get(key)?.map(|value| value.to_vec()))
    }

    fn range(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        take(self.keyspaces.of(table)?.range(from.max(prefix)..), prefix, limit)
    }
}

impl Reader for DiskSnapshot {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.snapshot.get(self.keyspaces.of(table)?, key)?.map(|value| value.to_vec()))
    }

    fn range(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        take(self.snapshot.range(self.keyspaces.of(table)?, from.max(prefix)..), prefix, limit)
    }
}

/// The first entries of a range, as far as their keys have the prefix.
fn take(entries: Iter, prefix: &[u8], limit: usize) -> Result<Vec<KeyValue>, StoreError> {
    let mut taken = Vec::new();
    for entry in entries.take(limit) {
        let (key, value) = entry.into_inner()?;
        if !key.starts_with(prefix) {
            break;
        }
        taken.push((key.to_vec(), value.to_vec()));
    }
    Ok(taken)
}

impl KeyValueStore for DiskStore {
    fn snapshot(&self) -> Arc<dyn Reader> {
        Arc::new(DiskSnapshot { snapshot: self.database.snapshot(), keyspaces: self.keyspaces.clone() })
    }

    fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError> {
        self.commit_shared(&batch, durability)
    }

    fn commit_shared(&self, batch: &WriteBatch, durability: Durability) -> Result<(), StoreError> {
        batch.check()?;
        let mode = match durability {
            Durability::Synced => PersistMode::SyncAll,
            Durability::Buffered => PersistMode::Buffer,
        };
        let mut writes = self.database.batch().durability(Some(mode));
        for (table, entries) in batch.tables() {
            let keyspace = self.keyspaces.of(*table)?;
            for (key, value) in entries {
                match value {
                    Some(value) => writes.insert(keyspace, key.as_slice(), value.as_slice()),
                    None => writes.remove(keyspace, key.as_slice()),
                }
            }
        }
        Ok(writes.commit()?)
    }

    fn tables(&self) -> Vec<Table> {
        self.keyspaces.0.keys().copied().collect()
    }

    fn sync(&self) -> Result<(), StoreError> {
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }
}
