//! What values were before: records by which blocks are undone and the past is read.
//!
//! When a block overwrites a value of a tracked table, the old value is kept: under `history` for tables whose past is
//! read, else in the block's change record. To read a value after block `n`, the first record of a later block counts;
//! when there is none, the value has not changed since and the table has it.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::kv::{Reader, Table, Tracking, WriteBatch};
use crate::state::StateError;

/// Table (1 byte) ‖ key ‖ block (`u64`, big-endian) → [`encode_old`] of the value before the block.
pub(crate) const HISTORY: Table = Table::new("history");
/// Block (`u64`, big-endian) ‖ part (`u32`, big-endian) → what the block changed, as [`Overwritten`]s.
pub(crate) const CHANGES: Table = Table::new("changes");

/// A part of a change record ends with the entry that makes it this long.
const PART_SIZE_BYTES: usize = 32 * 1024;
const ABSENT: u8 = 0;
const PRESENT: u8 = 1;

/// A key that a block overwrote, by its change record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry<'a> {
    /// The table's number.
    id: u8,
    key: &'a [u8],
    block: u64,
    table: Table,
    /// The record of the old value, where it is not in `history`.
    inline: Option<&'a [u8]>,
}

/// A key with the value that it gets back, or none.
type Restored = (Vec<u8>, Option<Vec<u8>>);

/// What undoing blocks does.
#[derive(Debug)]
pub(crate) struct Undone {
    /// Values as they were before the first of the blocks.
    pub(crate) restored: BTreeMap<Table, Vec<Restored>>,
    /// Keys of the blocks' records in `history`, which are to go.
    pub(crate) records: Vec<Vec<u8>>,
}

/// Fewer values than this are read by one core.
const MIN_READS: usize = 64;

/// Reads a value as it was after block `at`, or as it is.
pub(crate) fn read(
    reader: &dyn Reader,
    table: Table,
    key: &[u8],
    at: Option<u64>,
) -> Result<Option<Vec<u8>>, StateError> {
    let (Some(at), Tracking::History(id)) = (at, table.tracking()) else {
        return Ok(reader.get(table, key)?);
    };
    let mut prefix = Vec::with_capacity(1 + key.len() + 8);
    prefix.push(id);
    prefix.extend_from_slice(key);
    let mut from = prefix.clone();
    from.extend_from_slice(&at.saturating_add(1).to_be_bytes());
    match reader.seek(HISTORY, &prefix, &from)? {
        Some((_, old)) => decode_old(&old),
        None => Ok(reader.get(table, key)?),
    }
}

/// The records of what one block overwrites, while they are made.
pub(crate) struct Records {
    block: u64,
    /// The part of the change record that is not full.
    part: Vec<u8>,
    parts: Vec<Vec<u8>>,
    history: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Records {
    /// Starts the records of a block that overwrites about so many values.
    pub(crate) fn new(block: u64, capacity: usize) -> Self {
        Self { block, part: Vec::new(), parts: Vec::new(), history: Vec::with_capacity(capacity) }
    }

    /// Adds a value that is overwritten.
    pub(crate) fn add(&mut self, table: Table, key: &[u8], old: Option<&[u8]>) {
        let (id, inline) = match table.tracking() {
            Tracking::None => return,
            Tracking::Undo(id) => (id, true),
            Tracking::History(id) => (id, false),
        };
        let part = &mut self.part;
        part.push(id);
        // Keys of stores fit: their length is checked on commit.
        part.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes());
        part.extend_from_slice(key);
        let old = encode_old(old);
        if inline {
            part.extend_from_slice(&u32::try_from(old.len()).unwrap_or(u32::MAX).to_be_bytes());
            part.extend_from_slice(&old);
        } else {
            self.history.push((history_key(id, key, self.block), Some(old)));
        }
        if part.len() >= PART_SIZE_BYTES {
            self.parts.push(std::mem::take(part));
        }
    }

    /// Adds the records to a batch.
    pub(crate) fn write(self, batch: &mut WriteBatch) {
        let Self { block, part, mut parts, history } = self;
        if !part.is_empty() {
            parts.push(part);
        }
        for (index, part) in (0..).zip(parts) {
            batch.put(CHANGES, part_key(block, index), part);
        }
        batch.write_all(HISTORY, history);
    }
}

/// One part of a block's change record.
pub(crate) struct Part {
    pub(crate) key: Vec<u8>,
    pub(crate) block: u64,
    bytes: Vec<u8>,
}

/// The parts of change records from block `from` on, at most `limit`.
pub(crate) fn parts(reader: &dyn Reader, from: u64, limit: usize) -> Result<Vec<Part>, StateError> {
    let entries = reader.range(CHANGES, &[], &part_key(from, 0), limit)?;
    entries.into_iter().map(|(key, bytes)| part(key, bytes)).collect()
}

