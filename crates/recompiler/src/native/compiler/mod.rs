//! Emits the code of a program.
//!
//! **Exits.** At every instruction the whole state of the guest is in known places, so code can leave before any of
//! them: to the interpreter, which executes that instruction and goes on until the next entry. Whatever is rare or
//! delicate is left to it: every fault, terminate, reveal, jumps to places that are no entry, and the end of cycles.
//! That is why the recompiler has no notion of a fault: a check may even be stricter than need be.
//!
//! **Cycles.** A block is charged when it is entered, with the cost of all its instructions; if fewer cycles remain, the
//! interpreter executes it one by one. An exit in the middle gives back what the instructions from there on cost.
//!
//! **Registers.** The most used are in host registers, chosen for the program and, where they are others, for each loop
//! that calls nothing; ways into such a loop and out of it swap.
//!
//! **Memory.** What is in reach of the address space is a power of two, so one test of an address against a mask shows that it is aligned
//! and inside. Several accesses off one base in a block share one check, and [`Facts`] keeps
//! what was shown.

mod arithmetic;
mod control;
mod memory;

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use ivm_engine::{Program, Reach, cost, decode::Instruction};

use crate::native::{
    analysis::{Analysis, Loop, ends_block, is_branch, pc_of},
    arithmetic::DIVISIONS,
    assembler::{Assembler, Condition, EAX, Operand, Place},
    facts::Facts,
    frame::Frame,
};
use crate::{CompileError, max_code_size_bytes};

/// Where code leaves for the interpreter.
struct Exit {
    label: DynamicLabel,
    pc: u32,
    refund: u32,
    /// The loop it leaves.
    from: Option<usize>,
}

/// A loop with registers of its own.
struct MappedLoop {
    start: usize,
    end: usize,
    frame: Frame,
}

/// A jump out of a loop or into one.
struct Crossing {
    label: DynamicLabel,
    from: Option<usize>,
    /// Index of the instruction it goes to.
    target: usize,
}

/// What was compiled.
pub(crate) struct Compiled {
    /// The code, from the entry trampoline on, then the table.
    pub(crate) bytes: Vec<u8>,
    /// Where the table is: for each instruction, the offset of its code from the table.
    pub(crate) table_offset: usize,
    /// Offset of the exit that instructions without an entry have in the table.
    pub(crate) no_entry_offset: usize,
}

pub(crate) struct Compiler<'p> {
    program: &'p Program,
    reach: Reach,
    entries: Vec<bool>,
    labels: Vec<Option<DynamicLabel>>,
    asm: Assembler,
    /// Places outside loops.
    frame: Frame,
    loops: Vec<MappedLoop>,
    /// The first loop that does not end before the instruction being compiled.
    next_loop: usize,
    /// The loop being compiled.
    current_loop: Option<usize>,
    facts: Facts,
    exits: Vec<Exit>,
    crossings: Vec<Crossing>,
    leave: DynamicLabel,
    no_entry: DynamicLabel,
    bad_jump: DynamicLabel,
    table: DynamicLabel,
    divisions: [DynamicLabel; 4],
    block_end: usize,
    /// What the instructions of the block cost from the one being compiled on: charged, and not spent yet.
    unspent_cycles: u32,
}

impl<'p> Compiler<'p> {
    pub(crate) fn new(program: &'p Program, reach: Reach) -> Self {
        let Analysis { entries, registers_by_use, loops } = Analysis::of(program);
        let frame = Frame::new(&registers_by_use);
        let loops = loops
            .into_iter()
            .filter_map(|Loop { start, end, registers_by_use }| {
                frame.in_loop(&registers_by_use).map(|frame| MappedLoop { start, end, frame })
            })
            .collect();
        let mut asm = Assembler::new(program.instructions.len());
        let labels = entries.iter().map(|&is_entry| is_entry.then(|| asm.label())).collect();
        let [leave, no_entry, bad_jump, table] = std::array::from_fn(|_| asm.label());
        let divisions = std::array::from_fn(|_| asm.label());
        Self {
            program,
            reach,
            entries,
            labels,
            frame,
            loops,
            next_loop: 0,
            current_loop: None,
            asm,
            facts: Facts::none(),
            exits: Vec::new(),
            crossings: Vec::new(),
            leave,
            no_entry,
            bad_jump,
            table,
            divisions,
            block_end: 0,
            unspent_cycles: 0,
        }
    }

