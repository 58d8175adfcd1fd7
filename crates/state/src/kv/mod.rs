//! Byte tables with atomic batches: the one door to storage.
//!
//! A [`KeyValueStore`] holds named tables, each an ordered map from key to value. Writes come as one [`WriteBatch`] over any
//! number of tables; after a crash either all of a batch is there or none of it.
//!
//! A store is stamped with the version of its layout and the hash of its chain's genesis block; opening it with others
//! fails ([`StoreError::WrongVersion`], [`StoreError::WrongGenesis`]).

mod disk;
mod memory;

use std::collections::BTreeMap;
use std::path::PathBuf;

use alloy_primitives::B256;

pub use disk::DiskStore;
pub use memory::MemoryStore;

/// Version of the layout of keys and values. Raised with every change that old data does not survive.
pub const SCHEMA_VERSION: u32 = 1;

/// A named table of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(&'static str);

impl Table {
    /// Names a table. Names are unique within a store and are what it is called on disk.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// The store's own table: `version` → schema version (`u32`, big-endian), `genesis` → genesis hash.
const STAMP: Table = Table::new("stamp");
const STAMP_VERSION: &[u8] = b"version";
const STAMP_GENESIS: &[u8] = b"genesis";

/// A key and its value.
pub type KeyValue = (Vec<u8>, Vec<u8>);

/// Ordered byte tables with atomic batches. Shared between threads.
pub trait KeyValueStore: Send + Sync + std::fmt::Debug + 'static {
    /// The value of a key.
    ///
    /// # Errors
    /// When the backend fails or the table was not declared on opening.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Entries whose key starts with `prefix`, in key order, at most `limit` of them.
    ///
    /// # Errors
    /// When the backend fails or the table was not declared on opening.
    fn scan(&self, table: Table, prefix: &[u8], limit: usize) -> Result<Vec<KeyValue>, StoreError>;

    /// Applies all of a batch or nothing. When this returns, the batch survives a crash of the machine (on disk).
    ///
    /// # Errors
    /// When the backend fails; the batch is then not applied, or applied in full and found on reopening.
    fn commit(&self, batch: WriteBatch) -> Result<(), StoreError>;
}

/// Writes that are applied together or not at all. A later write to a key replaces an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteBatch {
    /// New value of each key written; `None` removes it.
    writes: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
}

impl WriteBatch {
    /// Sets a key.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.writes.insert((table, key.into()), Some(value.into()));
    }

    /// Removes a key.
    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.writes.insert((table, key.into()), None);
    }

    /// Adds the writes of another batch, which replace this one's.
    pub fn extend(&mut self, other: Self) {
        self.writes.extend(other.writes);
    }

    /// The tables and keys written, in order, with their new values (`None` removes).
    pub fn writes(&self) -> &BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>> {
        &self.writes
    }

    /// Takes the writes.
    pub fn into_writes(self) -> BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>> {
        self.writes
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
    /// The storage engine failed.
    #[error("storage engine: {0}")]
    Backend(#[from] fjall::Error),
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
            store.commit(batch)
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
