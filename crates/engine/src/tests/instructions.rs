//! Every instruction of RV32IM against values worked out by hand from the specification.

use super::{SCRATCH, assert_ended, program, run_with, run_words};
use crate::{
    Run, RunEnd, SYSTEM_INSTRUCTION_EXIT_CODE,
    decode::{DecodeError, decode},
    run,
    testing::*,
};

const MIN: u32 = 0x8000_0000;
const MINUS_1: u32 = u32::MAX;

/// `(name, funct3, funct7, [(a, b, expected)])`.
type AluCase = (&'static str, u32, u32, &'static [(u32, u32, u32)]);

const ALU: &[AluCase] = &[
    ("add", 0, 0x00, &[(1, 2, 3), (MINUS_1, 1, 0), (0x7fff_ffff, 1, MIN)]),
    ("sub", 0, 0x20, &[(3, 2, 1), (0, 1, MINUS_1), (MIN, 1, 0x7fff_ffff)]),
    ("sll", 1, 0x00, &[(1, 31, MIN), (1, 32, 1), (3, 33, 6), (1, MINUS_1, MIN)]),
    ("slt", 2, 0x00, &[(MINUS_1, 0, 1), (0, MINUS_1, 0), (MIN, 0x7fff_ffff, 1), (5, 5, 0)]),
    ("sltu", 3, 0x00, &[(MINUS_1, 0, 0), (0, MINUS_1, 1), (MIN, 0x7fff_ffff, 0), (5, 5, 0)]),
    ("xor", 4, 0x00, &[(0b1100, 0b1010, 0b0110), (MINUS_1, MINUS_1, 0)]),
    ("srl", 5, 0x00, &[(MIN, 31, 1), (MIN, 32, MIN), (MINUS_1, 4, 0x0fff_ffff)]),
    (
        "sra",
        5,
        0x20,
        &[(MIN, 31, MINUS_1), (MIN, 32, MIN), (0x7fff_ffff, 4, 0x07ff_ffff), (MIN, 4, 0xf800_0000)],
    ),
    ("or", 6, 0x00, &[(0b1100, 0b1010, 0b1110)]),
    ("and", 7, 0x00, &[(0b1100, 0b1010, 0b1000)]),
    ("mul", 0, 0x01, &[(7, 6, 42), (MINUS_1, MINUS_1, 1), (MIN, MINUS_1, MIN), (0x1_0000, 0x1_0000, 0)]),
    (
        "mulh",
        1,
        0x01,
        &[(MINUS_1, MINUS_1, 0), (MIN, MIN, 0x4000_0000), (MIN, 1, MINUS_1), (0x1_0000, 0x1_0000, 1)],
    ),
    (
        "mulhsu",
        2,
        0x01,
        &[
            (MINUS_1, MINUS_1, MINUS_1),
            (MIN, MIN, 0xc000_0000),
            (1, MINUS_1, 0),
            (MIN, MINUS_1, MIN),
            (2, MIN, 1),
        ],
    ),
    ("mulhu", 3, 0x01, &[(MINUS_1, MINUS_1, 0xffff_fffe), (MIN, MIN, 0x4000_0000), (1, MINUS_1, 0)]),
    (
        "div",
        4,
        0x01,
        &[
            (20, 6, 3),
            (20_u32.wrapping_neg(), 6, 3_u32.wrapping_neg()),
            (20, 6_u32.wrapping_neg(), 3_u32.wrapping_neg()),
            (1, 0, MINUS_1),
            (0, 0, MINUS_1),
            (MIN, MINUS_1, MIN),
        ],
    ),
    ("divu", 5, 0x01, &[(20, 6, 3), (MINUS_1, 2, 0x7fff_ffff), (1, 0, MINUS_1), (MIN, MINUS_1, 0)]),
    (
        "rem",
        6,
        0x01,
        &[
            (20, 6, 2),
            (20_u32.wrapping_neg(), 6, 2_u32.wrapping_neg()),
            (20, 6_u32.wrapping_neg(), 2),
            (5, 0, 5),
            (MIN, 0, MIN),
            (MIN, MINUS_1, 0),
        ],
    ),
    ("remu", 7, 0x01, &[(20, 6, 2), (5, 0, 5), (MIN, MINUS_1, MIN)]),
];

#[test]
fn register_instructions() {
    for (name, funct3, funct7, cases) in ALU {
        for &(a, b, expected) in *cases {
            let run = run_with(&[(5, a), (6, b)], &[alu(*funct3, *funct7, 7, 5, 6)]);
            assert_ended(&run);
            assert_eq!(run.registers[7], expected, "{name} {a:#x}, {b:#x}");
        }
    }
}

