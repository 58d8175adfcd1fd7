//! Where the time of turns goes, in sum: what settlement costs beside the blocks it settles.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Time spent since the node started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnTimings {
    /// Execution blocks that were proposed and ordered.
    pub blocks: u64,
    /// Choosing and executing their transactions, and signing their headers.
    pub propose: Duration,
    /// Making settlement blocks and waiting for the disk.
    pub order: Duration,
    /// Committing execution blocks.
    pub commit: Duration,
}

/// The sums, as they grow.
#[derive(Debug, Default)]
pub(crate) struct Timings {
    blocks: AtomicU64,
    propose_ns: AtomicU64,
    order_ns: AtomicU64,
    commit_ns: AtomicU64,
}

impl Timings {
    /// Adds an execution block's.
    pub(crate) fn add(&self, propose: Duration, order: Duration, commit: Duration) {
        let sums = [(&self.propose_ns, propose), (&self.order_ns, order), (&self.commit_ns, commit)];
        for (sum, time) in sums {
            sum.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        self.blocks.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> TurnTimings {
        let time = |sum: &AtomicU64| Duration::from_nanos(sum.load(Ordering::Relaxed));
        TurnTimings {
            blocks: self.blocks.load(Ordering::Relaxed),
            propose: time(&self.propose_ns),
            order: time(&self.order_ns),
            commit: time(&self.commit_ns),
        }
    }
}
