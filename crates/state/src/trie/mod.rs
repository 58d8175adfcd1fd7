//! The Merkle-Patricia trie, its nodes stored under their paths.
//!
//! A node's record is its RLP, and its key is where it stands in the trie ([`path_key`](node::path_key)): writing a node
//! replaces the one that stood there before, so that the store holds one trie and nothing has to be looked for to be
//! removed. A node shorter than 32 bytes has no record; its parent holds it. What a record held before a block is in the
//! history like any other value (see [`crate::history`]), so older roots are read from the same table.
//!
//! Every record is checked against the hash in its parent when it is read. The upper nodes of the account trie stay in memory
//! after they were written: a [`Root`] holds them, and an update leads from one root to the next, sharing what is the same.

mod node;
mod prove;
#[cfg(test)]
mod tests;
mod update;

use alloy_primitives::B256;
use alloy_trie::Nibbles;

pub(crate) use node::{Root, path_key};
pub(crate) use prove::prove;
pub(crate) use update::{NodeWrite, TrieChange, update};

use crate::state::StateError;

/// Where the nodes of one trie are read.
pub(crate) trait NodeSource: Sync {
    /// The record of the node at a path.
    fn node(&self, path: &Nibbles) -> Result<Option<Vec<u8>>, StateError>;
}

/// Why a trie cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TrieError {
    /// A node has no record.
    #[error("missing trie node {expected} (path {path:?})")]
    Missing {
        /// Path of the node, in nibbles.
        path: Nibbles,
        /// Its hash, by its parent.
        expected: B256,
    },
    /// A node's record is not what its parent says.
    #[error("trie node at path {path:?} is damaged: it hashes to {got}, expected {expected}")]
    Damaged {
        /// Path of the node, in nibbles.
        path: Nibbles,
        /// Hash of its record.
        got: B256,
        /// Its hash, by its parent.
        expected: B256,
    },
    /// A node does not decode, or not to one that can stand where it does.
    #[error("trie node at path {path:?} is malformed: {reason}")]
    Malformed {
        /// Path of the node, in nibbles.
        path: Nibbles,
        /// What is wrong with it.
        reason: String,
    },
}