#[test]
fn register_instructions_whose_destination_is_a_source() {
    let run = run_with(&[(5, 7), (6, 3)], &[alu(0, 0x20, 5, 5, 6), alu(4, 0, 6, 6, 6)]);
    assert_eq!((run.registers[5], run.registers[6]), (4, 0));
}

#[test]
fn immediate_instructions() {
    for (name, funct3, a, immediate, expected) in [
        ("addi", 0, 5, -6, MINUS_1),
        ("addi", 0, MINUS_1, 2047, 2046),
        ("addi", 0, 0, -2048, 0xffff_f800),
        ("slti", 2, MINUS_1, 0, 1),
        ("slti", 2, 0, -1, 0),
        ("sltiu", 3, 0, -1, 1),
        ("sltiu", 3, MINUS_1, -1, 0),
        ("sltiu", 3, 0, 1, 1),
        ("xori", 4, 0x0f, -1, 0xffff_fff0),
        ("ori", 6, 1, -2, MINUS_1),
        ("andi", 7, 0x1234, -16, 0x1230),
        ("slli", 1, 1, 31, MIN),
        ("slli", 1, 5, 0, 5),
        ("srli", 5, MIN, 31, 1),
        ("srai", 5, MIN, 31 | 0x400, MINUS_1),
        ("srai", 5, 0x4000_0000, 30 | 0x400, 1),
    ] {
        let run = run_with(&[(5, a)], &[alui(funct3, 7, 5, immediate)]);
        assert_ended(&run);
        assert_eq!(run.registers[7], expected, "{name} {a:#x}, {immediate}");
    }
}

#[test]
fn upper_immediates() {
    let run = run_words(&[lui(5, 0xffff_f000), auipc(6, 0x0000_1000), auipc(7, 0xffff_f000)]);
    assert_eq!(run.registers[5], 0xffff_f000);
    assert_eq!(run.registers[6], TEXT_ADDRESS + 4 + 0x1000);
    assert_eq!(run.registers[7], TEXT_ADDRESS + 8 - 0x1000);
}

#[test]
fn writes_to_x0_are_lost() {
    let run = run_words(&[
        addi(0, 0, 5),
        lui(0, MIN),
        auipc(0, MIN),
        alu(0, 0, 0, 0, 0),
        jal(0, 4),
        load(2, 0, 0, 0),
        alu(0, 0, 5, 0, 0),
    ]);
    assert_ended(&run);
    assert_eq!((run.registers[0], run.registers[5]), (0, 0));
}

#[test]
fn loads_extend_as_they_say() {
    let bytes = 0x80ff_7f81;
    for (name, funct3, offset, expected) in [
        ("lb", 0, 0, 0xffff_ff81),
        ("lb", 0, 1, 0x7f),
        ("lb", 0, 3, 0xffff_ff80),
        ("lbu", 4, 0, 0x81),
        ("lbu", 4, 2, 0xff),
        ("lh", 1, 0, 0x7f81),
        ("lh", 1, 2, 0xffff_80ff),
        ("lhu", 5, 2, 0x80ff),
        ("lw", 2, 0, bytes),
    ] {
        let run = run_with(&[(5, SCRATCH), (6, bytes)], &[s_type(2, 6, 5, 0), load(funct3, 7, 5, offset)]);
        assert_ended(&run);
        assert_eq!(run.registers[7], expected, "{name} at {offset}");
    }
}

#[test]
fn stores_write_their_width_only() {
    for (name, funct3, offset, expected) in
        [("sb", 0, 1, 0xffff_78ff_u32), ("sh", 1, 2, 0x5678_ffff), ("sw", 2, 0, 0x1234_5678)]
    {
        let body = [s_type(2, 7, 5, 0), s_type(funct3, 6, 5, offset), load(2, 8, 5, 0)];
        let run = run_with(&[(5, SCRATCH), (6, 0x1234_5678), (7, MINUS_1)], &body);
        assert_ended(&run);
        assert_eq!(run.registers[8], expected, "{name} at {offset}");
        assert_eq!(run.memory.slice(SCRATCH, 4).unwrap(), expected.to_le_bytes());
    }
}

#[test]
fn offsets_are_signed_and_wrap() {
    // -4 + base, and a base past 2^31 whose sum wraps back into memory.
    let run = run_with(
        &[(5, SCRATCH + 4), (6, 42), (7, 0xffff_ff00)],
        &[s_type(2, 6, 5, -4), load(2, 8, 5, -4), s_type(2, 6, 7, 0x100), load(2, 9, 0, 0)],
    );
    assert_ended(&run);
    assert_eq!((run.registers[8], run.registers[9]), (42, 42));
}

