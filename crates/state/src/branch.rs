//! States that are not committed yet: blocks undone and blocks applied, on top of the head.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alloy_primitives::Address;

use crate::history::{self, Records, Tables, Undone};
use crate::kv::{Overlay, Reader, Tracking, WriteBatch};
use crate::state::{ACCOUNTS, Head, STATE_META, StateError, pruned};
use crate::trie::Root;
use crate::update::{StateUpdate, encode_head};
use crate::view::{Codes, StateView};

/// Change records that are undone together, in bytes, but for those of the last block: they are held in memory.
const UNDO_STEP_SIZE_BYTES: usize = 16 * 1024 * 1024;

/// A way from the head over blocks undone and applied to another head, in memory until
/// [`StateDb::commit_branch`](crate::StateDb::commit_branch) makes it the store's in one batch.
#[derive(Debug)]
pub struct Branch {
    overlay: Overlay,
    tables: Tables,
    /// Head of the store when the branch was started.
    pub(crate) base: Option<Head>,
    head: Option<Head>,
    trie_root: Root,
    codes: Codes,
}

/// A branch to which nothing is added any more: others read it and build on it while
/// [`StateDb::commit_finished`](crate::StateDb::commit_finished) writes it.
#[derive(Debug)]
pub struct FinishedBranch {
    pub(crate) overlay: Overlay,
    tables: Tables,
    pub(crate) base: Option<Head>,
    pub(crate) head: Option<Head>,
    pub(crate) trie_root: Root,
}

impl FinishedBranch {
    /// Starts a branch at this one's head, over what `state` has now. It can be committed when this one is.
    pub fn next(&self, state: &StateView) -> Branch {
        // Below is the state this branch was started on, or, once it is committed, the state that it made.
        let fits = state.is_head() && (state.head() == self.base || state.head() == self.head);
        let below = if fits { state.shared_reader() } else { self.overlay.base() };
        Branch {
            overlay: Overlay::new(Arc::new(self.overlay.on(below))),
            tables: self.tables.clone(),
            base: self.head,
            head: self.head,
            trie_root: self.trie_root.clone(),
            codes: state.codes().clone(),
        }
    }
}

impl Branch {
    pub(crate) fn new(base: &StateView, tables: Tables) -> Self {
        let (overlay, head) = (Overlay::new(base.shared_reader()), base.head());
        let (trie_root, codes) = (base.trie_root().clone(), base.codes().clone());
        Self { overlay, tables, base: head, head, trie_root, codes }
    }

    /// The state at the branch's head. It is for reading before the next change of the branch.
    pub fn view(&self) -> StateView {
        let (trie_root, codes) = (self.trie_root.clone(), self.codes.clone());
        StateView::with_trie(Arc::new(self.overlay.clone()), self.head, trie_root, codes)
    }

