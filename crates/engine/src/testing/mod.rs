//! For tests: an assembler of functions and an ELF builder, so that no test needs a toolchain.

pub mod random;

use ivm_primitives::limits::STACK_TOP_ADDRESS;

/// Where [`elf()`] puts the text.
pub const TEXT_ADDRESS: u32 = STACK_TOP_ADDRESS;

/// Register-register instruction.
pub const fn r_type(opcode: u32, funct3: u32, funct7: u32, rd: u32, rs1: u32, rs2: u32) -> u32 {
    funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}

/// Register-immediate instruction.
pub const fn i_type(opcode: u32, funct3: u32, rd: u32, rs1: u32, immediate: i32) -> u32 {
    (immediate as u32) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}

/// Store.
pub const fn s_type(funct3: u32, rs2: u32, rs1: u32, immediate: i32) -> u32 {
    let bits = immediate as u32;
    (bits >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (bits & 0x1f) << 7 | 0x23
}

/// Branch.
pub const fn b_type(funct3: u32, rs1: u32, rs2: u32, immediate: i32) -> u32 {
    let bits = immediate as u32;
    (bits >> 12 & 1) << 31
        | (bits >> 5 & 0x3f) << 25
        | rs2 << 20
        | rs1 << 15
        | funct3 << 12
        | (bits >> 1 & 0xf) << 8
        | (bits >> 11 & 1) << 7
        | 0x63
}

/// `alu rd, rs1, rs2`, by funct3 and funct7.
pub const fn alu(funct3: u32, funct7: u32, rd: u32, rs1: u32, rs2: u32) -> u32 {
    r_type(0x33, funct3, funct7, rd, rs1, rs2)
}

/// `alui rd, rs1, immediate`, by funct3.
pub const fn alui(funct3: u32, rd: u32, rs1: u32, immediate: i32) -> u32 {
    i_type(0x13, funct3, rd, rs1, immediate)
}

/// `addi rd, rs1, immediate`.
pub const fn addi(rd: u32, rs1: u32, immediate: i32) -> u32 {
    alui(0, rd, rs1, immediate)
}

/// Load, by funct3.
pub const fn load(funct3: u32, rd: u32, rs1: u32, immediate: i32) -> u32 {
    i_type(0x03, funct3, rd, rs1, immediate)
}

/// `lui rd, value >> 12`.
pub const fn lui(rd: u32, value: u32) -> u32 {
    value & 0xffff_f000 | rd << 7 | 0x37
}

/// `auipc rd, value >> 12`.
pub const fn auipc(rd: u32, value: u32) -> u32 {
    value & 0xffff_f000 | rd << 7 | 0x17
}

/// `jal rd, offset`.
pub const fn jal(rd: u32, offset: i32) -> u32 {
    let bits = offset as u32;
    (bits >> 20 & 1) << 31
        | (bits >> 1 & 0x3ff) << 21
        | (bits >> 11 & 1) << 20
        | (bits >> 12 & 0xff) << 12
        | rd << 7
        | 0x6f
}

/// `jalr rd, immediate(rs1)`.
pub const fn jalr(rd: u32, rs1: u32, immediate: i32) -> u32 {
    i_type(0x67, 0, rd, rs1, immediate)
}

/// Any 32-bit constant: two instructions.
pub const fn li(rd: u32, value: u32) -> [u32; 2] {
    // `addi` sign-extends its twelve bits; the upper part makes up for it.
    let low = (value << 20) as i32 >> 20;
    [lui(rd, value.wrapping_sub(low as u32)), addi(rd, rd, low)]
}

/// Ends the run.
pub const fn terminate(exit_code: u8) -> u32 {
    i_type(0x0b, 0, 0, 0, exit_code as i32)
}

/// Stores a register as a word of the public values.
pub const fn reveal(register: u32, word: u32) -> u32 {
    i_type(0x0b, 2, 0, register, 4 * word as i32)
}

/// A custom instruction with funct3 4: 0 keccakf, 1 xorin, 2 sha-256, 3 sha-512.
pub const fn custom(funct7: u32, rd: u32, rs1: u32, rs2: u32) -> u32 {
    r_type(0x0b, 4, funct7, rd, rs1, rs2)
}

/// `ebreak`.
pub const EBREAK: u32 = 0x0010_0073;
/// `ecall`.
pub const ECALL: u32 = 0x0000_0073;
/// `unimp`.
pub const UNIMP: u32 = 0xc000_1073;

/// One program header of an ELF to build.
#[derive(Clone, Debug)]
pub struct ElfSegment {
    /// `p_type`; 1 is a load segment.
    pub kind: u32,
    /// `p_vaddr`.
    pub address: u32,
    /// `p_flags`; 1 is executable.
    pub flags: u32,
    /// The bytes in the file.
    pub bytes: Vec<u8>,
    /// `p_memsz`.
    pub memory_size: u32,
}

impl ElfSegment {
    /// Readable, writable bytes.
    pub fn data(address: u32, bytes: &[u8]) -> Self {
        Self { kind: 1, address, flags: 6, bytes: bytes.to_vec(), memory_size: bytes.len() as u32 }
    }

    /// Instructions.
    pub fn text(address: u32, words: &[u32]) -> Self {
        let bytes = words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
        Self { flags: 5, ..Self::data(address, &bytes) }
    }
}

/// An ELF file to build; the fields can hold anything, so that bad files can be built too.
#[derive(Clone, Debug)]
pub struct ElfFile {
    /// `e_ident[EI_DATA]`; 1 is little-endian.
    pub data_encoding: u8,
    /// `e_type`; 2 is executable.
    pub kind: u16,
    /// `e_machine`; 243 is RISC-V.
    pub machine: u16,
    /// `e_entry`.
    pub entry: u32,
    /// The program headers.
    pub segments: Vec<ElfSegment>,
}

impl ElfFile {
    /// An ELF file as it should be.
    pub fn new(entry: u32, segments: Vec<ElfSegment>) -> Self {
        Self { data_encoding: 1, kind: 2, machine: 243, entry, segments }
    }

    /// The file's bytes.
    pub fn build(&self) -> Vec<u8> {
        const HEADER_SIZE_BYTES: u32 = 52;
        const PROGRAM_HEADER_SIZE_BYTES: u32 = 32;
        let mut file = vec![0x7f, b'E', b'L', b'F', 1, self.data_encoding, 1];
        file.resize(16, 0);
        file.extend(self.kind.to_le_bytes());
        file.extend(self.machine.to_le_bytes());
        for word in [1, self.entry, HEADER_SIZE_BYTES, 0, 0] {
            file.extend(word.to_le_bytes());
        }
        let headers = self.segments.len() as u16;
        for half in [HEADER_SIZE_BYTES as u16, PROGRAM_HEADER_SIZE_BYTES as u16, headers, 0, 0, 0] {
            file.extend(half.to_le_bytes());
        }
        let mut offset = HEADER_SIZE_BYTES + PROGRAM_HEADER_SIZE_BYTES * u32::from(headers);
        for segment in &self.segments {
            let size = segment.bytes.len() as u32;
            let ElfSegment { kind, address, flags, memory_size, .. } = *segment;
            for word in [kind, offset, address, address, size, memory_size, flags, 4] {
                file.extend(word.to_le_bytes());
            }
            offset += size;
        }
        for segment in &self.segments {
            file.extend(&segment.bytes);
        }
        file
    }
}

/// An ELF file of instructions at [`TEXT_ADDRESS`], where it starts.
pub fn elf(words: &[u32]) -> Vec<u8> {
    ElfFile::new(TEXT_ADDRESS, vec![ElfSegment::text(TEXT_ADDRESS, words)]).build()
}
