//! What is remembered of programs: bounded, and never forgetting a suspension.

use std::collections::HashMap;

use ivm_engine::ProgramKey;

/// Most programs remembered.
pub(crate) const MAX_RECORDS: usize = 65_536;

/// Which paths a program may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Any.
    Trusted,
    /// The interpreter alone: its run on the recompiler broke a worker.
    Quarantined,
    /// None: the paths disagree.
    Suspended,
}

/// A program's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) standing: Standing,
    /// Whether a run of it was checked by the interpreter.
    pub(crate) is_checked: bool,
    used: u64,
}

/// Records by program. When there are too many, half of those that hold no grudge go, the least recently used first;
/// a program whose record went is new when it comes back, so its first run is checked again.
#[derive(Debug)]
pub(crate) struct Records {
    records: HashMap<ProgramKey, Record>,
    limit: usize,
    tick: u64,
}

impl Records {
    pub(crate) fn new(limit: usize) -> Self {
        Self { records: HashMap::new(), limit, tick: 0 }
    }

    /// A program's record, made when it is new. `None` when there is no room, since all the others are suspended.
    pub(crate) fn get(&mut self, key: ProgramKey) -> Option<&mut Record> {
        self.tick += 1;
        if !self.records.contains_key(&key) {
            if self.records.len() >= self.limit && !self.make_room() {
                return None;
            }
            let record = Record { standing: Standing::Trusted, is_checked: false, used: self.tick };
            self.records.insert(key, record);
        }
        let record = self.records.get_mut(&key)?;
        record.used = self.tick;
        Some(record)
    }

    fn make_room(&mut self) -> bool {
        for forgettable in [Standing::Trusted, Standing::Quarantined] {
            let mut used: Vec<u64> = self
                .records
                .values()
                .filter(|record| record.standing == forgettable)
                .map(|record| record.used)
                .collect();
            if used.is_empty() {
                continue;
            }
            let middle = used.len() / 2;
            let (_, oldest_kept, _) = used.select_nth_unstable(middle);
            let oldest_kept = (*oldest_kept).max(1 + self.oldest(forgettable));
            self.records.retain(|_, record| record.standing != forgettable || record.used >= oldest_kept);
            return true;
        }
        false
    }

    fn oldest(&self, standing: Standing) -> u64 {
        let used =
            self.records.values().filter(|record| record.standing == standing).map(|record| record.used);
        used.min().unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key(index: u32) -> ProgramKey {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&index.to_le_bytes());
        ProgramKey(key)
    }

    #[test]
    fn the_trusted_are_forgotten_first_and_the_suspended_never() {
        let mut records = Records::new(4);
        records.get(key(0)).unwrap().standing = Standing::Suspended;
        records.get(key(1)).unwrap().standing = Standing::Quarantined;
        for index in 2..100 {
            records.get(key(index)).unwrap().is_checked = true;
            assert!(records.records.len() <= 4);
            assert!(records.get(key(index)).unwrap().is_checked);
        }
        assert_eq!(records.get(key(0)).unwrap().standing, Standing::Suspended);
        assert_eq!(records.get(key(1)).unwrap().standing, Standing::Quarantined);
    }

    #[test]
    fn when_all_are_suspended_there_is_no_room_and_no_record_is_lost() {
        let mut records = Records::new(2);
        for index in 0..2 {
            records.get(key(index)).unwrap().standing = Standing::Suspended;
        }
        assert!(records.get(key(2)).is_none());
        assert_eq!(records.get(key(1)).unwrap().standing, Standing::Suspended);
    }

    #[test]
    fn the_quarantined_go_when_only_they_can() {
        let mut records = Records::new(3);
        for index in 0..3 {
            records.get(key(index)).unwrap().standing = Standing::Quarantined;
        }
        assert_eq!(records.get(key(3)).unwrap().standing, Standing::Trusted);
        assert!(records.records.len() <= 3);
        assert_eq!(records.get(key(2)).unwrap().standing, Standing::Quarantined, "the newest stays");
    }
}
