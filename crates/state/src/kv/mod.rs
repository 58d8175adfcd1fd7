//! Byte tables with atomic batches: the one door to storage.
//!
//! A [`KeyValueStore`] holds named tables, each an ordered map from key to value. Writes come as one [`WriteBatch`] over any
//! number of tables; after a crash either all of a batch is there or none of it. A [`KeyValueStore::snapshot`] reads all
//! tables as they were between two batches, for as long as it is held. An [`Overlay`] is a snapshot with writes of its
//! own on top, which become a batch when they are all there.
//!
//! A store is stamped with the version of its layout and the hash of its chain's genesis block; opening it with others
//! fails ([`StoreError::WrongVersion`], [`StoreError::WrongGenesis`]).

mod disk;
mod memory;
mod overlay;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use alloy_primitives::B256;

pub use disk::DiskStore;
pub use memory::MemoryStore;
pub use overlay::Overlay;

/// Version of the layout of keys and values. Raised with every change that old data does not survive.
pub const SCHEMA_VERSION: u32 = 2;

/// Most bytes of a key; a key has at least one.
pub const MAX_KEY_SIZE_BYTES: usize = u16::MAX as usize;

/// What is kept of a table's old values when a block overwrites them. Numbers name tables in records on disk and are
/// unique within a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tracking {
    /// Nothing: its entries are written once, or are nobody's past.
    None,
    /// What undoing the block needs.
    Undo(u8),
    /// What undoing the block and reading the past need. No key of such a table is a prefix of another.
    History(u8),
}

/// A named table of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table {
    name: &'static str,
    tracking: Tracking,
}

impl Table {
    /// Names a table whose old values nobody needs. Names are unique within a store and are what it is called on disk.
    pub const fn new(name: &'static str) -> Self {
        Self { name, tracking: Tracking::None }
    }

    /// Names a table whose old values are kept.
    pub const fn tracked(name: &'static str, tracking: Tracking) -> Self {
        Self { name, tracking }
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// What is kept of its old values.
    pub const fn tracking(self) -> Tracking {
        self.tracking
    }
}

/// The store's own table: `version` → schema version (`u32`, big-endian), `genesis` → genesis hash.
const STAMP: Table = Table::new("stamp");
const STAMP_VERSION: &[u8] = b"version";
const STAMP_GENESIS: &[u8] = b"genesis";

/// A key and its value.
pub type KeyValue = (Vec<u8>, Vec<u8>);

/// Whether a committed batch is to survive a crash of the machine or of the process alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// It is on the disk when the commit returns.
    #[default]
    Synced,
    /// It is with the operating system when the commit returns: it survives the end of the process, and a crash of the
    /// machine after [`KeyValueStore::sync`]. Batches reach the disk in order.
    Buffered,
}

/// Reads of ordered byte tables.
pub trait Reader: Send + Sync + std::fmt::Debug + 'static {
    /// The value of a key.
    ///
    /// # Errors
    /// When the backend fails or the table was not declared on opening.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Entries whose key starts with `prefix` and is `from` or later, in key order, at most `limit` of them.
    ///
    /// # Errors
    /// As [`Reader::get`].
    fn range(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError>;

    /// Entries whose key starts with `prefix`, in key order, at most `limit` of them.
    ///
    /// # Errors
    /// As [`Reader::get`].
    fn scan(&self, table: Table, prefix: &[u8], limit: usize) -> Result<Vec<KeyValue>, StoreError> {
        self.range(table, prefix, prefix, limit)
    }

    /// The first entry whose key starts with `prefix` and is `from` or later.
    ///
    /// # Errors
    /// As [`Reader::get`].
    fn seek(&self, table: Table, prefix: &[u8], from: &[u8]) -> Result<Option<KeyValue>, StoreError> {
        Ok(self.range(table, prefix, from, 1)?.pop())
    }
}

/// Ordered byte tables with atomic batches. Shared between threads. Reads give the newest committed entry, each for
/// itself: reads that must fit together are made on one [`KeyValueStore::snapshot`].
pub trait KeyValueStore: Reader {
    /// All tables as they are now, whatever is committed after.
    fn snapshot(&self) -> Arc<dyn Reader>;

    /// Applies all of a batch or nothing.
    ///
    /// # Errors
    /// When the backend fails; the batch is then not applied, or applied in full and found on reopening.
    fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<(), StoreError>;

    /// Does what [`KeyValueStore::commit`] does with a batch that others read meanwhile.
    ///
    /// # Errors
    /// As [`KeyValueStore::commit`].
    fn commit_shared(&self, batch: &WriteBatch, durability: Durability) -> Result<(), StoreError> {
        self.commit(batch.clone(), durability)
    }

    /// The tables that were declared when the store was opened.
    fn tables(&self) -> Vec<Table>;

    /// Waits until everything committed survives a crash of the machine.
    ///
    /// # Errors
    /// When the backend fails.
    fn sync(&self) -> Result<(), StoreError>;
}

/// New value of each key of one table; `None` removes it.
pub type TableWrites = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Writes that are applied together or not at all. A later write to a key replaces an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteBatch {
    tables: BTreeMap<Table, TableWrites>,
    size_bytes: usize,
}

