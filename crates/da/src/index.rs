//! What is known of each payload held, beside its bytes: how long it is kept, and whether it is replicated.
//!
//! The index follows the payloads: it is made good by what is there when a store is opened, so that only what it alone
//! knows, until when payloads are kept, has to be durable.

use std::ops::Range;

use alloy_primitives::B256;
use ivm_state::kv::{Durability, KeyValueStore, Table, WriteBatch};

use crate::{DaError, PayloadInfo, Replica, Retention};

/// hash → [`PayloadInfo`].
const PAYLOADS: Table = Table::new("payloads");
/// last block (`u64`, big-endian), hash → nothing.
const LAST_BLOCKS: Table = Table::new("last-blocks");
/// hash → nothing, for payloads of [`Retention::Undated`].
const UNDATED: Table = Table::new("undated");
/// hash → nothing, for payloads of [`Replica::Queued`].
const QUEUE: Table = Table::new("queue");
/// hash → locator, for payloads of [`Replica::Stored`].
const LOCATORS: Table = Table::new("locators");
/// [`DESTINATION`] → where locators point.
const NOTES: Table = Table::new("notes");

const DESTINATION: &[u8] = b"destination";

/// The tables.
pub(crate) const TABLES: [Table; 6] = [PAYLOADS, LAST_BLOCKS, UNDATED, QUEUE, LOCATORS, NOTES];

/// Bytes of an encoded [`PayloadInfo`].
const INFO_SIZE_BYTES: usize = 1 + 8 + 4 + 1;

/// What becomes of a payload's entry.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) hash: B256,
    pub(crate) old: Option<PayloadInfo>,
    pub(crate) new: Option<PayloadInfo>,
}

#[derive(Debug)]
pub(crate) struct Index {
    tables: Box<dyn KeyValueStore>,
}

impl Index {
    pub(crate) fn new(tables: Box<dyn KeyValueStore>) -> Self {
        Self { tables }
    }

    pub(crate) fn get(&self, hash: B256) -> Result<Option<PayloadInfo>, DaError> {
        match self.tables.get(PAYLOADS, hash.as_slice())? {
            Some(value) => Ok(Some(decode(&value)?)),
            None => Ok(None),
        }
    }

    /// Payloads after one, in order of their hashes, at most `limit`.
    pub(crate) fn page(
        &self,
        after: Option<B256>,
        limit: usize,
    ) -> Result<Vec<(B256, PayloadInfo)>, DaError> {
        let entries = self.tables.range(PAYLOADS, &[], &key_after(after), limit)?;
        entries.iter().map(|(key, value)| Ok((hash(PAYLOADS, key)?, decode(value)?))).collect()
    }

    /// Payloads that wait for their replica, as [`Self::page`].
    pub(crate) fn queue(&self, after: Option<B256>, limit: usize) -> Result<Vec<B256>, DaError> {
        self.hashes(QUEUE, after, limit)
    }

    /// Payloads whose last block is not known.
    pub(crate) fn undated(&self, limit: usize) -> Result<Vec<B256>, DaError> {
        self.hashes(UNDATED, None, limit)
    }

    fn hashes(&self, table: Table, after: Option<B256>, limit: usize) -> Result<Vec<B256>, DaError> {
        let entries = self.tables.range(table, &[], &key_after(after), limit)?;
        entries.iter().map(|(key, _)| hash(table, key)).collect()
    }

    /// Payloads whose last block is one of these, the earliest first.
    pub(crate) fn last_in(&self, blocks: Range<u64>, limit: usize) -> Result<Vec<B256>, DaError> {
        let mut hashes = Vec::new();
        for (key, _) in self.tables.range(LAST_BLOCKS, &[], &blocks.start.to_be_bytes(), limit)? {
            let unreadable = || DaError::IndexEntry { table: LAST_BLOCKS.name(), got: key.len() };
            let (last_block, of) = key.split_first_chunk::<8>().ok_or_else(unreadable)?;
            if u64::from_be_bytes(*last_block) >= blocks.end {
                break;
            }
            hashes.push(hash(LAST_BLOCKS, of)?);
        }
        Ok(hashes)
    }

    pub(crate) fn locator(&self, hash: B256) -> Result<Option<String>, DaError> {
        Ok(self.tables.get(LOCATORS, hash.as_slice())?.map(text))
    }

    pub(crate) fn destination(&self) -> Result<Option<String>, DaError> {
        Ok(self.tables.get(NOTES, DESTINATION)?.map(text))
    }

