//! How much a store holds, counted.

use crate::{DaError, MAX_HELD_PAYLOADS, PayloadInfo, Replica, Retention};

/// How much a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreTotals {
    /// Bytes of all payloads.
    pub size_bytes: u64,
    /// How many there are.
    pub payloads: u64,
    /// How many of them wait for their replica.
    pub queued: u64,
    /// How many of them are replicated.
    pub replicated: u64,
}

impl StoreTotals {
    fn add(&mut self, info: &PayloadInfo) {
        self.size_bytes += u64::from(info.size_bytes);
        self.payloads += 1;
        match info.replica {
            Replica::Unwanted => {}
            Replica::Queued => self.queued += 1,
            Replica::Stored => self.replicated += 1,
        }
    }

    fn take_away(&mut self, info: &PayloadInfo) {
        self.size_bytes -= u64::from(info.size_bytes);
        self.payloads -= 1;
        match info.replica {
            Replica::Unwanted => {}
            Replica::Queued => self.queued -= 1,
            Replica::Stored => self.replicated -= 1,
        }
    }
}

/// Whether this process has a replicator for the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Replication {
    #[default]
    Off,
    On,
}

#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) totals: StoreTotals,
    /// Bytes and number of payloads that are being written.
    incoming_bytes: u64,
    incoming_payloads: u64,
    /// How many payloads are [`Retention::Undated`].
    pub(super) undated: u64,
    /// No payload's last block is before this one: those that were are gone, and where they were need not be looked at.
    pub(super) first_last_block: u64,
    /// The newest block, once one was told.
    pub(super) block: Option<u64>,
    pub(super) replication: Replication,
}

impl Held {
    /// Counts an entry in.
    pub(super) fn add(&mut self, info: &PayloadInfo) {
        self.totals.add(info);
        match info.retention.last_block() {
            None => self.undated += 1,
            Some(last_block) => self.first_last_block = self.first_last_block.min(last_block),
        }
    }

    /// Counts an entry out.
    pub(super) fn take_away(&mut self, info: &PayloadInfo) {
        self.totals.take_away(info);
        self.undated -= u64::from(info.retention == Retention::Undated);
    }

    pub(super) fn reserve(&mut self, size_bytes: u32, limit: u64) -> Result<(), DaError> {
        let size_bytes = u64::from(size_bytes);
        let got = self.totals.size_bytes.saturating_add(self.incoming_bytes).saturating_add(size_bytes);
        if got > limit {
            return Err(DaError::Full { got, limit });
        }
        let got = self.totals.payloads + self.incoming_payloads + 1;
        if got > MAX_HELD_PAYLOADS {
            return Err(DaError::TooMany { got });
        }
        self.incoming_bytes += size_bytes;
        self.incoming_payloads += 1;
        Ok(())
    }

    pub(super) fn release(&mut self, size_bytes: u32) {
        self.incoming_bytes -= u64::from(size_bytes);
        self.incoming_payloads -= 1;
    }
}
