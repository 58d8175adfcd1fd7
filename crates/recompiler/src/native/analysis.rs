//! What the compiler must know of a whole program before it emits code: where blocks start, which of those starts a
//! jump may reach, and which registers are used most.
//!
//! None of it is relied upon for correctness: a jump to a place that is not an entry goes on in the interpreter.

use std::{cmp::Reverse, ops::Range};

use ivm_engine::{
    Program,
    decode::{Instruction, Operation},
};

/// Distance, in instructions, over which a backward jump is taken for a loop.
const LONGEST_LOOP: usize = 4096;
/// Each loop around an instruction makes its registers this much more wanted, up to [`DEEPEST_LOOP`].
const LOOP_WEIGHT: u64 = 8;
const DEEPEST_LOOP: u32 = 4;
/// Longest loop, in instructions, that gets registers of its own.
const LONGEST_MAPPED_LOOP: usize = 1024;

/// What is known of a program.
pub(crate) struct Analysis {
    /// For each instruction, whether code may be entered there.
    pub(crate) entries: Vec<bool>,
    /// Registers `x1..x31`, the most used first.
    pub(crate) registers_by_use: Vec<u8>,
    /// Loops without calls in them, disjoint, in order.
    pub(crate) loops: Vec<Loop>,
}

/// Consecutive instructions that jump back to the first of them, and call nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loop {
    /// Index of the first instruction.
    pub(crate) start: usize,
    /// Index after the last.
    pub(crate) end: usize,
    /// Registers `x1..x31`, the most used in the loop first.
    pub(crate) registers_by_use: Vec<u8>,
}

impl Analysis {
    pub(crate) fn of(program: &Program) -> Self {
        let depths = loop_depths(program);
        let loops = loop_ranges(program)
            .into_iter()
            .map(|Range { start, end }| Loop {
                start,
                end,
                registers_by_use: registers_by_use(&program.instructions[start..end], &depths[start..end]),
            })
            .collect();
        let registers_by_use = registers_by_use(&program.instructions, &depths);
        Self { entries: entries(program), registers_by_use, loops }
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

fn registers_by_use(instructions: &[Instruction], depths: &[u32]) -> Vec<u8> {
    let mut uses = [0_u64; 64];
    for (instruction, &depth) in instructions.iter().zip(depths) {
        let Instruction { rd, rs1, rs2, .. } = *instruction;
        let weight = LOOP_WEIGHT.pow(depth.min(DEEPEST_LOOP));
        for register in [rd, rs1, rs2] {
            uses[usize::from(register & 63)] += weight;
        }
    }
    let mut registers: Vec<u8> = (1..32).collect();
    registers.sort_by_key(|&register| (Reverse(uses[usize::from(register)]), register));
    registers
}

/// Each backward jump at an instruction: the instructions from its target to itself.
fn backward_jumps(program: &Program) -> impl Iterator<Item = Range<usize>> + '_ {
    program.instructions.iter().enumerate().filter_map(|(index, instruction)| {
        let is_jump = instruction.operation == Operation::Jal && instruction.rd == SINK;
        if !is_jump && !is_branch(instruction.operation) {
            return None;
        }
        let start = index_of(program, static_target(program, index))?;
        (start <= index).then_some(start..index + 1)
    })
}

/// The largest loops without calls, overlapping ones merged.
fn loop_ranges(program: &Program) -> Vec<Range<usize>> {
    let mut calls_before = vec![0_u32; program.instructions.len() + 1];
    for (index, instruction) in program.instructions.iter().enumerate() {
        let is_call = match instruction.operation {
            Operation::Jal => instruction.rd != SINK,
            Operation::Jalr => true,
            _ => false,
        };
        calls_before[index + 1] = calls_before[index] + u32::from(is_call);
    }
    let mut ranges: Vec<Range<usize>> = backward_jumps(program)
        .filter(|range| range.len() <= LONGEST_MAPPED_LOOP)
        .filter(|range| calls_before[range.start] == calls_before[range.end])
        .collect();
    ranges.sort_by_key(|range| (range.start, Reverse(range.end)));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => {
                if range.end - last.start <= LONGEST_MAPPED_LOOP {
                    last.end = last.end.max(range.end);
                }
            }
            _ => merged.push(range),
        }
    }
    merged
}

/// How many loops are around each instruction, taking each short backward jump for one.
fn loop_depths(program: &Program) -> Vec<u32> {
    let count = program.instructions.len();
    let mut changes = vec![0_i32; count + 1];
    for range in backward_jumps(program).filter(|range| range.len() <= LONGEST_LOOP) {
        changes[range.start] += 1;
        changes[range.end] -= 1;
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
