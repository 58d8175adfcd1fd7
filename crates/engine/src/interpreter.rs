//! The plain interpreter: the oracle for every faster path, and the portable one.

use ivm_primitives::limits::ADDRESS_SPACE_SIZE_BYTES;
use thiserror::Error;

use crate::{
    PUBLIC_VALUES_SIZE_BYTES,
    decode::{Instruction, Operation},
    elf::Program,
    fault::Fault,
    memory::{AccessError, Memory},
};

/// Largest length XORIN absorbs: the rate of Keccak-256.
const MAX_XORIN_SIZE_BYTES: u32 = 136;
const KECCAK_STATE_SIZE_BYTES: usize = 200;

/// Registers `x0..x31`, then a sink for writes to `x0`; a power of two so that indexing needs no check.
type RegisterFile = [u32; 64];

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The program terminated. Only exit code 0 is provable as an outcome.
    Terminated {
        /// Its exit code.
        exit_code: u8,
    },
    /// It did something the circuit has no proof for.
    Faulted(Fault),
    /// The next instruction would exceed the limit.
    OutOfCycles,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    /// How it ended.
    pub end: RunEnd,
    /// Instructions executed, the final terminate included; never over the limit given.
    pub cycles: u64,
    /// Final registers `x0..x31`.
    pub registers: [u32; 32],
    /// Program counter at the end.
    pub pc: u32,
    /// Final public values.
    pub public_values: [u8; PUBLIC_VALUES_SIZE_BYTES],
    /// Final memory.
    pub memory: Memory,
}

/// The input image does not fit in the address space behind the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an input image of {size_bytes} bytes does not fit behind the program")]
pub struct InputDoesNotFit {
    /// Size of the image, in bytes.
    pub size_bytes: usize,
}

/// Runs `program` with `input_image` in its initial memory, for at most `max_cycles` instructions.
///
/// # Errors
/// [`InputDoesNotFit`], which inputs within the protocol's limits never cause; the run itself does not fail, it ends.
pub fn run(program: &Program, input_image: &[u8], max_cycles: u64) -> Result<Run, InputDoesNotFit> {
    let mut memory = Memory::default();
    let does_not_fit = |_| InputDoesNotFit { size_bytes: input_image.len() };
    for segment in &program.segments {
        memory.write_image(segment.address, &segment.bytes).map_err(does_not_fit)?;
    }
    memory.write_image(program.input_address, input_image).map_err(does_not_fit)?;
    let mut machine = Machine {
        program,
        registers: [0; 64],
        pc: program.pc_start,
        public_values: [0; PUBLIC_VALUES_SIZE_BYTES],
        memory,
    };
    let mut cycles = 0;
    let end = machine.run(max_cycles, &mut cycles);
    let mut registers = [0; 32];
    registers.copy_from_slice(&machine.registers[..32]);
    Ok(Run {
        end,
        cycles,
        registers,
        pc: machine.pc,
        public_values: machine.public_values,
        memory: machine.memory,
    })
}

struct Machine<'a> {
    program: &'a Program,
    registers: RegisterFile,
    pc: u32,
    public_values: [u8; PUBLIC_VALUES_SIZE_BYTES],
    memory: Memory,
}

fn access_fault(error: AccessError, pc: u32, address: u32, size: u32) -> Fault {
    match error {
        AccessError::Unaligned => Fault::UnalignedAccess { pc, address, size },
        AccessError::OutOfBounds => Fault::OutOfBounds { pc, address, size },
    }
}

