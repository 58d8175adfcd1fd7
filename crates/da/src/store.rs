//! The store: bytes under their hashes, and the index that says how long they stay.

mod replicas;
mod retention;
mod totals;

use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes, keccak256};
use ivm_state::kv::{DiskStore, Durability, MemoryStore, StoreError};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    DEFAULT_UNPAID_RETENTION_BLOCKS, DaError, MAX_HELD_PAYLOADS, MAX_PAGE, MAX_PAYLOAD_SIZE_BYTES,
    PayloadInfo, Replica, Retention,
    folder::{Folder, Unnamed},
    index::{Change, Index, TABLES},
};

use totals::Held;
pub use totals::StoreTotals;

/// How long opening waits for a process that is ending, and still holds the store.
const OPEN_WAIT: Duration = Duration::from_secs(2);
/// How often it looks meanwhile.
const OPEN_POLL: Duration = Duration::from_millis(20);

/// Payloads whose entries are written at once where many are.
const BATCH: usize = 4_096;

/// A content-addressed store. Shared by all threads.
#[derive(Debug)]
pub struct PayloadStore {
    backend: Backend,
    index: Index,
    limit_bytes: u64,
    unpaid_retention_blocks: u64,
    /// Locked while entries change.
    held: Mutex<Held>,
    /// Told when a payload joins the queue of those to replicate.
    queued: Arc<Notify>,
}

enum Backend {
    Memory(Mutex<BTreeMap<B256, Bytes>>),
    Folder(Folder),
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(_) => f.write_str("Memory"),
            Self::Folder(folder) => folder.fmt(f),
        }
    }
}

/// A payload on its way in.
enum Incoming {
    Memory(Bytes),
    Folder(Unnamed),
}

impl PayloadStore {
    /// A store that is gone with the process.
    ///
    /// # Panics
    /// Never: a new store in memory takes its tables.
    pub fn in_memory(limit_bytes: u64) -> Self {
        let tables = MemoryStore::new(&TABLES, B256::ZERO).expect("a new store takes its tables");
        Self::new(Backend::Memory(Mutex::default()), Index::new(Box::new(tables)), limit_bytes)
    }

    /// A store in a folder, which is made when it is not there. It is this process's until it is dropped; one that
    /// another has open is waited for, for two seconds.
    ///
    /// # Errors
    /// [`DaError::Io`], or [`DaError::Index`], above all with [`StoreError::Locked`].
    pub fn open(path: &Path, limit_bytes: u64) -> Result<Self, DaError> {
        let folder = Folder::open(path)?;
        let tables = open_tables(&path.join("index"))?;
        let store = Self::new(Backend::Folder(folder), Index::new(Box::new(tables)), limit_bytes);
        store.make_good()?;
        Ok(store)
    }

    fn new(backend: Backend, index: Index, limit_bytes: u64) -> Self {
        Self {
            backend,
            index,
            limit_bytes,
            unpaid_retention_blocks: DEFAULT_UNPAID_RETENTION_BLOCKS,
            held: Mutex::default(),
            queued: Arc::default(),
        }
    }

    /// The same store, which keeps payloads that no block needs for this many blocks after they were put.
    #[must_use]
    pub fn with_unpaid_retention_blocks(mut self, blocks: u64) -> Self {
        self.unpaid_retention_blocks = blocks;
        self
    }

