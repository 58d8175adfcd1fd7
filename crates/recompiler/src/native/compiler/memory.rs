//! Emits loads and stores, with the checks that they need.

use ivm_engine::decode::{Instruction, Operation};

use super::Compiler;
use crate::native::{
    analysis::{SINK, is_branch},
    assembler::{Address, Binary, Condition, EAX, ECX, Operand, Place, Width},
};

/// How far ahead accesses off the same base are looked for. Bounds the work on hostile text.
const LOOKAHEAD_INSTRUCTIONS: usize = 24;

impl Compiler<'_> {
    pub(super) fn load(&mut self, index: usize, instruction: Instruction, width: Width) {
        let Some(address) = self.checked_address(index, instruction, width) else { return };
        if instruction.rd == SINK {
            return;
        }
        let place = self.place(instruction.rd);
        let work = if let Place::Register(host) = place { host } else { EAX };
        self.asm.load(width, work, address);
        self.asm.copy(place, Operand::host(work));
    }

    pub(super) fn store(&mut self, index: usize, instruction: Instruction, width: Width) {
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
    pub(super) fn checked_address(
        &mut self,
        index: usize,
        instruction: Instruction,
        width: Width,
    ) -> Option<Address> {
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
        let is_inside = address as usize + size as usize <= self.reach.size_bytes();
        if is_inside && address.is_multiple_of(size) {
            return Some(Address { index: None, offset: address as i32 });
        }
        self.leave_before(index);
        None
    }

    pub(super) fn in_register(&mut self, place: Place) -> u8 {
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
        let outside = !(self.reach.size_bytes() as u32 - 1);
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
        let limit = (self.reach.size_bytes() as u32 - (high - low) as u32) >> bits;
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
