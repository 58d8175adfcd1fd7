//! Emits computation: instructions that touch registers alone.

use ivm_engine::decode::{Instruction, Operation};

use super::Compiler;
use crate::native::{
    analysis::{SINK, pc_of, static_target},
    arithmetic::HighProduct,
    assembler::{Binary, Condition, EAX, ECX, Operand, Place, Shift, Width},
};

impl Compiler<'_> {
    pub(super) fn instruction(&mut self, index: usize, instruction: Instruction) {
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
            Div => self.divide(rd, 0, a, b),
            Divu => self.divide(rd, 1, a, b),
            Rem => self.divide(rd, 2, a, b),
            Remu => self.divide(rd, 3, a, b),
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
            Terminate | Reveal => return self.leave_before(index),
            Keccakf | Xorin | Sha256 | Sha512 => {
                let on_fault = self.exit_before(index);
                let frame = match self.current_loop {
                    Some(current) => &self.loops[current].frame,
                    None => &self.frame,
                };
                return frame.emit_custom(&mut self.asm, instruction, on_fault);
            }
        }
        self.facts.forget(rd);
    }

    pub(super) fn set_constant(&mut self, rd: u8, value: u32) {
        if rd != SINK {
            self.asm.copy(self.place(rd), Operand::Constant(value));
            self.facts.set_constant(rd, value);
        }
    }

    pub(super) fn add_immediate(&mut self, rd: u8, rs1: u8, immediate: i32) {
        match self.facts.constant(rs1) {
            Some(value) => self.set_constant(rd, value.wrapping_add(immediate as u32)),
            None => {
                let source = Operand::At(self.place(rs1));
                self.binary(rd, Binary::Add, source, Operand::Constant(immediate as u32));
                self.facts.moved(rd, rs1, immediate);
            }
        }
    }

    pub(super) fn binary(&mut self, rd: u8, operation: Binary, a: Operand, b: Operand) {
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

    pub(super) fn shift(&mut self, rd: u8, shift: Shift, a: Operand, b: Operand) {
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
    pub(super) fn compare(&mut self, a: Operand, b: Operand, condition: Condition) -> Option<bool> {
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

    pub(super) fn set_if(&mut self, rd: u8, condition: Condition, a: Operand, b: Operand) {
        if rd == SINK {
            return;
        }
        let place = self.place(rd);
        if let (Operand::Constant(a), Operand::Constant(b)) = (a, b) {
            return self.asm.copy(place, Operand::Constant(holds(condition, a, b).into()));
        }
        if let Place::Register(host) = place
            && a != Operand::At(place)
            && b != Operand::At(place)
        {
            // Zero before the comparison: one step less between it and the result.
            self.asm.binary(Binary::Xor, place, Operand::At(place));
            self.compare(a, b, condition);
            return self.asm.set(condition, host);
        }
        self.compare(a, b, condition);
        self.asm.set(condition, EAX);
        let work = if let Place::Register(host) = place { host } else { EAX };
        self.asm.zero_extend_byte(work, EAX);
        self.asm.copy(place, Operand::host(work));
    }

    pub(super) fn multiply(&mut self, rd: u8, a: Operand, b: Operand) {
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

    pub(super) fn multiply_high(&mut self, rd: u8, kind: HighProduct, a: Operand, b: Operand) {
        if rd != SINK {
            self.asm.multiply_high(kind, a, b);
            self.asm.copy(self.place(rd), Operand::host(EAX));
        }
    }

    /// By the function of [`DIVISIONS`] with this index.
    pub(super) fn divide(&mut self, rd: u8, division: usize, a: Operand, b: Operand) {
        if rd != SINK {
            self.asm.divide(self.divisions[division], a, b);
            self.asm.copy(self.place(rd), Operand::host(EAX));
        }
    }
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
