//! ELF files to programs.
//!
//! Accepted: ELF32, little-endian, RISC-V, executable; load segments word-aligned, disjoint, between the stack and
//! [`PROGRAM_END_LIMIT_ADDRESS`]; one contiguous text of allowed instructions holding the entry point. Every bound is
//! checked before anything is allocated, so hostile bytes cost no more than their own size.

use elf::{
    ElfBytes,
    abi::{EM_RISCV, ET_EXEC, PF_X, PT_LOAD},
    endian::LittleEndian,
    file::Class,
};
use ivm_primitives::{
    input::input_address,
    limits::{PROGRAM_END_LIMIT_ADDRESS, STACK_TOP_ADDRESS},
};
use thiserror::Error;

use crate::decode::{DecodeError, Instruction, decode};

/// Most load segments a program may have.
pub const MAX_LOAD_SEGMENTS: usize = 16;

/// Why an ELF file is refused.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ElfError {
    /// Not an ELF file, or cut short.
    #[error("not a readable ELF file: {0}")]
    Malformed(String),
    /// Some header field has another value than it must.
    #[error("ELF {field} is {got}, expected {expected}")]
    Header {
        /// Field name.
        field: &'static str,
        /// Value found.
        got: String,
        /// Value wanted.
        expected: &'static str,
    },
    /// A load segment is unaligned, out of the program area, overlapping, or cut short.
    #[error("load segment at {address:#010x} ({size_bytes} bytes): {problem}")]
    Segment {
        /// Where it loads.
        address: u64,
        /// Its size in memory.
        size_bytes: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// Too many load segments.
    #[error("{got} load segments, the limit is {MAX_LOAD_SEGMENTS}")]
    TooManySegments {
        /// Segments found.
        got: usize,
    },
    /// No executable segment.
    #[error("no executable segment")]
    NoText,
    /// The entry point is not an instruction of the text.
    #[error("entry point {got:#010x} is not an instruction of the text")]
    EntryPoint {
        /// Entry point found.
        got: u64,
    },
    /// The text holds a word outside the allowed set.
    #[error("at {address:#010x}: {error}")]
    Instruction {
        /// Where the word stands.
        address: u32,
        /// Why it is refused.
        error: DecodeError,
    },
}

/// Bytes loaded at an address before a run. Words past a segment's file bytes are zero and not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where the bytes go.
    pub address: u32,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A decoded program: what the interpreter runs and the circuit's executable is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Address of the first instruction.
    pub pc_base: u32,
    /// Where execution starts.
    pub pc_start: u32,
    /// The text, as words.
    pub words: Vec<u32>,
    /// The text, decoded; same length as `words`.
    pub instructions: Vec<Instruction>,
    /// The initial data image (text included: programs may read their own code).
    pub segments: Vec<Segment>,
    /// Where the input image goes.
    pub input_address: u32,
}

struct LoadSegment<'a> {
    address: u32,
    end: u32,
    bytes: &'a [u8],
    memory_size: u32,
    executable: bool,
}

impl Program {
    /// Reads and checks an ELF file.
    ///
    /// # Errors
    /// [`ElfError`] saying what was found and what was expected.
    pub fn from_elf(file: &[u8]) -> Result<Self, ElfError> {
        let malformed = |error: elf::ParseError| ElfError::Malformed(error.to_string());
        let elf = ElfBytes::<LittleEndian>::minimal_parse(file).map_err(malformed)?;
        check_header(&elf)?;

        let headers = elf.segments().ok_or_else(|| ElfError::Malformed("no program headers".into()))?;
        let mut loads = Vec::new();
        for header in headers.iter().filter(|header| header.p_type == PT_LOAD && header.p_memsz > 0) {
            if loads.len() == MAX_LOAD_SEGMENTS {
                return Err(ElfError::TooManySegments { got: loads.len() + 1 });
            }
            loads.push(load_segment(file, &header)?);
        }
        loads.sort_by_key(|load| load.address);
        check_disjoint(&loads)?;

        let (pc_base, words) = text(&loads)?;
        let entry = elf.ehdr.e_entry;
        let offset = entry.wrapping_sub(u64::from(pc_base));
        if entry < u64::from(pc_base) || !offset.is_multiple_of(4) || offset / 4 >= words.len() as u64 {
            return Err(ElfError::EntryPoint { got: entry });
        }
        let instructions = decode_text(pc_base, &words)?;
        let segments =
            loads.iter().map(|load| Segment { address: load.address, bytes: load.bytes.to_vec() }).collect();
        let end = loads.last().map_or(pc_base, |load| load.end);
        Ok(Self {
            pc_base,
            pc_start: entry as u32,
            words,
            instructions,
            segments,
            input_address: input_address(end),
        })
    }
}

