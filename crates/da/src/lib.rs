//! Payloads by content: what is known under a hash is exactly the bytes with that keccak256 (DESIGN §7).
//!
//! A [`PayloadStore`] keeps programs, inputs, outputs and proofs, in memory or in a folder. What it says it has stored
//! survives a crash: a file is written aside, synced, and renamed into place. What it gives back was hashed again: a
//! damaged file is an error, never other bytes. Both one payload and all together are bounded.
//!
//! Payloads stay as long as blocks need them ([`PayloadStore::keep_until`]); what no block needs, somebody having sent it
//! and nobody paid, stays for a while. What is over goes with [`PayloadStore::prune`].
//!
//! What blocks need is copied to object storage by [`replica`], where one is configured.

#![forbid(unsafe_code)]

mod error;
mod folder;
mod index;
pub mod replica;
mod store;

pub use error::DaError;
pub use store::{PayloadStore, StoreTotals};

/// Largest payload, in bytes. Proofs are the largest kind.
pub const MAX_PAYLOAD_SIZE_BYTES: usize = 64 * 1024 * 1024;

/// Bytes a store in a folder holds at most when it is given no other limit.
pub const DEFAULT_STORE_SIZE_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// Bytes a store in memory holds at most when it is given no other limit.
pub const DEFAULT_MEMORY_STORE_SIZE_BYTES: u64 = 1024 * 1024 * 1024;

/// Most payloads of a store: each takes a file and an entry of the index, however small it is.
pub const MAX_HELD_PAYLOADS: u64 = 1024 * 1024;

/// Blocks for which a payload stays that no block needs, when a store is told nothing else: some six hours at five a
/// second.
pub const DEFAULT_UNPAID_RETENTION_BLOCKS: u64 = 100_000;

/// Most payloads that one call lists or removes.
pub const MAX_PAGE: usize = 1_000;

/// What is known of a payload beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadInfo {
    /// Its size, in bytes.
    pub size_bytes: u32,
    /// How long it stays.
    pub retention: Retention,
    /// Whether it is replicated.
    pub replica: Replica,
}

/// How long a payload stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// As [`Self::Unpaid`], counted from the next block that the store is told of.
    Undated,
    /// No block needs it: to the end of this one, and then it may go.
    Unpaid {
        /// The last block.
        last_block: u64,
    },
    /// A block needs it, to the end of this one.
    Kept {
        /// The last block.
        last_block: u64,
    },
}

impl Retention {
    /// The last block at whose end it is still held, when there is one.
    pub const fn last_block(self) -> Option<u64> {
        match self {
            Self::Undated => None,
            Self::Unpaid { last_block } | Self::Kept { last_block } => Some(last_block),
        }
    }
}

/// Whether a payload is replicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replica {
    /// Nobody asked for it: what no block needs is not replicated, lest strangers fill a bucket.
    Unwanted,
    /// It waits for its replica.
    Queued,
    /// It has one: [`PayloadStore::locator`].
    Stored,
}

#[cfg(test)]
mod tests;
