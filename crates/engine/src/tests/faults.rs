//! Everything that ends a run without an outcome, at its edges.

use super::{SCRATCH, assert_ended, fault_of, program, run_with};
use crate::{Fault, RunEnd, run, testing::*};

const SPACE: u32 = 1 << 27;

/// `(name, instruction at offset(x5), size)`.
fn accesses(offset: i32) -> [(&'static str, u32, u32); 8] {
    [
        ("lb", load(0, 7, 5, offset), 1),
        ("lbu", load(4, 7, 5, offset), 1),
        ("lh", load(1, 7, 5, offset), 2),
        ("lhu", load(5, 7, 5, offset), 2),
        ("lw", load(2, 7, 5, offset), 4),
        ("sb", s_type(0, 7, 5, offset), 1),
        ("sh", s_type(1, 7, 5, offset), 2),
        ("sw", s_type(2, 7, 5, offset), 4),
    ]
}

#[test]
fn unaligned_accesses() {
    for (name, word, size) in accesses(0) {
        for offset in 0..4 {
            let address = SCRATCH + offset;
            if address.is_multiple_of(size) {
                assert_ended(&run_with(&[(5, address)], &[word]));
            } else {
                let fault = fault_of(&[(5, address)], &[word]);
                let pc = TEXT_ADDRESS + 8;
                assert_eq!(fault, Fault::UnalignedAccess { pc, address, size }, "{name}");
            }
        }
    }
}

#[test]
fn loads_to_x0_fault_too() {
    let fault = fault_of(&[(5, SCRATCH + 1)], &[load(2, 0, 5, 0)]);
    assert!(matches!(fault, Fault::UnalignedAccess { .. }));
}

#[test]
fn accesses_at_the_end_of_the_space() {
    for (name, word, size) in accesses(0) {
        assert_ended(&run_with(&[(5, SPACE - size)], &[word]));
        for address in [SPACE, SPACE + 4, 0x8000_0000, 0xffff_fffc] {
            let fault = fault_of(&[(5, address)], &[word]);
            assert_eq!(fault, Fault::OutOfBounds { pc: TEXT_ADDRESS + 8, address, size }, "{name}");
        }
    }
}

#[test]
fn accesses_that_wrap_around_zero() {
    for (name, word, size) in accesses(-4) {
        assert_ended(&run_with(&[(5, 4)], &[word]));
        let fault = fault_of(&[(5, 0)], &[word]);
        assert_eq!(fault, Fault::OutOfBounds { pc: TEXT_ADDRESS + 8, address: 0xffff_fffc, size }, "{name}");
    }
    for (name, word, _) in accesses(4) {
        let run = run_with(&[(5, 0xffff_fffc)], &[word]);
        assert_eq!(run.end, RunEnd::Terminated { exit_code: 0 }, "{name} at 0");
    }
}

#[test]
fn jumps_to_nowhere() {
    let text_end = TEXT_ADDRESS + 16;
    for (what, target) in [
        ("zero", 0),
        ("just before the text", TEXT_ADDRESS - 4),
        ("just behind the text", text_end),
        ("the data", SCRATCH),
        ("between two instructions", TEXT_ADDRESS + 2),
        ("past the address space", 0xffff_fffc),
        ("2^30 past the text, where an index would wrap", TEXT_ADDRESS.wrapping_add(1 << 30)),
    ] {
        let fault = fault_of(&[(5, target)], &[jalr(1, 5, 0)]);
        assert_eq!(fault, Fault::BadJump { pc: target }, "{what}");
    }
    // Taken branches and jumps to half an instruction.
    assert_eq!(fault_of(&[], &[jal(0, 6)]), Fault::BadJump { pc: TEXT_ADDRESS + 6 });
    assert_eq!(fault_of(&[], &[b_type(0, 0, 0, 6)]), Fault::BadJump { pc: TEXT_ADDRESS + 6 });
    assert_eq!(fault_of(&[], &[jal(0, -4)]), Fault::BadJump { pc: TEXT_ADDRESS - 4 });
    // A branch that is not taken may point anywhere.
    assert_ended(&run_with(&[], &[b_type(1, 0, 0, 6)]));
}

#[test]
fn running_off_the_end_of_the_text() {
    let run = run(&program(&[addi(5, 0, 1)]), &[], 10).unwrap();
    assert_eq!(run.end, RunEnd::Faulted(Fault::BadJump { pc: TEXT_ADDRESS + 4 }));
    assert_eq!(run.cycles, 1);
}

#[test]
fn a_fault_counts_the_instruction_but_changes_nothing() {
    let run = run_with(&[(5, SCRATCH + 1), (7, 42)], &[load(2, 7, 5, 0)]);
    assert_eq!(run.cycles, 5);
    assert_eq!(run.registers[7], 42);
}

#[test]
fn xorin_lengths() {
    let registers = |length| [(5, SCRATCH), (6, SCRATCH + 0x1000), (7, length)];
    for length in [0, 4, 132, 136] {
        assert_ended(&run_with(&registers(length), &[custom(1, 5, 6, 7)]));
    }
    for length in [1, 2, 3, 135, 137, 140, 0x8000_0000, u32::MAX] {
        let fault = fault_of(&registers(length), &[custom(1, 5, 6, 7)]);
        assert_eq!(fault, Fault::XorinLength { pc: TEXT_ADDRESS + 24, length });
    }
}

#[test]
fn an_empty_xorin_checks_the_range_of_its_pointers_only() {
    for (buffer, input, bad) in [
        (SCRATCH + 1, SCRATCH + 2, None),
        (SPACE - 1, SPACE - 1, None),
        (SPACE, SCRATCH, Some(SPACE)),
        (SCRATCH, SPACE, Some(SPACE)),
        (SCRATCH, u32::MAX, Some(u32::MAX)),
    ] {
        let (registers, body) = ([(5, buffer), (6, input), (7, 0)], [custom(1, 5, 6, 7)]);
        match bad {
            None => assert_ended(&run_with(&registers, &body)),
            Some(address) => {
                let expected = Fault::OutOfBounds { pc: TEXT_ADDRESS + 24, address, size: 0 };
                assert_eq!(fault_of(&registers, &body), expected);
            }
        }
    }
}

/// `(name, funct7, sizes of what x5, x6, x7 point to)`; 0 for what is no pointer.
const CUSTOM: [(&str, u32, [u32; 3]); 4] = [
    ("keccakf", 0, [200, 0, 0]),
    ("xorin", 1, [136, 136, 0]),
    ("sha256", 2, [32, 32, 64]),
    ("sha512", 3, [64, 64, 128]),
];

#[test]
fn custom_instructions_check_every_pointer() {
    for (name, funct7, sizes) in CUSTOM {
        let word = if funct7 == 0 { custom(0, 5, 0, 0) } else { custom(funct7, 5, 6, 7) };
        let mut good = [SCRATCH, SCRATCH + 0x1000, SCRATCH + 0x2000];
        if funct7 == 1 {
            good[2] = 136;
        }
        let run_at = |pointers: [u32; 3]| {
            let registers = [(5, pointers[0]), (6, pointers[1]), (7, pointers[2])];
            run_with(&registers, &[word]).end
        };
        let pc = TEXT_ADDRESS + 24;
        for index in (0..3).filter(|&index| sizes[index] > 0) {
            let size = sizes[index];
            let at = |address| {
                let mut pointers = good;
                pointers[index] = address;
                run_at(pointers)
            };
            let out_of_bounds = |address| RunEnd::Faulted(Fault::OutOfBounds { pc, address, size });
            assert_eq!(at(SPACE - size), RunEnd::Terminated { exit_code: 0 }, "{name} {index}");
            for address in [SPACE - size + 4, SPACE, 0xffff_fffc] {
                assert_eq!(at(address), out_of_bounds(address), "{name} {index}");
            }
            for address in [1, 2, 3].map(|offset| SCRATCH + offset) {
                let expected = RunEnd::Faulted(Fault::UnalignedAccess { pc, address, size });
                assert_eq!(at(address), expected, "{name} {index}");
            }
        }
    }
}

#[test]
fn inputs_that_do_not_fit() {
    let program = program(&[terminate(0)]);
    let room = (SPACE - program.input_address) as usize;
    assert!(run(&program, &vec![1; room], 1).is_ok());
    assert_eq!(run(&program, &vec![1; room + 1], 1).unwrap_err().size_bytes, room + 1);
}
