//! Changing a trie: all changes of a block in one pass from the root down and back.
//!
//! On the way down, changes are split by the children they belong to; on the way back, a node is encoded and hashed once,
//! after all that changed below it. Where there are many changes, children are worked on by all cores. What comes out
//! does not depend on how the work was split.

use alloy_primitives::keccak256;
use alloy_trie::nodes::RlpNode;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use rayon::prelude::*;

use super::NodeSource;
use super::node::{Child, Children, Loaded, Node, Root, guess_leaf, load};
use crate::state::StateError;

/// Fewer changes than this below a node are made by one core.
const PARALLEL_CHANGES: usize = 64;

/// A new value of a key; `None` removes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrieChange {
    /// The whole key.
    pub(crate) key: Nibbles,
    /// The value it has, where that is known: reading its leaf is then not needed.
    pub(crate) old: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
}

/// A node's record before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeWrite {
    pub(crate) path: Nibbles,
    pub(crate) old: Option<Vec<u8>>,
    pub(crate) new: Option<Vec<u8>>,
}

/// Makes changes, which are sorted by their keys and have each key once. Gives the new root and the records that change.
pub(crate) fn update(
    source: &impl NodeSource,
    root: &Root,
    changes: &[TrieChange],
) -> Result<(Root, Vec<NodeWrite>), StateError> {
    let mut update = Update { source, writes: Vec::new() };
    let path = Nibbles::new();
    let (node, record) = if root.hash == EMPTY_ROOT_HASH {
        (None, None)
    } else {
        let Loaded { node, record } = load(source, &path, &root.as_child())?;
        (Some(node), record)
    };
    let Some(node) = update.change(&path, node, changes)? else {
        update.write(path, record, None);
        return Ok((Root::stored(EMPTY_ROOT_HASH), update.writes));
    };
    let new = node.encode();
    let root = Root::written(keccak256(&new), node);
    update.write(path, record, Some(new));
    Ok((root, update.writes))
}

/// A key and its value.
type Entry<'a> = (Nibbles, &'a [u8]);

/// A child of a branch that is being changed.
enum Slot {
    Empty,
    /// As it was.
    Same(Child),
    /// Not written yet; its record is what the store holds at its path.
    Open(Loaded),
}

/// A child after the changes below it, and its record before.
struct ChangedChild {
    nibble: usize,
    node: Option<Node>,
    record: Option<Vec<u8>>,
}

struct Update<'a, S> {
    source: &'a S,
    writes: Vec<NodeWrite>,
}

