//! Payloads by content: what is known under a hash is exactly the bytes with that keccak256 (DESIGN §7).
//!
//! A [`PayloadStore`] keeps programs, inputs, outputs and proofs, in memory or in a folder. What it says it has stored
//! survives a crash: a file is written aside, synced, and renamed into place. What it gives back was hashed again: a
//! damaged file is an error, never other bytes. Both one payload and all together are bounded.

#![forbid(unsafe_code)]

mod folder;

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, Bytes, keccak256};
use parking_lot::Mutex;
use thiserror::Error;

use folder::Folder;

/// Largest payload, in bytes. Proofs are the largest kind.
pub const MAX_PAYLOAD_SIZE_BYTES: usize = 64 * 1024 * 1024;

/// Bytes a store in a folder holds at most when it is given no other limit.
pub const DEFAULT_STORE_SIZE_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// Bytes a store in memory holds at most when it is given no other limit.
pub const DEFAULT_MEMORY_STORE_SIZE_BYTES: u64 = 1024 * 1024 * 1024;

/// Why a payload cannot be stored or read.
#[derive(Debug, Error)]
pub enum DaError {
    /// The payload is over the limit.
    #[error("payload is {got} bytes, the limit is {MAX_PAYLOAD_SIZE_BYTES}")]
    TooLarge {
        /// Size given, in bytes.
        got: usize,
    },
    /// The store would hold too much.
    #[error("payload store would hold {got} bytes, its limit is {limit}: free space or raise the limit")]
    Full {
        /// Bytes it would hold.
        got: u64,
        /// Its limit.
        limit: u64,
    },
    /// A stored file is not what its name says.
    #[error("stored payload {expected} hashes to {got}: {path} is damaged, remove it and fetch it again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Hash of what it holds.
        got: B256,
        /// Hash it is stored under.
        expected: B256,
    },
    /// The system refused.
    #[error("payload store {path}: {source}")]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A content-addressed store. Shared by all threads.
#[derive(Debug)]
pub struct PayloadStore {
    backend: Backend,
    limit_bytes: u64,
}

#[derive(Debug)]
enum Backend {
    Memory(Mutex<InMemory>),
    Folder(Folder),
}

#[derive(Debug, Default)]
struct InMemory {
    payloads: HashMap<B256, Bytes>,
    size_bytes: u64,
}

impl PayloadStore {
    /// A store that is gone with the process.
    pub fn in_memory(limit_bytes: u64) -> Self {
        Self { backend: Backend::Memory(Mutex::default()), limit_bytes }
    }

    /// A store in a folder, which is made when it is not there.
    ///
    /// # Errors
    /// [`DaError::Io`].
    pub fn open(path: &Path, limit_bytes: u64) -> Result<Self, DaError> {
        Ok(Self { backend: Backend::Folder(Folder::open(path)?), limit_bytes })
    }

    /// Stores a payload and returns its hash. Storing one again changes nothing.
    ///
    /// # Errors
    /// [`DaError::TooLarge`], [`DaError::Full`] or [`DaError::Io`]; then nothing is stored.
    pub fn put(&self, payload: &Bytes) -> Result<B256, DaError> {
        if payload.len() > MAX_PAYLOAD_SIZE_BYTES {
            return Err(DaError::TooLarge { got: payload.len() });
        }
        let hash = keccak256(payload);
        match &self.backend {
            Backend::Memory(memory) => {
                let mut memory = memory.lock();
                if !memory.payloads.contains_key(&hash) {
                    memory.size_bytes = room(memory.size_bytes, payload.len(), self.limit_bytes)?;
                    memory.payloads.insert(hash, payload.clone());
                }
            }
            Backend::Folder(folder) => folder.put(hash, payload, self.limit_bytes)?,
        }
        Ok(hash)
    }