impl WriteBatch {
    /// Sets a key.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.write(table, key.into(), Some(value.into()));
    }

    /// Removes a key.
    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.write(table, key.into(), None);
    }

    /// Sets or removes a key.
    pub fn write(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        let value_size_bytes = value.as_ref().map_or(0, Vec::len);
        let key_size_bytes = key.len();
        match self.tables.entry(table).or_default().insert(key, value) {
            Some(old) => self.size_bytes -= old.map_or(0, |old| old.len()),
            None => self.size_bytes += key_size_bytes,
        }
        self.size_bytes += value_size_bytes;
    }

    /// Sets or removes keys of a table: quicker than one by one when there are many.
    pub fn write_all(&mut self, table: Table, writes: Vec<(Vec<u8>, Option<Vec<u8>>)>) {
        let entries = self.tables.entry(table).or_default();
        if !entries.is_empty() {
            for (key, value) in writes {
                self.write(table, key, value);
            }
            return;
        }
        *entries = writes.into_iter().collect();
        let size =
            |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| key.len() + value.as_ref().map_or(0, Vec::len);
        self.size_bytes += entries.iter().map(size).sum::<usize>();
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.tables.values().all(BTreeMap::is_empty)
    }

    /// Adds the writes of another batch, which replace this one's.
    pub fn extend(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        for (table, writes) in other.tables {
            for (key, value) in writes {
                self.write(table, key, value);
            }
        }
    }

    /// What is written to a key: `Some(None)` when it is removed, `None` when it is left alone.
    pub fn get(&self, table: Table, key: &[u8]) -> Option<Option<&[u8]>> {
        let value = self.tables.get(&table)?.get(key)?;
        Some(value.as_deref())
    }

    /// The writes to each table, in order.
    pub fn tables(&self) -> &BTreeMap<Table, TableWrites> {
        &self.tables
    }

    /// Takes the writes.
    pub fn into_tables(self) -> BTreeMap<Table, TableWrites> {
        self.tables
    }

    /// Bytes of keys and values.
    pub const fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Checks the lengths of all keys.
    fn check(&self) -> Result<(), StoreError> {
        for (table, writes) in &self.tables {
            let odd = |key: &&Vec<u8>| key.is_empty() || key.len() > MAX_KEY_SIZE_BYTES;
            if let Some(key) = writes.keys().find(odd) {
                return Err(StoreError::KeyLength { table: table.name(), got: key.len() });
            }
        }
        Ok(())
    }
}

/// Why a store cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the data directory open.
    #[error("data directory {} is in use by another process", path.display())]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// The data was written by a version of this software with another layout.
    #[error("data has layout version {got}, this software reads version {expected}")]
    WrongVersion {
        /// Version found.
        got: u32,
        /// Version supported.
        expected: u32,
    },
    /// The data belongs to another chain.
    #[error("data belongs to the chain with genesis {got}, expected genesis {expected}")]
    WrongGenesis {
        /// Genesis hash found.
        got: B256,
        /// Genesis hash of the configured chain.
        expected: B256,
    },
    /// The stamp of the store cannot be read.
    #[error("data has a damaged stamp: {what}")]
    DamagedStamp {
        /// Which part, and how.
        what: &'static str,
    },
    /// The table was not declared when the store was opened.
    #[error("table `{name}` was not declared when the store was opened")]
    UnknownTable {
        /// Name of the table.
        name: &'static str,
    },
    /// A key has a length that no table takes.
    #[error("key of {got} bytes for table `{table}`, expected 1 to {MAX_KEY_SIZE_BYTES}")]
    KeyLength {
        /// Name of the table.
        table: &'static str,
        /// Length of the key.
        got: usize,
    },
    /// The storage engine failed.
    #[error("storage engine: {0}")]
    Backend(#[from] fjall::Error),
    /// Reading or writing failed outside the storage engine.
    #[error("storage: {0}")]
    Io(#[from] std::io::Error),
}

/// Whether an error says that a store takes no more writes until it is opened again: one failed halfway, as on a full disk.
/// What was committed before it is there then.
pub fn must_reopen(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(fjall::Error::Poisoned) = error.downcast_ref() {
            return true;
        }
        next = error.source();
    }
    false
}

/// Checks the stamp of a store, or sets it when the store is new.
fn check_stamp(store: &dyn KeyValueStore, genesis_hash: B256) -> Result<(), StoreError> {
    let version = store.get(STAMP, STAMP_VERSION)?;
    let genesis = store.get(STAMP, STAMP_GENESIS)?;
    match (version, genesis) {
        (None, None) => {
            let mut batch = WriteBatch::default();
            batch.put(STAMP, STAMP_VERSION, SCHEMA_VERSION.to_be_bytes());
            batch.put(STAMP, STAMP_GENESIS, genesis_hash.0);
            store.commit(batch, Durability::Synced)
        }
        (Some(version), Some(genesis)) => {
            let version = <[u8; 4]>::try_from(version.as_slice())
                .map_err(|_| StoreError::DamagedStamp { what: "version is not 4 bytes" })?;
            let got = u32::from_be_bytes(version);
            if got != SCHEMA_VERSION {
                return Err(StoreError::WrongVersion { got, expected: SCHEMA_VERSION });
            }
            let got = B256::try_from(genesis.as_slice())
                .map_err(|_| StoreError::DamagedStamp { what: "genesis hash is not 32 bytes" })?;
            if got != genesis_hash {
                return Err(StoreError::WrongGenesis { got, expected: genesis_hash });
            }
            Ok(())
        }
        (None, Some(_)) => Err(StoreError::DamagedStamp { what: "version is missing" }),
        (Some(_), None) => Err(StoreError::DamagedStamp { what: "genesis hash is missing" }),
    }
}
