//! Why a payload cannot be stored or read.

use std::{io, path::PathBuf};

use alloy_primitives::B256;
use ivm_state::kv::StoreError;
use thiserror::Error;

use crate::{MAX_HELD_PAYLOADS, MAX_PAYLOAD_SIZE_BYTES};

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
    /// The store would hold too many payloads.
    #[error("payload store would hold {got} payloads, the limit is {MAX_HELD_PAYLOADS}")]
    TooMany {
        /// Payloads it would hold.
        got: u64,
    },
    /// A payload that is to be kept is not there.
    #[error("payload {hash} is not held, so it cannot be kept")]
    NotHeld {
        /// Its hash.
        hash: B256,
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
    /// The index of payloads cannot be read or written.
    #[error("index of payloads: {0}")]
    Index(#[from] StoreError),
    /// An entry of the index is not one.
    #[error(
        "index of payloads: {table} has an entry of {got} bytes that cannot be read; remove the folder `index`, it is made again"
    )]
    IndexEntry {
        /// Which table.
        table: &'static str,
        /// Size of the entry's key and value, in bytes.
        got: usize,
    },
}
