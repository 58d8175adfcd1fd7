//! What instructions compute, in the words of the specification.

/// Values at which arithmetic changes its ways.
pub(crate) const CORNERS: [u32; 18] = [
    0,
    1,
    2,
    3,
    7,
    31,
    32,
    33,
    0xffff,
    0x8000,
    0xffff_8000,
    0x5555_5555,
    0xaaaa_aaaa,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0001,
    0xffff_fffe,
    0xffff_ffff,
];

/// An operation on two operands: name, funct3, funct7, and what it computes of signed and of unsigned values.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) funct3: u32,
    pub(crate) funct7: u32,
    compute: fn(Operand, Operand) -> i128,
}

/// One operand, both ways.
#[derive(Clone, Copy)]
struct Operand {
    signed: i128,
    unsigned: i128,
}

impl Operand {
    fn of(word: u32) -> Self {
        Self { signed: i128::from(word.cast_signed()), unsigned: i128::from(word) }
    }
}

impl Operation {
    /// The result: the lower 32 bits of the number computed.
    pub(crate) fn result(&self, a: u32, b: u32) -> u32 {
        (self.compute)(Operand::of(a), Operand::of(b)) as u32
    }
}

fn shift_amount(b: Operand) -> u32 {
    (b.unsigned % 32) as u32
}

/// Division rounds towards zero; by zero it gives all ones, and what is left is the dividend.
fn quotient(a: i128, b: i128) -> i128 {
    if b == 0 { -1 } else { a / b }
}

fn remainder(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { a - b * (a / b) }
}

macro_rules! operations {
    ($(($name:literal, $funct3:literal, $funct7:literal, $compute:expr)),* $(,)?) => {
        &[$(Operation { name: $name, funct3: $funct3, funct7: $funct7, compute: $compute }),*]
    };
}

/// RV32I's and RV32M's operations on two registers.
pub(crate) const OPERATIONS: &[Operation] = operations![
    ("add", 0, 0x00, |a, b| a.unsigned + b.unsigned),
    ("sub", 0, 0x20, |a, b| a.unsigned - b.unsigned),
    ("sll", 1, 0x00, |a, b| a.unsigned << shift_amount(b)),
    ("slt", 2, 0x00, |a, b| i128::from(a.signed < b.signed)),
    ("sltu", 3, 0x00, |a, b| i128::from(a.unsigned < b.unsigned)),
    ("xor", 4, 0x00, |a, b| (a.unsigned | b.unsigned) - (a.unsigned & b.unsigned)),
    ("srl", 5, 0x00, |a, b| a.unsigned.div_euclid(1 << shift_amount(b))),
    ("sra", 5, 0x20, |a, b| a.signed.div_euclid(1 << shift_amount(b))),
    ("or", 6, 0x00, |a, b| a.unsigned + b.unsigned - (a.unsigned & b.unsigned)),
    ("and", 7, 0x00, |a, b| a.unsigned & b.unsigned),
    ("mul", 0, 0x01, |a, b| a.unsigned * b.unsigned),
    ("mulh", 1, 0x01, |a, b| (a.signed * b.signed).div_euclid(1 << 32)),
    ("mulhsu", 2, 0x01, |a, b| (a.signed * b.unsigned).div_euclid(1 << 32)),
    ("mulhu", 3, 0x01, |a, b| (a.unsigned * b.unsigned).div_euclid(1 << 32)),
    ("div", 4, 0x01, |a, b| quotient(a.signed, b.signed)),
    ("divu", 5, 0x01, |a, b| quotient(a.unsigned, b.unsigned)),
    ("rem", 6, 0x01, |a, b| remainder(a.signed, b.signed)),
    ("remu", 7, 0x01, |a, b| remainder(a.unsigned, b.unsigned)),
];

/// Operations with an immediate, by their funct3, as those on two registers that they stand for.
pub(crate) const WITH_IMMEDIATE: [&str; 6] = ["add", "slt", "sltu", "xor", "or", "and"];
/// Shifts by an immediate, with the bits above the amount.
pub(crate) const SHIFTS: [(&str, i32); 3] = [("sll", 0), ("srl", 0), ("sra", 0x400)];

/// The operation of that name.
pub(crate) fn operation(name: &str) -> &'static Operation {
    OPERATIONS.iter().find(|operation| operation.name == name).unwrap()
}

/// A branch: name, funct3, and when it is taken.
pub(crate) type Branch = (&'static str, u32, fn(u32, u32) -> bool);

/// All of them.
pub(crate) const BRANCHES: [Branch; 6] = [
    ("beq", 0, |a, b| a == b),
    ("bne", 1, |a, b| a != b),
    ("blt", 4, |a, b| operation("slt").result(a, b) == 1),
    ("bge", 5, |a, b| operation("slt").result(a, b) == 0),
    ("bltu", 6, |a, b| operation("sltu").result(a, b) == 1),
    ("bgeu", 7, |a, b| operation("sltu").result(a, b) == 0),
];
