//! A word of a contract's storage at the end of a past block, by the block's hash.

use alloy_rlp::Header;
use ivm_guest::{
    alloy_primitives::{B256, U256},
    keccak256,
};

use crate::{Fault, Input, value_at};

/// What shows a word of the past: `eth_getProof` and `eth_getBlockByHash` have all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryProof<'a> {
    /// RLP of the block's header.
    pub header: &'a [u8],
    /// Nodes from the state's root towards the account. Nodes that their parent holds in itself, which are shorter than
    /// 32 bytes, are left out; so is the root of an empty trie.
    pub account_nodes: Vec<&'a [u8]>,
    /// Nodes from the account's storage root towards the word, likewise.
    pub storage_nodes: Vec<&'a [u8]>,
}

/// Why a proof cannot be put into an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// A header or node is larger than its two bytes of length can say.
    #[error("a part of the proof has {got} bytes, at most 65535 fit")]
    Part {
        /// Size of the part.
        got: usize,
    },
    /// There are more nodes than one byte can say.
    #[error("a proof of {got} nodes, at most 255 fit")]
    Nodes {
        /// Number of nodes.
        got: usize,
    },
}

impl HistoryProof<'_> {
    /// The bytes that a trader gives to the pool: the second part of the program's input.
    ///
    /// # Errors
    /// When the proof is larger than any that a chain gives.
    pub fn encode(&self) -> Result<Vec<u8>, TooLarge> {
        let mut bytes = Vec::new();
        push_sized(&mut bytes, self.header)?;
        for nodes in [&self.account_nodes, &self.storage_nodes] {
            bytes.push(u8::try_from(nodes.len()).map_err(|_| TooLarge::Nodes { got: nodes.len() })?);
            for node in nodes {
                push_sized(&mut bytes, node)?;
            }
        }
        Ok(bytes)
    }
}

fn push_sized(bytes: &mut Vec<u8>, part: &[u8]) -> Result<(), TooLarge> {
    let size_bytes = u16::try_from(part.len()).map_err(|_| TooLarge::Part { got: part.len() })?;
    bytes.extend_from_slice(&size_bytes.to_be_bytes());
    bytes.extend_from_slice(part);
    Ok(())
}

/// The word of the pool's storage that an input names, at the end of the anchored block; zero when it was not set, or when
/// the pool was not there.
///
/// # Errors
/// When the proof does not show it.
pub fn word_at(input: &Input<'_>) -> Result<U256, Fault> {
    let HistoryProof { header, account_nodes, storage_nodes } = &input.proof;
    let hash = keccak256(header);
    if hash != input.anchor {
        return Err(Fault::NotTheAnchor { got: hash, expected: input.anchor });
    }
    // Parent, ommers and beneficiary come before the state's root.
    let state_root = hash_in_list(header, 3).ok_or(Fault::Malformed("the header"))?;
    let account = value_at("the account", state_root, keccak256(input.pool), account_nodes)?;
    let Some(account) = account else {
        return match storage_nodes.len() {
            0 => Ok(U256::ZERO),
            got => Err(Fault::NodesLeftOver { of: "the word", got }),
        };
    };
    // Nonce and balance come before the storage's root.
    let storage_root = hash_in_list(account, 2).ok_or(Fault::Malformed("the account"))?;
    let value = value_at("the word", storage_root, keccak256(input.slot), storage_nodes)?;
    value.map_or(Ok(U256::ZERO), |mut value| {
        let bytes = Header::decode_bytes(&mut value, false).map_err(|_| Fault::Malformed("the word"))?;
        // Longer than a word it never is in a state, but the conversion would say so by a panic of its own.
        U256::try_from_be_slice(bytes).filter(|_| value.is_empty()).ok_or(Fault::Malformed("the word"))
    })
}

/// The hash at an index of an RLP list, counted from 0; the items before it are strings.
fn hash_in_list(mut bytes: &[u8], index: usize) -> Option<B256> {
    let mut items = Header::decode_bytes(&mut bytes, true).ok()?;
    if !bytes.is_empty() {
        return None;
    }
    for _ in 0..index {
        Header::decode_bytes(&mut items, false).ok()?;
    }
    B256::try_from(Header::decode_bytes(&mut items, false).ok()?).ok()
}
