//! Nodes: their forms, their encoding, and their records.

use alloy_primitives::{B256, keccak256};
use alloy_rlp::{Decodable, Encodable};
use alloy_trie::nodes::{BranchNodeRef, ExtensionNodeRef, LeafNodeRef, RlpNode, TrieNode};
use alloy_trie::{Nibbles, TrieMask};

use super::{NodeSource, TrieError};
use crate::state::StateError;

/// Nibbles of a whole key: the Keccak-256 hash of an address or a slot.
pub(crate) const KEY_NIBBLES: usize = 64;

/// The children of a branch, by nibble: the hash of each child's encoding, or the encoding itself when it is shorter.
pub(crate) type Children = [Option<RlpNode>; 16];

/// A node of a trie whose keys all have the same length, so that branches hold no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Leaf { path: Nibbles, value: Vec<u8> },
    Extension { path: Nibbles, child: RlpNode },
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
            TrieNode::Extension(node) => Self::Extension { path: node.key, child: node.child },
            TrieNode::Branch(branch) => {
                let mut children = Box::new(Children::default());
                for (nibble, child) in branch.as_ref().children() {
                    children[usize::from(nibble)] = child.cloned();
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
        let mut rlp = Vec::new();
        match self {
            Self::Leaf { path, value } => LeafNodeRef::new(path, value).encode(&mut rlp),
            Self::Extension { path, child } => ExtensionNodeRef::new(path, child).encode(&mut rlp),
            Self::Branch(children) => {
                let mut mask = TrieMask::default();
                let mut stack = Vec::with_capacity(children.len());
                for (nibble, child) in (0u8..).zip(children.iter()) {
                    if let Some(child) = child {
                        mask.set_bit(nibble);
                        stack.push(child.clone());
                    }
                }
                BranchNodeRef::new(&stack, mask).encode(&mut rlp);
            }
        }
        rlp
    }
}

/// A node and the record it was read from; a node that its parent holds has none.
pub(crate) struct Loaded {
    pub(crate) node: Node,
    pub(crate) record: Option<Vec<u8>>,
}

/// Reads the node at `path`, to which its parent refers so, and checks it against its hash.
pub(crate) fn load(
    source: &impl NodeSource,
    path: &Nibbles,
    reference: &RlpNode,
) -> Result<Loaded, StateError> {
    let Some(expected) = reference.as_hash() else {
        return Ok(Loaded { node: Node::decode(reference, path)?, record: None });
    };
    let record = source.node(path)?.ok_or(TrieError::Missing { path: *path, expected })?;
    let got = keccak256(&record);
    if got != expected {
        return Err(TrieError::Damaged { path: *path, got, expected }.into());
    }
    Ok(Loaded { node: Node::decode(&record, path)?, record: Some(record) })
}

/// How a parent refers to the root node.
pub(crate) fn root_reference(root: B256) -> RlpNode {
    RlpNode::word_rlp(&root)
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