    /// Makes the index say what is in the folder, and counts it. What the index does not know gets its time from the
    /// next block on.
    fn make_good(&self) -> Result<(), DaError> {
        let Backend::Folder(folder) = &self.backend else { return Ok(()) };
        let mut held = self.held.lock();
        let mut files = folder.clean_and_list()?.into_iter().peekable();
        let mut after = None;
        loop {
            let page = self.index.page(after, BATCH)?;
            let mut changes = Vec::new();
            for (hash, info) in &page {
                // What is removed below is taken away again then.
                held.add(info);
                while let Some(unknown) = files.next_if(|file| file < hash) {
                    changes.push(self.unknown(folder, unknown)?);
                }
                if files.next_if_eq(hash).is_none() {
                    changes.push(Change { hash: *hash, old: Some(*info), new: None });
                }
            }
            after = page.last().map(|(hash, _)| *hash);
            if after.is_none() {
                for unknown in files.by_ref() {
                    changes.push(self.unknown(folder, unknown)?);
                }
            }
            for changes in changes.chunks(BATCH) {
                self.commit(&mut held, changes, "", Durability::Buffered)?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn unknown(&self, folder: &Folder, hash: B256) -> Result<Change, DaError> {
        // A file over the limit is damaged, which reading it will say.
        let size_bytes = u32::try_from(folder.size_bytes_of(hash)?).unwrap_or(u32::MAX);
        let info = PayloadInfo { size_bytes, retention: Retention::Undated, replica: Replica::Unwanted };
        Ok(Change { hash, old: None, new: Some(info) })
    }

    /// Writes changes of entries, and counts them.
    fn commit(
        &self,
        held: &mut Held,
        changes: &[Change],
        locator: &str,
        durability: Durability,
    ) -> Result<(), DaError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.index.commit(changes, locator, durability)?;
        for change in changes {
            if let Some(old) = &change.old {
                held.take_away(old);
            }
            if let Some(new) = &change.new {
                held.add(new);
            }
        }
        Ok(())
    }

    /// Stores a payload and returns its hash. Storing one again changes nothing but how long it stays when no block
    /// needs it: that is counted anew.
    ///
    /// # Errors
    /// [`DaError::TooLarge`], [`DaError::Full`], [`DaError::TooMany`], [`DaError::Io`] or [`DaError::Index`]; then
    /// nothing is stored.
    pub fn put(&self, payload: &Bytes) -> Result<B256, DaError> {
        let too_large = || DaError::TooLarge { got: payload.len() };
        let size_bytes = u32::try_from(payload.len()).map_err(|_| too_large())?;
        if payload.len() > MAX_PAYLOAD_SIZE_BYTES {
            return Err(too_large());
        }
        let hash = keccak256(payload);
        {
            let mut held = self.held.lock();
            if let Some(old) = self.index.get(hash)? {
                self.renew(&mut held, hash, old)?;
                return Ok(hash);
            }
            held.reserve(size_bytes, self.limit_bytes)?;
        }
        // Not under the lock: a large payload takes a while to reach the disk, and blocks do not wait for it.
        let incoming = match &self.backend {
            Backend::Memory(_) => Ok(Incoming::Memory(payload.clone())),
            Backend::Folder(folder) => folder.write(payload).map(Incoming::Folder),
        };
        let mut held = self.held.lock();
        held.release(size_bytes);
        self.take_in(&mut held, hash, size_bytes, incoming?)?;
        Ok(hash)
    }

    fn take_in(
        &self,
        held: &mut Held,
        hash: B256,
        size_bytes: u32,
        incoming: Incoming,
    ) -> Result<(), DaError> {
        if let Some(old) = self.index.get(hash)? {
            // Another thread stored the same meanwhile.
            return self.renew(held, hash, old);
        }
        match (&self.backend, incoming) {
            (Backend::Memory(payloads), Incoming::Memory(payload)) => {
                payloads.lock().insert(hash, payload);
            }
            (Backend::Folder(folder), Incoming::Folder(unnamed)) => folder.name(unnamed, hash)?,
            // A store has one backend, and what comes in is its kind.
            (Backend::Memory(_), Incoming::Folder(_)) | (Backend::Folder(_), Incoming::Memory(_)) => {}
        }
        let retention = self.unpaid(held);
        let new = PayloadInfo { size_bytes, retention, replica: Replica::Unwanted };
        // Not synced: an entry that a crash loses is made good from the folder.
        let added =
            self.commit(held, &[Change { hash, old: None, new: Some(new) }], "", Durability::Buffered);
        if added.is_err() {
            self.remove_bytes(hash)?;
        }
        added
    }

    /// Stores a payload as [`Self::put`] does, and over what is there under its hash, which may be damaged or lost. How
    /// long it stays and whether it is replicated remain as they were.
    ///
    /// # Errors
    /// As [`Self::put`]; then what was there is there still.
    pub fn repair(&self, payload: &Bytes) -> Result<B256, DaError> {
        let hash = self.put(payload)?;
        match &self.backend {
            Backend::Memory(_) => {}
            Backend::Folder(folder) => {
                let unnamed = folder.write(payload)?;
                let mut held = self.held.lock();
                // Removed meanwhile, it is not wanted any more.
                let Some(old) = self.index.get(hash)? else { return Ok(hash) };
                folder.name(unnamed, hash)?;
                // A file that was damaged when the index was made had another size.
                let size_bytes = u32::try_from(payload.len()).unwrap_or(u32::MAX);
                let new = PayloadInfo { size_bytes, ..old };
                let change = Change { hash, old: Some(old), new: Some(new) };
                self.commit(&mut held, &[change], "", Durability::Buffered)?;
            }
        }
        Ok(hash)
    }

    fn remove_bytes(&self, hash: B256) -> Result<(), DaError> {
        match &self.backend {
            Backend::Memory(payloads) => {
                payloads.lock().remove(&hash);
                Ok(())
            }
            Backend::Folder(folder) => folder.remove(hash),
        }
    }

    /// The payload with this hash; `None` when it is not held.
    ///
    /// # Errors
    /// [`DaError::Damaged`] or [`DaError::Io`].
    pub fn get(&self, hash: B256) -> Result<Option<Bytes>, DaError> {
        match &self.backend {
            Backend::Memory(payloads) => Ok(payloads.lock().get(&hash).cloned()),
            Backend::Folder(folder) => folder.get(hash),
        }
    }

    /// What is known of a payload beside its bytes; `None` when it is not held.
    ///
    /// # Errors
    /// [`DaError::Index`] or [`DaError::IndexEntry`].
    pub fn info(&self, hash: B256) -> Result<Option<PayloadInfo>, DaError> {
        self.index.get(hash)
    }

    /// Payloads held after one, in order of their hashes: at most `limit`, and at most [`MAX_PAGE`]. None are left when
    /// none are returned.
    ///
    /// # Errors
    /// As [`Self::info`].
    pub fn page(&self, after: Option<B256>, limit: usize) -> Result<Vec<(B256, PayloadInfo)>, DaError> {
        self.index.page(after, limit.min(MAX_PAGE))
    }

    /// Removes a payload, whatever it was to be kept for. Returns whether it was held.
    ///
    /// # Errors
    /// [`DaError::Io`] or [`DaError::Index`].
    pub fn remove(&self, hash: B256) -> Result<bool, DaError> {
        let mut held = self.held.lock();
        let old = self.index.get(hash)?;
        if let Some(old) = old {
            self.remove_held(&mut held, hash, old)?;
        }
        Ok(old.is_some())
    }

    /// The file goes first: an entry without one is dropped on opening.
    fn remove_held(&self, held: &mut Held, hash: B256, old: PayloadInfo) -> Result<(), DaError> {
        self.remove_bytes(hash)?;
        self.commit(held, &[Change { hash, old: Some(old), new: None }], "", Durability::Buffered)
    }

    /// Whether payloads that no block needs may come in: they get half of the store, so that they cannot fill it and
    /// hold up blocks, whose inputs and outputs go here too.
    pub fn takes_unpaid(&self) -> bool {
        let totals = self.totals();
        totals.size_bytes < self.limit_bytes / 2 && totals.payloads < MAX_HELD_PAYLOADS / 2
    }

    /// Most bytes it holds.
    pub const fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// Bytes held.
    pub fn size_bytes(&self) -> u64 {
        self.totals().size_bytes
    }

    /// How much it holds.
    pub fn totals(&self) -> StoreTotals {
        self.held.lock().totals
    }
}

/// Opens the tables of the index once nobody else has them open.
fn open_tables(path: &Path) -> Result<DiskStore, DaError> {
    let deadline = Instant::now() + OPEN_WAIT;
    loop {
        match DiskStore::open(path, &TABLES, B256::ZERO) {
            Err(StoreError::Locked { .. }) if Instant::now() < deadline => thread::sleep(OPEN_POLL),
            opened => return Ok(opened?),
        }
    }
}