    pub(crate) fn set_destination(&self, destination: &str) -> Result<(), DaError> {
        let mut batch = WriteBatch::default();
        batch.put(NOTES, DESTINATION, destination);
        Ok(self.tables.commit(batch, Durability::Synced)?)
    }

    /// Writes changes; `locator` is that of payloads that become [`Replica::Stored`].
    pub(crate) fn commit(
        &self,
        changes: &[Change],
        locator: &str,
        durability: Durability,
    ) -> Result<(), DaError> {
        let mut batch = WriteBatch::default();
        for Change { hash, old, new } in changes {
            if let Some(old) = old {
                let (table, key) = date(*hash, old.retention);
                batch.delete(table, key);
                match old.replica {
                    Replica::Unwanted => {}
                    Replica::Queued => batch.delete(QUEUE, hash.0),
                    Replica::Stored => {
                        if new.is_none_or(|new| new.replica != Replica::Stored) {
                            batch.delete(LOCATORS, hash.0);
                        }
                    }
                }
            }
            let Some(new) = new else {
                batch.delete(PAYLOADS, hash.0);
                continue;
            };
            batch.put(PAYLOADS, hash.0, encode(new));
            let (table, key) = date(*hash, new.retention);
            batch.put(table, key, []);
            match new.replica {
                Replica::Unwanted => {}
                Replica::Queued => batch.put(QUEUE, hash.0, []),
                Replica::Stored => {
                    if old.is_none_or(|old| old.replica != Replica::Stored) {
                        batch.put(LOCATORS, hash.0, locator);
                    }
                }
            }
        }
        Ok(self.tables.commit(batch, durability)?)
    }
}

/// Where it stands until when a payload is kept.
fn date(hash: B256, retention: Retention) -> (Table, Vec<u8>) {
    match retention {
        Retention::Undated => (UNDATED, hash.to_vec()),
        Retention::Unpaid { last_block } | Retention::Kept { last_block } => {
            (LAST_BLOCKS, [&last_block.to_be_bytes()[..], hash.as_slice()].concat())
        }
    }
}

fn encode(info: &PayloadInfo) -> [u8; INFO_SIZE_BYTES] {
    let (tag, last_block) = match info.retention {
        Retention::Undated => (0, 0),
        Retention::Unpaid { last_block } => (1, last_block),
        Retention::Kept { last_block } => (2, last_block),
    };
    let replica = match info.replica {
        Replica::Unwanted => 0,
        Replica::Queued => 1,
        Replica::Stored => 2,
    };
    let mut encoded = [0; INFO_SIZE_BYTES];
    encoded[0] = tag;
    encoded[1..9].copy_from_slice(&last_block.to_be_bytes());
    encoded[9..13].copy_from_slice(&info.size_bytes.to_be_bytes());
    encoded[13] = replica;
    encoded
}

fn decode(encoded: &[u8]) -> Result<PayloadInfo, DaError> {
    let unreadable = || DaError::IndexEntry { table: PAYLOADS.name(), got: encoded.len() };
    let (&tag, rest) = encoded.split_first().ok_or_else(unreadable)?;
    let (last_block, rest) = rest.split_first_chunk::<8>().ok_or_else(unreadable)?;
    let (size_bytes, rest) = rest.split_first_chunk::<4>().ok_or_else(unreadable)?;
    let last_block = u64::from_be_bytes(*last_block);
    let retention = match tag {
        0 => Retention::Undated,
        1 => Retention::Unpaid { last_block },
        2 => Retention::Kept { last_block },
        _ => return Err(unreadable()),
    };
    let replica = match rest {
        [0] => Replica::Unwanted,
        [1] => Replica::Queued,
        [2] => Replica::Stored,
        _ => return Err(unreadable()),
    };
    Ok(PayloadInfo { size_bytes: u32::from_be_bytes(*size_bytes), retention, replica })
}

fn hash(table: Table, key: &[u8]) -> Result<B256, DaError> {
    B256::try_from(key).map_err(|_| DaError::IndexEntry { table: table.name(), got: key.len() })
}

fn text(value: Vec<u8>) -> String {
    String::from_utf8_lossy(&value).into_owned()
}

/// The first key that can follow a hash.
fn key_after(hash: Option<B256>) -> Vec<u8> {
    hash.map(|hash| [hash.as_slice(), &[0]].concat()).unwrap_or_default()
}
