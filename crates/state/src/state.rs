//! Accounts over the store: the head's flat tables and the trie of every kept root.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alloy_primitives::{Address, B256, U256};
use alloy_trie::EMPTY_ROOT_HASH;
use parking_lot::RwLock;
use revm::database::BundleState;
use revm::database_interface::DBErrorMarker;

use crate::kv::{KeyValueStore, StoreError, Table, WriteBatch};
use crate::trie::{TRIE_NODES, TrieAccessError};
use crate::update::{self, StateUpdate};
use crate::view::StateView;

/// Accounts at the head: address → RLP of [`alloy_trie::TrieAccount`].
pub(crate) const ACCOUNTS: Table = Table::new("accounts");
/// Storage at the head: address ‖ slot (32 bytes, big-endian) → value (big-endian, no leading zeros). No zero values.
pub(crate) const STORAGE: Table = Table::new("storage");
/// Contract code: hash → bytes. Never removed.
pub(crate) const CODE: Table = Table::new("code");
/// Facts about the state: [`STATE_ROOT`] → root of the flat tables.
const STATE_META: Table = Table::new("state_meta");
const STATE_ROOT: &[u8] = b"root";

/// Why state cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The trie cannot be read.
    #[error(transparent)]
    Trie(#[from] TrieAccessError),
    /// A stored account does not decode.
    #[error("stored account {address} is damaged: {source}")]
    DamagedAccount {
        /// The account.
        address: Address,
        /// What is wrong with it.
        source: alloy_rlp::Error,
    },
    /// A stored storage value does not decode.
    #[error("stored slot {slot} of {address} is damaged")]
    DamagedSlot {
        /// The account.
        address: Address,
        /// The slot.
        slot: U256,
    },
    /// The stored head root is not 32 bytes.
    #[error("stored state root is {got} bytes, expected 32")]
    DamagedRoot {
        /// Length found.
        got: usize,
    },
    /// An account refers to code that is not stored.
    #[error("no code is stored with hash {code_hash}")]
    MissingCode {
        /// Hash of the code.
        code_hash: B256,
    },
    /// An update was made for another head than the present one.
    #[error("state update builds on root {got}, the head's root is {expected}")]
    NotAtHead {
        /// Root the update was made for.
        got: B256,
        /// Root of the head.
        expected: B256,
    },
}

impl DBErrorMarker for StateError {}

/// The root whose accounts the flat tables hold, and the generation of the flat tables it was published with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlatHead {
    pub(crate) root: B256,
    pub(crate) generation: u64,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn KeyValueStore>,
    /// Counts the batches that change flat tables; raised *before* a batch is written.
    pub(crate) generation: AtomicU64,
    pub(crate) head: RwLock<FlatHead>,
}

/// The world state over a store. Cheap to clone; one writer, any number of readers.
#[derive(Clone, Debug)]
pub struct StateDb {
    shared: Arc<Shared>,
}

impl StateDb {
    /// The tables this crate keeps in a store: declare them when it is opened.
    pub const TABLES: [Table; 5] = [ACCOUNTS, STORAGE, CODE, STATE_META, TRIE_NODES];

    /// Opens the state in a store; a new store holds the empty state.
    ///
    /// # Errors
    /// When the store fails or its head root is damaged.
    pub fn open(store: Arc<dyn KeyValueStore>) -> Result<Self, StateError> {
        let root = match store.get(STATE_META, STATE_ROOT)? {
            None => EMPTY_ROOT_HASH,
            Some(bytes) => {
                B256::try_from(bytes.as_slice()).map_err(|_| StateError::DamagedRoot { got: bytes.len() })?
            }
        };
        let head = RwLock::new(FlatHead { root, generation: 0 });
        Ok(Self { shared: Arc::new(Shared { store, generation: AtomicU64::new(0), head }) })
    }

    /// Root of the state at the head.
    pub fn head_root(&self) -> B256 {
        self.shared.head.read().root
    }

    /// Reads the state at a root. Whether the root is kept shows when it is read.
    pub fn view(&self, root: B256) -> StateView {
        StateView::new(self.shared.clone(), root)
    }

    /// Applies a block's changes to the state at the head, in memory: the new root and the writes that lead to it.
    ///
    /// # Errors
    /// When stored state cannot be read.
    pub fn prepare(&self, changes: &BundleState) -> Result<StateUpdate, StateError> {
        let mut update = update::prepare(&self.shared.store, self.head_root(), changes)?;
        update.batch.put(STATE_META, STATE_ROOT, update.root.0);
        Ok(update)
    }

    /// Commits an update, and the caller's own writes with it, in one atomic batch. The update's root becomes the head.
    ///
    /// # Errors
    /// [`StateError::NotAtHead`] when the head moved since [`StateDb::prepare`], or the store's error.
    pub fn commit(&self, update: StateUpdate, writes: WriteBatch) -> Result<(), StateError> {
        let expected = self.head_root();
        if update.parent_root != expected {
            return Err(StateError::NotAtHead { got: update.parent_root, expected });
        }
        let mut batch = update.batch;
        batch.extend(writes);
        // From here on no view trusts the flat tables until the new head is published; if the store fails, none does.
        let generation = self.shared.generation.fetch_add(1, Ordering::SeqCst) + 1;
        self.shared.store.commit(batch)?;
        *self.shared.head.write() = FlatHead { root: update.root, generation };
        Ok(())
    }
}
