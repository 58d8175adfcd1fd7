//! Branches and jumps.

use ivm_engine::testing::*;

use crate::{
    model::{BRANCHES, CORNERS},
    sheet::Sheet,
};

/// `fence` and `fence.tso`, which do nothing.
const FENCES: [u32; 2] = [0x0ff0_000f, 0x8330_000f];

fn jump(offset: i32) -> u32 {
    jal(0, offset)
}

#[test]
fn branches_forward() {
    for (name, funct3, is_taken) in BRANCHES {
        let mut sheet = Sheet::new();
        for a in CORNERS {
            for b in CORNERS {
                sheet.set(&[(1, a), (2, b)]);
                sheet.push(&[addi(3, 0, 0), b_type(funct3, 1, 2, 8), jump(8), addi(3, 0, 1)]);
                sheet.check(format!("{name} {a:#x}, {b:#x}"), 3, u32::from(is_taken(a, b)));
            }
        }
        sheet.run();
    }
}

#[test]
fn branches_backward() {
    for (name, funct3, is_taken) in BRANCHES {
        let mut sheet = Sheet::new();
        for a in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
            for b in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
                sheet.set(&[(1, a), (2, b)]);
                sheet.push(&[addi(3, 0, 0), jump(12), addi(3, 0, 1), jump(8), b_type(funct3, 1, 2, -8)]);
                sheet.check(format!("{name} back {a:#x}, {b:#x}"), 3, u32::from(is_taken(a, b)));
            }
        }
        sheet.run();
    }
}

#[test]
fn branches_on_one_register_and_on_zero() {
    let mut sheet = Sheet::new();
    for (name, funct3, is_taken) in BRANCHES {
        for value in CORNERS {
            for (rs1, rs2, a, b) in [(1, 1, value, value), (0, 1, 0, value), (1, 0, value, 0), (0, 0, 0, 0)] {
                sheet.set(&[(1, value)]);
                sheet.push(&[addi(3, 0, 0), b_type(funct3, rs1, rs2, 8), jump(8), addi(3, 0, 1)]);
                sheet.check(format!("{name} x{rs1}, x{rs2} of {value:#x}"), 3, u32::from(is_taken(a, b)));
            }
        }
    }
    sheet.run();
}

#[test]
fn the_farthest_branches_and_jumps() {
    let mut sheet = Sheet::new();
    let gap = |words: usize| vec![UNIMP; words];
    // Forward by 4092, over what would end the run, and back by 4096.
    sheet.push(&[addi(3, 0, 0), b_type(0, 0, 0, 4092)]);
    sheet.push(&gap(1021));
    sheet.push(&[jump(8), addi(3, 3, 7), addi(3, 3, 1)]);
    sheet.check("beq by 4092", 3, 8);
    sheet.push(&[addi(3, 0, 0), jump(4 + 4 + 4 * 1023), addi(3, 0, 5), jump(4 * 1024)]);
    sheet.push(&gap(1021));
    sheet.push(&[UNIMP, b_type(0, 0, 0, -4096)]);
    sheet.check("beq by -4096", 3, 5);
    // A jump over a quarter of a mebibyte, and back to the instruction behind it.
    sheet.push(&[addi(3, 0, 0), jal(1, 0x4_0000), jump(4 + 0x4_0000)]);
    sheet.push(&gap(0x1_0000 - 2));
    sheet.push(&[addi(3, 3, 9), jalr(0, 1, 0)]);
    sheet.check("jal there, jalr back", 3, 9);
    sheet.run();
}

#[test]
fn jumps_link() {
    let mut sheet = Sheet::new();
    for rd in [0, 1, 5, 30] {
        let pc = sheet.pc();
        sheet.push(&[jal(rd, 8), UNIMP]);
        sheet.check(format!("jal x{rd}"), rd, if rd == 0 { 0 } else { pc + 4 });
    }
    for (rd, rs1) in [(0, 1), (1, 1), (1, 5), (5, 1), (30, 30)] {
        for offset in [-2048, -4, 0, 4, 2044] {
            // `li` and the jump are three words; the next is skipped.
            let target = sheet.pc() + 16;
            sheet.set(&[(rs1, target.wrapping_sub_signed(offset))]);
            sheet.push(&[jalr(rd, rs1, offset), UNIMP]);
            sheet.check(format!("jalr x{rd}, {offset}(x{rs1})"), rd, if rd == 0 { 0 } else { target - 4 });
        }
    }
    sheet.run();
}

#[test]
fn jalr_clears_the_lowest_bit() {
    let mut sheet = Sheet::new();
    for (base_bit, offset_bit) in [(1, 0), (0, 1)] {
        let target = sheet.pc() + 16;
        sheet.set(&[(1, target + base_bit)]);
        sheet.push(&[jalr(2, 1, offset_bit), UNIMP]);
        sheet.check(format!("jalr to {target:#x} + 1"), 2, target - 4);
    }
    sheet.run();
}

#[test]
fn fences_do_nothing() {
    let mut sheet = Sheet::new();
    sheet.set(&[(1, 5), (2, 6)]);
    sheet.push(&FENCES);
    sheet.check("x1 behind fences", 1, 5);
    sheet.check("x2 behind fences", 2, 6);
    sheet.run();
}

/// A loop whose body has branches both ways, by an account kept here.
#[test]
fn loops_count() {
    let mut sheet = Sheet::new();
    sheet.set(&[(1, 1000), (2, 0), (3, 0)]);
    // x2 counts odd rounds, x3 sums x1.
    sheet.push(&[
        alui(7, 4, 1, 1),
        b_type(0, 4, 0, 8),
        addi(2, 2, 1),
        alu(0, 0, 3, 3, 1),
        addi(1, 1, -1),
        b_type(1, 1, 0, -20),
    ]);
    sheet.check("odd rounds", 2, 500);
    sheet.check("sum", 3, 500_500);
    sheet.check("rounds left", 1, 0);
    sheet.run();
}
