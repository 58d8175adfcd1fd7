//! Writing a snapshot file.

use std::io::Write;

use alloy_primitives::{B256, Keccak256};

use super::{CHUNK_SIZE_BYTES, ChunkKind, MAGIC, SNAPSHOT_VERSION, SnapshotError, SnapshotHeader, invalid};
use crate::kv::{Reader, Table};
use crate::state::{ACCOUNTS, CODE, STORAGE};
use crate::view::StateView;

/// Entries read at once.
const READ_ENTRIES: usize = 1024;

/// A snapshot file that is being written. What it holds in memory is one chunk.
#[derive(Debug)]
pub struct SnapshotWriter<W> {
    output: W,
    checksum: B256,
    kind: ChunkKind,
    content: Vec<u8>,
}

impl<W: Write> SnapshotWriter<W> {
    /// Starts a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(mut output: W, header: &SnapshotHeader) -> Result<Self, SnapshotError> {
        output.write_all(MAGIC)?;
        output.write_all(&SNAPSHOT_VERSION.to_be_bytes())?;
        let content = header.encode();
        let mut writer = Self { output, checksum: B256::ZERO, kind: ChunkKind::Header, content };
        writer.write_chunk()?;
        Ok(writer)
    }

    /// Adds an entry. Kinds follow each other in their order, and keys within a kind.
    ///
    /// # Errors
    /// When the file cannot be written, or the key or value is too long for it.
    pub fn entry(&mut self, kind: ChunkKind, key: &[u8], value: &[u8]) -> Result<(), SnapshotError> {
        if kind != self.kind {
            self.flush()?;
            self.kind = kind;
        }
        let length = u16::try_from(key.len()).map_err(|_| invalid("key length", key.len(), u16::MAX))?;
        self.content.extend_from_slice(&length.to_be_bytes());
        self.content.extend_from_slice(key);
        let length =
            u32::try_from(value.len()).map_err(|_| invalid("value length", value.len(), u32::MAX))?;
        self.content.extend_from_slice(&length.to_be_bytes());
        self.content.extend_from_slice(value);
        if self.content.len() >= CHUNK_SIZE_BYTES { self.write_chunk() } else { Ok(()) }
    }

    /// Adds a whole state: that of a view at the head.
    ///
    /// # Errors
    /// When the view is of a past block, or reading or writing fails.
    pub fn state(&mut self, view: &StateView) -> Result<(), SnapshotError> {
        if !view.is_head() {
            return Err(invalid("state of block", view.number(), "the head's"));
        }
        self.table(ChunkKind::Code, view.reader(), CODE)?;
        self.table(ChunkKind::Accounts, view.reader(), ACCOUNTS)?;
        self.table(ChunkKind::Storage, view.reader(), STORAGE)
    }

    fn table(&mut self, kind: ChunkKind, reader: &dyn Reader, table: Table) -> Result<(), SnapshotError> {
        let mut from = Vec::new();
        loop {
            let entries = reader.range(table, &[], &from, READ_ENTRIES)?;
            for (key, value) in &entries {
                self.entry(kind, key, value)?;
            }
            match entries.into_iter().next_back() {
                None => return Ok(()),
                Some((key, _)) => from = key,
            }
            from.push(0);
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<W, SnapshotError> {
        self.flush()?;
        self.kind = ChunkKind::End;
        self.write_chunk()?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn flush(&mut self) -> Result<(), SnapshotError> {
        if self.content.is_empty() { Ok(()) } else { self.write_chunk() }
    }

    fn write_chunk(&mut self) -> Result<(), SnapshotError> {
        self.checksum = checksum(self.checksum, self.kind, &self.content);
        // Entries are far below 4 GiB, and so is what holds one more than a chunk's length of them.
        let length = u32::try_from(self.content.len()).unwrap_or(u32::MAX);
        self.output.write_all(&[self.kind.byte()])?;
        self.output.write_all(&length.to_be_bytes())?;
        self.output.write_all(&self.content)?;
        self.output.write_all(self.checksum.as_slice())?;
        self.content.clear();
        Ok(())
    }
}

pub(super) fn checksum(before: B256, kind: ChunkKind, content: &[u8]) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(before);
    hasher.update([kind.byte()]);
    hasher.update(content);
    hasher.finalize()
}
