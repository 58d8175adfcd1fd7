//! Writes on top of a snapshot, readable before they are committed.

use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;

use super::{Durability, KeyValue, KeyValueStore, Reader, StoreError, Table, WriteBatch};

/// A snapshot with writes on top. Clones share the writes; who reads while another writes sees some of them.
#[derive(Clone, Debug)]
pub struct Overlay {
    base: Arc<dyn Reader>,
    writes: Arc<RwLock<WriteBatch>>,
}

impl Overlay {
    /// Starts without writes.
    pub fn new(base: Arc<dyn Reader>) -> Self {
        Self { base, writes: Arc::default() }
    }

    /// Adds writes.
    pub fn apply(&self, batch: WriteBatch) {
        self.writes.write().extend(batch);
    }

    /// Bytes of keys and values written.
    pub fn size_bytes(&self) -> usize {
        self.writes.read().size_bytes()
    }

    /// What is below the writes.
    pub fn base(&self) -> Arc<dyn Reader> {
        self.base.clone()
    }

    /// The same writes, shared, on top of another snapshot.
    pub fn on(&self, base: Arc<dyn Reader>) -> Self {
        Self { base, writes: self.writes.clone() }
    }

    /// Commits the writes, which stay readable here.
    ///
    /// # Errors
    /// As [`KeyValueStore::commit`].
    pub fn commit_to(&self, store: &dyn KeyValueStore, durability: Durability) -> Result<(), StoreError> {
        store.commit_shared(&self.writes.read(), durability)
    }

    /// The writes, to commit them.
    pub fn into_batch(self) -> WriteBatch {
        std::mem::take(&mut *self.writes.write())
    }
}

impl Reader for Overlay {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(value) = self.writes.read().get(table, key) {
            return Ok(value.map(<[u8]>::to_vec));
        }
        self.base.get(table, key)
    }

    fn range(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, StoreError> {
        let writes = self.writes.read();
        let Some(writes) = writes.tables().get(&table) else {
            return self.base.range(table, prefix, from, limit);
        };
        let mut from = from.max(prefix).to_vec();
        let mut merged = Vec::new();
        while merged.len() < limit {
            let below = self.base.range(table, prefix, &from, limit)?;
            // Past the last entry read there may be more below, unless there were fewer than asked for.
            let last = if below.len() < limit { None } else { below.last().map(|(key, _)| key.clone()) };
            let end = last.as_deref().map_or(Bound::Unbounded, Bound::Included);
            let above = writes
                .range::<[u8], _>((Bound::Included(from.as_slice()), end))
                .take_while(|(key, _)| key.starts_with(prefix));
            merge(&mut merged, below, above);
            let Some(mut next) = last else { break };
            next.push(0);
            from = next;
        }
        merged.truncate(limit);
        Ok(merged)
    }
}

/// Merges two ordered runs; of equal keys, what is above counts.
fn merge<'a>(
    merged: &mut Vec<KeyValue>,
    below: Vec<KeyValue>,
    above: impl Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)>,
) {
    let mut below = below.into_iter().peekable();
    for (key, value) in above {
        while let Some(entry) = below.next_if(|(lower, _)| lower < key) {
            merged.push(entry);
        }
        below.next_if(|(lower, _)| lower == key);
        if let Some(value) = value {
            merged.push((key.clone(), value.clone()));
        }
    }
    merged.extend(below);
}
