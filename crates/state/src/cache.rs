//! What was read lately, as much of it as fits into so many bytes.

use std::fmt;

use alloy_primitives::B256;
use lru::LruCache;
use parking_lot::Mutex;

/// Memory of an entry beside its value, about: without it, very many small values would take more than the limit.
const ENTRY_SIZE_BYTES: usize = 256;

/// Values by hashes of what they are made from, so that none ever becomes wrong. Those that were not used for longest are
/// dropped first.
pub struct HashCache<V> {
    kept: Mutex<Kept<V>>,
    max_size_bytes: usize,
}

struct Kept<V> {
    /// With what each takes.
    values: LruCache<B256, (V, usize)>,
    size_bytes: usize,
}

impl<V> fmt::Debug for HashCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashCache").field("size_bytes", &self.kept.lock().size_bytes).finish_non_exhaustive()
    }
}

impl<V: Clone> HashCache<V> {
    /// Starts without values, to hold so many bytes of them.
    pub fn new(max_size_bytes: usize) -> Self {
        let kept = Kept { values: LruCache::unbounded(), size_bytes: 0 };
        Self { kept: Mutex::new(kept), max_size_bytes }
    }

    /// The value of a hash, if it is kept.
    pub fn get(&self, hash: B256) -> Option<V> {
        self.kept.lock().values.get(&hash).map(|(value, _)| value.clone())
    }

    /// Keeps a value of so many bytes.
    pub fn keep(&self, hash: B256, value: V, value_size_bytes: usize) {
        let size_bytes = value_size_bytes.saturating_add(ENTRY_SIZE_BYTES);
        if size_bytes > self.max_size_bytes {
            return;
        }
        let kept = &mut *self.kept.lock();
        kept.size_bytes += size_bytes;
        if let Some((_, (_, old))) = kept.values.push(hash, (value, size_bytes)) {
            kept.size_bytes -= old;
        }
        while kept.size_bytes > self.max_size_bytes
            && let Some((_, (_, oldest))) = kept.values.pop_lru()
        {
            kept.size_bytes -= oldest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_is_dropped() {
        let cache = HashCache::new(4 * (ENTRY_SIZE_BYTES + 25));
        let hash = B256::with_last_byte;
        for byte in 1..=4 {
            cache.keep(hash(byte), byte, 25);
        }
        // Kept twice, it counts once.
        cache.keep(hash(4), 4, 25);
        assert_eq!(cache.get(hash(1)), Some(1));
        cache.keep(hash(5), 5, 25);
        assert_eq!(cache.get(hash(2)), None);
        for byte in [1, 3, 4, 5] {
            assert_eq!(cache.get(hash(byte)), Some(byte));
        }
        assert_eq!(cache.kept.lock().size_bytes, 4 * (ENTRY_SIZE_BYTES + 25));
        // What is larger than all of it does not drive the others out.
        cache.keep(hash(6), 6, usize::MAX);
        assert_eq!((cache.get(hash(6)), cache.get(hash(5))), (None, Some(5)));
        // Values of no size take room as well.
        (7..=100).for_each(|byte| cache.keep(hash(byte), byte, 0));
        assert_eq!(cache.kept.lock().values.len(), 4);
    }
}
