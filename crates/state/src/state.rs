//! Accounts over the store: the head, its past, and the one way to change it.

use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use alloy_trie::EMPTY_ROOT_HASH;
use parking_lot::{Mutex, RwLock};
use revm::database::BundleState;
use revm::database_interface::DBErrorMarker;

use crate::branch::{Branch, FinishedBranch};
use crate::history::{self, CHANGES, HISTORY, Tables};
use crate::kv::{Durability, KeyValueStore, Reader, StoreError, Table, Tracking, WriteBatch};
use crate::trie::{Root, TrieError};
use crate::update::{self, StateUpdate};
use crate::view::StateView;

/// Accounts: address → RLP of [`alloy_trie::TrieAccount`].
pub(crate) const ACCOUNTS: Table = Table::tracked("accounts", Tracking::History(1));
/// Storage: address ‖ slot (32 bytes, big-endian) → value (big-endian, no leading zeros). No zero values.
pub(crate) const STORAGE: Table = Table::tracked("storage", Tracking::History(2));
/// Nodes of the account trie: path → RLP.
pub(crate) const ACCOUNT_TRIE: Table = Table::tracked("account_trie", Tracking::History(3));
/// Nodes of storage tries: hash of the address ‖ path → RLP.
pub(crate) const STORAGE_TRIE: Table = Table::tracked("storage_trie", Tracking::History(4));
/// Facts about the state: [`Head::KEY`] → number and root of the head; [`PRUNED`] → `u64`, big-endian: the oldest block
/// whose state is kept; [`IMPORTING`].
pub(crate) const STATE_META: Table = Table::tracked("state_meta", Tracking::History(5));
/// Contract code: hash → bytes. Never removed.
pub(crate) const CODE: Table = Table::new("code");
const PRUNED: &[u8] = b"pruned";
/// There while a state is imported.
const IMPORTING: &[u8] = b"importing";

/// The first number that [`Tracking`] of tables outside this crate may use.
pub const FIRST_FREE_TRACKING: u8 = 16;

/// How long the past stays readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// The states of this many blocks before the head.
    Blocks(u64),
    /// All states: an archive.
    All,
}

impl Default for Retention {
    fn default() -> Self {
        Self::Blocks(100_000)
    }
}

/// Why state cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A trie cannot be read.
    #[error(transparent)]
    Trie(Box<TrieError>),
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
    /// A record of the state does not decode.
    #[error("stored {record} is damaged: {reason}")]
    DamagedRecord {
        /// Kind of record.
        record: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The state is further back than is kept.
    #[error("state of block {block} is pruned, the oldest kept is {oldest}")]
    Pruned {
        /// Block whose state was asked for.
        block: u64,
        /// Oldest block whose state is kept.
        oldest: u64,
    },
    /// A snapshot file was being imported and was not to its end.
    #[error("an import into this data was not finished; remove the data and import again")]
    UnfinishedImport,
    /// There is no such block yet.
    #[error("there is no state of block {block}, the head is {head}")]
    PastHead {
        /// Block whose state was asked for.
        block: u64,
        /// Number of the head.
        head: u64,
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

impl From<TrieError> for StateError {
    fn from(error: TrieError) -> Self {
        Self::Trie(Box::new(error))
    }
}

/// A block whose state a store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) number: u64,
    pub(crate) root: B256,
}

impl Default for Head {
    /// What comes before the first block.
    fn default() -> Self {
        Self { number: 0, root: EMPTY_ROOT_HASH }
    }
}

impl Head {
    pub(crate) const KEY: &[u8] = b"head";

    /// The newest head; `None` in a new store.
    pub(crate) fn read(reader: &dyn Reader) -> Result<Option<Self>, StateError> {
        reader.get(STATE_META, Self::KEY)?.map(|record| Self::decode(&record)).transpose()
    }

    pub(crate) fn decode(record: &[u8]) -> Result<Self, StateError> {
        let damaged = || history::damaged("head of the state", "it is not 40 bytes");
        let (number, root) = record.split_first_chunk().ok_or_else(damaged)?;
        let root = B256::try_from(root).map_err(|_| damaged())?;
        Ok(Self { number: u64::from_be_bytes(*number), root })
    }
}

/// The oldest block whose state is kept.
pub(crate) fn pruned(reader: &dyn Reader) -> Result<u64, StateError> {
    let Some(record) = reader.get(STATE_META, PRUNED)? else {
        return Ok(0);
    };
    let record = record.try_into().map_err(|_| history::damaged("prune mark", "it is not 8 bytes"))?;
    Ok(u64::from_be_bytes(record))
}

/// Marks that an import is under way, or is not any more.
pub(crate) fn mark_importing(batch: &mut WriteBatch, importing: bool) {
    batch.write(STATE_META, IMPORTING.to_vec(), importing.then(Vec::new));
}

/// Marks the oldest block whose state is kept.
pub(crate) fn mark_pruned(batch: &mut WriteBatch, oldest: u64) {
    batch.put(STATE_META, PRUNED, oldest.to_be_bytes());
}

#[derive(Debug)]
struct Shared {
    store: Arc<dyn KeyValueStore>,
    tables: Tables,
    /// The head, and all tables as they were with it.
    published: RwLock<StateView>,
    /// Held by whoever writes.
    writer: Mutex<()>,
}

/// The world state over a store. Cheap to clone; one writer, any number of readers.
#[derive(Clone, Debug)]
pub struct StateDb {
    shared: Arc<Shared>,
}

/// How far a call of [`StateDb::prune`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PruneProgress {
    /// There is nothing left to remove.
    Done,
    /// There is more than one call removes.
    More,
}