#[test]
fn branches() {
    for (name, funct3, a, b, taken) in [
        ("beq", 0, 5, 5, true),
        ("beq", 0, 5, 6, false),
        ("bne", 1, 5, 5, false),
        ("bne", 1, 5, 6, true),
        ("blt", 4, MINUS_1, 0, true),
        ("blt", 4, 0, MINUS_1, false),
        ("blt", 4, 1, 1, false),
        ("bge", 5, MINUS_1, 0, false),
        ("bge", 5, 1, 1, true),
        ("bltu", 6, MINUS_1, 0, false),
        ("bltu", 6, 0, MINUS_1, true),
        ("bgeu", 7, MINUS_1, 0, true),
        ("bgeu", 7, 0, MINUS_1, false),
        ("bgeu", 7, 3, 3, true),
    ] {
        let run = run_with(&[(5, a), (6, b)], &[b_type(funct3, 5, 6, 8), addi(7, 0, 1)]);
        assert_ended(&run);
        assert_eq!(run.registers[7], u32::from(!taken), "{name} {a:#x}, {b:#x}");
        assert_eq!(run.cycles, 4 + 2 + u64::from(!taken), "{name}");
    }
}

#[test]
fn a_loop_branches_backwards() {
    let run = run_words(&[addi(5, 0, 10), addi(6, 6, 3), addi(5, 5, -1), b_type(1, 5, 0, -8)]);
    assert_ended(&run);
    assert_eq!(run.registers[6], 30);
    assert_eq!(run.cycles, 1 + 3 * 10 + 1);
}

#[test]
fn jumps_link_and_land() {
    let run = run_words(&[jal(1, 12), addi(5, 0, 1), jal(0, 8), jalr(2, 1, 0)]);
    assert_ended(&run);
    assert_eq!(run.registers[1], TEXT_ADDRESS + 4);
    assert_eq!(run.registers[2], TEXT_ADDRESS + 16);
    assert_eq!(run.registers[5], 1);
}

#[test]
fn jalr_clears_the_lowest_bit_and_may_overwrite_its_base() {
    let run = run_with(&[(5, TEXT_ADDRESS)], &[jalr(5, 5, 17), addi(6, 0, 1), addi(7, 0, 1)]);
    assert_ended(&run);
    assert_eq!(run.registers[5], TEXT_ADDRESS + 12);
    assert_eq!((run.registers[6], run.registers[7]), (0, 1));
}

#[test]
fn fences_do_nothing() {
    let run = run_words(&[0x0ff0_000f, 0x0330_000f]);
    assert_ended(&run);
    assert_eq!(run.cycles, 3);
    assert_eq!(run.registers, [0; 32]);
}

#[test]
fn memory_and_registers_start_zero() {
    let program = program(&[terminate(0)]);
    let Run { registers, memory, public_values, .. } = run(&program, &[], 10).unwrap();
    assert_eq!(registers, [0; 32]);
    assert_eq!(public_values, [0; 32]);
    let (text, size) = (TEXT_ADDRESS, 4);
    assert!(memory.slice(0, text as usize).unwrap().iter().all(|&byte| byte == 0));
    let behind = memory.slice(text + size, (1 << 27) - (text + size) as usize).unwrap();
    assert!(behind.iter().all(|&byte| byte == 0));
}

#[test]
fn text_and_input_are_readable_where_they_should_be() {
    let words = [&li(5, TEXT_ADDRESS)[..], &[load(2, 6, 5, 16), load(2, 7, 5, 4), terminate(0)]].concat();
    let program = program(&words);
    assert_eq!(program.input_address, TEXT_ADDRESS + 32, "20 bytes of text, rounded up to 16");
    let run = run(&program, &[1, 2, 3], 100).unwrap();
    assert_eq!(run.registers[6], terminate(0));
    assert_eq!(run.registers[7], words[1]);
    assert_eq!(run.memory.slice(program.input_address, 4).unwrap(), [1, 2, 3, 0]);
}

#[test]
fn the_text_cannot_be_changed() {
    // Stores over the next instruction change memory, not what runs.
    let body = [s_type(2, 6, 5, 24), addi(7, 0, 1), load(2, 8, 5, 24)];
    let run = run_with(&[(5, TEXT_ADDRESS), (6, terminate(9))], &body);
    assert_ended(&run);
    assert_eq!((run.registers[7], run.registers[8]), (1, terminate(9)));
}

