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

/// Where the marks of safe and finalized blocks move to; `None` leaves one where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The safe block's number.
    pub safe: Option<u64>,
    /// The finalized block's number. What is final is safe.
    pub finalized: Option<u64>,
}

impl Marks {
    /// The marks moved, on a chain with this head.
    pub(crate) fn moved(self, to: Settled, head: u64) -> Result<Self, ChainError> {
        let mut marks = self;
        let first = self.finalized.unwrap_or_default();
        for number in [to.finalized, to.safe].into_iter().flatten() {
            if number < first || number > head {
                return Err(ChainError::BadMark { number, first, last: head });
            }
        }
        marks.finalized = to.finalized.or(marks.finalized);
        marks.safe = to.safe.or(marks.safe).map(|safe| safe.max(marks.finalized.unwrap_or_default()));
        Ok(marks)
    }

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
        self.set_marks(Settled { safe: Some(number), finalized: None }, Durability::Synced)
    }

    /// Says which block is final: what the tag `finalized` means from now on. No reorg goes below it, and the mark does not
    /// go back. What is final is safe.
    ///
    /// # Errors
    /// [`ChainError::BadMark`] when it is past the head or before the finalized block, or the store's error.
    pub fn set_finalized(&self, number: u64) -> Result<(), ChainError> {
        self.set_marks(Settled { safe: None, finalized: Some(number) }, Durability::Synced)
    }

    /// Moves both marks. Marks that are only buffered, and that can be derived again, need no [`Durability::Synced`].
    ///
    /// # Errors
    /// As [`Chain::set_finalized`].
    pub fn set_marks(&self, to: Settled, durability: Durability) -> Result<(), ChainError> {
        let _guard = self.inner.head_lock.lock();
        let published = self.published();
        let marks = published.marks.moved(to, published.head.block.number())?;
        if marks != published.marks {
            self.inner.state.write(marks.writes(), durability)?;
            self.publish(published.head, marks);
        }
        Ok(())
    }
}
