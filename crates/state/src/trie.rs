//! The Merkle-Patricia trie, its nodes stored under their hashes.
//!
//! Nodes are shared between roots and never overwritten, so every root whose nodes are kept can be read and proven. The
//! algorithm is `eth_trie`'s; this module gives it our store, checks each node against its hash when it is read, and
//! turns its changes into writes.

use std::fmt;
use std::sync::Arc;

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use eth_trie::{DB, EthTrie, Trie as _, TrieError};
use parking_lot::Mutex;

use crate::kv::{KeyValueStore, StoreError, Table, WriteBatch};

/// Trie nodes: hash of the node → its RLP.
pub const TRIE_NODES: Table = Table::new("trie_nodes");

/// Why a trie cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TrieAccessError {
    /// The root is not kept: pruned, or never was.
    #[error("no state is kept at root {root}")]
    MissingRoot {
        /// The root asked for.
        root: B256,
    },
    /// A node is missing or damaged, or the store failed.
    #[error("trie with root {root}: {reason}")]
    Damaged {
        /// Root of the trie.
        root: B256,
        /// What was found.
        reason: String,
    },
}

/// Nodes of the store, and on top of them those written and not yet committed.
struct NodeStore {
    store: Arc<dyn KeyValueStore>,
    written: Mutex<std::collections::BTreeMap<B256, Vec<u8>>>,
}

#[derive(Debug, thiserror::Error)]
enum NodeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("node key is {got} bytes, expected 32")]
    KeyLength { got: usize },
    #[error("node {expected} is damaged: it hashes to {got}")]
    Hash { expected: B256, got: B256 },
}

impl DB for NodeStore {
    type Error = NodeError;

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, NodeError> {
        let hash = node_hash(key)?;
        if let Some(node) = self.written.lock().get(&hash) {
            return Ok(Some(node.clone()));
        }
        let Some(node) = self.store.get(TRIE_NODES, key)? else {
            return Ok(None);
        };
        let got = keccak256(&node);
        if got != hash {
            return Err(NodeError::Hash { expected: hash, got });
        }
        Ok(Some(node))
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> Result<(), NodeError> {
        self.written.lock().insert(node_hash(key)?, value);
        Ok(())
    }

    /// Nodes stay: older roots share them.
    fn remove(&self, _key: &[u8]) -> Result<(), NodeError> {
        Ok(())
    }

    fn flush(&self) -> Result<(), NodeError> {
        Ok(())
    }
}

fn node_hash(key: &[u8]) -> Result<B256, NodeError> {
    B256::try_from(key).map_err(|_| NodeError::KeyLength { got: key.len() })
}

/// One trie, opened at a root. Keys are hashed by the caller (the "secure" trie of Ethereum).
pub struct Trie {
    inner: EthTrie<NodeStore>,
    nodes: Arc<NodeStore>,
    root: B256,
}

impl fmt::Debug for Trie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trie").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Trie {
    /// Opens the trie at a root.
    ///
    /// # Errors
    /// [`TrieAccessError::MissingRoot`] when it is not kept.
    pub fn open(store: Arc<dyn KeyValueStore>, root: B256) -> Result<Self, TrieAccessError> {
        let nodes = Arc::new(NodeStore { store, written: Mutex::default() });
        let inner = if root == EMPTY_ROOT_HASH {
            EthTrie::new(nodes.clone())
        } else {
            EthTrie::from(nodes.clone(), root).map_err(|error| match error {
                TrieError::InvalidStateRoot => TrieAccessError::MissingRoot { root },
                other => damaged(root, &other),
            })?
        };
        Ok(Self { inner, nodes, root })
    }

    /// The value of a key.
    ///
    /// # Errors
    /// When a node on the way is missing or damaged.
    pub fn get(&self, key: B256) -> Result<Option<Vec<u8>>, TrieAccessError> {
        self.inner.get(key.as_slice()).map_err(|error| damaged(self.root, &error))
    }

    /// Sets a key; an empty value removes it.
    ///
    /// # Errors
    /// When a node on the way is missing or damaged.
    pub fn set(&mut self, key: B256, value: &[u8]) -> Result<(), TrieAccessError> {
        let result = match value {
            [] => self.inner.remove(key.as_slice()).map(|_| ()),
            value => self.inner.insert(key.as_slice(), value),
        };
        result.map_err(|error| damaged(self.root, &error))
    }

    /// The nodes from the root towards a key: a Merkle proof of its value or of its absence.
    ///
    /// # Errors
    /// When a node on the way is missing or damaged.
    pub fn prove(&mut self, key: B256) -> Result<Vec<Bytes>, TrieAccessError> {
        if self.root == EMPTY_ROOT_HASH {
            return Ok(Vec::new());
        }
        let proof = self.inner.get_proof(key.as_slice()).map_err(|error| damaged(self.root, &error))?;
        Ok(proof.into_iter().map(Bytes::from).collect())
    }

    /// Hashes the changed nodes: the new root, and the writes that store them.
    ///
    /// # Errors
    /// When a node is missing or damaged.
    pub fn commit(mut self) -> Result<(B256, WriteBatch), TrieAccessError> {
        let root = self.inner.root_hash().map_err(|error| damaged(self.root, &error))?;
        let mut batch = WriteBatch::default();
        for (hash, node) in std::mem::take(&mut *self.nodes.written.lock()) {
            batch.put(TRIE_NODES, hash.0, node);
        }
        Ok((root, batch))
    }
}

fn damaged(root: B256, error: &TrieError) -> TrieAccessError {
    TrieAccessError::Damaged { root, reason: error.to_string() }
}
