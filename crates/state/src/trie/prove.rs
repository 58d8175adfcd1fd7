//! Walking down to a key.

use alloy_primitives::{B256, Bytes};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};

use super::NodeSource;
use super::node::{Node, Root, load};
use crate::state::StateError;

/// A key's value, if it has one, and the nodes from the root towards it: a proof of the value or of its absence. Nodes
/// that their parents hold are not listed.
pub(crate) fn prove(
    source: &impl NodeSource,
    root: B256,
    key: &Nibbles,
) -> Result<(Option<Vec<u8>>, Vec<Bytes>), StateError> {
    let mut proof = Vec::new();
    if root == EMPTY_ROOT_HASH {
        return Ok((None, proof));
    }
    let mut path = Nibbles::new();
    let mut child = Root::stored(root).as_child();
    loop {
        let loaded = load(source, &path, &child)?;
        proof.extend(loaded.record.map(Bytes::from));
        let rest = key.slice(path.len()..);
        child = match loaded.node {
            Node::Leaf { path, value } => return Ok(((path == rest).then_some(value), proof)),
            Node::Extension { path: shared, child } => {
                if !rest.starts_with(&shared) {
                    return Ok((None, proof));
                }
                path = path.join(&shared);
                child
            }
            Node::Branch(mut children) => {
                // A branch stands above the key's end: loading it checked that.
                let Some(nibble) = rest.first() else { return Ok((None, proof)) };
                let Some(child) = children[usize::from(nibble)].take() else { return Ok((None, proof)) };
                path.push(nibble);
                child
            }
        };
    }
}
