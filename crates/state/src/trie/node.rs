//! Nodes: their forms, their encoding, and their records.

use std::sync::Arc;

use alloy_primitives::{B256, keccak256};
use alloy_rlp::{Decodable, EMPTY_STRING_CODE, Encodable, Header};
use alloy_trie::Nibbles;
use alloy_trie::nodes::{ExtensionNodeRef, LeafNodeRef, RlpNode, TrieNode};

use super::{NodeSource, TrieError};
use crate::state::StateError;

/// Nibbles of a whole key: the Keccak-256 hash of an address or a slot.
pub(crate) const KEY_NIBBLES: usize = 64;

/// Nodes whose paths have at most this many nibbles are held in memory once they were written: at most 70,000 nodes of about
/// 850 bytes.
const HELD_DEPTH: usize = 4;

/// A node as its parent knows it.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    /// The hash of its encoding, or the encoding itself when it is shorter.
    pub(crate) reference: RlpNode,
    /// The node, if it is held in memory.
    node: Option<Arc<Node>>,
}

impl Child {
    /// A node that is not held in memory.
    pub(crate) const fn stored(reference: RlpNode) -> Self {
        Self { reference, node: None }
    }

    /// A node that was just encoded, at a path with this many nibbles.
    pub(crate) fn written(reference: RlpNode, node: Node, depth: usize) -> Self {
        Self { reference, node: (depth <= HELD_DEPTH).then(|| Arc::new(node)) }
    }
}

/// The children of a branch, by nibble.
pub(crate) type Children = [Option<Child>; 16];

/// A node of a trie whose keys all have the same length, so that branches hold no values.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Leaf { path: Nibbles, value: Vec<u8> },
    Extension { path: Nibbles, child: Child },
    Branch(Box<Children>),
}

impl Node {
    /// Decodes the node at `at`.
    fn decode(mut rlp: &[u8], at: &Nibbles) -> Result<Self, TrieError> {
        let malformed =
            |reason: &dyn ToString| TrieError::Malformed { path: *at, reason: reason.to_string() };
        let node = TrieNode::decode(&mut rlp).map_err(|error| malformed(&error))?;
        if !rlp.is_empty() {
            return Err(malformed(&"bytes follow the node"));
        }
        let node = match node {
            TrieNode::EmptyRoot => return Err(malformed(&"an empty node")),
            TrieNode::Leaf(leaf) => Self::Leaf { path: leaf.key, value: leaf.value },
            TrieNode::Extension(node) => Self::Extension { path: node.key, child: Child::stored(node.child) },
            TrieNode::Branch(branch) => {
                let mut children = Box::new(Children::default());
                for (nibble, child) in branch.as_ref().children() {
                    children[usize::from(nibble)] = child.cloned().map(Child::stored);
                }
                Self::Branch(children)
            }
        };
        let fits = match &node {
            Self::Leaf { path, .. } => at.len() + path.len() == KEY_NIBBLES,
            Self::Extension { path, .. } => !path.is_empty() && at.len() + path.len() < KEY_NIBBLES,
            Self::Branch(children) => at.len() < KEY_NIBBLES && children.iter().flatten().count() > 1,
        };
        if fits { Ok(node) } else { Err(malformed(&"the node does not fit its place")) }
    }

    /// The node's RLP.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Leaf { path, value } => encoded(&LeafNodeRef::new(path, value)),
            Self::Extension { path, child } => encoded(&ExtensionNodeRef::new(path, &child.reference)),
            Self::Branch(children) => {
                let lengths =
                    children.iter().map(|child| child.as_ref().map_or(1, |child| child.reference.len()));
                // The last item of a branch is its value, which is empty.
                let header = Header { list: true, payload_length: lengths.sum::<usize>() + 1 };
                let mut rlp = Vec::with_capacity(header.length_with_payload());
                header.encode(&mut rlp);
                for child in children.iter() {
                    match child {
                        Some(child) => rlp.extend_from_slice(&child.reference),
                        None => rlp.push(EMPTY_STRING_CODE),
                    }
                }
                rlp.push(EMPTY_STRING_CODE);
                rlp
            }
        }
    }
}

fn encoded(node: &impl Encodable) -> Vec<u8> {
    let mut rlp = Vec::with_capacity(node.length());
    node.encode(&mut rlp);
    rlp
}

/// A node and the record it was read from; a node that its parent holds has none.
pub(crate) struct Loaded {
    pub(crate) node: Node,
    pub(crate) record: Option<Vec<u8>>,
}

/// Gives the node at `path`, from memory or from its record, which is checked against its hash.
pub(crate) fn load(source: &impl NodeSource, path: &Nibbles, child: &Child) -> Result<Loaded, StateError> {
    if let Some(node) = &child.node {
        let record = child.reference.is_hash().then(|| node.encode());
        return Ok(Loaded { node: Node::clone(node), record });
    }
    let Some(expected) = child.reference.as_hash() else {
        return Ok(Loaded { node: Node::decode(&child.reference, path)?, record: None });
    };
    let record = source.node(path)?.ok_or(TrieError::Missing { path: *path, expected })?;
    let got = keccak256(&record);
    if got != expected {
        return Err(TrieError::Damaged { path: *path, got, expected }.into());
    }
    Ok(Loaded { node: Node::decode(&record, path)?, record: Some(record) })
}

/// Gives the node at `path` when it is the leaf of `key` with this value, without reading it.
pub(crate) fn guess_leaf(path: &Nibbles, child: &Child, key: &Nibbles, value: &[u8]) -> Option<Loaded> {
    if child.node.is_some() || !child.reference.is_hash() {
        return None;
    }
    let node = Node::Leaf { path: key.slice(path.len()..), value: value.to_vec() };
    let record = node.encode();
    (RlpNode::from_rlp(&record) == child.reference).then_some(Loaded { node, record: Some(record) })
}

/// The root of a trie, and as much of it as is held in memory. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub(crate) hash: B256,
    node: Option<Arc<Node>>,
}

impl Root {
    /// A root of which nothing is held.
    pub(crate) const fn stored(hash: B256) -> Self {
        Self { hash, node: None }
    }

    pub(crate) fn written(hash: B256, node: Node) -> Self {
        Self { hash, node: Some(Arc::new(node)) }
    }

    pub(crate) fn as_child(&self) -> Child {
        Child { reference: RlpNode::word_rlp(&self.hash), node: self.node.clone() }
    }
}

/// Key of the node at `path` in its trie: the length of the path in nibbles, and the path, packed. No such key is a
/// prefix of another.
pub(crate) fn path_key(trie: &[u8], path: &Nibbles) -> Vec<u8> {
    let packed = path.pack();
    let mut key = Vec::with_capacity(trie.len() + 1 + packed.len());
    key.extend_from_slice(trie);
    key.push(u8::try_from(path.len()).unwrap_or(u8::MAX));
    key.extend_from_slice(&packed);
    key
}
