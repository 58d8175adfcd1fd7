//! World state: what every account of the chain holds, now and at every kept block.
//!
//! Three layers, one module each:
//!
//! * [`kv`]: ordered byte tables with atomic, durable batches; on disk ([`kv::DiskStore`]) or in memory
//!   ([`kv::MemoryStore`]);
//! * [`trie`]: the Merkle-Patricia trie whose nodes are stored under their hashes, so that every kept root stays readable;
//! * [`state`]: accounts. [`StateDb`] takes a block's changes and gives the new root and the writes that lead to it;
//!   [`StateView`] reads one root.
//!
//! The state at the head is read from flat tables, every other root through the trie. A view taken at the head stays
//! right while blocks are committed under it: see [`StateView`].

#![forbid(unsafe_code)]

pub mod kv;
mod proof;
pub mod state;
pub mod trie;
mod update;
mod view;

pub use proof::{AccountProof, StorageProof};
pub use state::{StateDb, StateError};
pub use update::StateUpdate;
pub use view::StateView;

pub use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, TrieAccount};
