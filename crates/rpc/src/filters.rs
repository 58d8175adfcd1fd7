//! Filters that clients poll (`eth_newFilter` and its like).
//!
//! A filter is a position: changes are read from the chain when they are asked for, so that a filter nobody polls costs
//! nothing but its entry, and that one expires.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{B128, U128};
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

/// What a filter is for, and how far it has been read.
#[derive(Debug)]
pub(crate) enum Cursor {
    /// Hashes of new blocks, from this number on.
    Blocks { next: u64 },
    /// Logs of new blocks, from this number on.
    Logs { filter: Box<Filter>, next: u64 },
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
        let first = filters.insert(Cursor::Blocks { next: 0 }).unwrap();
        filters.insert(Cursor::Blocks { next: 0 }).unwrap();
        let refused = filters.insert(Cursor::Blocks { next: 0 });
        assert_eq!(refused, Err(FilterError::TooMany { limit: 2 }));
        assert!(filters.remove(first));
        assert!(!filters.remove(first));
        assert!(filters.insert(Cursor::Blocks { next: 0 }).is_ok());
    }

    #[test]
    fn idle_ones_expire() {
        let filters = filters(1, Duration::ZERO);
        let first = filters.insert(Cursor::Blocks { next: 0 }).unwrap();
        assert!(matches!(filters.get(first), Err(FilterError::NotFound)));
        assert!(filters.insert(Cursor::Blocks { next: 0 }).is_ok());
    }
}
