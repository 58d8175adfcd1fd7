//! Emits the code of a program.
//!
//! **Exits.** At every instruction the whole state of the guest is in known places, so code can leave before any of
//! them: to the interpreter, which executes that instruction and goes on until the next entry. Whatever is rare or
//! delicate is left to it: every fault, terminate, reveal, jumps to places that are no entry, and the end of cycles.
//! That is why the recompiler has no notion of a fault: a check may even be stricter than need be.
//!
//! **Cycles.** A block is charged when it is entered; if fewer cycles remain than it has instructions, the interpreter
//! executes it one by one. An exit in the middle gives the rest back.
//!
//! **Memory.** The address space is a power of two, so one test of an address against a mask shows that it is aligned
//! and inside. Several accesses off one base in a block share one check, and [`Facts`] keeps
//! what was shown.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};
use ivm_engine::{
    Program,
    decode::{Instruction, Operation},
};
use ivm_primitives::limits::ADDRESS_SPACE_SIZE_BYTES;

use crate::{
    analysis::{Analysis, SINK, ends_block, index_of, is_branch, pc_of, static_target},
    arithmetic::{Division, HighProduct},
    assembler::{Address, Assembler, Binary, Condition, EAX, ECX, Operand, Place, Shift, Width},
    facts::Facts,
    frame::Frame,
};

/// How far ahead accesses off the same base are looked for. Bounds the work on hostile text.
const LOOKAHEAD_INSTRUCTIONS: usize = 24;

/// Where code leaves for the interpreter.
struct Exit {
    label: DynamicLabel,
    pc: u32,
    refund: u32,
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
    entries: Vec<bool>,
    labels: Vec<Option<DynamicLabel>>,
    pub(crate) asm: Assembler,
    pub(crate) frame: Frame,
    facts: Facts,
    exits: Vec<Exit>,
    leave: DynamicLabel,
    no_entry: DynamicLabel,
    bad_jump: DynamicLabel,
    table: DynamicLabel,
    block_end: usize,
}

impl<'p> Compiler<'p> {
    pub(crate) fn new(program: &'p Program) -> Self {
        let Analysis { entries, registers_by_use } = Analysis::of(program);
        let mut asm = Assembler::new(program.instructions.len());
        let labels = entries.iter().map(|&is_entry| is_entry.then(|| asm.label())).collect();
        let [leave, no_entry, bad_jump, table] = std::array::from_fn(|_| asm.label());
        Self {
            program,
            entries,
            labels,
            frame: Frame::new(&registers_by_use),
            asm,
            facts: Facts::none(),
            exits: Vec::new(),
            leave,
            no_entry,
            bad_jump,
            table,
            block_end: 0,
        }
    }

    /// Compiles the whole program.
    pub(crate) fn compile(mut self) -> Result<Compiled, dynasmrt::DynasmError> {
        self.frame.emit_entry(&mut self.asm);
        let count = self.program.instructions.len();
        let mut code_offsets = vec![None; count];
        let mut index = 0;
        let mut is_reachable = false;
        while index < count {
            if let Some(label) = self.labels[index] {
                code_offsets[index] = Some(self.asm.offset());
                self.asm.bind(label);
                self.facts = Facts::none();
                is_reachable = true;
            }
            let end = self.find_block_end(index);
            if is_reachable {
                self.block(index, end);
                is_reachable = falls_through(self.program.instructions[end - 1]);
            }
            index = end;
        }
        if is_reachable {
            self.leave_at(pc_of(self.program, count), 0);
        }
        self.finish(&code_offsets)
    }

    fn find_block_end(&self, start: usize) -> usize {
        let rest = &self.program.instructions[start..];
        let last = rest.iter().position(|instruction| ends_block(instruction.operation));
        let end = last.map_or(self.program.instructions.len(), |last| start + last + 1);
        let next_entry = self.entries[start + 1..end].iter().position(|&is_entry| is_entry);
        next_entry.map_or(end, |distance| start + 1 + distance)
    }

    fn block(&mut self, start: usize, end: usize) {
        self.block_end = end;
        let cycles = (end - start) as u32;
        self.asm.charge(cycles);
        let out_of_cycles = self.exit(pc_of(self.program, start), cycles);
        self.asm.jump_if(Condition::Below, out_of_cycles);
        for index in start..end {
            self.instruction(index, self.program.instructions[index]);
        }
    }

