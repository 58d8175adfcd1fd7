//! Merkle proofs of accounts and storage slots, as `eth_getProof` gives them.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_trie::TrieAccount;

/// Proof of one storage slot against an account's storage root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageProof {
    /// The slot.
    pub slot: U256,
    /// Its value; zero when it is not in the trie.
    pub value: U256,
    /// Nodes from the storage root towards the slot.
    pub proof: Vec<Bytes>,
}

/// Proof of one account, or of its absence, against a state root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// The state root proven against.
    pub state_root: B256,
    /// The account's address.
    pub address: Address,
    /// The account; `None` when there is none, which the proof then shows.
    pub account: Option<TrieAccount>,
    /// Nodes from the state root towards the account.
    pub proof: Vec<Bytes>,
    /// Proofs of the slots asked for, in their order.
    pub storage: Vec<StorageProof>,
}
