//! The few forms of x86-64 instructions that the compiler needs, over registers, frame slots and immediates.
//!
//! Guest registers live in host registers or in 4-byte slots of the frame, `[rsp + 4 * register]`. Host registers that
//! hold guest registers always have their upper half zero, as every write to them is 32 bits wide.
// The assembler macro converts every register number, whatever its type.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, VecAssembler, dynasm, x64::X64Relocation};

/// A host register, by number.
pub(crate) type Host = u8;

/// Scratch registers; `rcx` is the second.
pub(crate) const EAX: Host = 0;
/// Second scratch register.
pub(crate) const ECX: Host = 1;
/// Holds a guest register; division saves and restores it.
pub(crate) const EDX: Host = 2;

/// Where a value can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A host register.
    Register(Host),
    /// The frame slot of this guest register.
    Slot(u8),
}

/// Where a value can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    /// Where a guest register is, or a scratch register.
    At(Place),
    /// A constant.
    Constant(u32),
}

impl Operand {
    pub(crate) const fn host(register: Host) -> Self {
        Self::At(Place::Register(register))
    }
}

/// Two-operand arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Sub,
    And,
    Or,
    Xor,
    Compare,
}

impl Binary {
    pub(crate) const fn commutes(self) -> bool {
        !matches!(self, Self::Sub | Self::Compare)
    }
}

/// Shifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shift {
    Left,
    Right,
    Arithmetic,
}

/// Conditions on the flags of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Equal,
    NotEqual,
    Less,
    NotLess,
    Below,
    NotBelow,
    Above,
}

/// How a loaded value fills a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Byte,
    ByteSigned,
    Half,
    HalfSigned,
    Word,
}

impl Width {
    pub(crate) const fn size_bytes(self) -> u32 {
        match self {
            Self::Byte | Self::ByteSigned => 1,
            Self::Half | Self::HalfSigned => 2,
            Self::Word => 4,
        }
    }
}

/// A guest address as an x86 address: a host register and an offset from the space's base, which is in `r15`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    /// Register that holds (part of) the address; none for a constant one.
    pub(crate) index: Option<Host>,
    /// Added to it.
    pub(crate) offset: i32,
}

/// Emits instructions.
pub(crate) struct Assembler {
    pub(crate) ops: VecAssembler<X64Relocation>,
}

const fn slot(register: u8) -> i8 {
    (4 * register) as i8
}

/// One instruction for each pair of places its operands can be in.
macro_rules! two_operands {
    ($ops:expr, $name:ident, $destination:expr, $source:expr) => {
        match ($destination, $source) {
            (Place::Register(d), Operand::At(Place::Register(s))) => dynasm!($ops ; .arch x64 ; $name Rd(d), Rd(s)),
            (Place::Register(d), Operand::At(Place::Slot(s))) => {
                dynasm!($ops ; .arch x64 ; $name Rd(d), [BYTE rsp + slot(s)])
            }
            (Place::Slot(d), Operand::At(Place::Register(s))) => {
                dynasm!($ops ; .arch x64 ; $name [BYTE rsp + slot(d)], Rd(s))
            }
            (Place::Register(d), Operand::Constant(c)) => {
                dynasm!($ops ; .arch x64 ; $name Rd(d), c as i32)
            }
            (Place::Slot(d), Operand::Constant(c)) => {
                dynasm!($ops ; .arch x64 ; $name DWORD [BYTE rsp + slot(d)], c as i32)
            }
            (Place::Slot(_), Operand::At(Place::Slot(s))) => {
                // x86 has no form with both in memory.
                dynasm!($ops ; .arch x64 ; mov ecx, [BYTE rsp + slot(s)]);
                if let Place::Slot(d) = $destination {
                    dynasm!($ops ; .arch x64 ; $name [BYTE rsp + slot(d)], ecx)
                }
            }
        }
    };
}

impl Assembler {
    pub(crate) fn new(instructions: usize) -> Self {
        // Four host instructions of four bytes each, in the mean.
        let ops = VecAssembler::new_with_capacity(0, 16 * instructions, 0, 0, instructions, 0, instructions);
        Self { ops }
    }

    pub(crate) fn label(&mut self) -> DynamicLabel {
        self.ops.new_dynamic_label()
    }

