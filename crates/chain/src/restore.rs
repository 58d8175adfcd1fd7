//! The pool over restarts.

use std::io;
use std::path::Path;

use crate::chain::Chain;
use crate::pool::{Journal, PoolError};

/// What came back from a pool's journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoredPool {
    /// Transactions that are in the pool again.
    pub restored: usize,
    /// Transactions that the pool refuses now: most often because they were mined.
    pub refused: usize,
}

impl Chain {
    /// Takes back into the pool what a journal of it holds, through all of the pool's checks, and from now on writes there
    /// what the pool takes. The file is made when there is none.
    ///
    /// # Errors
    /// When the file cannot be read or written; the pool is then without a journal.
    pub fn keep_pool_journal(&self, path: &Path) -> io::Result<RestoredPool> {
        let limits = &self.config().pool;
        let mut outcome = RestoredPool::default();
        for transaction in Journal::read(path, limits)? {
            match self.submit_transaction(&transaction) {
                Ok(_) | Err(PoolError::AlreadyKnown) => outcome.restored += 1,
                Err(error) => {
                    outcome.refused += 1;
                    tracing::debug!(%error, "a transaction of the pool's journal is refused");
                }
            }
        }
        self.pool().start_journal(path, limits)?;
        Ok(outcome)
    }
}