impl StateDb {
    /// The tables this crate keeps in a store: declare them when it is opened.
    pub const TABLES: [Table; 8] =
        [ACCOUNTS, STORAGE, CODE, STATE_META, ACCOUNT_TRIE, STORAGE_TRIE, HISTORY, CHANGES];

    /// Opens the state in a store; a new store holds the empty state.
    ///
    /// # Errors
    /// When the store fails or its head is damaged.
    pub fn open(store: Arc<dyn KeyValueStore>) -> Result<Self, StateError> {
        let snapshot = store.snapshot();
        if snapshot.get(STATE_META, IMPORTING)?.is_some() {
            return Err(StateError::UnfinishedImport);
        }
        let head = Head::read(snapshot.as_ref())?;
        let tables = Tables::new(store.tables());
        let published = RwLock::new(StateView::new(snapshot, head));
        Ok(Self { shared: Arc::new(Shared { store, tables, published, writer: Mutex::new(()) }) })
    }

    /// Root of the state at the head.
    pub fn head_root(&self) -> B256 {
        self.shared.published.read().root()
    }

    /// The state at the head, as it is now.
    pub fn head(&self) -> StateView {
        self.shared.published.read().clone()
    }

    /// The state after a block.
    ///
    /// # Errors
    /// [`StateError::Pruned`] or [`StateError::PastHead`] when it is not there, or the store's error.
    pub fn view(&self, number: u64) -> Result<StateView, StateError> {
        self.head().at(number)
    }

    /// Applies a block's changes to the state at the head, in memory: the new root and the writes that lead to it.
    ///
    /// # Errors
    /// When stored state cannot be read.
    pub fn prepare(&self, changes: &BundleState) -> Result<StateUpdate, StateError> {
        update::prepare(&self.head(), changes)
    }

    /// Commits an update, and the caller's own writes with it, in one atomic, durable batch. The update's block becomes
    /// the head.
    ///
    /// # Errors
    /// [`StateError::NotAtHead`] when the head moved since [`StateDb::prepare`], or the store's error.
    pub fn commit(&self, update: StateUpdate, writes: WriteBatch) -> Result<(), StateError> {
        let mut branch = self.branch();
        branch.apply(update, writes)?;
        self.commit_branch(branch, Durability::Synced)
    }

    /// Starts a branch at the head.
    pub fn branch(&self) -> Branch {
        Branch::new(&self.head(), self.shared.tables.clone())
    }