    pub(crate) fn bind(&mut self, label: DynamicLabel) {
        self.ops.dynamic_label(label);
    }

    pub(crate) fn offset(&self) -> usize {
        self.ops.offset().0
    }

    /// Moves; may clobber `ecx` when both are slots. Leaves flags alone.
    pub(crate) fn copy(&mut self, destination: Place, source: Operand) {
        match (destination, source) {
            (destination, Operand::At(place)) if place == destination => {}
            (Place::Register(d), Operand::At(Place::Register(s))) => {
                dynasm!(self.ops ; .arch x64 ; mov Rd(d), Rd(s))
            }
            (Place::Register(d), Operand::At(Place::Slot(s))) => {
                dynasm!(self.ops ; .arch x64 ; mov Rd(d), [BYTE rsp + slot(s)])
            }
            (Place::Register(d), Operand::Constant(c)) => dynasm!(self.ops ; .arch x64 ; mov Rd(d), c as i32),
            (Place::Slot(d), Operand::At(Place::Register(s))) => {
                dynasm!(self.ops ; .arch x64 ; mov [BYTE rsp + slot(d)], Rd(s))
            }
            (Place::Slot(d), Operand::Constant(c)) => {
                dynasm!(self.ops ; .arch x64 ; mov DWORD [BYTE rsp + slot(d)], c as i32)
            }
            (Place::Slot(d), Operand::At(Place::Slot(s))) => {
                dynasm!(self.ops ; .arch x64
                    ; mov ecx, [BYTE rsp + slot(s)]
                    ; mov [BYTE rsp + slot(d)], ecx)
            }
        }
    }

    /// `destination op= source`; may clobber `ecx` when both are slots.
    pub(crate) fn binary(&mut self, operation: Binary, destination: Place, source: Operand) {
        let ops = &mut self.ops;
        if let (Place::Register(d), Operand::Constant(c)) = (destination, source)
            && let Ok(c) = i8::try_from(c as i32)
        {
            return match operation {
                Binary::Add => dynasm!(ops ; .arch x64 ; add Rd(d), BYTE c),
                Binary::Sub => dynasm!(ops ; .arch x64 ; sub Rd(d), BYTE c),
                Binary::And => dynasm!(ops ; .arch x64 ; and Rd(d), BYTE c),
                Binary::Or => dynasm!(ops ; .arch x64 ; or Rd(d), BYTE c),
                Binary::Xor => dynasm!(ops ; .arch x64 ; xor Rd(d), BYTE c),
                Binary::Compare => dynasm!(ops ; .arch x64 ; cmp Rd(d), c.into()),
            };
        }
        match operation {
            Binary::Add => two_operands!(ops, add, destination, source),
            Binary::Sub => two_operands!(ops, sub, destination, source),
            Binary::And => two_operands!(ops, and, destination, source),
            Binary::Or => two_operands!(ops, or, destination, source),
            Binary::Xor => two_operands!(ops, xor, destination, source),
            Binary::Compare => two_operands!(ops, cmp, destination, source),
        }
    }

    /// `destination = base + offset`, flags left alone.
    pub(crate) fn add_offset(&mut self, destination: Host, base: Host, offset: i32) {
        match i8::try_from(offset) {
            Ok(offset) => dynasm!(self.ops ; .arch x64 ; lea Rd(destination), [BYTE Rq(base) + offset]),
            Err(_) => dynasm!(self.ops ; .arch x64 ; lea Rd(destination), [DWORD Rq(base) + offset]),
        }
    }

    /// `destination = first + second`.
    pub(crate) fn add_registers(&mut self, destination: Host, first: Host, second: Host) {
        dynasm!(self.ops ; .arch x64 ; lea Rd(destination), [Rq(first) + Rq(second)]);
    }

