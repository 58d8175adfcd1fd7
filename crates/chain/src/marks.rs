//! How far the chain is settled: the safe and the finalized block.

use ivm_state::kv::{Durability, WriteBatch};

use crate::chain::Chain;
use crate::error::ChainError;
use crate::store::{self, BlockStore};

/// Numbers of the blocks that tags mean; the head where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) safe: Option<u64>,
    pub(crate) finalized: Option<u64>,
}

impl Marks {
    pub(crate) fn read(blocks: &BlockStore) -> Result<Self, ChainError> {
        Ok(Self { safe: blocks.mark(store::SAFE)?, finalized: blocks.mark(store::FINALIZED)? })
    }

    pub(crate) fn writes(self) -> WriteBatch {
        let mut batch = WriteBatch::default();
        store::put_mark(&mut batch, store::SAFE, self.safe);
        store::put_mark(&mut batch, store::FINALIZED, self.finalized);
        batch
    }
}

impl Chain {
    /// Says which block is safe: what the tag `safe` means from now on. A reorg that removes it moves the mark back.
    ///
    /// # Errors
    /// [`ChainError::BadMark`] when it is past the head or before the finalized block, or the store's error.
    pub fn set_safe(&self, number: u64) -> Result<(), ChainError> {
        self.set_marks(number, |marks| marks.safe = Some(number))
    }

    /// Says which block is final: what the tag `finalized` means from now on. No reorg goes below it, and the mark does not
    /// go back. What is final is safe.
    ///
    /// # Errors
    /// [`ChainError::BadMark`] when it is past the head or before the finalized block, or the store's error.
    pub fn set_finalized(&self, number: u64) -> Result<(), ChainError> {
        self.set_marks(number, |marks| {
            marks.finalized = Some(number);
            marks.safe = marks.safe.map(|safe| safe.max(number));
        })
    }

    fn set_marks(&self, number: u64, set: impl FnOnce(&mut Marks)) -> Result<(), ChainError> {
        let _guard = self.inner.head_lock.lock();
        let published = self.published();
        let (first, last) = (published.marks.finalized.unwrap_or_default(), published.head.block.number());
        if number < first || number > last {
            return Err(ChainError::BadMark { number, first, last });
        }
        let mut marks = published.marks;
        set(&mut marks);
        self.inner.state.write(marks.writes(), Durability::Synced)?;
        self.publish(published.head, marks);
        Ok(())
    }
}
