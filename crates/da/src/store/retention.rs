//! How long payloads stay.

use std::collections::BTreeSet;

use alloy_primitives::B256;
use ivm_state::kv::Durability;

use super::{Held, PayloadStore, totals::Replication};
use crate::{DaError, MAX_PAGE, PayloadInfo, Replica, Retention, index::Change};

/// Blocks after which a payload whose time is over is looked at again, when it stays because it is not replicated yet.
const REPLICA_GRACE_BLOCKS: u64 = 1_000;

/// Payloads that get a last block at once: blocks do not wait for more.
const DATED_AT_ONCE: usize = 200;

impl PayloadStore {
    /// Tells the store the newest block. Blocks of one chain count, that does not go back: the settlement chain. An older
    /// one than before changes nothing. Until it is told, payloads that no block needs are not counted down.
    ///
    /// # Errors
    /// [`DaError::Index`] or [`DaError::IndexEntry`].
    pub fn begin_block(&self, block: u64) -> Result<(), DaError> {
        let mut held = self.held.lock();
        held.block = held.block.max(Some(block));
        if held.undated == 0 {
            return Ok(());
        }
        let retention = self.unpaid(&held);
        let mut changes = Vec::new();
        for hash in self.index.undated(DATED_AT_ONCE)? {
            if let Some(old) = self.index.get(hash)? {
                changes.push(Change { hash, old: Some(old), new: Some(PayloadInfo { retention, ..old }) });
            }
        }
        self.commit(&mut held, &changes, "", Durability::Buffered)
    }

    /// Keeps payloads to the end of a block at least, and has them replicated. What was said before is only ever
    /// extended. Survives a crash when it returns.
    ///
    /// # Errors
    /// [`DaError::NotHeld`], [`DaError::Index`] or [`DaError::IndexEntry`]; then nothing is kept that was not.
    pub fn keep_until(&self, hashes: &[B256], last_block: u64) -> Result<(), DaError> {
        let mut held = self.held.lock();
        let mut changes = Vec::new();
        for hash in hashes.iter().copied().collect::<BTreeSet<_>>() {
            let old = self.index.get(hash)?.ok_or(DaError::NotHeld { hash })?;
            let before = match old.retention {
                Retention::Undated => 0,
                Retention::Unpaid { last_block } | Retention::Kept { last_block } => last_block,
            };
            let retention = Retention::Kept { last_block: last_block.max(before) };
            let replica = if old.replica == Replica::Unwanted { Replica::Queued } else { old.replica };
            let new = PayloadInfo { retention, replica, ..old };
            if new != old {
                changes.push(Change { hash, old: Some(old), new: Some(new) });
            }
        }
        let queued_before = held.totals.queued;
        self.commit(&mut held, &changes, "", Durability::Synced)?;
        if held.totals.queued > queued_before {
            self.queued.notify_one();
        }
        Ok(())
    }

    /// Removes payloads whose last block is before this one, the newest: at most `max`, and at most [`MAX_PAGE`], those
    /// first whose time was over first. Returns what it removed. While a replicator runs and half of the store is free, what
    /// is not replicated yet stays.
    ///
    /// # Errors
    /// [`DaError::Io`], [`DaError::Index`] or [`DaError::IndexEntry`]; then some may have been removed.
    pub fn prune(&self, block: u64, max: usize) -> Result<Vec<B256>, DaError> {
        self.begin_block(block)?;
        let mut removed = Vec::new();
        let limit = max.min(MAX_PAGE);
        let over = {
            let mut held = self.held.lock();
            let first = held.first_last_block.min(block);
            let over = self.index.last_in(first..block, limit)?;
            if over.is_empty() && limit > 0 {
                held.first_last_block = block;
            }
            over
        };
        for hash in over {
            // Anew for each: others wait for one file at most.
            let mut held = self.held.lock();
            let Some(old) = self.index.get(hash)? else { continue };
            if old.retention.last_block().is_none_or(|last_block| last_block >= block) {
                continue;
            }
            let waits = held.replication == Replication::On && old.replica == Replica::Queued;
            if waits && held.totals.size_bytes < self.limit_bytes / 2 {
                let last_block = block.saturating_add(REPLICA_GRACE_BLOCKS);
                let new = PayloadInfo { retention: Retention::Kept { last_block }, ..old };
                let change = Change { hash, old: Some(old), new: Some(new) };
                self.commit(&mut held, &[change], "", Durability::Buffered)?;
            } else {
                self.remove_held(&mut held, hash, old)?;
                removed.push(hash);
            }
        }
        Ok(removed)
    }

    /// How long a payload stays that comes now and that no block needs.
    pub(super) fn unpaid(&self, held: &Held) -> Retention {
        held.block.map_or(Retention::Undated, |block| Retention::Unpaid {
            last_block: block.saturating_add(self.unpaid_retention_blocks),
        })
    }

    pub(super) fn renew(&self, held: &mut Held, hash: B256, old: PayloadInfo) -> Result<(), DaError> {
        let (Retention::Unpaid { last_block: old_last }, Retention::Unpaid { last_block: new_last }) =
            (old.retention, self.unpaid(held))
        else {
            return Ok(());
        };
        if new_last <= old_last {
            return Ok(());
        }
        let new = PayloadInfo { retention: Retention::Unpaid { last_block: new_last }, ..old };
        self.commit(held, &[Change { hash, old: Some(old), new: Some(new) }], "", Durability::Buffered)
    }
}
