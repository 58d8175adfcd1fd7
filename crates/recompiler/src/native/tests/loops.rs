//! Loops with registers of their own: every way in and out, at every cycle.

use ivm_engine::{
    RunEnd,
    testing::{
        random::{SCRATCH_ADDRESS, Shape, random_program},
        *,
    },
};

use super::{Pair, program};
use crate::native::{analysis::Analysis, frame::Frame};

/// Uses `x1..x11` most outside, and `x20..x31` in a loop of two entries.
fn busy_loop(way_in: &[u32], in_loop: u32) -> Vec<u32> {
    let mut words = Vec::new();
    for register in 1..32 {
        words.extend(li(register, SCRATCH_ADDRESS + 4 * register));
    }
    // Loops weigh more than straight code, so the first registers are wanted in most loops.
    for _ in 0..8 {
        words.extend((1..11).map(|register| alu(0, 0, register, register, register + 1)));
        words.push(b_type(1, 0, 0, -40));
    }
    words.push(addi(20, 0, 6));
    words.extend(way_in);
    words.extend((21..31).map(|register| alu(4, 0, register, register, register + 1)));
    words.push(in_loop);
    words.extend((21..31).map(|register| alu(0, 0, register, register, register + 1)));
    words.extend([addi(20, 20, -1), b_type(1, 20, 0, -88)]);
    words.extend((1..32).map(|register| s_type(2, register, 0, 4 * register as i32)));
    words.push(terminate(0));
    words
}

#[test]
fn the_loop_is_mapped() {
    let Analysis { registers_by_use, loops, .. } = Analysis::of(&program(&busy_loop(&[], addi(0, 0, 0))));
    let frame = Frame::new(&registers_by_use);
    let mapped = loops.iter().filter(|mapped| frame.in_loop(&mapped.registers_by_use).is_some()).count();
    assert!(mapped >= 1, "{loops:?}");
}

#[test]
fn every_way_in_and_out_at_every_cycle() {
    let ways_in: [&[u32]; 4] = [
        &[],
        // A jump over half of the loop, into its middle.
        &[jal(0, 48)],
        &[b_type(0, 0, 0, 48)],
        // By address, to the loop's start and to its middle: 8 and 52 behind the auipc.
        &[auipc(19, 0), addi(19, 19, 12), jalr(0, 19, 0)],
    ];
    let in_loop = [
        addi(0, 0, 0),
        // Out of the loop by a branch that is taken in its third round, to its end and to nowhere.
        b_type(4, 20, 0, 48),
        b_type(1, 20, 0, 0x7f0),
        // A fault, a store that is fine, a custom instruction, an end.
        load(2, 5, 20, 0),
        s_type(2, 25, 0, 0x80),
        custom(0, 18, 0, 0),
        terminate(0),
        reveal(25, 3),
    ];
    let mut pair = Pair::default();
    for way_in in ways_in {
        for word in in_loop {
            let program = program(&busy_loop(way_in, word));
            for max_cycles in 130..420 {
                pair.assert_same(&program, &[], max_cycles);
            }
        }
    }
}

#[test]
fn random_programs_at_every_cycle() {
    let (mut pair, mut stopped_short) = (Pair::default(), 0);
    for seed in 0..12 {
        let program = program(&random_program(seed, Shape { steps: 80, wild: seed % 3 == 0 }));
        for max_cycles in 0..400 {
            let report = pair.assert_same(&program, &[], max_cycles);
            let is_short = report.end == RunEnd::OutOfCycles && report.state.cycles < max_cycles;
            stopped_short += usize::from(is_short);
        }
    }
    // Before an instruction that costs more than was left.
    assert!(stopped_short > 300, "{stopped_short}");
}