fn check_header(elf: &ElfBytes<'_, LittleEndian>) -> Result<(), ElfError> {
    if elf.ehdr.class != Class::ELF32 {
        return Err(ElfError::Header {
            field: "class",
            got: format!("{:?}", elf.ehdr.class),
            expected: "ELF32",
        });
    }
    if elf.ehdr.e_machine != EM_RISCV {
        return Err(ElfError::Header {
            field: "machine",
            got: elf.ehdr.e_machine.to_string(),
            expected: "243 (RISC-V)",
        });
    }
    if elf.ehdr.e_type != ET_EXEC {
        return Err(ElfError::Header {
            field: "type",
            got: elf.ehdr.e_type.to_string(),
            expected: "2 (executable)",
        });
    }
    Ok(())
}

fn load_segment<'a>(
    file: &'a [u8],
    header: &elf::segment::ProgramHeader,
) -> Result<LoadSegment<'a>, ElfError> {
    let refuse = |problem| ElfError::Segment { address: header.p_vaddr, size_bytes: header.p_memsz, problem };
    if !header.p_vaddr.is_multiple_of(4) {
        return Err(refuse("address is not word-aligned"));
    }
    if header.p_filesz > header.p_memsz {
        return Err(refuse("has more bytes in the file than in memory"));
    }
    let end = header
        .p_vaddr
        .checked_add(header.p_memsz)
        .filter(|&end| end <= u64::from(PROGRAM_END_LIMIT_ADDRESS))
        .ok_or_else(|| refuse("reaches past 0x01000000, the end of the program area"))?;
    if header.p_vaddr < u64::from(STACK_TOP_ADDRESS) {
        return Err(refuse("starts below 0x00100000, in the stack"));
    }
    let file_end =
        header.p_offset.checked_add(header.p_filesz).ok_or_else(|| refuse("file range overflows"))?;
    let bytes = file
        .get(header.p_offset as usize..file_end as usize)
        .ok_or_else(|| refuse("its bytes are past the end of the file"))?;
    Ok(LoadSegment {
        address: header.p_vaddr as u32,
        end: end as u32,
        bytes,
        memory_size: header.p_memsz as u32,
        executable: header.p_flags & PF_X != 0,
    })
}

fn check_disjoint(loads: &[LoadSegment<'_>]) -> Result<(), ElfError> {
    for pair in loads.windows(2) {
        // Words are the unit of the memory image, so a shared word is an overlap too.
        if pair[0].end.next_multiple_of(4) > pair[1].address {
            return Err(ElfError::Segment {
                address: u64::from(pair[1].address),
                size_bytes: u64::from(pair[1].memory_size),
                problem: "overlaps the segment before it",
            });
        }
    }
    Ok(())
}

fn text(loads: &[LoadSegment<'_>]) -> Result<(u32, Vec<u32>), ElfError> {
    let mut executable = loads.iter().filter(|load| load.executable);
    let first = executable.next().ok_or(ElfError::NoText)?;
    let refuse = |load: &LoadSegment<'_>, problem| ElfError::Segment {
        address: u64::from(load.address),
        size_bytes: u64::from(load.memory_size),
        problem,
    };
    if let Some(second) = executable.next() {
        return Err(refuse(second, "is a second executable segment; one is allowed"));
    }
    if first.bytes.len() as u32 != first.memory_size || !first.memory_size.is_multiple_of(4) {
        return Err(refuse(first, "executable segment is not whole words of file bytes"));
    }
    let words = first.bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    Ok((first.address, words))
}

fn decode_text(pc_base: u32, words: &[u32]) -> Result<Vec<Instruction>, ElfError> {
    let mut instructions = Vec::with_capacity(words.len());
    for (index, &word) in words.iter().enumerate() {
        let address = pc_base + 4 * index as u32;
        instructions.push(decode(word).map_err(|error| ElfError::Instruction { address, error })?);
    }
    Ok(instructions)
}
