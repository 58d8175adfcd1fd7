//! Instruction words to internal form, and the allowed set.
//!
//! Allowed: RV32IM; `fence` (does nothing); `ecall`/`ebreak`/CSR access (each ends the run with exit code 2, so that
//! an `unimp` after a diverging call can never be run past); and, under custom-0 (`0x0b`), terminate, reveal,
//! keccak-f, xorin, sha-256 and sha-512 compression, each in the encodings the circuit can prove. **There is no hint instruction**: a program has no source of data
//! beside its input, so an outcome is a function of program and input. Everything else is refused at admission.

use thiserror::Error;

const OPCODE_LOAD: u32 = 0x03;
const OPCODE_CUSTOM_0: u32 = 0x0b;
const OPCODE_FENCE: u32 = 0x0f;
const OPCODE_ALU_IMMEDIATE: u32 = 0x13;
const OPCODE_AUIPC: u32 = 0x17;
const OPCODE_STORE: u32 = 0x23;
const OPCODE_ALU: u32 = 0x33;
const OPCODE_LUI: u32 = 0x37;
const OPCODE_BRANCH: u32 = 0x63;
const OPCODE_JALR: u32 = 0x67;
const OPCODE_JAL: u32 = 0x6f;
/// `ecall`, `ebreak` and CSR access.
pub const OPCODE_SYSTEM: u32 = 0x73;

/// Writes to `x0` go to this slot, which nothing reads.
pub(crate) const SINK_REGISTER: u8 = 32;

/// Where a reveal may write: the words of the public values.
const REVEAL_OFFSETS: [i32; 8] = [0, 4, 8, 12, 16, 20, 24, 28];

/// What an instruction does. Names are the RISC-V mnemonics.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Operation {
    Add,
    Sub,
    Xor,
    Or,
    And,
    Sll,
    Srl,
    Sra,
    Slt,
    Sltu,
    Addi,
    Xori,
    Ori,
    Andi,
    Slli,
    Srli,
    Srai,
    Slti,
    Sltiu,
    Mul,
    Mulh,
    Mulhsu,
    Mulhu,
    Div,
    Divu,
    Rem,
    Remu,
    Lb,
    Lh,
    Lw,
    Lbu,
    Lhu,
    Sb,
    Sh,
    Sw,
    Beq,
    Bne,
    Blt,
    Bge,
    Bltu,
    Bgeu,
    Lui,
    Auipc,
    Jal,
    Jalr,
    Nop,
    /// Ends the run; the immediate is the exit code.
    Terminate,
    /// Stores `rs1` at `immediate` of the public values.
    Reveal,
    /// Keccak-f\[1600\] on the 200 bytes at `[rd]`.
    Keccakf,
    /// XORs `[rs2]` bytes at `[rs1]` into `[rd]`.
    Xorin,
    /// SHA-256 compression: state at `[rs1]`, block at `[rs2]`, result to `[rd]`.
    Sha256,
    /// SHA-512 compression: state at `[rs1]`, block at `[rs2]`, result to `[rd]`.
    Sha512,
}

/// One decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub operation: Operation,
    /// Destination register (a source for stores' base and the custom instructions).
    pub rd: u8,
    /// First source register.
    pub rs1: u8,
    /// Second source register.
    pub rs2: u8,
    /// Sign-extended immediate, shift amount or exit code.
    pub immediate: i32,
}

/// A word outside the allowed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// A hint or phantom instruction: data from outside the committed input.
    #[error("hint instruction {word:#010x}: programs read their input from memory, hints do not exist here")]
    Hint {
        /// The word.
        word: u32,
    },
    /// Any other word outside the allowed set.
    #[error("instruction {word:#010x} is outside the allowed set")]
    NotAllowed {
        /// The word.
        word: u32,
    },
}

fn immediate_i(word: u32) -> i32 {
    word as i32 >> 20
}

fn immediate_s(word: u32) -> i32 {
    ((word as i32 >> 20) & !0x1f) | ((word >> 7) & 0x1f) as i32
}

fn immediate_b(word: u32) -> i32 {
    let sign = (word as i32 >> 31) << 12;
    sign | (((word >> 7) & 1) << 11 | ((word >> 25) & 0x3f) << 5 | ((word >> 8) & 0xf) << 1) as i32
}

fn immediate_j(word: u32) -> i32 {
    let sign = (word as i32 >> 31) << 20;
    sign | ((word & 0x000f_f000) | ((word >> 20) & 1) << 11 | ((word >> 21) & 0x3ff) << 1) as i32
}

