//! What can be wrong with an input: each is an outcome, whose message the pool gives to the trader.

use ivm_guest::alloy_primitives::B256;

/// Why there is no fee for an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The input is shorter than what it announces.
    #[error("input ends after {size_bytes} bytes, {part} needs {needed_bytes} from byte {offset} on")]
    InputTooShort {
        /// Size of the input.
        size_bytes: usize,
        /// What should be there.
        part: &'static str,
        /// Bytes that it has.
        needed_bytes: usize,
        /// Where it starts.
        offset: usize,
    },
    /// The input goes on after its end.
    #[error("{got} bytes after the end of the input, expected none")]
    BytesLeftOver {
        /// Bytes too many.
        got: usize,
    },
    /// The header is not that of the anchored block.
    #[error("header has hash {got}, the anchor is {expected}")]
    NotTheAnchor {
        /// Hash of the header given.
        got: B256,
        /// Hash that the pool anchored.
        expected: B256,
    },
    /// The bytes are not the RLP of what they stand for.
    #[error("malformed RLP in {0}")]
    Malformed(&'static str),
    /// A node is not the one that its parent, or the root, names.
    #[error("node {index} of the proof of {of} has hash {got}, expected {expected}")]
    WrongNode {
        /// What the proof is of.
        of: &'static str,
        /// Which node, the root's being 0.
        index: usize,
        /// Hash of the node given.
        got: B256,
        /// Hash that leads on.
        expected: B256,
    },
    /// The proof ends before it shows anything.
    #[error("the proof of {of} ends after {nodes} nodes, expected one more with hash {expected}")]
    NodeMissing {
        /// What the proof is of.
        of: &'static str,
        /// Nodes there were.
        nodes: usize,
        /// Hash of the next.
        expected: B256,
    },
    /// The proof has nodes that lead nowhere.
    #[error("the proof of {of} has {got} nodes too many")]
    NodesLeftOver {
        /// What the proof is of.
        of: &'static str,
        /// Nodes too many.
        got: usize,
    },
    /// The trader's volume was larger in the past. It never falls, so pool and program disagree on what is stored.
    #[error("volume is {now}, less than {then} at the anchor")]
    VolumeFell {
        /// Volume that the pool gave.
        now: u128,
        /// Volume that the proof shows.
        then: u128,
    },
    /// The table of tiers has none for this volume.
    #[error("no tier for a volume of {volume}")]
    NoTier {
        /// Volume since the anchor.
        volume: u128,
    },
}