    /// Label of a cold exit.
    fn exit(&mut self, pc: u32, refund: u32) -> DynamicLabel {
        let label = self.asm.label();
        self.exits.push(Exit { label, pc, refund });
        label
    }

    /// Label of an exit before the instruction at `index`, as if nothing from it on had been charged.
    fn exit_before(&mut self, index: usize) -> DynamicLabel {
        self.exit(pc_of(self.program, index), (self.block_end - index) as u32)
    }

    fn leave_at(&mut self, pc: u32, refund: u32) {
        self.asm.refund(refund);
        self.asm.copy(Place::Register(EAX), Operand::Constant(pc));
        self.asm.jump(self.leave);
    }

    fn finish(mut self, code_offsets: &[Option<usize>]) -> Result<Compiled, dynasmrt::DynasmError> {
        for Exit { label, pc, refund } in std::mem::take(&mut self.exits) {
            self.asm.bind(label);
            self.leave_at(pc, refund);
        }
        let no_entry_offset = self.asm.offset();
        self.emit_jump_exits();
        self.asm.bind(self.leave);
        self.frame.emit_leave(&mut self.asm);
        self.asm.ops.align(64, 0xcc);
        let table_offset = self.asm.offset();
        self.asm.bind(self.table);
        let mut bytes = self.asm.ops.finalize()?;
        for offset in code_offsets {
            let distance = offset.unwrap_or(no_entry_offset) as i64 - table_offset as i64;
            bytes.extend_from_slice(&(distance as i32).to_le_bytes());
        }
        Ok(Compiled { bytes, table_offset, no_entry_offset })
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

    pub(crate) const fn place(&self, register: u8) -> Place {
        self.frame.place(register)
    }

    fn operand(&self, register: u8) -> Operand {
        match self.facts.constant(register) {
            Some(value) => Operand::Constant(value),
            None => Operand::At(self.place(register)),
        }
    }

    fn instruction(&mut self, index: usize, instruction: Instruction) {
        use Operation::*;
        let Instruction { operation, rd, rs1, rs2, immediate } = instruction;
        let (a, b) = (self.operand(rs1), self.operand(rs2));
        let constant = Operand::Constant(immediate as u32);
        match operation {
            Add => self.binary(rd, Binary::Add, a, b),
            Sub => self.binary(rd, Binary::Sub, a, b),
            Xor => self.binary(rd, Binary::Xor, a, b),
            Or => self.binary(rd, Binary::Or, a, b),
            And => self.binary(rd, Binary::And, a, b),
            Addi => return self.add_immediate(rd, rs1, immediate),
            Xori => self.binary(rd, Binary::Xor, a, constant),
            Ori => self.binary(rd, Binary::Or, a, constant),
            Andi => self.binary(rd, Binary::And, a, constant),
            Sll => self.shift(rd, Shift::Left, a, b),
            Srl => self.shift(rd, Shift::Right, a, b),
            Sra => self.shift(rd, Shift::Arithmetic, a, b),
            Slli => self.shift(rd, Shift::Left, a, constant),
            Srli => self.shift(rd, Shift::Right, a, constant),
            Srai => self.shift(rd, Shift::Arithmetic, a, constant),
            Slt => self.set_if(rd, Condition::Less, a, b),
            Sltu => self.set_if(rd, Condition::Below, a, b),
            Slti => self.set_if(rd, Condition::Less, a, constant),
            Sltiu => self.set_if(rd, Condition::Below, a, constant),
            Mul => self.multiply(rd, a, b),
            Mulh => self.multiply_high(rd, HighProduct::Signed, a, b),
            Mulhsu => self.multiply_high(rd, HighProduct::SignedUnsigned, a, b),
            Mulhu => self.multiply_high(rd, HighProduct::Unsigned, a, b),
            Div => self.divide(rd, Division { is_signed: true, wants_remainder: false }, a, b),
            Divu => self.divide(rd, Division { is_signed: false, wants_remainder: false }, a, b),
            Rem => self.divide(rd, Division { is_signed: true, wants_remainder: true }, a, b),
            Remu => self.divide(rd, Division { is_signed: false, wants_remainder: true }, a, b),
            Lb => self.load(index, instruction, Width::ByteSigned),
            Lbu => self.load(index, instruction, Width::Byte),
            Lh => self.load(index, instruction, Width::HalfSigned),
            Lhu => self.load(index, instruction, Width::Half),
            Lw => self.load(index, instruction, Width::Word),
            Sb => return self.store(index, instruction, Width::Byte),
            Sh => return self.store(index, instruction, Width::Half),
            Sw => return self.store(index, instruction, Width::Word),
            Beq => return self.branch(index, Condition::Equal, a, b),
            Bne => return self.branch(index, Condition::NotEqual, a, b),
            Blt => return self.branch(index, Condition::Less, a, b),
            Bge => return self.branch(index, Condition::NotLess, a, b),
            Bltu => return self.branch(index, Condition::Below, a, b),
            Bgeu => return self.branch(index, Condition::NotBelow, a, b),
            Lui => return self.set_constant(rd, immediate as u32),
            Auipc => {
                return self.set_constant(rd, pc_of(self.program, index).wrapping_add(immediate as u32));
            }
            Jal => return self.jump_and_link(index, rd, static_target(self.program, index)),
            Jalr => return self.jump_register(index, instruction),
            Nop => return,
            Terminate | Reveal => {
                return self.leave_at(pc_of(self.program, index), (self.block_end - index) as u32);
            }
            Keccakf | Xorin | Sha256 | Sha512 => {
                let on_fault = self.exit_before(index);
                return self.frame.emit_custom(&mut self.asm, instruction, on_fault);
            }
        }
        self.facts.forget(rd);
    }

    fn set_constant(&mut self, rd: u8, value: u32) {
        if rd != SINK {
            self.asm.copy(self.place(rd), Operand::Constant(value));
            self.facts.set_constant(rd, value);
        }
    }

    fn add_immediate(&mut self, rd: u8, rs1: u8, immediate: i32) {
        match self.facts.constant(rs1) {
            Some(value) => self.set_constant(rd, value.wrapping_add(immediate as u32)),
            None => {
                let source = Operand::At(self.place(rs1));
                self.binary(rd, Binary::Add, source, Operand::Constant(immediate as u32));
                self.facts.moved(rd, rs1, immediate);
            }
        }
    }

    fn binary(&mut self, rd: u8, operation: Binary, a: Operand, b: Operand) {
        if rd == SINK {
            return;
        }
        let place = self.place(rd);
        let scratch = Place::Register(EAX);
        let is_move = b == Operand::Constant(0) && operation != Binary::And;
        match place {
            _ if is_move => self.asm.copy(place, a),
            _ if a == Operand::At(place) => self.asm.binary(operation, place, b),
            _ if b == Operand::At(place) && operation.commutes() => self.asm.binary(operation, place, a),
            Place::Register(host) if b != Operand::At(place) => match (operation, a, b) {
                (Binary::Add, Operand::At(Place::Register(a)), Operand::At(Place::Register(b))) => {
                    self.asm.add_registers(host, a, b);
                }
                (Binary::Add, Operand::At(Place::Register(a)), Operand::Constant(b)) => {
                    self.asm.add_offset(host, a, b as i32);
                }
                _ => {
                    self.asm.copy(place, a);
                    self.asm.binary(operation, place, b);
                }
            },
            _ => {
                self.asm.copy(scratch, a);
                self.asm.binary(operation, scratch, b);
                self.asm.copy(place, Operand::At(scratch));
            }
        }
    }

    fn shift(&mut self, rd: u8, shift: Shift, a: Operand, b: Operand) {
        if rd == SINK {
            return;
        }
        let place = self.place(rd);
        match b {
            Operand::Constant(amount) => {
                let amount = (amount & 31) as u8;
                let in_place = matches!(place, Place::Register(_)) || a == Operand::At(place);
                let work = if in_place { place } else { Place::Register(EAX) };
                self.asm.copy(work, a);
                if amount != 0 {
                    self.asm.shift(shift, work, amount);
                }
                self.asm.copy(place, Operand::At(work));
            }
            Operand::At(amount) => {
                let amount = match amount {
                    Place::Register(host) => host,
                    Place::Slot(_) => {
                        self.asm.copy(Place::Register(ECX), b);
                        ECX
                    }
                };
                let source = match a {
                    Operand::At(source) => source,
                    Operand::Constant(_) => {
                        self.asm.copy(Place::Register(EAX), a);
                        Place::Register(EAX)
                    }
                };
                let work = if let Place::Register(host) = place { host } else { EAX };
                self.asm.shift_by(shift, work, source, amount);
                self.asm.copy(place, Operand::host(work));
            }
        }
    }

    /// Sets flags by comparing; gives the condition known without, if it is.
    fn compare(&mut self, a: Operand, b: Operand, condition: Condition) -> Option<bool> {
        match (a, b) {
            (Operand::Constant(a), Operand::Constant(b)) => return Some(holds(condition, a, b)),
            (Operand::At(Place::Register(host)), Operand::Constant(0))
                if !matches!(condition, Condition::Below | Condition::NotBelow) =>
            {
                self.asm.test(host);
            }
            (Operand::At(place), b) => self.asm.binary(Binary::Compare, place, b),
            (Operand::Constant(_), b) => {
                self.asm.copy(Place::Register(EAX), a);
                self.asm.binary(Binary::Compare, Place::Register(EAX), b);
            }
        }
        None
    }

    fn set_if(&mut self, rd: u8, condition: Condition, a: Operand, b: Operand) {
        if rd == SINK {
            return;
        }
        let place = self.place(rd);
        if let Some(known) = self.compare(a, b, condition) {
            return self.asm.copy(place, Operand::Constant(known.into()));
        }
        self.asm.set(condition, EAX);
        let work = if let Place::Register(host) = place { host } else { EAX };
        self.asm.zero_extend_byte(work, EAX);
        self.asm.copy(place, Operand::host(work));
    }

    fn multiply(&mut self, rd: u8, a: Operand, b: Operand) {
        if rd == SINK {
            return;
        }
        let place = self.place(rd);
        match place {
            Place::Register(host) if a == Operand::At(place) => self.asm.multiply(host, b),
            Place::Register(host) if b == Operand::At(place) => self.asm.multiply(host, a),
            _ => {
                let work = if let Place::Register(host) = place { host } else { EAX };
                self.asm.copy(Place::Register(work), a);
                self.asm.multiply(work, b);
                self.asm.copy(place, Operand::host(work));
            }
        }
    }

    fn multiply_high(&mut self, rd: u8, kind: HighProduct, a: Operand, b: Operand) {
        if rd != SINK {
            self.asm.multiply_high(kind, a, b);
            self.asm.copy(self.place(rd), Operand::host(EAX));
        }
    }

    fn divide(&mut self, rd: u8, division: Division, a: Operand, b: Operand) {
        if rd != SINK {
            self.asm.divide(division, a, b);
            self.asm.copy(self.place(rd), Operand::host(EAX));
        }
    }

    fn load(&mut self, index: usize, instruction: Instruction, width: Width) {
        let Some(address) = self.checked_address(index, instruction, width) else { return };
        if instruction.rd == SINK {
            return;
        }
        let place = self.place(instruction.rd);
        let work = if let Place::Register(host) = place { host } else { EAX };
        self.asm.load(width, work, address);
        self.asm.copy(place, Operand::host(work));
    }

    fn store(&mut self, index: usize, instruction: Instruction, width: Width) {
        let Some(address) = self.checked_address(index, instruction, width) else { return };
        match self.operand(instruction.rs2) {
            Operand::Constant(value) => self.asm.store_constant(width, address, value),
            Operand::At(Place::Register(host)) => self.asm.store(width, address, host),
            value @ Operand::At(Place::Slot(_)) => {
                self.asm.copy(Place::Register(ECX), value);
                self.asm.store(width, address, ECX);
            }
        }
    }

    /// Emits what shows that the access is aligned and inside, and gives its address, which may be in `eax`; `None`
    /// when it never is.
    fn checked_address(&mut self, index: usize, instruction: Instruction, width: Width) -> Option<Address> {
        let Instruction { rs1, immediate, .. } = instruction;
        let size = width.size_bytes();
        let base = match self.operand(rs1) {
            Operand::Constant(base) => return self.constant_address(index, base, immediate, size),
            Operand::At(place) => place,
        };
        if !self.facts.covers(rs1, immediate, size) {
            let group = self.group(index, rs1, immediate, size);
            if group.accesses < 2 {
                return Some(self.check_one(index, rs1, base, immediate, size));
            }
            self.check_group(index, rs1, base, group);
        }
        let host = self.in_register(base);
        Some(Address { index: Some(host), offset: immediate })
    }

    fn constant_address(&mut self, index: usize, base: u32, immediate: i32, size: u32) -> Option<Address> {
        let address = base.wrapping_add(immediate as u32);
        let is_inside = address as usize + size as usize <= ADDRESS_SPACE_SIZE_BYTES;
        if is_inside && address.is_multiple_of(size) {
            return Some(Address { index: None, offset: address as i32 });
        }
        let refund = (self.block_end - index) as u32;
        self.leave_at(pc_of(self.program, index), refund);
        None
    }

    fn in_register(&mut self, place: Place) -> u8 {
        match place {
            Place::Register(host) => host,
            Place::Slot(_) => {
                self.asm.copy(Place::Register(EAX), Operand::At(place));
                EAX
            }
        }
    }

    /// One access: its address against one mask.
    fn check_one(&mut self, index: usize, rs1: u8, base: Place, immediate: i32, size: u32) -> Address {
        let base = self.in_register(base);
        let address = if immediate == 0 {
            base
        } else {
            self.asm.add_offset(EAX, base, immediate);
            EAX
        };
        let outside = !(ADDRESS_SPACE_SIZE_BYTES as u32 - 1);
        self.asm.test_mask(address, outside | (size - 1));
        let exit = self.exit_before(index);
        self.asm.jump_if(Condition::NotEqual, exit);
        self.facts.record(rs1, immediate, immediate + size as i32, size, immediate);
        Address { index: Some(address), offset: 0 }
    }

    /// Several accesses off one base: rotated right, an aligned address inside is a small number, any other a large one.
    fn check_group(&mut self, index: usize, rs1: u8, base: Place, group: Group) {
        let Group { low, high, alignment, .. } = group;
        let base = self.in_register(base);
        let mut address = base;
        if low != 0 {
            self.asm.add_offset(EAX, base, low);
            address = EAX;
        }
        let bits = alignment.trailing_zeros() as u8;
        if bits > 0 {
            self.asm.rotate_right(EAX, address, bits);
            address = EAX;
        }
        let limit = (ADDRESS_SPACE_SIZE_BYTES as u32 - (high - low) as u32) >> bits;
        self.asm.binary(Binary::Compare, Place::Register(address), Operand::Constant(limit));
        let exit = self.exit_before(index);
        self.asm.jump_if(Condition::Above, exit);
        self.facts.record(rs1, low, high, alignment, low);
    }

    /// The accesses off `register` from `index` on, until it is written or the block ends.
    fn group(&self, index: usize, register: u8, immediate: i32, size: u32) -> Group {
        let mut group = Group::new(immediate, size);
        let end = self.block_end.min(index + LOOKAHEAD_INSTRUCTIONS);
        for (at, instruction) in self.program.instructions[index..end].iter().enumerate() {
            if let Some((size, is_load)) = access_size(instruction.operation) {
                if at > 0 && instruction.rs1 == register {
                    group.add(instruction.immediate, size);
                }
                if is_load && instruction.rd == register {
                    break;
                }
            } else if instruction.rd == register && writes_rd(instruction.operation) {
                break;
            }
        }
        group.close()
    }

    fn branch(&mut self, index: usize, condition: Condition, a: Operand, b: Operand) {
        let target = static_target(self.program, index);
        let known = self.compare(a, b, condition);
        if known == Some(false) {
            return;
        }
        let label = match index_of(self.program, target).and_then(|target| self.labels[target]) {
            Some(label) => label,
            None => self.exit(target, 0),
        };
        match known {
            Some(_) => self.asm.jump(label),
            None => self.asm.jump_if(condition, label),
        }
    }

    fn jump_and_link(&mut self, index: usize, rd: u8, target: u32) {
        self.set_constant(rd, pc_of(self.program, index + 1));
        match index_of(self.program, target).and_then(|target| self.labels[target]) {
            // The next thing emitted is what it jumps to.
            Some(_) if target == pc_of(self.program, index + 1) => {}
            Some(label) => self.asm.jump(label),
            None => self.leave_at(target, 0),
        }
    }

    fn jump_register(&mut self, index: usize, instruction: Instruction) {
        let Instruction { rd, rs1, immediate, .. } = instruction;
        if let Some(base) = self.facts.constant(rs1) {
            return self.jump_and_link(index, rd, base.wrapping_add(immediate as u32) & !1);
        }
        let pc_base = self.program.pc_base as i32;
        let base = self.in_register(self.place(rs1));
        self.asm.add_offset(EAX, base, immediate.wrapping_sub(pc_base));
        self.set_constant(rd, pc_of(self.program, index + 1));
        self.asm.rotate_right(EAX, EAX, 2);
        let count = self.program.instructions.len() as u32;
        self.asm.binary(Binary::Compare, Place::Register(EAX), Operand::Constant(count));
        self.asm.jump_if(Condition::NotBelow, self.bad_jump);
        // What has no entry finds its index here.
        self.asm.copy(Place::Slot(0), Operand::host(EAX));
        dynasm!(self.asm.ops ; .arch x64
            ; lea rcx, [=>self.table]
            ; movsxd rax, DWORD [rcx + rax * 4]
            ; add rax, rcx
            ; jmp rax);
    }
}

/// Accesses that share a check.
#[derive(Clone, Copy, Debug)]
struct Group {
    low: i32,
    high: i32,
    alignment: u32,
    aligned_at: i32,
    accesses: usize,
}

impl Group {
    const fn new(offset: i32, size: u32) -> Self {
        Self { low: offset, high: offset + size as i32, alignment: size, aligned_at: offset, accesses: 1 }
    }