/// The parts of one block's change record.
pub(crate) fn parts_of(reader: &dyn Reader, block: u64) -> Result<Vec<Part>, StateError> {
    let entries = reader.scan(CHANGES, &block.to_be_bytes(), usize::MAX)?;
    entries.into_iter().map(|(key, bytes)| part(key, bytes)).collect()
}

fn part(key: Vec<u8>, bytes: Vec<u8>) -> Result<Part, StateError> {
    let block = key.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    let block = block.ok_or_else(|| damaged("change record", "its key is short"))?;
    Ok(Part { key, block, bytes })
}

impl Part {
    /// The keys of `history` that belong to this part.
    pub(crate) fn history_keys(&self, tables: &Tables) -> Result<Vec<Vec<u8>>, StateError> {
        let mut keys = Vec::new();
        self.entries(tables, |entry| keys.extend(entry.history_key()))?;
        Ok(keys)
    }

    /// Bytes of the part.
    pub(crate) const fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    fn entries<'a>(&'a self, tables: &Tables, mut each: impl FnMut(Entry<'a>)) -> Result<(), StateError> {
        let mut rest = self.bytes.as_slice();
        while let Some((&id, after)) = rest.split_first() {
            let table = *tables.0.get(&id).ok_or_else(|| damaged("change record", "its table is unknown"))?;
            let (length, after) = split(after, 2)?;
            let (key, after) = split(after, number(length))?;
            rest = after;
            let inline = match table.tracking() {
                Tracking::Undo(_) => {
                    let (length, after) = split(rest, 4)?;
                    let (old, after) = split(after, number(length))?;
                    rest = after;
                    Some(old)
                }
                Tracking::History(_) | Tracking::None => None,
            };
            each(Entry { id, key, block: self.block, table, inline });
        }
        Ok(())
    }
}

/// What restores the values that blocks overwrote: all parts of the change records of blocks that follow each other.
pub(crate) fn undo(reader: &dyn Reader, tables: &Tables, parts: &[Part]) -> Result<Undone, StateError> {
    let mut entries = Vec::new();
    for part in parts {
        part.entries(tables, |entry| entries.push(entry))?;
    }
    entries.par_sort_unstable();
    let records = entries.iter().filter_map(Entry::history_key).collect();
    // Of a key that several blocks overwrote, the first has what was before all of them.
    entries.dedup_by_key(|entry| (entry.id, entry.key));
    let old: Vec<_> = entries
        .par_iter()
        .with_min_len(MIN_READS)
        .map(|entry| entry.old(reader))
        .collect::<Result<_, StateError>>()?;
    let mut restored = BTreeMap::<_, Vec<_>>::new();
    for (Entry { table, key, .. }, old) in entries.into_iter().zip(old) {
        restored.entry(table).or_default().push((key.to_vec(), old));
    }
    Ok(Undone { restored, records })
}

impl Entry<'_> {
    /// Key of the old value in `history`, when it is there.
    fn history_key(&self) -> Option<Vec<u8>> {
        self.inline.is_none().then(|| history_key(self.id, self.key, self.block))
    }

    /// The value before the block.
    fn old(&self, reader: &dyn Reader) -> Result<Option<Vec<u8>>, StateError> {
        if let Some(inline) = self.inline {
            return decode_old(inline);
        }
        let old = reader.get(HISTORY, &history_key(self.id, self.key, self.block))?;
        decode_old(&old.ok_or_else(|| damaged("history record", "it is missing"))?)
    }
}

/// Tracked tables by their numbers.
#[derive(Clone, Debug)]
pub(crate) struct Tables(BTreeMap<u8, Table>);

impl Tables {
    pub(crate) fn new(tables: impl IntoIterator<Item = Table>) -> Self {
        let numbered = tables.into_iter().filter_map(|table| match table.tracking() {
            Tracking::None => None,
            Tracking::Undo(id) | Tracking::History(id) => Some((id, table)),
        });
        Self(numbered.collect())
    }
}

fn split(bytes: &[u8], at: usize) -> Result<(&[u8], &[u8]), StateError> {
    bytes.split_at_checked(at).ok_or_else(|| damaged("change record", "it ends early"))
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn history_key(id: u8, key: &[u8], block: u64) -> Vec<u8> {
    [&[id], key, &block.to_be_bytes()].concat()
}

fn part_key(block: u64, part: u32) -> Vec<u8> {
    [&block.to_be_bytes()[..], &part.to_be_bytes()].concat()
}

fn encode_old(old: Option<&[u8]>) -> Vec<u8> {
    match old {
        None => vec![ABSENT],
        Some(old) => [&[PRESENT], old].concat(),
    }
}

fn decode_old(record: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
    match record.split_first() {
        Some((&ABSENT, [])) => Ok(None),
        Some((&PRESENT, old)) => Ok(Some(old.to_vec())),
        _ => Err(damaged("history record", "its first byte says neither absent nor present")),
    }
}

pub(crate) fn damaged(record: &'static str, reason: &'static str) -> StateError {
    StateError::DamagedRecord { record, reason }
}
