//! Filters that clients poll (`eth_newFilter` and its like).
//!
//! A filter is a position: changes are read from the chain when they are asked for, so that a filter nobody polls costs
//! nothing but its entry, and that one expires.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{B128, B256, U128};
use alloy_rpc_types_eth::Filter;
use parking_lot::Mutex;

use crate::config::RpcLimits;
use crate::error::{INTERNAL_ERROR, INVALID_PARAMS, LIMIT_EXCEEDED, SERVER_ERROR};

/// How a client names a filter.
pub(crate) type FilterId = U128;

/// Why a filter is not made or not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FilterError {
    #[error("filter not found")]
    NotFound,
    #[error("too many filters: limit {limit}")]
    TooMany { limit: usize },
    #[error("exceed max {what}: {got}, limit {limit}")]
    TooWide { what: &'static str, got: usize, limit: usize },
    #[error("no randomness for a filter id: {reason}")]
    NoRandomness { reason: String },
}

impl FilterError {
    pub(crate) const fn code(&self) -> i32 {
        match self {
            Self::NotFound => SERVER_ERROR,
            Self::TooMany { .. } => LIMIT_EXCEEDED,
            Self::TooWide { .. } => INVALID_PARAMS,
            Self::NoRandomness { .. } => INTERNAL_ERROR,
        }
    }
}

/// The last block a filter was told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) number: u64,
    pub(crate) hash: B256,
}

impl Seen {
    /// Goes back to a block that is still the chain's. Gives the blocks that are not any more, the newest first.
    ///
    /// `canonical` gives the hash of the chain's block with a number, `parent` that of a block's parent.
    pub(crate) fn rewind<E>(
        &mut self,
        canonical: impl Fn(u64) -> Result<Option<B256>, E>,
        parent: impl Fn(B256) -> Result<Option<B256>, E>,
    ) -> Result<Vec<B256>, E> {
        let mut left = Vec::new();
        while self.number > 0 && canonical(self.number)? != Some(self.hash) {
            left.push(self.hash);
            // A block that is not stored any more says nothing of those before it: they are taken as they are now.
            let before = match parent(self.hash)? {
                Some(hash) => hash,
                None => canonical(self.number - 1)?.unwrap_or_default(),
            };
            *self = Self { number: self.number - 1, hash: before };
        }
        Ok(left)
    }
}

/// What a filter is for, and how far it has been read.
#[derive(Debug)]
pub(crate) enum Cursor {
    /// Hashes of new blocks, after this one.
    Blocks { seen: Seen },
    /// Logs of new blocks, after this one.
    Logs { filter: Box<Filter>, seen: Seen },
    /// Transactions that entered the pool, from this position in the history on; `full`, or their hashes.
    Pending { next: u64, full: bool },
}

struct Entry {
    cursor: Arc<Mutex<Cursor>>,
    used_at: Instant,
}

/// All filters of all clients.
pub(crate) struct Filters {
    max_filters: usize,
    idle_timeout: Duration,
    entries: Mutex<HashMap<FilterId, Entry>>,
}

impl Filters {
    pub(crate) fn new(limits: &RpcLimits) -> Self {
        Self {
            max_filters: limits.max_filters,
            idle_timeout: limits.filter_idle_timeout,
            entries: Mutex::default(),
        }
    }

    /// Keeps a filter, after dropping those that nobody used for too long.
    pub(crate) fn insert(&self, cursor: Cursor) -> Result<FilterId, FilterError> {
        let id =
            B128::try_random().map_err(|error| FilterError::NoRandomness { reason: error.to_string() })?;
        let id = FilterId::from_be_bytes(id.0);
        let now = Instant::now();
        let mut entries = self.entries.lock();
        entries.retain(|_, entry| now.duration_since(entry.used_at) < self.idle_timeout);
        if entries.len() >= self.max_filters {
            return Err(FilterError::TooMany { limit: self.max_filters });
        }
        entries.insert(id, Entry { cursor: Arc::new(Mutex::new(cursor)), used_at: now });
        Ok(id)
    }

    /// A filter, to read it under its lock: two polls at once do not give the same changes.
    pub(crate) fn get(&self, id: FilterId) -> Result<Arc<Mutex<Cursor>>, FilterError> {
        let now = Instant::now();
        let mut entries = self.entries.lock();
        let entry = entries
            .get_mut(&id)
            .filter(|entry| now.duration_since(entry.used_at) < self.idle_timeout)
            .ok_or(FilterError::NotFound)?;
        entry.used_at = now;
        Ok(Arc::clone(&entry.cursor))
    }

    /// Forgets a filter; whether there was one.
    pub(crate) fn remove(&self, id: FilterId) -> bool {
        self.entries.lock().remove(&id).is_some()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn filters(max_filters: usize, filter_idle_timeout: Duration) -> Filters {
        Filters::new(&RpcLimits { max_filters, filter_idle_timeout, ..RpcLimits::default() })
    }

    #[test]
    fn there_are_only_so_many() {
        let filters = filters(2, Duration::from_secs(60));
        let first = filters.insert(Cursor::Blocks { seen: Seen::default() }).unwrap();
        filters.insert(Cursor::Blocks { seen: Seen::default() }).unwrap();
        let refused = filters.insert(Cursor::Blocks { seen: Seen::default() });
        assert_eq!(refused, Err(FilterError::TooMany { limit: 2 }));
        assert!(filters.remove(first));
        assert!(!filters.remove(first));
        assert!(filters.insert(Cursor::Blocks { seen: Seen::default() }).is_ok());
    }

    #[test]
    fn a_filter_goes_back_to_where_the_branches_part() {
        // Blocks 1 to 3 were seen on a branch that parts from the chain after block 1.
        let hash = B256::with_last_byte;
        let canonical =
            |number: u64| -> Result<_, ()> { Ok([hash(0), hash(1), hash(12)].get(number as usize).copied()) };
        let parent = |block: B256| -> Result<_, ()> { Ok(Some(hash(block[31] - 1))) };
        let mut seen = Seen { number: 3, hash: hash(3) };
        assert_eq!(seen.rewind(canonical, parent).unwrap(), [hash(3), hash(2)]);
        assert_eq!(seen, Seen { number: 1, hash: hash(1) });
        assert_eq!(seen.rewind(canonical, parent).unwrap(), [] as [B256; 0]);

        let mut forgotten = Seen { number: 3, hash: hash(99) };
        assert_eq!(forgotten.rewind(canonical, |_| Ok(None)).unwrap(), [hash(99)]);
        assert_eq!(forgotten, Seen { number: 2, hash: hash(12) });
    }

    #[test]
    fn idle_ones_expire() {
        let filters = filters(1, Duration::ZERO);
        let first = filters.insert(Cursor::Blocks { seen: Seen::default() }).unwrap();
        assert!(matches!(filters.get(first), Err(FilterError::NotFound)));
        assert!(filters.insert(Cursor::Blocks { seen: Seen::default() }).is_ok());
    }
}
