//! Which payloads are replicated, and which are to be.

use std::sync::Arc;

use alloy_primitives::B256;
use ivm_state::kv::Durability;
use tokio::sync::Notify;

use super::{BATCH, PayloadStore, totals::Replication};
use crate::{DaError, MAX_PAGE, PayloadInfo, Replica, index::Change};

impl PayloadStore {
    /// Where the replica of a payload is; `None` when it is not held or not replicated.
    ///
    /// # Errors
    /// [`DaError::Index`].
    pub fn locator(&self, hash: B256) -> Result<Option<String>, DaError> {
        self.index.locator(hash)
    }

    /// Where payloads are replicated to, or were, when they ever were.
    ///
    /// # Errors
    /// [`DaError::Index`].
    pub fn destination(&self) -> Result<Option<String>, DaError> {
        self.index.destination()
    }

    /// Payloads that wait for their replica, as [`Self::page`].
    ///
    /// # Errors
    /// As [`Self::info`].
    pub fn queue(&self, after: Option<B256>, limit: usize) -> Result<Vec<B256>, DaError> {
        self.index.queue(after, limit.min(MAX_PAGE))
    }

    /// Notes that a payload is replicated, and where. One that is not held any more is passed over.
    pub(crate) fn set_replicated(&self, hash: B256, locator: &str) -> Result<(), DaError> {
        let mut held = self.held.lock();
        let Some(old) = self.index.get(hash)? else { return Ok(()) };
        if old.replica == Replica::Stored {
            return Ok(());
        }
        let new = PayloadInfo { replica: Replica::Stored, ..old };
        // Not synced: what a crash makes forgotten is replicated once more.
        self.commit(
            &mut held,
            &[Change { hash, old: Some(old), new: Some(new) }],
            locator,
            Durability::Buffered,
        )
    }

    /// Notes where payloads are replicated to, and that this process does so from now on. What is at another place
    /// joins the queue again.
    pub(crate) fn start_replication(&self, destination: &str) -> Result<(), DaError> {
        let before = self.index.destination()?;
        if before.as_deref() != Some(destination) {
            let mut after = None;
            loop {
                let mut held = self.held.lock();
                let page = self.index.page(after, BATCH)?;
                let Some((last, _)) = page.last() else { break };
                after = Some(*last);
                let stored = page.into_iter().filter(|(_, info)| info.replica == Replica::Stored);
                let changes: Vec<_> = stored.map(|(hash, old)| requeued(hash, old)).collect();
                self.commit(&mut held, &changes, "", Durability::Buffered)?;
            }
            self.index.set_destination(destination)?;
        }
        self.held.lock().replication = Replication::On;
        Ok(())
    }

    /// Whether payloads are replicated to this place, or to none until now: it is this one then.
    pub(crate) fn is_replicated_to(&self, destination: &str) -> Result<bool, DaError> {
        let _held = self.held.lock();
        match self.index.destination()? {
            Some(before) => Ok(before == destination),
            None => self.index.set_destination(destination).map(|()| true),
        }
    }

    /// Has a payload replicated once more. One that is not held is passed over.
    pub(crate) fn replicate_again(&self, hash: B256) -> Result<(), DaError> {
        let mut held = self.held.lock();
        let Some(old) = self.index.get(hash)? else { return Ok(()) };
        if old.replica != Replica::Queued {
            self.commit(&mut held, &[requeued(hash, old)], "", Durability::Synced)?;
            self.queued.notify_one();
        }
        Ok(())
    }

    /// Notes that nobody replicates any more.
    pub(crate) fn stop_replication(&self) {
        self.held.lock().replication = Replication::Off;
    }

    /// Is told when a payload joins the queue.
    pub(crate) fn queued_signal(&self) -> Arc<Notify> {
        self.queued.clone()
    }
}

fn requeued(hash: B256, old: PayloadInfo) -> Change {
    Change { hash, old: Some(old), new: Some(PayloadInfo { replica: Replica::Queued, ..old }) }
}
