//! World state: what every account of the chain holds, now and at every kept block.
//!
//! Layers, one module each:
//!
//! * [`kv`]: ordered byte tables with atomic, durable batches and snapshots; on disk ([`kv::DiskStore`]) or in memory
//!   ([`kv::MemoryStore`]);
//! * `trie`: the Merkle-Patricia trie, its nodes stored under their paths;
//! * `history`: what values were before each block, for as long as it is kept;
//! * [`state`]: accounts. [`StateDb`] takes a block's changes and gives the new root and the writes that lead to it;
//!   [`StateView`] reads the state after one block; a [`Branch`] undoes and applies blocks in memory;
//! * [`dump`]: whole states as files.

#![forbid(unsafe_code)]

mod branch;
pub mod cache;
pub mod dump;
mod history;
pub mod kv;
mod proof;
pub mod state;
mod trie;
mod update;
mod view;

pub use branch::{Branch, FinishedBranch};
pub use proof::{AccountProof, StorageProof};
pub use state::{FIRST_FREE_TRACKING, PruneProgress, Retention, StateDb, StateError};
pub use trie::TrieError;
pub use update::StateUpdate;
pub use view::StateView;

pub use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, TrieAccount};
