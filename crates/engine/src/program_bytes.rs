//! Programs as bytes, to be handed to another process.
//!
//! ```text
//! pc_base | text words | pc_start | input_address | segments, then of each: address | size in bytes | bytes
//! ```
//!
//! All numbers are `u32`, little-endian. The text is part of a segment, so it is not repeated.

use thiserror::Error;

use crate::{
    Program,
    decode::decode,
    elf::{MAX_LOAD_SEGMENTS, Segment},
};

/// Bytes that are not a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the bytes are no program: {problem}")]
pub struct NotAProgram {
    /// What is wrong.
    pub problem: &'static str,
}

const fn not_a_program(problem: &'static str) -> NotAProgram {
    NotAProgram { problem }
}

impl Program {
    /// Writes the program as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let size = self.segments.iter().map(|segment| 8 + segment.bytes.len()).sum::<usize>();
        let mut bytes = Vec::with_capacity(20 + size);
        let words = [self.pc_base, self.words.len() as u32, self.pc_start, self.input_address];
        for number in words.into_iter().chain([self.segments.len() as u32]) {
            bytes.extend(number.to_le_bytes());
        }
        for segment in &self.segments {
            bytes.extend(segment.address.to_le_bytes());
            bytes.extend((segment.bytes.len() as u32).to_le_bytes());
            bytes.extend(&segment.bytes);
        }
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote. Admission is not repeated: an ELF file is checked by
    /// [`from_elf`](Self::from_elf).
    ///
    /// # Errors
    /// [`NotAProgram`] for bytes that were not written so.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAProgram> {
        let mut rest = bytes;
        let [pc_base, text_words, pc_start, input_address, segment_count] = [
            number(&mut rest)?,
            number(&mut rest)?,
            number(&mut rest)?,
            number(&mut rest)?,
            number(&mut rest)?,
        ];
        if segment_count as usize > MAX_LOAD_SEGMENTS {
            return Err(not_a_program("too many segments"));
        }
        let mut segments = Vec::with_capacity(segment_count as usize);
        for _ in 0..segment_count {
            let address = number(&mut rest)?;
            let size = number(&mut rest)? as usize;
            let (bytes, behind) =
                rest.split_at_checked(size).ok_or(not_a_program("a segment is cut short"))?;
            rest = behind;
            segments.push(Segment { address, bytes: bytes.to_vec() });
        }
        if !rest.is_empty() {
            return Err(not_a_program("bytes behind the last segment"));
        }
        let text = segments
            .iter()
            .find(|segment| segment.address == pc_base)
            .and_then(|segment| segment.bytes.get(..(text_words as usize).checked_mul(4)?))
            .ok_or(not_a_program("no segment holds the text"))?;
        let words: Vec<u32> = text.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let instructions = words
            .iter()
            .map(|&word| decode(word))
            .collect::<Result<_, _>>()
            .map_err(|_| not_a_program("an instruction is not allowed"))?;
        Ok(Self { pc_base, pc_start, words, instructions, segments, input_address })
    }
}

fn number(rest: &mut &[u8]) -> Result<u32, NotAProgram> {
    let (bytes, behind) = rest.split_first_chunk::<4>().ok_or(not_a_program("cut short"))?;
    *rest = behind;
    Ok(u32::from_le_bytes(*bytes))
}
