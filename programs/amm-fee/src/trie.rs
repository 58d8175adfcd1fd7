//! What a Merkle-Patricia trie holds under a key, by a proof.
//!
//! A root commits to a trie that a node built, so what hangs together by hashes is well formed where the path does not
//! touch it, and is not looked at there; what the path touches is checked.

use alloy_rlp::Header;
use ivm_guest::{
    alloy_primitives::{B256, b256},
    keccak256,
};

use crate::Fault;

/// Root of a trie with nothing in it.
const EMPTY_ROOT: B256 = b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

/// Nibbles of a key, which is a hash.
const KEY_NIBBLES: usize = 64;

/// The value under `key` in the trie with this root; `None` when the proof shows that there is none. The key is the hash
/// that the path follows. `of` names the proof in faults.
///
/// # Errors
/// When a node is not the one named, is missing, too much, or no node.
pub fn value_at<'a>(
    of: &'static str,
    root: B256,
    key: B256,
    nodes: &[&'a [u8]],
) -> Result<Option<&'a [u8]>, Fault> {
    let mut walk = Walk { of, key, nodes, used: 0, depth: 0 };
    let mut next = if root == EMPTY_ROOT { Next::Nothing } else { Next::Hash(root) };
    let value = loop {
        let node = match next {
            Next::Hash(hash) => walk.load(hash)?,
            Next::Embedded(node) => node,
            Next::Value(value) => break Some(value),
            Next::Nothing => break None,
        };
        next = walk.step(node).ok_or(Fault::Malformed(of))?;
    };
    match nodes.len() - walk.used {
        0 => Ok(value),
        got => Err(Fault::NodesLeftOver { of, got }),
    }
}

/// Where the path leads from a node.
enum Next<'a> {
    /// To the node with this hash.
    Hash(B256),
    /// To this node, which its parent holds in itself.
    Embedded(&'a [u8]),
    /// To its end.
    Value(&'a [u8]),
    /// Away from the key: it is not in the trie.
    Nothing,
}

/// An item of a node's list.
#[derive(Clone, Copy)]
struct Item<'a> {
    /// Its bytes, the head included.
    whole: &'a [u8],
    /// Its bytes without the head.
    payload: &'a [u8],
    is_list: bool,
}

struct Walk<'a, 'n> {
    of: &'static str,
    key: B256,
    nodes: &'n [&'a [u8]],
    used: usize,
    /// Nibbles of the key that the path has covered.
    depth: usize,
}

impl<'a> Walk<'a, '_> {
    /// The next node of the proof, which must have this hash.
    fn load(&mut self, expected: B256) -> Result<&'a [u8], Fault> {
        let (of, index) = (self.of, self.used);
        let node = *self.nodes.get(index).ok_or(Fault::NodeMissing { of, nodes: index, expected })?;
        let got = keccak256(node);
        if got != expected {
            return Err(Fault::WrongNode { of, index, got, expected });
        }
        self.used += 1;
        Ok(node)
    }

    /// Where the path leads from a node; `None` when that is no node of such a trie.
    fn step(&mut self, node: &'a [u8]) -> Option<Next<'a>> {
        let (list, after) = take_item(node)?;
        if !list.is_list || !after.is_empty() {
            return None;
        }
        let (first, rest) = take_item(list.payload)?;
        let (second, rest) = take_item(rest)?;
        if rest.is_empty() { self.short_node(first, second) } else { self.branch(list.payload) }
    }

    /// A leaf or an extension: a part of the path, and what is at its end.
    fn short_node(&mut self, path: Item<'a>, end: Item<'a>) -> Option<Next<'a>> {
        let (&head, bytes) = path.payload.split_first().filter(|_| !path.is_list)?;
        let (is_leaf, is_odd) = match head >> 4 {
            kind @ 0..=3 => (kind & 2 != 0, kind & 1 != 0),
            _ => return None,
        };
        let odd = is_odd.then_some(head & 0xf);
        let pairs = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        for nibble in odd.into_iter().chain(pairs) {
            if self.depth == KEY_NIBBLES || self.nibble() != nibble {
                return Some(Next::Nothing);
            }
            self.depth += 1;
        }
        match (is_leaf, self.depth == KEY_NIBBLES) {
            (true, true) => (!end.is_list).then_some(Next::Value(end.payload)),
            (false, false) => child(end),
            // All keys have the same length: a leaf ends there, and an extension before it.
            _ => None,
        }
    }

    /// A branch: a child for each nibble that the path may go on with.
    fn branch(&mut self, mut items: &'a [u8]) -> Option<Next<'a>> {
        if self.depth == KEY_NIBBLES {
            return None;
        }
        for _ in 0..self.nibble() {
            (_, items) = take_item(items)?;
        }
        self.depth += 1;
        child(take_item(items)?.0)
    }

    /// The next nibble of the key; there must be one.
    fn nibble(&self) -> u8 {
        let byte = self.key[self.depth / 2];
        if self.depth.is_multiple_of(2) { byte >> 4 } else { byte & 0xf }
    }
}

/// Where an item of a branch or an extension leads.
fn child(item: Item<'_>) -> Option<Next<'_>> {
    match (item.is_list, item.payload.len()) {
        (true, _) => Some(Next::Embedded(item.whole)),
        (false, 0) => Some(Next::Nothing),
        (false, _) => B256::try_from(item.payload).ok().map(Next::Hash),
    }
}

/// The item that the bytes start with, and what comes after it.
fn take_item(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let mut body = bytes;
    let Header { list: is_list, payload_length } = Header::decode(&mut body).ok()?;
    let (payload, rest) = body.split_at_checked(payload_length)?;
    Some((Item { whole: &bytes[..bytes.len() - rest.len()], payload, is_list }, rest))
}