/// Decodes one word.
///
/// # Errors
/// [`DecodeError`] when it is outside the allowed set.
pub fn decode(word: u32) -> Result<Instruction, DecodeError> {
    use Operation::*;
    let not_allowed = DecodeError::NotAllowed { word };
    let funct3 = (word >> 12) & 0x7;
    let funct7 = word >> 25;
    let rd = ((word >> 7) & 0x1f) as u8;
    let rs1 = ((word >> 15) & 0x1f) as u8;
    let rs2 = ((word >> 20) & 0x1f) as u8;
    let written = if rd == 0 { SINK_REGISTER } else { rd };
    let instruction = |operation, rd, immediate| Ok(Instruction { operation, rd, rs1, rs2, immediate });

    match word & 0x7f {
        OPCODE_ALU => {
            let operation = match (funct7, funct3) {
                (0x00, 0) => Add,
                (0x20, 0) => Sub,
                (0x00, 1) => Sll,
                (0x00, 2) => Slt,
                (0x00, 3) => Sltu,
                (0x00, 4) => Xor,
                (0x00, 5) => Srl,
                (0x20, 5) => Sra,
                (0x00, 6) => Or,
                (0x00, 7) => And,
                (0x01, 0) => Mul,
                (0x01, 1) => Mulh,
                (0x01, 2) => Mulhsu,
                (0x01, 3) => Mulhu,
                (0x01, 4) => Div,
                (0x01, 5) => Divu,
                (0x01, 6) => Rem,
                (0x01, 7) => Remu,
                _ => return Err(not_allowed),
            };
            instruction(operation, written, 0)
        }
        OPCODE_ALU_IMMEDIATE => {
            let (operation, immediate) = match (funct3, funct7) {
                (0, _) => (Addi, immediate_i(word)),
                (2, _) => (Slti, immediate_i(word)),
                (3, _) => (Sltiu, immediate_i(word)),
                (4, _) => (Xori, immediate_i(word)),
                (6, _) => (Ori, immediate_i(word)),
                (7, _) => (Andi, immediate_i(word)),
                (1, 0x00) => (Slli, i32::from(rs2)),
                (5, 0x00) => (Srli, i32::from(rs2)),
                (5, 0x20) => (Srai, i32::from(rs2)),
                _ => return Err(not_allowed),
            };
            instruction(operation, written, immediate)
        }
        OPCODE_LOAD => {
            let operation = match funct3 {
                0 => Lb,
                1 => Lh,
                2 => Lw,
                4 => Lbu,
                5 => Lhu,
                _ => return Err(not_allowed),
            };
            instruction(operation, written, immediate_i(word))
        }
        OPCODE_STORE => {
            let operation = match funct3 {
                0 => Sb,
                1 => Sh,
                2 => Sw,
                _ => return Err(not_allowed),
            };
            instruction(operation, rd, immediate_s(word))
        }
        OPCODE_BRANCH => {
            let operation = match funct3 {
                0 => Beq,
                1 => Bne,
                4 => Blt,
                5 => Bge,
                6 => Bltu,
                7 => Bgeu,
                _ => return Err(not_allowed),
            };
            instruction(operation, rd, immediate_b(word))
        }
        OPCODE_LUI => instruction(Lui, written, (word & 0xffff_f000) as i32),
        OPCODE_AUIPC => instruction(Auipc, written, (word & 0xffff_f000) as i32),
        OPCODE_JAL => instruction(Jal, written, immediate_j(word)),
        OPCODE_JALR if funct3 == 0 => instruction(Jalr, written, immediate_i(word)),
        OPCODE_FENCE if funct3 == 0 => instruction(Nop, SINK_REGISTER, 0),
        OPCODE_SYSTEM => instruction(Terminate, rd, i32::from(crate::SYSTEM_INSTRUCTION_EXIT_CODE)),
        OPCODE_CUSTOM_0 => match (funct3, funct7) {
            // Only the byte the circuit's program table can hold.
            (0, _) if (0..=0xff).contains(&immediate_i(word)) => {
                instruction(Terminate, rd, immediate_i(word))
            }
            // Only at a fixed offset of the public values. The circuit would prove a write past them too, so a
            // computed offset could make a run provable that has no outcome here.
            (2, _) if rd == 0 && REVEAL_OFFSETS.contains(&immediate_i(word)) => {
                instruction(Reveal, rd, immediate_i(word))
            }
            // The circuit has a proof only for zeros in the unused fields.
            (4, 0) if rs1 == 0 && rs2 == 0 => instruction(Keccakf, rd, 0),
            (4, 1) => instruction(Xorin, rd, 0),
            (4, 2) => instruction(Sha256, rd, 0),
            (4, 3) => instruction(Sha512, rd, 0),
            (1 | 3, _) => Err(DecodeError::Hint { word }),
            _ => Err(not_allowed),
        },
        _ => Err(not_allowed),
    }
}
