//! Loads and stores.

use ivm_engine::testing::*;

use crate::{model::CORNERS, sheet::Sheet};

/// Where tests put data.
const DATA: u32 = 0x0060_0000;

/// Name, funct3, size in bytes, and whether the sign is extended.
const LOADS: [(&str, u32, u32, bool); 5] =
    [("lb", 0, 1, true), ("lh", 1, 2, true), ("lw", 2, 4, true), ("lbu", 4, 1, false), ("lhu", 5, 2, false)];
const STORES: [(&str, u32, u32); 3] = [("sb", 0, 1), ("sh", 1, 2), ("sw", 2, 4)];

/// The part of a word that a load of `size` bytes at `offset` reads.
fn loaded(word: u32, offset: u32, size: u32, is_signed: bool) -> u32 {
    let bits = 8 * size;
    let part = u64::from(word) >> (8 * offset) & ((1 << bits) - 1);
    let is_negative = is_signed && part >> (bits - 1) == 1;
    (if is_negative { part.wrapping_sub(1 << bits) } else { part }) as u32
}

/// The word after a store of `size` bytes at `offset`.
fn stored(word: u32, value: u32, offset: u32, size: u32) -> u32 {
    let mask = (((1_u64 << (8 * size)) - 1) << (8 * offset)) as u32;
    word & !mask | ((u64::from(value) << (8 * offset)) as u32) & mask
}

#[test]
fn loads_of_all_sizes_places_and_offsets() {
    for (name, funct3, size, is_signed) in LOADS {
        let mut sheet = Sheet::new();
        for word in CORNERS.into_iter().chain([0x8182_8384, 0x0f80_7ff0]) {
            for place in (0..4).step_by(size as usize) {
                for displacement in [-2048, -4, 0, 4, 2044] {
                    let offset = displacement + place as i32;
                    let base = DATA.wrapping_sub(displacement.cast_unsigned());
                    sheet.set(&[(1, DATA), (2, word), (3, base)]);
                    sheet.push(&[s_type(2, 2, 1, 0), load(funct3, 4, 3, offset), load(funct3, 0, 3, offset)]);
                    let what = format!("{name} {offset} of {word:#010x}");
                    let expected = loaded(word, place, size, is_signed);
                    sheet.check(&*what, 4, expected);
                    sheet.check("load to x0", 0, 0);
                    sheet.push(&[load(funct3, 3, 3, offset)]);
                    sheet.check(format!("{what}, over its base"), 3, expected);
                }
            }
        }
        sheet.run();
    }
}

#[test]
fn stores_of_all_sizes_places_and_offsets() {
    for (name, funct3, size) in STORES {
        let mut sheet = Sheet::new();
        for value in CORNERS.into_iter().chain([0x8182_8384, 0x0f80_7ff0]) {
            for background in [0, 0xffff_ffff, 0x1122_3344] {
                for place in (0..4).step_by(size as usize) {
                    for displacement in [-2048, 0, 2044] {
                        let offset = displacement + place as i32;
                        let base = DATA.wrapping_sub(displacement.cast_unsigned());
                        sheet.set(&[(1, DATA), (2, value), (3, base), (4, background)]);
                        let clear = [s_type(2, 4, 1, -4), s_type(2, 4, 1, 0), s_type(2, 4, 1, 4)];
                        sheet.push(&clear);
                        sheet.push(&[s_type(funct3, 2, 3, offset)]);
                        sheet.push(&[load(2, 5, 1, -4), load(2, 6, 1, 0), load(2, 7, 1, 4)]);
                        let what = format!("{name} {offset} of {value:#x} over {background:#x}");
                        sheet.check(&*what, 6, stored(background, value, place, size));
                        sheet.check(format!("{what}: the word before"), 5, background);
                        sheet.check(format!("{what}: the word behind"), 7, background);
                        sheet.check(format!("{what}: the register"), 2, value);
                    }
                }
            }
        }
        sheet.run();
    }
}

#[test]
fn a_base_may_be_stored_and_zero_too() {
    let mut sheet = Sheet::new();
    for (name, funct3, size) in STORES {
        sheet.set(&[(1, DATA), (2, 0xffff_ffff)]);
        sheet.push(&[s_type(2, 2, 1, 0), s_type(funct3, 1, 1, 0), load(2, 3, 1, 0)]);
        sheet.check(format!("{name} of its base"), 3, stored(0xffff_ffff, DATA, 0, size));
        sheet.push(&[s_type(2, 2, 1, 0), s_type(funct3, 0, 1, 0), load(2, 3, 1, 0)]);
        sheet.check(format!("{name} of x0"), 3, stored(0xffff_ffff, 0, 0, size));
    }
    sheet.run();
}

#[test]
fn addresses_wrap_around() {
    let mut sheet = Sheet::new();
    // The stack's first words: a base below zero, or above it by a negative offset.
    for (base, offset) in [(0xffff_fffc_u32, 8), (0xffff_f804, 2048 - 4), (4, 0), (0x7fc, -2040)] {
        sheet.set(&[(1, base), (2, base ^ 0x1234_5678)]);
        sheet.push(&[s_type(2, 2, 1, offset), load(2, 3, 1, offset), load(2, 4, 0, 4)]);
        let address = base.wrapping_add(offset.cast_unsigned());
        sheet.check(format!("{address:#x} by {base:#x} and {offset}"), 3, base ^ 0x1234_5678);
        if address == 4 {
            sheet.check("the same by x0", 4, base ^ 0x1234_5678);
        }
    }
    sheet.run();
}