    /// Takes an access in, unless its alignment contradicts what the group has.
    fn add(&mut self, offset: i32, size: u32) {
        let smaller = size.min(self.alignment);
        if !offset.wrapping_sub(self.aligned_at).unsigned_abs().is_multiple_of(smaller) {
            return;
        }
        if size > self.alignment {
            (self.alignment, self.aligned_at) = (size, offset);
        }
        self.low = self.low.min(offset);
        self.high = self.high.max(offset + size as i32);
        self.accesses += 1;
    }

    /// Starts at the base or below it (see [`Facts`]), at a place that is aligned when the accesses are.
    fn close(mut self) -> Self {
        self.low = self.low.min(0);
        let distance = self.aligned_at.wrapping_sub(self.low) as u32 % self.alignment;
        if distance != 0 {
            self.low -= (self.alignment - distance) as i32;
        }
        self
    }
}

const fn falls_through(instruction: Instruction) -> bool {
    let operation = instruction.operation;
    is_branch(operation) || !ends_block(operation)
}

/// Bytes a load or store accesses, and whether it is a load.
const fn access_size(operation: Operation) -> Option<(u32, bool)> {
    use Operation::*;
    match operation {
        Lb | Lbu => Some((1, true)),
        Lh | Lhu => Some((2, true)),
        Lw => Some((4, true)),
        Sb => Some((1, false)),
        Sh => Some((2, false)),
        Sw => Some((4, false)),
        _ => None,
    }
}

/// Whether the field `rd` is a destination.
const fn writes_rd(operation: Operation) -> bool {
    use Operation::*;
    !is_branch(operation)
        && !matches!(operation, Sb | Sh | Sw | Nop | Terminate | Reveal | Keccakf | Xorin | Sha256 | Sha512)
}

const fn holds(condition: Condition, a: u32, b: u32) -> bool {
    match condition {
        Condition::Equal => a == b,
        Condition::NotEqual => a != b,
        Condition::Less => (a as i32) < b as i32,
        Condition::NotLess => a as i32 >= b as i32,
        Condition::Below => a < b,
        Condition::NotBelow => a >= b,
        Condition::Above => a > b,
    }
}
