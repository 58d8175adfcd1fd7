//! Jumps: to entries, between them, out of the text.

use ivm_engine::{
    Fault, RunEnd,
    testing::{TEXT_ADDRESS, *},
};

use super::{Pair, program};

#[test]
fn a_jump_to_where_nothing_is_known_to_jump_goes_on() {
    // The target is computed from the cycle of a loop, so that no analysis can see it.
    let words = [
        addi(5, 0, 3),
        auipc(6, 0),
        alui(1, 7, 5, 2),
        alu(0, 0, 6, 6, 7),
        jalr(1, 6, 8),
        addi(10, 10, 1),
        addi(10, 10, 2),
        addi(10, 10, 4),
        addi(10, 10, 8),
        terminate(0),
    ];
    for skipped in 0..8 {
        let mut words = words;
        words[0] = addi(5, 0, skipped);
        Pair::default().assert_same(&program(&words), &[], 100);
    }
}

#[test]
fn bad_jumps_are_the_interpreters() {
    for (word, pc) in [
        (jal(1, 0x1000), TEXT_ADDRESS + 0x1008),
        (jal(1, -0x1000), TEXT_ADDRESS - 0xff8),
        (jal(1, 6), TEXT_ADDRESS + 14),
        (b_type(0, 0, 0, 2), TEXT_ADDRESS + 10),
        (b_type(0, 5, 5, -12), TEXT_ADDRESS - 4),
        (jalr(1, 0, 0x7ff), 0x7fe),
        (jalr(1, 6, 2), TEXT_ADDRESS + 2),
        (jalr(1, 6, -8), TEXT_ADDRESS - 8),
        (jalr(1, 6, 12), TEXT_ADDRESS + 12),
    ] {
        // A constant base is one path, one that is loaded from memory another.
        for known in [true, false] {
            let base = if known { auipc(6, 0) } else { load(2, 6, 0, 0) };
            let words = [auipc(5, 0), base, word];
            let program = program(&words);
            let report = Pair::default().assert_same(&program, &[], 100);
            if known {
                let shift = if word & 0xf_8000 == 6 << 15 { 4 } else { 0 };
                assert_eq!(report.end, RunEnd::Faulted(Fault::BadJump { pc: pc + shift }), "{word:#x}");
            }
        }
    }
}

#[test]
fn running_off_the_end_of_the_text() {
    for words in [vec![addi(5, 0, 1)], vec![addi(5, 0, 1), b_type(1, 5, 5, -4)], vec![load(2, 5, 0, 0)]] {
        let report = Pair::default().assert_same(&program(&words), &[], 100);
        let pc = TEXT_ADDRESS + 4 * words.len() as u32;
        assert_eq!(report.end, RunEnd::Faulted(Fault::BadJump { pc }));
    }
}

#[test]
fn a_program_that_only_leaves_code_is_interpreted() {
    // Jumps to itself by a register, one instruction after an entry: each round leaves code.
    let words = [auipc(5, 0), addi(5, 5, 12), addi(6, 6, 1), addi(7, 7, 1), jalr(0, 5, 0)];
    let report = Pair::default().assert_same(&program(&words), &[], 1_000_000);
    assert_eq!(report.end, RunEnd::OutOfCycles);
}

#[test]
fn returns_and_recursion() {
    // fib(12), by two recursive calls.
    let words = [
        &li(2, 0x0030_0000)[..],
        &[addi(10, 0, 12), jal(1, 12), reveal(10, 0), terminate(0)],
        &[
            addi(5, 0, 2),
            b_type(4, 10, 5, 56),
            addi(2, 2, -16),
            s_type(2, 1, 2, 0),
            s_type(2, 10, 2, 4),
            addi(10, 10, -1),
            jal(1, -24),
            s_type(2, 10, 2, 8),
            load(2, 10, 2, 4),
            addi(10, 10, -2),
            jal(1, -40),
            load(2, 5, 2, 8),
            alu(0, 0, 10, 10, 5),
            load(2, 1, 2, 0),
            addi(2, 2, 16),
            jalr(0, 1, 0),
        ],
    ]
    .concat();
    let report = Pair::default().assert_same(&program(&words), &[], 1 << 20);
    assert_eq!(report.end, RunEnd::Terminated { exit_code: 0 });
    assert_eq!(report.state.registers[10], 144);
}
