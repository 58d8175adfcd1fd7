//! Reading a file block by block.

use std::io::{self, Read};

use alloy_consensus::{Block, Header, TxEnvelope};
use alloy_rlp::Decodable;

use super::error::BlockFileError;

/// First byte of the shortest list.
const SHORT_LIST: u8 = 0xc0;
/// First byte of the first list whose length has bytes of its own.
const LONG_LIST: u8 = 0xf8;

/// A block as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileBlock {
    /// Where it begins, in bytes from the file's beginning.
    pub offset: u64,
    /// Its RLP.
    pub rlp: Vec<u8>,
}

impl FileBlock {
    /// The block. Of the ways to write one down only its own encoding is taken: the decoder lets some others pass, such as
    /// signatures whose parity is written as before EIP-2718.
    ///
    /// # Errors
    /// [`BlockFileError::Malformed`].
    pub fn decode(&self) -> Result<Block<TxEnvelope>, BlockFileError> {
        let malformed =
            |reason| BlockFileError::Malformed { offset: self.offset, number: self.number(), reason };
        let block: Block<TxEnvelope> =
            alloy_rlp::decode_exact(&self.rlp).map_err(|error| malformed(error.to_string()))?;
        if alloy_rlp::encode(&block) != self.rlp {
            return Err(malformed("it is not encoded as its contents are".to_owned()));
        }
        Ok(block)
    }

    /// The number in the header, when that much decodes.
    fn number(&self) -> Option<u64> {
        let mut rest = self.rlp.as_slice();
        alloy_rlp::Header::decode(&mut rest).ok()?;
        Header::decode(&mut rest).ok().map(|header| header.number)
    }
}

/// Reads blocks from a file one at a time. It holds one block, whose length is checked before there is any memory for it.
#[derive(Debug)]
pub struct BlockFileReader<R> {
    reader: R,
    /// Bytes read.
    offset: u64,
    max_block_size_bytes: usize,
    has_failed: bool,
}

impl<R: Read> BlockFileReader<R> {
    /// Reads blocks of at most this many bytes.
    pub const fn new(reader: R, max_block_size_bytes: usize) -> Self {
        Self { reader, offset: 0, max_block_size_bytes, has_failed: false }
    }

    fn next_block(&mut self) -> Result<Option<FileBlock>, BlockFileError> {
        let offset = self.offset;
        let mut rlp = Vec::new();
        self.read_up_to(1, &mut rlp)?;
        let Some(first) = rlp.first().copied() else {
            return Ok(None);
        };
        if first < SHORT_LIST {
            return Err(BlockFileError::NotABlock { offset, got: format!("byte {first:#04x}") });
        }
        let payload = match first.checked_sub(LONG_LIST - 1) {
            Some(count @ 1..) => self.long_length(offset, count, &mut rlp)?,
            _ => u64::from(first - SHORT_LIST),
        };
        let expected = payload.saturating_add(rlp.len() as u64);
        let limit = self.max_block_size_bytes;
        if expected > limit as u64 {
            return Err(BlockFileError::Oversized { offset, got: expected, limit });
        }
        self.read_up_to(payload, &mut rlp)?;
        if (rlp.len() as u64) < expected {
            return Err(BlockFileError::Truncated { offset, got: rlp.len() as u64, expected });
        }
        Ok(Some(FileBlock { offset, rlp }))
    }

    /// The length that the next `count` bytes give.
    fn long_length(&mut self, offset: u64, count: u8, rlp: &mut Vec<u8>) -> Result<u64, BlockFileError> {
        self.read_up_to(u64::from(count), rlp)?;
        let digits = &rlp[1..];
        if digits.len() < usize::from(count) {
            let expected = u64::from(count) + 1;
            return Err(BlockFileError::Truncated { offset, got: rlp.len() as u64, expected });
        }
        Ok(digits.iter().fold(0, |length, digit| length << 8 | u64::from(*digit)))
    }

    /// Appends the next `count` bytes, fewer at the end of the file.
    fn read_up_to(&mut self, count: u64, rlp: &mut Vec<u8>) -> Result<(), BlockFileError> {
        let read = self.reader.by_ref().take(count).read_to_end(rlp);
        let read = read.map_err(|source: io::Error| BlockFileError::Read { offset: self.offset, source })?;
        self.offset += read as u64;
        Ok(())
    }
}

impl<R: Read> Iterator for BlockFileReader<R> {
    type Item = Result<FileBlock, BlockFileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let next = self.next_block().transpose();
        self.has_failed = matches!(next, Some(Err(_)));
        next
    }
}