    /// The payload with this hash; `None` when it is not held.
    ///
    /// # Errors
    /// [`DaError::Damaged`] or [`DaError::Io`].
    pub fn get(&self, hash: B256) -> Result<Option<Bytes>, DaError> {
        match &self.backend {
            Backend::Memory(memory) => Ok(memory.lock().payloads.get(&hash).cloned()),
            Backend::Folder(folder) => folder.get(hash),
        }
    }

    /// Whether payloads that no block needs may come in: they get half of the store, so that they cannot fill it and
    /// hold up blocks, whose inputs and outputs go here too.
    pub fn takes_unpaid(&self) -> bool {
        self.size_bytes() < self.limit_bytes / 2
    }

    /// Most bytes it holds.
    pub const fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// Bytes held.
    pub fn size_bytes(&self) -> u64 {
        match &self.backend {
            Backend::Memory(memory) => memory.lock().size_bytes,
            Backend::Folder(folder) => folder.size_bytes(),
        }
    }
}

/// What the store holds after one more payload, when it has room for it.
fn room(held_bytes: u64, payload_bytes: usize, limit: u64) -> Result<u64, DaError> {
    let got = held_bytes.saturating_add(payload_bytes as u64);
    if got > limit { Err(DaError::Full { got, limit }) } else { Ok(got) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(store: &PayloadStore) {
        let payload = Bytes::from_static(b"a payload");
        let hash = store.put(&payload).unwrap();
        assert_eq!(hash, keccak256(&payload));
        assert_eq!(store.get(hash).unwrap(), Some(payload.clone()));
        assert_eq!(store.get(B256::ZERO).unwrap(), None);
        store.put(&payload).unwrap();
        assert_eq!(store.size_bytes(), payload.len() as u64);
        let refused = store.put(&Bytes::from(vec![1; 100])).unwrap_err();
        assert!(matches!(refused, DaError::Full { got: 109, limit: 64 }), "{refused}");
        let refused = store.put(&Bytes::from(vec![0; MAX_PAYLOAD_SIZE_BYTES + 1])).unwrap_err();
        assert!(matches!(refused, DaError::TooLarge { .. }), "{refused}");
        assert_eq!(store.size_bytes(), payload.len() as u64);
    }

    #[test]
    fn keeps_payloads_in_memory() {
        check(&PayloadStore::in_memory(64));
    }

    #[test]
    fn keeps_payloads_in_a_folder_over_restarts() {
        let folder = tempfile::tempdir().unwrap();
        check(&PayloadStore::open(folder.path(), 64).unwrap());
        let store = PayloadStore::open(folder.path(), 64).unwrap();
        assert_eq!(store.size_bytes(), 9);
        let hash = keccak256(b"a payload");
        assert_eq!(store.get(hash).unwrap(), Some(Bytes::from_static(b"a payload")));
    }

    #[test]
    fn unpaid_payloads_get_half() {
        let store = PayloadStore::in_memory(100);
        store.put(&Bytes::from(vec![1; 49])).unwrap();
        assert!(store.takes_unpaid());
        store.put(&Bytes::from(vec![2; 1])).unwrap();
        assert!(!store.takes_unpaid());
        store.put(&Bytes::from(vec![3; 50])).unwrap();
    }

    #[test]
    fn notices_damage() {
        let folder = tempfile::tempdir().unwrap();
        let store = PayloadStore::open(folder.path(), 1024).unwrap();
        let hash = store.put(&Bytes::from_static(b"truth")).unwrap();
        std::fs::write(folder.path().join(hex_name(hash)), b"lies!").unwrap();
        assert!(matches!(store.get(hash), Err(DaError::Damaged { expected, .. }) if expected == hash));
    }

    #[test]
    fn forgets_what_was_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        drop(PayloadStore::open(folder.path(), 1024).unwrap());
        std::fs::write(folder.path().join(".tmp-half"), b"half a payl").unwrap();
        assert_eq!(PayloadStore::open(folder.path(), 1024).unwrap().size_bytes(), 0);
        assert!(!folder.path().join(".tmp-half").exists());
    }

    fn hex_name(hash: B256) -> String {
        alloy_primitives::hex::encode(hash)
    }
}
