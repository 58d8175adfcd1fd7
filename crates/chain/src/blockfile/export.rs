//! Exporting blocks to a file.

use std::io::Write;
use std::ops::RangeInclusive;

use alloy_eips::BlockId;

use super::error::ExportError;
use crate::chain::Chain;
use crate::error::ChainError;

/// How far an export has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportProgress {
    /// Blocks written.
    pub blocks: u64,
    /// Bytes written.
    pub bytes: u64,
}

impl Chain {
    /// Writes the chain's blocks with these numbers in RLP, one after another, and flushes. `progress` is told after every
    /// block.
    ///
    /// # Errors
    /// When the range is not within the chain, or the file cannot be written.
    pub fn export_file(
        &self,
        mut writer: impl Write,
        range: RangeInclusive<u64>,
        progress: &mut dyn FnMut(&ExportProgress),
    ) -> Result<ExportProgress, ExportError> {
        let (first, last, head) = (*range.start(), *range.end(), self.head().block.number());
        if first > last || last > head {
            return Err(ExportError::Range { first, last, head });
        }
        let mut done = ExportProgress::default();
        for number in range {
            let id = BlockId::number(number);
            let block = self.block(id)?.ok_or(ChainError::UnknownBlock(id))?;
            let rlp = alloy_rlp::encode(block.to_block());
            writer.write_all(&rlp).map_err(|source| ExportError::Write { number, source })?;
            done.blocks += 1;
            done.bytes += rlp.len() as u64;
            progress(&done);
        }
        writer.flush().map_err(|source| ExportError::Write { number: last, source })?;
        Ok(done)
    }
}
