//! Emits multiplication and division, whose x86 forms are their own.
// The assembler macro converts every register number, whatever its type.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi, dynasm};

use crate::native::assembler::{Assembler, EAX, ECX, Host, Operand, Place};

/// Which half of a product, of which signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HighProduct {
    Signed,
    SignedUnsigned,
    Unsigned,
}

/// Quotient or remainder, signed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Division {
    pub(crate) is_signed: bool,
    pub(crate) wants_remainder: bool,
}

/// The four divisions, in the order of their functions.
pub(crate) const DIVISIONS: [Division; 4] = [
    Division { is_signed: true, wants_remainder: false },
    Division { is_signed: false, wants_remainder: false },
    Division { is_signed: true, wants_remainder: true },
    Division { is_signed: false, wants_remainder: true },
];

impl Assembler {
    /// `destination *= source`, low half.
    pub(crate) fn multiply(&mut self, destination: Host, source: Operand) {
        match source {
            Operand::At(Place::Register(s)) => {
                dynasm!(self.ops ; .arch x64 ; imul Rd(destination), Rd(s))
            }
            Operand::At(Place::Slot(s)) => {
                let slot = (4 * s) as i8;
                dynasm!(self.ops ; .arch x64 ; imul Rd(destination), [BYTE rsp + slot])
            }
            Operand::Constant(c) => {
                dynasm!(self.ops ; .arch x64 ; imul Rd(destination), Rd(destination), c as i32)
            }
        }
    }

    fn widen(&mut self, destination: Host, source: Operand, is_signed: bool) {
        self.copy(Place::Register(destination), source);
        if is_signed {
            dynasm!(self.ops ; .arch x64 ; movsxd Rq(destination), Rd(destination));
        }
    }

    /// `eax =` high half of the product; clobbers `ecx`.
    pub(crate) fn multiply_high(&mut self, kind: HighProduct, first: Operand, second: Operand) {
        self.widen(EAX, first, kind != HighProduct::Unsigned);
        self.widen(ECX, second, kind == HighProduct::Signed);
        dynasm!(self.ops ; .arch x64
            ; imul rax, rcx
            ; shr rax, 32);
    }

    /// `eax =` quotient or remainder as RISC-V has them; clobbers `ecx`.
    pub(crate) fn divide(&mut self, function: DynamicLabel, dividend: Operand, divisor: Operand) {
        self.copy(Place::Register(ECX), divisor);
        self.copy(Place::Register(EAX), dividend);
        dynasm!(self.ops ; .arch x64 ; call =>function);
    }

    /// Emits the function that divides `eax` by `ecx` where nothing traps, and keeps `edx`.
    pub(crate) fn emit_division(&mut self, division: Division) {
        let Division { is_signed, wants_remainder } = division;
        let [by_zero, by_minus_one] = [self.label(), self.label()];
        dynasm!(self.ops ; .arch x64
            ; test ecx, ecx
            ; jz =>by_zero);
        if is_signed {
            dynasm!(self.ops ; .arch x64
                ; cmp ecx, BYTE -1
                ; je =>by_minus_one);
        }
        dynasm!(self.ops ; .arch x64 ; push rdx);
        if is_signed {
            dynasm!(self.ops ; .arch x64 ; cdq ; idiv ecx);
        } else {
            dynasm!(self.ops ; .arch x64 ; xor edx, edx ; div ecx);
        }
        if wants_remainder {
            dynasm!(self.ops ; .arch x64 ; mov eax, edx);
        }
        dynasm!(self.ops ; .arch x64 ; pop rdx ; ret);
        // x86 would trap when the most negative number is divided by -1; negation wraps as RISC-V wants it.
        self.bind(by_minus_one);
        if wants_remainder {
            dynasm!(self.ops ; .arch x64 ; xor eax, eax ; ret);
        } else {
            dynasm!(self.ops ; .arch x64 ; neg eax ; ret);
        }
        self.bind(by_zero);
        if !wants_remainder {
            dynasm!(self.ops ; .arch x64 ; mov eax, -1);
        }
        dynasm!(self.ops ; .arch x64 ; ret);
    }
}
