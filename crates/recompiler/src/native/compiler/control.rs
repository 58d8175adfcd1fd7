//! Emits branches and jumps.

use dynasmrt::{DynasmLabelApi, dynasm};
use ivm_engine::decode::Instruction;

use super::Compiler;
use crate::native::{
    analysis::{index_of, pc_of, static_target},
    assembler::{Binary, Condition, EAX, Operand, Place},
};

impl Compiler<'_> {
    pub(super) fn branch(&mut self, index: usize, condition: Condition, a: Operand, b: Operand) {
        let target = static_target(self.program, index);
        let known = self.compare(a, b, condition);
        if known == Some(false) {
            return;
        }
        let label = match index_of(self.program, target).and_then(|target| self.jump_label(target)) {
            Some(label) => label,
            None => self.exit(target, 0),
        };
        match known {
            Some(_) => self.asm.jump(label),
            None => self.asm.jump_if(condition, label),
        }
    }

    pub(super) fn jump_and_link(&mut self, index: usize, rd: u8, target: u32) {
        self.set_constant(rd, pc_of(self.program, index + 1));
        match index_of(self.program, target).and_then(|target| self.jump_label(target)) {
            Some(label) => self.asm.jump(label),
            None => self.leave_at(target, 0),
        }
    }

    pub(super) fn jump_register(&mut self, index: usize, instruction: Instruction) {
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