    /// `place op= amount`.
    pub(crate) fn shift(&mut self, shift: Shift, place: Place, amount: u8) {
        let amount = amount as i8;
        match (shift, place) {
            (Shift::Left, Place::Register(r)) => dynasm!(self.ops ; .arch x64 ; shl Rd(r), BYTE amount),
            (Shift::Right, Place::Register(r)) => dynasm!(self.ops ; .arch x64 ; shr Rd(r), BYTE amount),
            (Shift::Arithmetic, Place::Register(r)) => dynasm!(self.ops ; .arch x64 ; sar Rd(r), BYTE amount),
            (Shift::Left, Place::Slot(s)) => {
                dynasm!(self.ops ; .arch x64 ; shl DWORD [BYTE rsp + slot(s)], BYTE amount)
            }
            (Shift::Right, Place::Slot(s)) => {
                dynasm!(self.ops ; .arch x64 ; shr DWORD [BYTE rsp + slot(s)], BYTE amount)
            }
            (Shift::Arithmetic, Place::Slot(s)) => {
                dynasm!(self.ops ; .arch x64 ; sar DWORD [BYTE rsp + slot(s)], BYTE amount)
            }
        }
    }

    /// `destination = source shifted by amount`, modulo 32.
    pub(crate) fn shift_by(&mut self, shift: Shift, destination: Host, source: Place, amount: Host) {
        match (shift, source) {
            (Shift::Left, Place::Register(s)) => {
                dynasm!(self.ops ; .arch x64 ; shlx Rd(destination), Rd(s), Rd(amount))
            }
            (Shift::Right, Place::Register(s)) => {
                dynasm!(self.ops ; .arch x64 ; shrx Rd(destination), Rd(s), Rd(amount))
            }
            (Shift::Arithmetic, Place::Register(s)) => {
                dynasm!(self.ops ; .arch x64 ; sarx Rd(destination), Rd(s), Rd(amount))
            }
            (Shift::Left, Place::Slot(s)) => {
                dynasm!(self.ops ; .arch x64 ; shlx Rd(destination), [BYTE rsp + slot(s)], Rd(amount))
            }
            (Shift::Right, Place::Slot(s)) => {
                dynasm!(self.ops ; .arch x64 ; shrx Rd(destination), [BYTE rsp + slot(s)], Rd(amount))
            }
            (Shift::Arithmetic, Place::Slot(s)) => {
                dynasm!(self.ops ; .arch x64 ; sarx Rd(destination), [BYTE rsp + slot(s)], Rd(amount))
            }
        }
    }

    /// `destination = source` rotated right by `amount`, flags left alone.
    pub(crate) fn rotate_right(&mut self, destination: Host, source: Host, amount: u8) {
        dynasm!(self.ops ; .arch x64 ; rorx Rd(destination), Rd(source), BYTE amount as i8);
    }

    /// Sets flags by `register & mask`.
    pub(crate) fn test_mask(&mut self, register: Host, mask: u32) {
        match mask {
            0..=0x7f => dynasm!(self.ops ; .arch x64 ; test Rb(register), BYTE mask as i8),
            _ => dynasm!(self.ops ; .arch x64 ; test Rd(register), mask as i32),
        }
    }

    /// Sets flags by the register's value.
    pub(crate) fn test(&mut self, register: Host) {
        dynasm!(self.ops ; .arch x64 ; test Rd(register), Rd(register));
    }

    /// Low byte of `register` becomes the condition.
    pub(crate) fn set(&mut self, condition: Condition, register: Host) {
        let ops = &mut self.ops;
        match condition {
            Condition::Equal => dynasm!(ops ; .arch x64 ; sete Rb(register)),
            Condition::NotEqual => dynasm!(ops ; .arch x64 ; setne Rb(register)),
            Condition::Less => dynasm!(ops ; .arch x64 ; setl Rb(register)),
            Condition::NotLess => dynasm!(ops ; .arch x64 ; setge Rb(register)),
            Condition::Below => dynasm!(ops ; .arch x64 ; setb Rb(register)),
            Condition::NotBelow => dynasm!(ops ; .arch x64 ; setae Rb(register)),
            Condition::Above => dynasm!(ops ; .arch x64 ; seta Rb(register)),
        }
    }

    /// `destination = low byte of source`.
    pub(crate) fn zero_extend_byte(&mut self, destination: Host, source: Host) {
        dynasm!(self.ops ; .arch x64 ; movzx Rd(destination), Rb(source));
    }

