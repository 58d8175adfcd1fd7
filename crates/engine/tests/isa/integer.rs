//! Operations on registers and immediates.

use ivm_engine::testing::*;

use crate::{
    model::{CORNERS, OPERATIONS, Operation, SHIFTS, WITH_IMMEDIATE, operation},
    sheet::Sheet,
};

fn word(operation: &Operation, rd: u32, rs1: u32, rs2: u32) -> u32 {
    alu(operation.funct3, operation.funct7, rd, rs1, rs2)
}

/// Results that are not the model's: of the specification's text and of well-known slips.
#[test]
fn results_written_by_hand() {
    const MIN: u32 = 0x8000_0000;
    const MINUS_1: u32 = 0xffff_ffff;
    let mut sheet = Sheet::new();
    for (name, a, b, expected) in [
        ("div", 20, 6, 3),
        ("div", 20_u32.wrapping_neg(), 6, 3_u32.wrapping_neg()),
        ("div", 20, 6_u32.wrapping_neg(), 3_u32.wrapping_neg()),
        ("div", 20_u32.wrapping_neg(), 6_u32.wrapping_neg(), 3),
        ("div", MIN, 1, MIN),
        ("div", MIN, MINUS_1, MIN),
        ("div", MIN, 0, MINUS_1),
        ("div", 1, 0, MINUS_1),
        ("div", 0, 0, MINUS_1),
        ("divu", 20_u32.wrapping_neg(), 6, 715_827_879),
        ("divu", 20, 6_u32.wrapping_neg(), 0),
        ("divu", MIN, 1, MIN),
        ("divu", MIN, MINUS_1, 0),
        ("divu", MIN, 0, MINUS_1),
        ("rem", 20, 6, 2),
        ("rem", 20_u32.wrapping_neg(), 6, 2_u32.wrapping_neg()),
        ("rem", 20, 6_u32.wrapping_neg(), 2),
        ("rem", 20_u32.wrapping_neg(), 6_u32.wrapping_neg(), 2_u32.wrapping_neg()),
        ("rem", MIN, MINUS_1, 0),
        ("rem", MIN, 0, MIN),
        ("remu", 20_u32.wrapping_neg(), 6, 2),
        ("remu", 20, 6_u32.wrapping_neg(), 20),
        ("remu", MIN, MINUS_1, MIN),
        ("remu", 7, 0, 7),
        ("mul", 0x7e00, 0xb6db_6db7, 0x1200),
        ("mul", 0xaaaa_aaab, 0x0002_fe7d, 0x0000_ff7f),
        ("mulh", 0xaaaa_aaab, 0x0002_fe7d, 0xffff_0081),
        ("mulhu", 0xaaaa_aaab, 0x0002_fe7d, 0x0001_fefe),
        ("mulhsu", 0xaaaa_aaab, 0x0002_fe7d, 0xffff_0081),
        ("mulh", 0xff00_0000, 0xff00_0000, 0x0001_0000),
        ("mulhu", 0xff00_0000, 0xff00_0000, 0xfe01_0000),
        ("mulhsu", 0xff00_0000, 0xff00_0000, 0xff01_0000),
        ("mulhsu", MINUS_1, MINUS_1, MINUS_1),
        ("sll", 0x2121_2121, 0xffff_ffce, 0x4848_4000),
        ("srl", 0x2121_2121, 0xffff_ffce, 0x0000_8484),
        ("sra", 0x8181_8181, 0xffff_ffce, 0xfffe_0606),
        ("slt", MIN, 0xffff_8000, 1),
        ("sltu", 0x7fff_ffff, 0xffff_8000, 1),
    ] {
        let operation = operation(name);
        sheet.set(&[(1, a), (2, b)]);
        sheet.push(&[word(operation, 3, 1, 2)]);
        sheet.check(format!("{name} {a:#x}, {b:#x}"), 3, expected);
        assert_eq!(operation.result(a, b), expected, "the model of {name} {a:#x}, {b:#x}");
    }
    sheet.run();
}

#[test]
fn all_pairs_of_corners() {
    for operation in OPERATIONS {
        let mut sheet = Sheet::new();
        for a in CORNERS {
            for b in CORNERS {
                sheet.set(&[(1, a), (2, b)]);
                sheet.push(&[word(operation, 3, 1, 2)]);
                sheet.check(format!("{} {a:#x}, {b:#x}", operation.name), 3, operation.result(a, b));
            }
        }
        sheet.run();
    }
}