impl Machine<'_> {
    #[inline(always)]
    fn get(&self, register: u8) -> u32 {
        self.registers[usize::from(register & 63)]
    }

    #[inline(always)]
    fn set(&mut self, register: u8, value: u32) {
        self.registers[usize::from(register & 63)] = value;
    }

    #[inline(always)]
    fn load<const N: usize>(&self, instruction: Instruction) -> Result<[u8; N], Fault> {
        let address = self.get(instruction.rs1).wrapping_add(instruction.immediate as u32);
        self.memory.load(address).map_err(|error| access_fault(error, self.pc, address, N as u32))
    }

    #[inline(always)]
    fn store<const N: usize>(&mut self, instruction: Instruction, value: [u8; N]) -> Result<(), Fault> {
        let address = self.get(instruction.rs1).wrapping_add(instruction.immediate as u32);
        let pc = self.pc;
        self.memory.store(address, value).map_err(|error| access_fault(error, pc, address, N as u32))
    }

    fn block(&self, address: u32, size: usize) -> Result<&[u8], Fault> {
        self.memory.block(address, size).map_err(|error| access_fault(error, self.pc, address, size as u32))
    }

    fn block_mut(&mut self, address: u32, size: usize) -> Result<&mut [u8], Fault> {
        let pc = self.pc;
        self.memory.block_mut(address, size).map_err(|error| access_fault(error, pc, address, size as u32))
    }

    fn run(&mut self, max_cycles: u64, cycles: &mut u64) -> RunEnd {
        loop {
            // A pc that is not word-aligned rotates into a huge index, so one bound check covers both faults.
            let index = self.pc.wrapping_sub(self.program.pc_base).rotate_right(2) as usize;
            let Some(&instruction) = self.program.instructions.get(index) else {
                return RunEnd::Faulted(Fault::BadJump { pc: self.pc });
            };
            if *cycles == max_cycles {
                return RunEnd::OutOfCycles;
            }
            *cycles += 1;
            match self.step(instruction) {
                Ok(None) => {}
                Ok(Some(exit_code)) => return RunEnd::Terminated { exit_code },
                Err(fault) => return RunEnd::Faulted(fault),
            }
        }
    }

    /// Executes one instruction and moves the pc; `Some` exit code on terminate. On a fault the pc stays.
    #[inline(always)]
    fn step(&mut self, instruction: Instruction) -> Result<Option<u8>, Fault> {
        use Operation::*;
        let Instruction { operation, rd, rs1, rs2, immediate } = instruction;
        let (a, b) = (self.get(rs1), self.get(rs2));
        let unsigned_immediate = immediate as u32;
        let mut next_pc = self.pc.wrapping_add(4);
        match operation {
            Add => self.set(rd, a.wrapping_add(b)),
            Sub => self.set(rd, a.wrapping_sub(b)),
            Xor => self.set(rd, a ^ b),
            Or => self.set(rd, a | b),
            And => self.set(rd, a & b),
            Sll => self.set(rd, a.wrapping_shl(b)),
            Srl => self.set(rd, a.wrapping_shr(b)),
            Sra => self.set(rd, (a as i32).wrapping_shr(b) as u32),
            Slt => self.set(rd, u32::from((a as i32) < b as i32)),
            Sltu => self.set(rd, u32::from(a < b)),
            Addi => self.set(rd, a.wrapping_add(unsigned_immediate)),
            Xori => self.set(rd, a ^ unsigned_immediate),
            Ori => self.set(rd, a | unsigned_immediate),
            Andi => self.set(rd, a & unsigned_immediate),
            Slli => self.set(rd, a.wrapping_shl(unsigned_immediate)),
            Srli => self.set(rd, a.wrapping_shr(unsigned_immediate)),
            Srai => self.set(rd, (a as i32).wrapping_shr(unsigned_immediate) as u32),
            Slti => self.set(rd, u32::from((a as i32) < immediate)),
            Sltiu => self.set(rd, u32::from(a < unsigned_immediate)),
            Mul => self.set(rd, a.wrapping_mul(b)),
            Mulh => self.set(rd, ((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32),
            Mulhsu => self.set(rd, ((i64::from(a as i32) * i64::from(b)) >> 32) as u32),
            Mulhu => self.set(rd, ((u64::from(a) * u64::from(b)) >> 32) as u32),
            Div => self.set(rd, if b == 0 { u32::MAX } else { (a as i32).wrapping_div(b as i32) as u32 }),
            Divu => self.set(rd, a.checked_div(b).unwrap_or(u32::MAX)),
            Rem => self.set(rd, if b == 0 { a } else { (a as i32).wrapping_rem(b as i32) as u32 }),
            Remu => self.set(rd, a.checked_rem(b).unwrap_or(a)),
            Lb => {
                let [byte] = self.load::<1>(instruction)?;
                self.set(rd, i32::from(byte as i8) as u32);
            }
            Lh => {
                let half = self.load::<2>(instruction)?;
                self.set(rd, i32::from(i16::from_le_bytes(half)) as u32);
            }
            Lw => {
                let word = self.load::<4>(instruction)?;
                self.set(rd, u32::from_le_bytes(word));
            }
            Lbu => {
                let [byte] = self.load::<1>(instruction)?;
                self.set(rd, u32::from(byte));
            }
            Lhu => {
                let half = self.load::<2>(instruction)?;
                self.set(rd, u32::from(u16::from_le_bytes(half)));
            }
            Sb => self.store(instruction, [b as u8])?,
            Sh => self.store(instruction, (b as u16).to_le_bytes())?,
            Sw => self.store(instruction, b.to_le_bytes())?,
            Beq | Bne | Blt | Bge | Bltu | Bgeu => {
                let taken = match operation {
                    Beq => a == b,
                    Bne => a != b,
                    Blt => (a as i32) < b as i32,
                    Bge => a as i32 >= b as i32,
                    Bltu => a < b,
                    _ => a >= b,
                };
                if taken {
                    next_pc = self.pc.wrapping_add(unsigned_immediate);
                }
            }
            Lui => self.set(rd, unsigned_immediate),
            Auipc => self.set(rd, self.pc.wrapping_add(unsigned_immediate)),
            Jal => {
                self.set(rd, next_pc);
                next_pc = self.pc.wrapping_add(unsigned_immediate);
            }
            Jalr => {
                self.set(rd, next_pc);
                next_pc = a.wrapping_add(unsigned_immediate) & !1;
            }
            Nop => {}
            Terminate => return Ok(Some(immediate as u8)),
            Reveal => self.reveal(immediate as usize, a),
            Keccakf | Xorin | Sha256 | Sha512 => self.custom(instruction)?,
        }
        self.pc = next_pc;
        Ok(None)
    }

    /// The decoder lets words of the public values through only.
    #[cold]
    fn reveal(&mut self, offset: usize, word: u32) {
        if let Some(bytes) = self.public_values.get_mut(offset..offset + 4) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
    }

    #[inline(never)]
    fn custom(&mut self, instruction: Instruction) -> Result<(), Fault> {
        let destination = self.get(instruction.rd);
        let (first, second) = (self.get(instruction.rs1), self.get(instruction.rs2));
        match instruction.operation {
            Operation::Keccakf => self.keccakf(destination),
            Operation::Xorin => self.xorin(destination, first, second),
            Operation::Sha256 => self.sha256(destination, first, second),
            _ => self.sha512(destination, first, second),
        }
    }

    fn keccakf(&mut self, address: u32) -> Result<(), Fault> {
        let bytes = self.block_mut(address, KECCAK_STATE_SIZE_BYTES)?;
        let mut lanes = [0_u64; 25];
        for (lane, bytes) in lanes.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *lane = u64::from_le_bytes(*bytes);
        }
        keccak::f1600(&mut lanes);
        for (lane, bytes) in lanes.iter().zip(bytes.as_chunks_mut::<8>().0) {
            *bytes = lane.to_le_bytes();
        }
        Ok(())
    }

    fn xorin(&mut self, buffer: u32, input: u32, length: u32) -> Result<(), Fault> {
        if length > MAX_XORIN_SIZE_BYTES || !length.is_multiple_of(4) {
            return Err(Fault::XorinLength { pc: self.pc, length });
        }
        if length == 0 {
            // The circuit touches no memory then, and checks the range of both pointers all the same.
            let out_of_bounds = |address| Fault::OutOfBounds { pc: self.pc, address, size: 0 };
            return [buffer, input]
                .into_iter()
                .find(|&address| address as usize >= ADDRESS_SPACE_SIZE_BYTES)
                .map_or(Ok(()), |address| Err(out_of_bounds(address)));
        }
        let input = self.block(input, length as usize)?.to_vec();
        for (byte, other) in self.block_mut(buffer, length as usize)?.iter_mut().zip(input) {
            *byte ^= other;
        }
        Ok(())
    }

    fn sha256(&mut self, destination: u32, state: u32, input: u32) -> Result<(), Fault> {
        let mut words = [0_u32; 8];
        for (word, bytes) in words.iter_mut().zip(self.block(state, 32)?.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let mut block = [0_u8; 64];
        block.copy_from_slice(self.block(input, 64)?);
        sha2::compress256(&mut words, &[block.into()]);
        for (word, bytes) in words.iter().zip(self.block_mut(destination, 32)?.as_chunks_mut::<4>().0) {
            *bytes = word.to_le_bytes();
        }
        Ok(())
    }

    fn sha512(&mut self, destination: u32, state: u32, input: u32) -> Result<(), Fault> {
        let mut words = [0_u64; 8];
        for (word, bytes) in words.iter_mut().zip(self.block(state, 64)?.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        let mut block = [0_u8; 128];
        block.copy_from_slice(self.block(input, 128)?);
        sha2::compress512(&mut words, &[block.into()]);
        for (word, bytes) in words.iter().zip(self.block_mut(destination, 64)?.as_chunks_mut::<8>().0) {
            *bytes = word.to_le_bytes();
        }
        Ok(())
    }
}
