//! The plain interpreter: the oracle for every faster path, and the portable one.

use std::cell::Cell;

use crate::{
    InputDoesNotFit, Memory, MemoryView, PUBLIC_VALUES_SIZE_BYTES, Report, RunEnd, State, cost,
    custom::{self, Operands},
    decode::{Instruction, Operation},
    elf::Program,
    fault::Fault,
};

/// Registers `x0..x31`, then a sink for writes to `x0`; a power of two so that indexing needs no check.
type RegisterFile = [u32; 64];

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    /// How it ended.
    pub end: RunEnd,
    /// Cost of the instructions executed, the final terminate included; never over the limit given.
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

/// Runs `program` with `input_image` in its initial memory, for at most `max_cycles`.
///
/// # Errors
/// [`InputDoesNotFit`], which inputs within the protocol's limits never cause; the run itself does not fail, it ends.
pub fn run(program: &Program, input_image: &[u8], max_cycles: u64) -> Result<Run, InputDoesNotFit> {
    let mut memory = Memory::default();
    let mut view = memory.view();
    let mut state = State::start(program, input_image, &mut view)?;
    let end = run_to_end(program, &mut state, &mut view, max_cycles);
    let State { registers, pc, cycles, public_values } = state;
    Ok(Run { end, cycles, registers, pc, public_values, memory })
}

/// Runs `program` in `memory`, which must be all zero, and keeps of it what others need.
///
/// # Errors
/// [`InputDoesNotFit`], as [`run`].
pub fn report(
    program: &Program,
    memory: &mut MemoryView<'_>,
    input_image: &[u8],
    max_cycles: u64,
) -> Result<Report, InputDoesNotFit> {
    let mut state = State::start(program, input_image, memory)?;
    let end = run_to_end(program, &mut state, memory, max_cycles);
    Ok(Report::new(end, state, memory))
}

/// How many instructions a run executes, of whatever cost: what the circuit counts. One that faults is executed.
///
/// # Errors
/// [`InputDoesNotFit`], as [`run`].
pub fn count_instructions(
    program: &Program,
    input_image: &[u8],
    max_cycles: u64,
) -> Result<u64, InputDoesNotFit> {
    let mut memory = Memory::default();
    let mut view = memory.view();
    let mut state = State::start(program, input_image, &mut view)?;
    // Asked after every instruction but the one that ends the run.
    let executed = Cell::new(0);
    let end = resume(program, &mut state, &mut view, max_cycles, |_| {
        executed.set(executed.get() + 1);
        false
    });
    let last = match end {
        Some(RunEnd::OutOfCycles | RunEnd::Faulted(Fault::BadJump { .. })) | None => 0,
        Some(RunEnd::Terminated { .. } | RunEnd::Faulted(_)) => 1,
    };
    Ok(executed.get() + last)
}

/// Runs from `state` to the end of the run.
pub fn run_to_end(
    program: &Program,
    state: &mut State,
    memory: &mut MemoryView<'_>,
    max_cycles: u64,
) -> RunEnd {
    loop {
        if let Some(end) = resume(program, state, memory, max_cycles, |_| false) {
            return end;
        }
    }
}

/// Runs from `state` until the run ends or, after at least one instruction, it stands at a program counter that
/// `stop_at` names; `None` then. A faster path leaves to this function whatever it does not do itself.
pub fn resume(
    program: &Program,
    state: &mut State,
    memory: &mut MemoryView<'_>,
    max_cycles: u64,
    stop_at: impl Fn(u32) -> bool,
) -> Option<RunEnd> {
    let mut registers = [0; 64];
    registers[..32].copy_from_slice(&state.registers);
    let mut machine =
        Machine { program, registers, pc: state.pc, public_values: state.public_values, memory };
    let mut cycles = state.cycles;
    let end = machine.run(max_cycles, &mut cycles, stop_at);
    state.registers.copy_from_slice(&machine.registers[..32]);
    state.pc = machine.pc;
    state.cycles = cycles;
    state.public_values = machine.public_values;
    end
}

struct Machine<'a, 'm> {
    program: &'a Program,
    registers: RegisterFile,
    pc: u32,
    public_values: [u8; PUBLIC_VALUES_SIZE_BYTES],
    memory: &'a mut MemoryView<'m>,
}

impl Machine<'_, '_> {
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
        self.memory.load(address).map_err(|error| Fault::access(error, self.pc, address, N))
    }

    #[inline(always)]
    fn store<const N: usize>(&mut self, instruction: Instruction, value: [u8; N]) -> Result<(), Fault> {
        let address = self.get(instruction.rs1).wrapping_add(instruction.immediate as u32);
        let pc = self.pc;
        self.memory.store(address, value).map_err(|error| Fault::access(error, pc, address, N))
    }

    #[inline(always)]
    fn run(&mut self, max_cycles: u64, cycles: &mut u64, stop_at: impl Fn(u32) -> bool) -> Option<RunEnd> {
        loop {
            // A pc that is not word-aligned rotates into a huge index, so one bound check covers both faults.
            let index = self.pc.wrapping_sub(self.program.pc_base).rotate_right(2) as usize;
            let Some(&instruction) = self.program.instructions.get(index) else {
                return Some(RunEnd::Faulted(Fault::BadJump { pc: self.pc }));
            };
            // What nearly all cost is charged here, the rest of the others where they are executed: to look each cost
            // up made the interpreter a third slower.
            if *cycles >= max_cycles {
                return Some(RunEnd::OutOfCycles);
            }
            *cycles += u64::from(cost::ORDINARY_CYCLES);
            if let Err(end) = self.step(instruction, max_cycles, cycles) {
                return Some(end);
            }
            if stop_at(self.pc) {
                return None;
            }
        }
    }

    /// Executes one instruction and moves the pc, unless it ends the run: the pc stays then.
    #[inline(always)]
    fn step(&mut self, instruction: Instruction, max_cycles: u64, cycles: &mut u64) -> Result<(), RunEnd> {
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
            Terminate => return Err(RunEnd::Terminated { exit_code: immediate as u8 }),
            Reveal => self.reveal(immediate as usize, a),
            Keccakf | Xorin | Sha256 | Sha512 => {
                charge_rest(operation, max_cycles, cycles)?;
                self.custom(instruction)?;
            }
        }
        self.pc = next_pc;
        Ok(())
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
        let operands = Operands {
            destination: self.get(instruction.rd),
            first: self.get(instruction.rs1),
            second: self.get(instruction.rs2),
        };
        custom::execute(instruction.operation, operands, self.pc, self.memory)
    }
}

/// Charges what an instruction costs beyond [`cost::ORDINARY_CYCLES`], which are charged already; when that does not fit,
/// takes those back.
fn charge_rest(operation: Operation, max_cycles: u64, cycles: &mut u64) -> Result<(), RunEnd> {
    let rest = u64::from(cost::cycles(operation) - cost::ORDINARY_CYCLES);
    let fits = rest <= max_cycles.saturating_sub(*cycles);
    *cycles = if fits { *cycles + rest } else { *cycles - u64::from(cost::ORDINARY_CYCLES) };
    if fits { Ok(()) } else { Err(RunEnd::OutOfCycles) }
}