    /// Compiles the whole program.
    pub(crate) fn compile(mut self) -> Result<Compiled, CompileError> {
        self.frame.emit_entry(&mut self.asm);
        for (label, division) in self.divisions.into_iter().zip(DIVISIONS) {
            self.asm.bind(label);
            self.asm.emit_division(division);
        }
        let count = self.program.instructions.len();
        let mut code_offsets = vec![None; count];
        let mut index = 0;
        let mut is_reachable = false;
        while index < count {
            self.cross_loop_bounds(index, is_reachable);
            if let Some(label) = self.labels[index] {
                code_offsets[index] = Some(self.asm.offset());
                self.asm.bind(label);
                self.facts = Facts::none();
                is_reachable = true;
            }
            let end = self.find_block_end(index);
            if is_reachable {
                self.block(index, end)?;
                is_reachable = falls_through(self.program.instructions[end - 1]);
            }
            index = end;
        }
        self.cross_loop_bounds(count, is_reachable);
        if is_reachable {
            self.leave_at(pc_of(self.program, count), 0);
        }
        self.finish(code_offsets)
    }

    /// Moves registers where a loop ends or starts, if code runs on from one instruction to the next there.
    fn cross_loop_bounds(&mut self, index: usize, is_reachable: bool) {
        if let Some(current) = self.current_loop
            && self.loops[current].end == index
        {
            if is_reachable {
                self.loops[current].frame.emit_swap_out(&mut self.asm);
            }
            self.current_loop = None;
            self.next_loop = current + 1;
        }
        if let Some(next) = self.loops.get(self.next_loop)
            && next.start == index
        {
            if is_reachable {
                next.frame.emit_swap_in(&mut self.asm);
            }
            self.current_loop = Some(self.next_loop);
        }
    }

    /// The loop an instruction is in.
    fn loop_at(&self, index: usize) -> Option<usize> {
        let candidate = self.loops.partition_point(|mapped| mapped.end <= index);
        self.loops.get(candidate).filter(|mapped| mapped.start <= index).map(|_| candidate)
    }

    /// The label to jump to from here to get to the entry `target`.
    fn jump_label(&mut self, target: usize) -> Option<DynamicLabel> {
        let label = self.labels[target]?;
        let (from, to) = (self.current_loop, self.loop_at(target));
        if from == to {
            return Some(label);
        }
        let label = self.asm.label();
        self.crossings.push(Crossing { label, from, target });
        Some(label)
    }

    /// Looks no further than the block goes: text full of entries must not be read once for each of them.
    fn find_block_end(&self, start: usize) -> usize {
        let instructions = &self.program.instructions;
        let mut end = start + 1;
        while end < instructions.len() && !self.entries[end] && !ends_block(instructions[end - 1].operation) {
            end += 1;
        }
        end
    }

    fn block(&mut self, start: usize, end: usize) -> Result<(), CompileError> {
        self.block_end = end;
        let program = self.program;
        let block = &program.instructions[start..end];
        // No text is long enough for this to come near 2^31.
        self.unspent_cycles = block.iter().map(|instruction| cost::cycles(instruction.operation)).sum();
        self.asm.charge(self.unspent_cycles);
        let out_of_cycles = self.exit_before(start);
        self.asm.jump_if(Condition::Below, out_of_cycles);
        for (index, &instruction) in (start..).zip(block) {
            self.check_size()?;
            self.instruction(index, instruction);
            self.unspent_cycles -= cost::cycles(instruction.operation);
        }
        Ok(())
    }

    /// Label of a cold exit.
    fn exit(&mut self, pc: u32, refund: u32) -> DynamicLabel {
        let label = self.asm.label();
        self.exits.push(Exit { label, pc, refund, from: self.current_loop });
        label
    }

    /// Label of an exit before the instruction being compiled, which is at `index`, as if nothing from it on had been
    /// charged.
    fn exit_before(&mut self, index: usize) -> DynamicLabel {
        self.exit(pc_of(self.program, index), self.unspent_cycles)
    }

