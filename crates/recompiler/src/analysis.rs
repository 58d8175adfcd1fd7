//! What the compiler must know of a whole program before it emits code: where blocks start, which of those starts a
//! jump may reach, and which registers are used most.
//!
//! None of it is relied upon for correctness: a jump to a place that is not an entry goes on in the interpreter.

use ivm_engine::{
    Program,
    decode::{Instruction, Operation},
};

/// Distance, in instructions, over which a backward jump is taken for a loop.
const LONGEST_LOOP: usize = 4096;
/// Each loop around an instruction makes its registers this much more wanted, up to [`DEEPEST_LOOP`].
const LOOP_WEIGHT: u64 = 8;
const DEEPEST_LOOP: u32 = 4;

/// What is known of a program.
pub(crate) struct Analysis {
    /// For each instruction, whether code may be entered there.
    pub(crate) entries: Vec<bool>,
    /// Registers `x1..x31`, the most used first.
    pub(crate) registers_by_use: Vec<u8>,
}

impl Analysis {
    pub(crate) fn of(program: &Program) -> Self {
        Self { entries: entries(program), registers_by_use: registers_by_use(program) }
    }
}

/// Index of the instruction at `pc`, if there is one.
pub(crate) fn index_of(program: &Program, pc: u32) -> Option<usize> {
    let index = pc.wrapping_sub(program.pc_base).rotate_right(2) as usize;
    (index < program.instructions.len()).then_some(index)
}

/// Address of an instruction.
pub(crate) const fn pc_of(program: &Program, index: usize) -> u32 {
    program.pc_base.wrapping_add(4 * index as u32)
}

/// Whether the instruction is a conditional branch.
pub(crate) const fn is_branch(operation: Operation) -> bool {
    use Operation::*;
    matches!(operation, Beq | Bne | Blt | Bge | Bltu | Bgeu)
}

/// Whether a block ends after the instruction.
pub(crate) const fn ends_block(operation: Operation) -> bool {
    use Operation::*;
    is_branch(operation) || matches!(operation, Jal | Jalr | Terminate | Reveal)
}

/// Where a branch or `jal` at `index` goes.
pub(crate) fn static_target(program: &Program, index: usize) -> u32 {
    pc_of(program, index).wrapping_add(program.instructions[index].immediate as u32)
}

/// Jump targets, places calls return to, and code addresses found in data and in constants.
fn entries(program: &Program) -> Vec<bool> {
    let mut entries = vec![false; program.instructions.len()];
    let mut mark = |pc: u32| {
        if let Some(index) = index_of(program, pc) {
            entries[index] = true;
        }
    };
    mark(program.pc_start);
    for segment in &program.segments {
        for word in segment.bytes.as_chunks::<4>().0 {
            mark(u32::from_le_bytes(*word));
        }
    }
    for (index, instruction) in program.instructions.iter().enumerate() {
        let pc = pc_of(program, index);
        match instruction.operation {
            operation if is_branch(operation) => mark(static_target(program, index)),
            Operation::Jal => {
                mark(static_target(program, index));
                if instruction.rd != SINK {
                    mark(pc.wrapping_add(4));
                }
            }
            Operation::Jalr if instruction.rd != SINK => mark(pc.wrapping_add(4)),
            Operation::Reveal => mark(pc.wrapping_add(4)),
            Operation::Auipc | Operation::Lui => {
                if let Some(address) = paired_constant(program, index) {
                    mark(address);
                }
            }
            _ => {}
        }
    }
    entries
}

/// The address that `auipc`/`lui` makes together with an `addi` or `jalr` right behind it.
fn paired_constant(program: &Program, index: usize) -> Option<u32> {
    let first = program.instructions[index];
    let second = program.instructions.get(index + 1)?;
    let is_pair = matches!(second.operation, Operation::Addi | Operation::Jalr) && second.rs1 == first.rd;
    let base = match first.operation {
        Operation::Auipc => pc_of(program, index),
        _ => 0,
    };
    is_pair.then(|| base.wrapping_add(first.immediate as u32).wrapping_add(second.immediate as u32))
}

fn registers_by_use(program: &Program) -> Vec<u8> {
    let depths = loop_depths(program);
    let mut uses = [0_u64; 64];
    for (instruction, depth) in program.instructions.iter().zip(depths) {
        let Instruction { rd, rs1, rs2, .. } = *instruction;
        let weight = LOOP_WEIGHT.pow(depth.min(DEEPEST_LOOP));
        for register in [rd, rs1, rs2] {
            uses[usize::from(register & 63)] += weight;
        }
    }
    let mut registers: Vec<u8> = (1..32).collect();
    registers.sort_by_key(|&register| (std::cmp::Reverse(uses[usize::from(register)]), register));
    registers
}

/// How many loops are around each instruction, taking each short backward jump for one.
fn loop_depths(program: &Program) -> Vec<u32> {
    let count = program.instructions.len();
    let mut changes = vec![0_i32; count + 1];
    for (index, instruction) in program.instructions.iter().enumerate() {
        let is_jump = instruction.operation == Operation::Jal && instruction.rd == SINK;
        if !is_jump && !is_branch(instruction.operation) {
            continue;
        }
        let Some(target) = index_of(program, static_target(program, index)) else { continue };
        if target <= index && index - target <= LONGEST_LOOP {
            changes[target] += 1;
            changes[index + 1] -= 1;
        }
    }
    let mut depth = 0;
    changes[..count]
        .iter()
        .map(|change| {
            depth += change;
            depth as u32
        })
        .collect()
}

/// Register number of writes to `x0` in decoded instructions.
pub(crate) const SINK: u8 = 32;