/// A translator that keeps guest registers in those of the machine has as many ways to mix them up.
#[test]
fn all_constellations_of_registers() {
    const REGISTERS: [u32; 10] = [0, 1, 2, 5, 8, 10, 11, 17, 28, 30];
    for operation in OPERATIONS {
        let mut sheet = Sheet::new();
        let value = |register: u32| if register == 0 { 0 } else { 0x8765_4321_u32.rotate_left(register) };
        for rd in REGISTERS {
            for rs1 in REGISTERS {
                for rs2 in REGISTERS {
                    sheet.set(&[(rs1, value(rs1)), (rs2, value(rs2))]);
                    sheet.push(&[word(operation, rd, rs1, rs2)]);
                    let expected = if rd == 0 { 0 } else { operation.result(value(rs1), value(rs2)) };
                    sheet.check(format!("{} x{rd}, x{rs1}, x{rs2}", operation.name), rd, expected);
                }
            }
        }
        sheet.run();
    }
}

#[test]
fn operands_keep_their_values() {
    let mut sheet = Sheet::new();
    for operation in OPERATIONS {
        for rd in [0, 3] {
            sheet.set(&[(1, 0x8000_0005), (2, 0x0000_0043), (10, 0xdead_beef), (11, 0x1234_5678)]);
            sheet.push(&[word(operation, rd, 1, 2)]);
            for (register, expected) in
                [(0, 0), (1, 0x8000_0005), (2, 0x43), (10, 0xdead_beef), (11, 0x1234_5678)]
            {
                sheet.check(format!("x{register} after {} x{rd}", operation.name), register, expected);
            }
        }
    }
    sheet.run();
}

#[test]
fn results_are_operands_at_once_and_later() {
    let mut sheet = Sheet::new();
    for first in OPERATIONS {
        for second in OPERATIONS {
            for delay in 0..3 {
                let (a, b) = (0x8000_1235, 0x0000_0013);
                sheet.set(&[(1, a), (2, b)]);
                sheet.push(&[word(first, 3, 1, 2)]);
                sheet.push(&vec![addi(0, 0, 0); delay]);
                sheet.push(&[word(second, 4, 3, 2), word(second, 3, 1, 3)]);
                let result = first.result(a, b);
                let what = format!("{} behind {} and {delay} others", second.name, first.name);
                sheet.check(format!("{what}, left"), 4, second.result(result, b));
                sheet.check(format!("{what}, right"), 3, second.result(a, result));
            }
        }
    }
    sheet.run();
}

#[test]
fn immediates() {
    let mut sheet = Sheet::new();
    for name in WITH_IMMEDIATE {
        let operation = operation(name);
        for a in CORNERS {
            for immediate in [-2048, -2047, -1, 0, 1, 0x0f0, 0x555, 2046, 2047] {
                for (rd, rs1) in [(3, 1), (1, 1)] {
                    sheet.set(&[(1, a)]);
                    sheet.push(&[alui(operation.funct3, rd, rs1, immediate)]);
                    let expected = operation.result(a, immediate.cast_unsigned());
                    sheet.check(format!("{name}i x{rd}, {a:#x}, {immediate}"), rd, expected);
                }
                sheet.push(&[
                    alui(operation.funct3, 0, 1, immediate),
                    alui(operation.funct3, 4, 0, immediate),
                ]);
                sheet.check(format!("{name}i x0"), 0, 0);
                let of_zero = operation.result(0, immediate.cast_unsigned());
                sheet.check(format!("{name}i x4, x0, {immediate}"), 4, of_zero);
            }
        }
    }
    sheet.run();
}

#[test]
fn shifts_by_immediates() {
    let mut sheet = Sheet::new();
    for (name, bits) in SHIFTS {
        let operation = operation(name);
        for a in CORNERS {
            for amount in 0..32 {
                sheet.set(&[(1, a), (2, a)]);
                let shift = |rd, rs1| alui(operation.funct3, rd, rs1, amount | bits);
                sheet.push(&[shift(3, 1), shift(2, 2), shift(0, 1)]);
                let expected = operation.result(a, amount.cast_unsigned());
                sheet.check(format!("{name}i {a:#x}, {amount}"), 3, expected);
                sheet.check(format!("{name}i {a:#x}, {amount} in place"), 2, expected);
                sheet.check(format!("{name}i x0"), 0, 0);
            }
        }
    }
    sheet.run();
}

#[test]
fn upper_immediates() {
    let mut sheet = Sheet::new();
    for upper in [0, 0x1000, 0x0f0f_0000, 0x7fff_f000, 0x8000_0000, 0x8000_1000, 0xffff_f000] {
        sheet.push(&[lui(3, upper), lui(0, upper)]);
        sheet.check(format!("lui {upper:#x}"), 3, upper);
        sheet.check("lui x0", 0, 0);
        let pc = sheet.pc();
        sheet.push(&[auipc(3, upper), auipc(0, upper)]);
        sheet.check(format!("auipc {upper:#x}"), 3, pc.wrapping_add(upper));
        sheet.check("auipc x0", 0, 0);
    }
    sheet.run();
}