impl<S: NodeSource> Update<'_, S> {
    fn write(&mut self, path: Nibbles, old: Option<Vec<u8>>, new: Option<Vec<u8>>) {
        if old != new {
            self.writes.push(NodeWrite { path, old, new });
        }
    }

    /// Writes a node at its path, and gives what its parent knows of it.
    fn seal(&mut self, path: Nibbles, loaded: Loaded) -> Child {
        let rlp = loaded.node.encode();
        let reference = RlpNode::from_rlp(&rlp);
        self.write(path, loaded.record, reference.is_hash().then_some(rlp));
        Child::written(reference, loaded.node, path.len())
    }

    /// Gives the node to which changes will be made.
    fn open(&self, path: &Nibbles, child: &Child, changes: &[TrieChange]) -> Result<Loaded, StateError> {
        if let [TrieChange { key, old: Some(old), .. }] = changes
            && let Some(loaded) = guess_leaf(path, child, key, old)
        {
            return Ok(loaded);
        }
        load(self.source, path, child)
    }

    /// Makes changes below `path`, where `node` stands. What then stands there is not written yet.
    fn change(
        &mut self,
        path: &Nibbles,
        node: Option<Node>,
        changes: &[TrieChange],
    ) -> Result<Option<Node>, StateError> {
        match node {
            None => Ok(self.build(path.len(), &entries(changes))),
            Some(Node::Leaf { path: rest, value }) => {
                Ok(self.change_leaf(path, &path.join(&rest), &value, changes))
            }
            Some(Node::Extension { path: shared, child }) => {
                self.change_extension(path, &path.join(&shared), child, changes)
            }
            Some(Node::Branch(children)) => {
                let slots = children.map(|child| child.map_or(Slot::Empty, Slot::Same));
                self.change_branch(path, slots, changes)
            }
        }
    }

    /// A leaf is a trie of one entry: it is built anew with the others.
    fn change_leaf(
        &mut self,
        path: &Nibbles,
        key: &Nibbles,
        value: &[u8],
        changes: &[TrieChange],
    ) -> Option<Node> {
        let mut entries = entries(changes);
        if let Err(place) = changes.binary_search_by(|change| change.key.cmp(key)) {
            let removed = changes[..place].iter().filter(|change| change.value.is_none()).count();
            entries.insert(place - removed, (*key, value));
        }
        self.build(path.len(), &entries)
    }

    /// `end` is the path of the extension's child.
    fn change_extension(
        &mut self,
        path: &Nibbles,
        end: &Nibbles,
        child: Child,
        changes: &[TrieChange],
    ) -> Result<Option<Node>, StateError> {
        // Removing what is not under the extension changes nothing; inserting it splits the extension.
        let split = changes
            .iter()
            .filter(|change| change.value.is_some())
            .map(|change| change.key.common_prefix_length(end))
            .min()
            .unwrap_or(end.len())
            .min(end.len());
        let branch_path = end.slice(..split);
        let below = under(changes, &branch_path);
        let loaded = if split == end.len() {
            if below.is_empty() {
                return Ok(Some(Node::Extension { path: end.slice(path.len()..), child }));
            }
            let Loaded { node, record } = load(self.source, end, &child)?;
            (self.change(end, Some(node), below)?, record)
        } else {
            let mut slots = [const { Slot::Empty }; 16];
            slots[usize::from(end.get_unchecked(split))] = if split + 1 == end.len() {
                Slot::Same(child)
            } else {
                Slot::Open(Loaded {
                    node: Node::Extension { path: end.slice(split + 1..), child },
                    record: None,
                })
            };
            (self.change_branch(&branch_path, slots, below)?, None)
        };
        let (node, record) = loaded;
        Ok(self.hang(end.slice(path.len()..split), branch_path, node, record))
    }

    fn change_branch(
        &mut self,
        path: &Nibbles,
        mut slots: [Slot; 16],
        changes: &[TrieChange],
    ) -> Result<Option<Node>, StateError> {
        let depth = path.len();
        let work = changes
            .chunk_by(|one, other| one.key.get_unchecked(depth) == other.key.get_unchecked(depth))
            .map(|group| {
                let nibble = usize::from(group[0].key.get_unchecked(depth));
                (nibble, std::mem::replace(&mut slots[nibble], Slot::Empty), group)
            })
            .collect::<Vec<_>>();
        // A child is gone when its node is; its record is then still to be removed.
        let mut gone = Vec::new();
        for ChangedChild { nibble, node, record } in self.change_children(path, work, changes.len())? {
            match node {
                Some(node) => slots[nibble] = Slot::Open(Loaded { node, record }),
                None => gone.push((child_path(path, nibble), record)),
            }
        }
        for (path, record) in gone {
            self.write(path, record, None);
        }
        let mut left = (0..16).filter(|nibble| !matches!(slots[*nibble], Slot::Empty));
        let (Some(first), second) = (left.next(), left.next()) else {
            return Ok(None);
        };
        if second.is_none() {
            let child_path = child_path(path, first);
            let child = match std::mem::replace(&mut slots[first], Slot::Empty) {
                Slot::Empty => return Ok(None),
                Slot::Open(loaded) => loaded,
                Slot::Same(child) => load(self.source, &child_path, &child)?,
            };
            let prefix = child_path.slice(depth..);
            return Ok(self.hang(prefix, child_path, Some(child.node), child.record));
        }
        let mut children = Box::new(Children::default());
        for (nibble, slot) in slots.into_iter().enumerate() {
            children[nibble] = match slot {
                Slot::Empty => None,
                Slot::Same(child) => Some(child),
                Slot::Open(loaded) => Some(self.seal(child_path(path, nibble), loaded)),
            };
        }
        Ok(Some(Node::Branch(children)))
    }

    /// Changes children, each with the changes below it.
    fn change_children(
        &mut self,
        path: &Nibbles,
        work: Vec<(usize, Slot, &[TrieChange])>,
        changes: usize,
    ) -> Result<Vec<ChangedChild>, StateError> {
        if changes < PARALLEL_CHANGES || work.len() < 2 {
            return work.into_iter().map(|work| self.change_child(path, work)).collect();
        }
        let source = self.source;
        let changed: Vec<_> = work
            .into_par_iter()
            .map(|work| {
                let mut update = Update { source, writes: Vec::new() };
                let child = update.change_child(path, work)?;
                Ok((child, update.writes))
            })
            .collect::<Result<_, StateError>>()?;
        let mut children = Vec::with_capacity(changed.len());
        for (child, writes) in changed {
            self.writes.extend(writes);
            children.push(child);
        }
        Ok(children)
    }

    fn change_child(
        &mut self,
        path: &Nibbles,
        (nibble, slot, changes): (usize, Slot, &[TrieChange]),
    ) -> Result<ChangedChild, StateError> {
        let path = child_path(path, nibble);
        let (node, record) = match slot {
            Slot::Empty => (None, None),
            Slot::Open(Loaded { node, record }) => (Some(node), record),
            Slot::Same(child) => {
                let Loaded { node, record } = self.open(&path, &child, changes)?;
                (Some(node), record)
            }
        };
        let node = self.change(&path, node, changes)?;
        Ok(ChangedChild { nibble, node, record })
    }

    /// What stands at a path when `node` is all there is below it, `prefix` further down at `path`.
    fn hang(
        &mut self,
        prefix: Nibbles,
        path: Nibbles,
        node: Option<Node>,
        record: Option<Vec<u8>>,
    ) -> Option<Node> {
        if prefix.is_empty() {
            return node;
        }
        match node {
            Some(node @ Node::Branch(_)) => {
                let child = self.seal(path, Loaded { node, record });
                Some(Node::Extension { path: prefix, child })
            }
            Some(Node::Leaf { path: rest, value }) => {
                self.write(path, record, None);
                Some(Node::Leaf { path: prefix.join(&rest), value })
            }
            Some(Node::Extension { path: shared, child }) => {
                self.write(path, record, None);
                Some(Node::Extension { path: prefix.join(&shared), child })
            }
            None => {
                self.write(path, record, None);
                None
            }
        }
    }

    /// Builds the trie of sorted entries that share their first `depth` nibbles. What is below its root is written.
    fn build(&mut self, depth: usize, entries: &[Entry<'_>]) -> Option<Node> {
        let ((first, value), (last, _)) = (entries.first()?, entries.last()?);
        if entries.len() == 1 {
            return Some(Node::Leaf { path: first.slice(depth..), value: value.to_vec() });
        }
        let split = first.common_prefix_length(last);
        let groups: Vec<_> = entries
            .chunk_by(|one, other| one.0.get_unchecked(split) == other.0.get_unchecked(split))
            .collect();
        let mut children = Box::new(Children::default());
        if entries.len() < PARALLEL_CHANGES {
            for group in groups {
                let Some((nibble, child)) = self.build_child(split, group) else { continue };
                children[nibble] = Some(child);
            }
        } else {
            let source = self.source;
            let built: Vec<_> = groups
                .into_par_iter()
                .filter_map(|group| {
                    let mut update = Update { source, writes: Vec::new() };
                    let child = update.build_child(split, group)?;
                    Some((child, update.writes))
                })
                .collect();
            for ((nibble, child), writes) in built {
                children[nibble] = Some(child);
                self.writes.extend(writes);
            }
        }
        self.hang(first.slice(depth..split), first.slice(..split), Some(Node::Branch(children)), None)
    }

    /// Builds the child of a branch at depth `split` from the entries that share its nibble, and writes it.
    fn build_child(&mut self, split: usize, entries: &[Entry<'_>]) -> Option<(usize, Child)> {
        let node = self.build(split + 1, entries)?;
        let key = entries.first()?.0;
        let child = self.seal(key.slice(..=split), Loaded { node, record: None });
        Some((usize::from(key.get_unchecked(split)), child))
    }
}

/// The values that are set, in order.
fn entries(changes: &[TrieChange]) -> Vec<Entry<'_>> {
    changes.iter().filter_map(|change| Some((change.key, change.value.as_deref()?))).collect()
}

/// The changes whose keys start with `prefix`.
fn under<'a>(changes: &'a [TrieChange], prefix: &Nibbles) -> &'a [TrieChange] {
    let start = changes.partition_point(|change| change.key < *prefix);
    let length = changes[start..].partition_point(|change| change.key.starts_with(prefix));
    &changes[start..start + length]
}

fn child_path(path: &Nibbles, nibble: usize) -> Nibbles {
    let mut path = *path;
    // A branch has sixteen children.
    path.push(u8::try_from(nibble).unwrap_or_default());
    path
}
