//! What a worker keeps of programs: bounded by bytes, the least recently used leaving first.

use std::collections::BTreeMap;

use ivm_engine::ProgramKey;

/// Values by program.
#[derive(Debug)]
pub(crate) struct Cache<V> {
    entries: BTreeMap<ProgramKey, Entry<V>>,
    limit_bytes: usize,
    held_bytes: usize,
    tick: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    size_bytes: usize,
    used: u64,
}

impl<V> Cache<V> {
    pub(crate) const fn new(limit_bytes: usize) -> Self {
        Self { entries: BTreeMap::new(), limit_bytes, held_bytes: 0, tick: 0 }
    }

    /// Keeps a value, and lets others go until the limit is kept. The value itself stays even if it is over the limit
    /// alone, since it is about to be used.
    pub(crate) fn insert(&mut self, key: ProgramKey, value: V, size_bytes: usize) {
        self.take(key);
        while self.held_bytes + size_bytes > self.limit_bytes {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| *key);
            let Some(oldest) = oldest else { break };
            self.take(oldest);
        }
        self.tick += 1;
        self.held_bytes += size_bytes;
        self.entries.insert(key, Entry { value, size_bytes, used: self.tick });
    }

    pub(crate) fn get_mut(&mut self, key: ProgramKey) -> Option<&mut V> {
        self.tick += 1;
        let entry = self.entries.get_mut(&key)?;
        entry.used = self.tick;
        Some(&mut entry.value)
    }

    /// Gives a value back.
    pub(crate) fn take(&mut self, key: ProgramKey) -> Option<V> {
        let entry = self.entries.remove(&key)?;
        self.held_bytes -= entry.size_bytes;
        Some(entry.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn key(index: u8) -> ProgramKey {
        ProgramKey([index; 32])
    }

    #[test]
    fn the_least_recently_used_leaves_first() {
        let mut cache = Cache::new(10);
        cache.insert(key(1), 'a', 5);
        cache.insert(key(2), 'b', 5);
        assert!(cache.get_mut(key(1)).is_some());
        cache.insert(key(3), 'c', 4);
        assert!(cache.get_mut(key(2)).is_none());
        assert!(cache.get_mut(key(1)).is_some() && cache.get_mut(key(3)).is_some());
        assert_eq!(cache.held_bytes, 9);
    }

    #[test]
    fn one_over_the_limit_is_held_alone() {
        let mut cache = Cache::new(10);
        cache.insert(key(1), 'a', 5);
        cache.insert(key(2), 'b', 50);
        assert!(cache.get_mut(key(1)).is_none());
        assert_eq!(cache.get_mut(key(2)), Some(&mut 'b'));
        cache.insert(key(2), 'c', 3);
        cache.insert(key(1), 'a', 7);
        assert_eq!(cache.get_mut(key(1)), Some(&mut 'a'));
        assert_eq!(cache.held_bytes, 10);
    }
}