    /// Leaves there at once.
    fn leave_before(&mut self, index: usize) {
        self.leave_at(pc_of(self.program, index), self.unspent_cycles);
    }

    fn leave_at(&mut self, pc: u32, refund: u32) {
        if let Some(current) = self.current_loop {
            self.loops[current].frame.emit_swap_out(&mut self.asm);
        }
        self.asm.refund(refund);
        self.asm.copy(Place::Register(EAX), Operand::Constant(pc));
        self.asm.jump(self.leave);
    }

    /// Stops before code takes more memory than it may: hostile text grows up to fiftyfold.
    fn check_size(&self) -> Result<(), CompileError> {
        let limit = max_code_size_bytes(self.reach);
        match self.asm.offset() {
            got if got > limit => Err(CompileError::TooLarge { got, limit }),
            _ => Ok(()),
        }
    }

    fn finish(mut self, mut code_offsets: Vec<Option<usize>>) -> Result<Compiled, CompileError> {
        for Exit { label, pc, refund, from } in std::mem::take(&mut self.exits) {
            self.check_size()?;
            self.asm.bind(label);
            self.current_loop = from;
            self.leave_at(pc, refund);
        }
        for Crossing { label, from, target } in std::mem::take(&mut self.crossings) {
            self.check_size()?;
            self.asm.bind(label);
            if let Some(from) = from {
                self.loops[from].frame.emit_swap_out(&mut self.asm);
            }
            self.enter_at(target);
        }
        // Who comes by the table comes with the places that hold outside loops.
        for mapped in 0..self.loops.len() {
            self.check_size()?;
            let start = self.loops[mapped].start;
            for (index, offset) in code_offsets[..self.loops[mapped].end].iter_mut().enumerate().skip(start) {
                if offset.is_some() {
                    *offset = Some(self.asm.offset());
                    self.enter_at(index);
                }
            }
        }
        let no_entry_offset = self.asm.offset();
        self.emit_jump_exits();
        self.asm.bind(self.leave);
        self.frame.emit_leave(&mut self.asm);
        self.asm.ops.align(64, 0xcc);
        let table_offset = self.asm.offset();
        self.asm.bind(self.table);
        let mut bytes =
            self.asm.ops.finalize().map_err(|error| CompileError::Assembler(error.to_string()))?;
        for offset in code_offsets {
            let distance = offset.unwrap_or(no_entry_offset) as i64 - table_offset as i64;
            bytes.extend_from_slice(&(distance as i32).to_le_bytes());
        }
        Ok(Compiled { bytes, table_offset, no_entry_offset })
    }

    /// Jumps to an entry with the places that hold outside loops.
    fn enter_at(&mut self, target: usize) {
        if let Some(to) = self.loop_at(target) {
            self.loops[to].frame.emit_swap_in(&mut self.asm);
        }
        if let Some(label) = self.labels[target] {
            self.asm.jump(label);
        }
    }

    /// Exits of computed jumps, by index (in slot 0 or `eax`): to no entry, and out of the text.
    fn emit_jump_exits(&mut self) {
        let pc_base = self.program.pc_base as i32;
        dynasm!(self.asm.ops ; .arch x64
            ; =>self.no_entry
            ; mov eax, [rsp]
            ; =>self.bad_jump
            ; rol eax, 2
            ; add eax, pc_base
            // `jalr` clears the lowest bit of its target.
            ; and eax, BYTE -2
            ; jmp =>self.leave);
    }

    fn current_frame(&self) -> &Frame {
        match self.current_loop {
            Some(current) => &self.loops[current].frame,
            None => &self.frame,
        }
    }

    fn place(&self, register: u8) -> Place {
        self.current_frame().place(register)
    }

    fn operand(&self, register: u8) -> Operand {
        match self.facts.constant(register) {
            Some(value) => Operand::Constant(value),
            None => Operand::At(self.place(register)),
        }
    }
}

const fn falls_through(instruction: Instruction) -> bool {
    let operation = instruction.operation;
    is_branch(operation) || !ends_block(operation)
}