#[test]
fn terminate_gives_its_exit_code() {
    for exit_code in [0, 1, 127, 255] {
        let run = run(&program(&[terminate(exit_code)]), &[], 1).unwrap();
        assert_eq!(run.end, RunEnd::Terminated { exit_code });
        assert_eq!(run.cycles, 1);
    }
}

#[test]
fn system_instructions_end_the_run() {
    // The last three are `csrrs x5, cycle, x0`, `mret` and `wfi`.
    for word in [UNIMP, ECALL, EBREAK, 0xc000_22f3, 0x3020_0073, 0x1050_0073] {
        let run = run(&program(&[word, addi(5, 0, 1), terminate(0)]), &[], 10).unwrap();
        assert_eq!(run.end, RunEnd::Terminated { exit_code: SYSTEM_INSTRUCTION_EXIT_CODE }, "{word:#x}");
        assert_eq!((run.cycles, run.registers[5]), (1, 0));
    }
}

#[test]
fn the_cycle_limit_is_exact() {
    let program = program(&[addi(5, 5, 1), addi(5, 5, 1), terminate(0)]);
    for limit in 0..3 {
        let run = run(&program, &[], limit).unwrap();
        assert_eq!(run.end, RunEnd::OutOfCycles);
        assert_eq!((run.cycles, run.registers[5]), (limit, limit as u32));
    }
    assert_ended(&run(&program, &[], 3).unwrap());
}

#[test]
fn an_endless_loop_ends_at_the_limit() {
    let run = run(&program(&[jal(0, 0)]), &[], 12_345).unwrap();
    assert_eq!((run.end, run.cycles), (RunEnd::OutOfCycles, 12_345));
}

#[test]
fn reveal_sets_words_of_the_public_values() {
    let mut expected = [0; 32];
    expected[..4].copy_from_slice(&0x0102_0304_u32.to_le_bytes());
    expected[28..].copy_from_slice(&7_u32.to_le_bytes());
    let body = [reveal(6, 0), reveal(5, 0), reveal(6, 7)];
    assert_eq!(run_with(&[(5, 0x0102_0304), (6, 7)], &body).public_values, expected);
}

#[test]
fn words_outside_the_allowed_set_are_refused() {
    for (what, word) in [
        ("all zeros", 0),
        ("all ones", u32::MAX),
        ("a compressed nop", 0x0001_0001),
        ("lwu", load(6, 5, 6, 0)),
        ("ld", load(3, 5, 6, 0)),
        ("sd", s_type(3, 5, 6, 0)),
        ("branch funct3 2", b_type(2, 5, 6, 8)),
        ("jalr funct3 1", i_type(0x67, 1, 5, 6, 0)),
        ("fence.i", i_type(0x0f, 1, 0, 0, 0)),
        ("amoadd.w", r_type(0x2f, 2, 0, 5, 6, 7)),
        ("fadd.s", r_type(0x53, 0, 0, 5, 6, 7)),
        ("andn (Zbb)", alu(7, 0x20, 5, 6, 7)),
        ("slli with bit 5 of the amount", alui(1, 5, 6, 32)),
        ("srai with bit 5 of the amount", alui(5, 5, 6, 32 | 0x400)),
        ("exit code 256", i_type(0x0b, 0, 0, 0, 256)),
        ("exit code -1", i_type(0x0b, 0, 0, 0, -1)),
        ("custom-0 funct3 4, funct7 4", custom(4, 5, 6, 7)),
        ("custom-0 funct3 5", i_type(0x0b, 5, 0, 0, 0)),
        ("custom-1", r_type(0x2b, 0, 0, 5, 6, 7)),
        ("keccakf with rs1", custom(0, 5, 1, 0)),
        ("keccakf with rs2", custom(0, 5, 0, 1)),
        ("reveal from a base register", i_type(0x0b, 2, 1, 5, 0)),
        ("unaligned reveal", i_type(0x0b, 2, 0, 5, 2)),
        ("reveal past the public values", i_type(0x0b, 2, 0, 5, 32)),
        ("reveal before the public values", i_type(0x0b, 2, 0, 5, -4)),
    ] {
        assert_eq!(decode(word), Err(DecodeError::NotAllowed { word }), "{what}");
    }
}

#[test]
fn hints_are_refused() {
    for funct3 in [1, 3] {
        for immediate in [0, 1, 2, -1] {
            let word = i_type(0x0b, funct3, 5, 6, immediate);
            assert_eq!(decode(word), Err(DecodeError::Hint { word }));
        }
    }
}