    pub(crate) fn jump_if(&mut self, condition: Condition, label: DynamicLabel) {
        let ops = &mut self.ops;
        match condition {
            Condition::Equal => dynasm!(ops ; .arch x64 ; je =>label),
            Condition::NotEqual => dynasm!(ops ; .arch x64 ; jne =>label),
            Condition::Less => dynasm!(ops ; .arch x64 ; jl =>label),
            Condition::NotLess => dynasm!(ops ; .arch x64 ; jge =>label),
            Condition::Below => dynasm!(ops ; .arch x64 ; jb =>label),
            Condition::NotBelow => dynasm!(ops ; .arch x64 ; jae =>label),
            Condition::Above => dynasm!(ops ; .arch x64 ; ja =>label),
        }
    }

    pub(crate) fn jump(&mut self, label: DynamicLabel) {
        dynasm!(self.ops ; .arch x64 ; jmp =>label);
    }

    /// Takes `cycles` off what remains; the carry flag says that there were fewer.
    pub(crate) fn charge(&mut self, cycles: u32) {
        match i8::try_from(cycles) {
            Ok(cycles) => dynasm!(self.ops ; .arch x64 ; sub r14, BYTE cycles),
            Err(_) => dynasm!(self.ops ; .arch x64 ; sub r14, cycles as i32),
        }
    }

    /// Gives cycles back.
    pub(crate) fn refund(&mut self, cycles: u32) {
        match i8::try_from(cycles) {
            Ok(0) => {}
            Ok(cycles) => dynasm!(self.ops ; .arch x64 ; add r14, BYTE cycles),
            Err(_) => dynasm!(self.ops ; .arch x64 ; add r14, cycles as i32),
        }
    }

    /// Loads from guest memory.
    pub(crate) fn load(&mut self, width: Width, destination: Host, address: Address) {
        let Address { index, offset } = address;
        macro_rules! forms {
            ($name:ident, $size:ident) => {
                match index {
                    Some(index) => match i8::try_from(offset) {
                        Ok(offset) => {
                            dynasm!(self.ops ; .arch x64 ; $name Rd(destination), $size [BYTE r15 + Rq(index) + offset])
                        }
                        Err(_) => {
                            dynasm!(self.ops ; .arch x64 ; $name Rd(destination), $size [DWORD r15 + Rq(index) + offset])
                        }
                    },
                    None => dynasm!(self.ops ; .arch x64 ; $name Rd(destination), $size [DWORD r15 + offset]),
                }
            };
        }
        match width {
            Width::Byte => forms!(movzx, BYTE),
            Width::ByteSigned => forms!(movsx, BYTE),
            Width::Half => forms!(movzx, WORD),
            Width::HalfSigned => forms!(movsx, WORD),
            Width::Word => forms!(mov, DWORD),
        }
    }

    /// Stores the low bytes of a register to guest memory.
    pub(crate) fn store(&mut self, width: Width, address: Address, source: Host) {
        let Address { index, offset } = address;
        macro_rules! forms {
            ($family:ident) => {
                match index {
                    Some(index) => match i8::try_from(offset) {
                        Ok(offset) => {
                            dynasm!(self.ops ; .arch x64 ; mov [BYTE r15 + Rq(index) + offset], $family(source))
                        }
                        Err(_) => {
                            dynasm!(self.ops ; .arch x64 ; mov [DWORD r15 + Rq(index) + offset], $family(source))
                        }
                    },
                    None => dynasm!(self.ops ; .arch x64 ; mov [DWORD r15 + offset], $family(source)),
                }
            };
        }
        match width {
            Width::Byte | Width::ByteSigned => forms!(Rb),
            Width::Half | Width::HalfSigned => forms!(Rw),
            Width::Word => forms!(Rd),
        }
    }

    /// Stores a constant to guest memory.
    pub(crate) fn store_constant(&mut self, width: Width, address: Address, value: u32) {
        let Address { index, offset } = address;
        macro_rules! forms {
            ($size:ident, $value:expr) => {
                match index {
                    Some(index) => {
                        dynasm!(self.ops ; .arch x64 ; mov $size [DWORD r15 + Rq(index) + offset], $value)
                    }
                    None => dynasm!(self.ops ; .arch x64 ; mov $size [DWORD r15 + offset], $value),
                }
            };
        }
        match width {
            Width::Byte | Width::ByteSigned => forms!(BYTE, value as i8),
            Width::Half | Width::HalfSigned => forms!(WORD, value as i16),
            Width::Word => forms!(DWORD, value as i32),
        }
    }
}
