//! Reading a snapshot file.

use std::io::{ErrorKind, Read};

use alloy_primitives::B256;

use super::write::checksum;
use super::{ChunkKind, MAGIC, MAX_CHUNK_SIZE_BYTES, SNAPSHOT_VERSION, SnapshotError, SnapshotHeader};
use crate::kv::KeyValue;

/// A snapshot file that is being read. What it holds in memory is one chunk.
#[derive(Debug)]
pub struct SnapshotReader<R> {
    input: R,
    offset: u64,
    checksum: B256,
    header: SnapshotHeader,
    kind: ChunkKind,
    /// Key of the last entry of this kind.
    last_key: Vec<u8>,
}

impl<R: Read> SnapshotReader<R> {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// When it is no snapshot file, of another version, or damaged.
    pub fn new(mut input: R) -> Result<Self, SnapshotError> {
        let mut mark = [0; 12];
        input.read_exact(&mut mark).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => SnapshotError::NotASnapshot,
            _ => error.into(),
        })?;
        let version = mark.strip_prefix(MAGIC).and_then(|version| version.try_into().ok());
        let got = u32::from_be_bytes(version.ok_or(SnapshotError::NotASnapshot)?);
        if got != SNAPSHOT_VERSION {
            return Err(SnapshotError::WrongVersion { got, expected: SNAPSHOT_VERSION });
        }
        let header =
            SnapshotHeader { chain_id: 0, block_number: 0, block_hash: B256::ZERO, state_root: B256::ZERO };
        let mut reader = Self {
            input,
            offset: mark.len() as u64,
            checksum: B256::ZERO,
            header,
            kind: ChunkKind::Header,
            last_key: Vec::new(),
        };
        let offset = reader.offset;
        let (kind, content) = reader.chunk()?;
        let header = SnapshotHeader::decode(&content).filter(|_| kind == ChunkKind::Header);
        reader.header =
            header.ok_or(SnapshotError::Damaged { offset, what: "the first chunk is not a header" })?;
        Ok(reader)
    }

    /// Whose state the file holds.
    pub const fn header(&self) -> &SnapshotHeader {
        &self.header
    }

    /// The entries of the next chunk, or `None` at the end. Kinds and keys are in order.
    ///
    /// # Errors
    /// When the file is damaged, ends early, or goes on after its end.
    pub fn next_chunk(&mut self) -> Result<Option<(ChunkKind, Vec<KeyValue>)>, SnapshotError> {
        let offset = self.offset;
        let damaged = |what| SnapshotError::Damaged { offset, what };
        let (kind, content) = self.chunk()?;
        if kind == ChunkKind::Header || kind < self.kind {
            return Err(damaged("its kind is out of order"));
        }
        if kind == ChunkKind::End {
            if !content.is_empty() || self.input.read(&mut [0])? != 0 {
                return Err(damaged("something follows the end"));
            }
            return Ok(None);
        }
        if kind != self.kind {
            self.kind = kind;
            self.last_key.clear();
        }
        let mut entries = Vec::new();
        let mut rest = content.as_slice();
        while !rest.is_empty() {
            let (key, value, after) = entry(rest).ok_or(damaged("an entry ends early"))?;
            if key <= self.last_key.as_slice() {
                return Err(damaged("its keys are out of order"));
            }
            self.last_key = key.to_vec();
            entries.push((key.to_vec(), value.to_vec()));
            rest = after;
        }
        Ok(Some((kind, entries)))
    }

    fn chunk(&mut self) -> Result<(ChunkKind, Vec<u8>), SnapshotError> {
        let start = self.offset;
        let damaged = |what| SnapshotError::Damaged { offset: start, what };
        let head = self.bytes(5)?;
        let (kind, length) = head.split_first().ok_or(damaged("it has no kind"))?;
        let kind = ChunkKind::from_byte(*kind).ok_or(damaged("its kind is unknown"))?;
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        if length > MAX_CHUNK_SIZE_BYTES {
            return Err(damaged("it is longer than chunks are"));
        }
        let content = self.bytes(length)?;
        let expected = checksum(self.checksum, kind, &content);
        if self.bytes(32)? != expected.as_slice() {
            return Err(damaged("its checksum is wrong"));
        }
        self.checksum = expected;
        Ok((kind, content))
    }

    /// Reads so many bytes. Memory grows with what is there, not with what is asked for.
    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, SnapshotError> {
        let mut bytes = Vec::new();
        self.input.by_ref().take(length as u64).read_to_end(&mut bytes)?;
        self.offset += bytes.len() as u64;
        if bytes.len() < length {
            return Err(SnapshotError::Truncated { offset: self.offset });
        }
        Ok(bytes)
    }
}

/// Splits off the first entry.
fn entry(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (key, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (length, rest) = rest.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    Some((key, value, rest))
}