    /// Commits a branch in one atomic batch. Its head becomes the head.
    ///
    /// # Errors
    /// [`StateError::NotAtHead`] when the head moved since [`StateDb::branch`], or the store's error; the head is then what
    /// it was.
    pub fn commit_branch(&self, branch: Branch, durability: Durability) -> Result<(), StateError> {
        let (base, head) = (branch.base, branch.head());
        let (batch, trie_root) = branch.into_parts();
        self.move_head(base, head, trie_root, |store| store.commit(batch, durability))
    }

    /// Does what [`StateDb::commit_branch`] does, while the branch is read.
    ///
    /// # Errors
    /// As [`StateDb::commit_branch`].
    pub fn commit_finished(&self, branch: &FinishedBranch, durability: Durability) -> Result<(), StateError> {
        let FinishedBranch { overlay, base, head, trie_root, .. } = branch;
        self.move_head(*base, *head, trie_root.clone(), |store| overlay.commit_to(store, durability))
    }

    /// Writes what leads from one head to another, and shows it to readers.
    fn move_head(
        &self,
        base: Option<Head>,
        head: Option<Head>,
        trie_root: Root,
        write: impl FnOnce(&dyn KeyValueStore) -> Result<(), StoreError>,
    ) -> Result<(), StateError> {
        let _writer = self.shared.writer.lock();
        let current = self.head().head();
        if base != current {
            let root = |head: Option<Head>| head.unwrap_or_default().root;
            return Err(StateError::NotAtHead { got: root(base), expected: root(current) });
        }
        let number = head.unwrap_or_default().number;
        let oldest = pruned(self.shared.store.as_ref())?;
        if number < oldest {
            return Err(StateError::Pruned { block: number, oldest });
        }
        write(self.shared.store.as_ref())?;
        let snapshot = self.shared.store.snapshot();
        let mut published = self.shared.published.write();
        *published = StateView::with_trie(snapshot, head, trie_root, published.codes().clone());
        Ok(())
    }

    /// Makes writes that belong to no block: undoing blocks leaves them alone. Not for tables whose past is read.
    ///
    /// # Errors
    /// When the store fails.
    pub fn write(&self, writes: WriteBatch, durability: Durability) -> Result<(), StateError> {
        let _writer = self.shared.writer.lock();
        self.shared.store.commit(writes, durability)?;
        let mut published = self.shared.published.write();
        let (trie_root, codes) = (published.trie_root().clone(), published.codes().clone());
        *published = StateView::with_trie(self.shared.store.snapshot(), published.head(), trie_root, codes);
        Ok(())
    }

    /// Removes what is kept only to read states before block `oldest`, at most `max_parts` parts of change records of
    /// about 32 KiB. States before `oldest` are not readable from then on, and blocks up to it cannot be undone.
    ///
    /// # Errors
    /// When the store fails; what was removed until then stays so.
    pub fn prune(&self, oldest: u64, max_parts: usize) -> Result<PruneProgress, StateError> {
        let _writer = self.shared.writer.lock();
        let oldest = oldest.min(self.head().head().unwrap_or_default().number);
        let store = self.shared.store.as_ref();
        let marked = pruned(store)?;
        let parts = history::parts(store, marked, max_parts.saturating_add(1))?;
        let mut batch = WriteBatch::default();
        let mut removable = parts.iter().take_while(|part| part.block <= oldest);
        for part in removable.by_ref().take(max_parts) {
            for key in part.history_keys(&self.shared.tables)? {
                batch.delete(HISTORY, key);
            }
            batch.delete(CHANGES, part.key.clone());
            mark_pruned(&mut batch, part.block);
        }
        let progress = if removable.next().is_some() { PruneProgress::More } else { PruneProgress::Done };
        if progress == PruneProgress::Done && oldest > marked {
            mark_pruned(&mut batch, oldest);
        }
        if !batch.tables().is_empty() {
            self.shared.store.commit(batch, Durability::Buffered)?;
        }
        Ok(progress)
    }

    /// Waits until everything committed survives a crash of the machine.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sync(&self) -> Result<(), StateError> {
        Ok(self.shared.store.sync()?)
    }
}