    /// All tables as they are on the branch, the writes passed along with blocks included.
    pub fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(self.overlay.clone())
    }

    /// Bytes of all writes so far.
    pub fn size_bytes(&self) -> usize {
        self.overlay.size_bytes()
    }

    /// Ends the branch.
    pub fn finish(self) -> FinishedBranch {
        let Self { overlay, tables, base, head, trie_root, .. } = self;
        FinishedBranch { overlay, tables, base, head, trie_root }
    }

    /// The head, which a commit makes the store's.
    pub(crate) const fn head(&self) -> Option<Head> {
        self.head
    }

    /// The writes, and the root of the account trie at the head.
    pub(crate) fn into_parts(self) -> (WriteBatch, Root) {
        (self.overlay.into_batch(), self.trie_root)
    }

    /// Adds writes that belong to no block: undoing blocks leaves them alone.
    pub fn write(&mut self, writes: WriteBatch) {
        self.overlay.apply(writes);
    }

    /// Applies a block: its changes of state, and the caller's own writes with it. Writes to tracked tables are undone with
    /// the block.
    ///
    /// # Errors
    /// [`StateError::NotAtHead`] when the update was prepared on another state, or the store's error.
    pub fn apply(&mut self, update: StateUpdate, writes: WriteBatch) -> Result<(), StateError> {
        if update.parent != self.head {
            let root = |head: Option<Head>| head.unwrap_or_default().root;
            return Err(StateError::NotAtHead { got: root(update.parent), expected: root(self.head) });
        }
        let head = Head { number: update.number, root: update.root.hash };
        let mut batch = WriteBatch::default();
        let mut records = Records::new(head.number, update.changes.len());
        let mut tables = BTreeMap::<_, Vec<_>>::new();
        for change in update.changes {
            records.add(change.table, &change.key, change.old.as_deref());
            tables.entry(change.table).or_default().push((change.key, change.new));
        }
        for (table, writes) in tables {
            batch.write_all(table, writes);
        }
        let old = self.head.map(encode_head);
        records.add(STATE_META, Head::KEY, old.as_deref());
        batch.put(STATE_META, Head::KEY, encode_head(head));
        for (table, writes) in writes.into_tables() {
            for (key, new) in writes {
                if table.tracking() != Tracking::None {
                    let old = self.overlay.get(table, &key)?;
                    if old != new {
                        records.add(table, &key, old.as_deref());
                    }
                }
                batch.write(table, key, new);
            }
        }
        // Before the first block there is no state to go back to.
        if self.head.is_some() {
            records.write(&mut batch);
        }
        self.overlay.apply(batch);
        self.head = Some(head);
        self.trie_root = update.root;
        Ok(())
    }

    /// Number of the block at the head; 0 also before the first block.
    pub fn number(&self) -> u64 {
        self.head.unwrap_or_default().number
    }

    /// Undoes the block at the head: every tracked table is as it was before. Gives the accounts that change by it.
    ///
    /// # Errors
    /// [`StateError::Pruned`] when what it overwrote is not kept, or the store's error.
    pub fn undo(&mut self) -> Result<BTreeSet<Address>, StateError> {
        match self.number().checked_sub(1) {
            Some(before) => self.undo_towards(before),
            None => Err(StateError::Pruned { block: 0, oldest: pruned(&self.overlay)? }),
        }
    }

    /// Undoes blocks after block `number`, the newest first, as many as one step takes and one at least; call it again
    /// while the head comes after that block. Gives the accounts that change by it. Many blocks in one step are quicker than one by
    /// one: of what several of them overwrote, only the oldest value is read.
    ///
    /// # Errors
    /// As [`Branch::undo`].
    pub fn undo_towards(&mut self, number: u64) -> Result<BTreeSet<Address>, StateError> {
        if number >= self.number() {
            return Ok(BTreeSet::new());
        }
        let oldest = pruned(&self.overlay)?;
        if number < oldest {
            return Err(StateError::Pruned { block: number, oldest });
        }
        let mut parts = Vec::new();
        let (mut before, mut size_bytes) = (self.number(), 0);
        while before > number && size_bytes < UNDO_STEP_SIZE_BYTES {
            let block = history::parts_of(&self.overlay, before)?;
            // Each block changes the head at least. Without this a damaged number would have all below it looked for.
            if block.is_empty() {
                return Err(history::damaged("change record", "it is missing"));
            }
            size_bytes += block.iter().map(history::Part::size_bytes).sum::<usize>();
            parts.extend(block);
            before -= 1;
        }
        let Undone { restored, records } = history::undo(&self.overlay, &self.tables, &parts)?;
        let accounts = restored.get(&ACCOUNTS).into_iter().flatten();
        let touched = accounts.filter_map(|(key, _)| Address::try_from(key.as_slice()).ok()).collect();
        let mut batch = WriteBatch::default();
        for (table, writes) in restored {
            batch.write_all(table, writes);
        }
        batch.write_all(history::HISTORY, records.into_iter().map(|key| (key, None)).collect());
        batch.write_all(history::CHANGES, parts.into_iter().map(|part| (part.key, None)).collect());
        self.overlay.apply(batch);
        let head = Head::read(&self.overlay)?;
        if head.map(|head| head.number) != Some(before) {
            return Err(history::damaged("change record", "it does not lead to the block before"));
        }
        self.head = head;
        self.trie_root = Root::stored(head.unwrap_or_default().root);
        Ok(touched)
    }
}
