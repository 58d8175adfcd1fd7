//! The engine, interpreting and compiled, against OpenVM's interpreter and preflight: the same registers, memory, public values and count.

use ivm_engine::{
    Fault, Program, RunEnd, SYSTEM_INSTRUCTION_EXIT_CODE, interpreter, run,
    testing::{
        self,
        random::{Shape, random_program},
        *,
    },
};
use ivm_primitives::JobInput;
use ivm_recompiler::{Code, Space};
use openvm_circuit::arch::ExecutionError;
use proptest::prelude::*;

use super::{bundled, no_input, reference, uncommitted, zkvm};
use crate::{AdmittedProgram, Zkvm, exe::executable};

const SCRATCH: u32 = 0x0020_0000;
const SCRATCH_SIZE: usize = 0x1000;
/// Holds [`SCRATCH`] throughout; the programs below never write it.
const BASE: u32 = 31;

#[track_caller]
pub(super) fn assert_same(program: &AdmittedProgram, input: &JobInput) {
    let range = (SCRATCH, SCRATCH_SIZE);
    let theirs = reference::execute(zkvm(), program, input, range).unwrap();
    let ours = run(program.engine(), &input.memory_image(), 1 << 32).unwrap();
    assert_eq!(ours.end, RunEnd::Terminated { exit_code: 0 });
    let instructions =
        interpreter::count_instructions(program.engine(), &input.memory_image(), 1 << 32).unwrap();
    assert_eq!(instructions, theirs.instructions);
    assert_eq!(theirs.metered.registers, ours.registers);
    assert_eq!(theirs.metered.public_values, ours.public_values);
    assert_eq!(theirs.metered.pc, ours.pc);
    assert_eq!(theirs.preflight, theirs.metered);
    let code = Code::compile(program.engine().clone().into()).unwrap();
    let compiled = code.run(&mut Space::new().unwrap(), &input.memory_image(), 1 << 32).unwrap();
    assert_eq!(compiled.end, ours.end);
    assert_eq!((compiled.state.cycles, compiled.state.pc), (ours.cycles, ours.pc));
    assert_eq!(compiled.state.registers, ours.registers);
    assert_eq!(compiled.state.public_values, ours.public_values);
    assert_eq!(ours.memory.slice(range.0, range.1).unwrap(), theirs.memory);
}

/// One step of a random program: a few words that never fault.
fn step() -> impl Strategy<Value = Vec<u32>> {
    let register = || 0_u32..16;
    let corner =
        prop_oneof![Just(0_u32), Just(1), Just(u32::MAX), Just(0x8000_0000), Just(0x7fff_ffff), any::<u32>()];
    let word_offset = || (0_i32..500).prop_map(|word| 4 * word);
    prop_oneof![
        2 => (register(), corner).prop_map(|(rd, value)| li(rd, value).to_vec()),
        6 => (0_u32..8, prop_oneof![Just(0_u32), Just(1)], register(), register(), register())
            .prop_map(|(funct3, funct7, rd, rs1, rs2)| vec![alu(funct3, funct7, rd, rs1, rs2)]),
        1 => (prop_oneof![Just(0_u32), Just(5)], register(), register(), register())
            .prop_map(|(funct3, rd, rs1, rs2)| vec![alu(funct3, 0x20, rd, rs1, rs2)]),
        3 => (prop_oneof![Just(0_u32), Just(2), Just(3), Just(4), Just(6), Just(7)], register(), register(), -2048..2048)
            .prop_map(|(funct3, rd, rs1, immediate)| vec![alui(funct3, rd, rs1, immediate)]),
        1 => (prop_oneof![Just((1_u32, 0)), Just((5, 0)), Just((5, 0x400))], register(), register(), 0..32)
            .prop_map(|((funct3, bits), rd, rs1, amount)| vec![alui(funct3, rd, rs1, amount | bits)]),
        3 => (prop_oneof![Just(0_u32), Just(1), Just(2), Just(4), Just(5)], register(), word_offset(), 0..4)
            .prop_map(|(funct3, rd, at, byte)| {
                let byte = match funct3 { 2 => 0, 1 | 5 => byte & 2, _ => byte };
                vec![load(funct3, rd, BASE, at + byte)]
            }),
        3 => (0_u32..3, register(), word_offset(), 0..4).prop_map(|(funct3, rs2, at, byte)| {
            let byte = match funct3 { 2 => 0, 1 => byte & 2, _ => byte };
            vec![s_type(funct3, rs2, BASE, at + byte)]
        }),
        1 => (register(), any::<u32>()).prop_map(|(rd, value)| vec![lui(rd, value)]),
        1 => (register(), any::<u32>()).prop_map(|(rd, value)| vec![auipc(rd, value)]),
        // Branches and jumps forward, over two words that are run or not.
        2 => (prop_oneof![Just(0_u32), Just(1), Just(4), Just(5), Just(6), Just(7)], register(), register(), register())
            .prop_map(|(funct3, rs1, rs2, rd)| vec![b_type(funct3, rs1, rs2, 12), addi(rd, rd, 1), addi(rd, rd, 2)]),
        1 => (register(), register()).prop_map(|(rd, other)| vec![jal(rd, 8), addi(other, other, 3)]),
        1 => (register(), any::<bool>()).prop_map(|(rd, odd)| {
            // To the word behind the next: its address is 12 past the auipc; an odd target loses its lowest bit.
            vec![auipc(20, 0), jalr(rd, 20, 12 + i32::from(odd)), addi(rd, rd, 5)]
        }),
        1 => (0_u32..4, prop::array::uniform3(0_i32..400), 0_i32..=34).prop_map(|(funct7, places, words)| {
            let [a, b, c] = places.map(|word| 4 * word);
            let last = if funct7 == 1 { addi(19, 0, 4 * words) } else { addi(19, BASE, c) };
            let word = if funct7 == 0 { custom(0, 17, 0, 0) } else { custom(funct7, 17, 18, 19) };
            vec![addi(17, BASE, a), addi(18, BASE, b), last, word]
        }),
        1 => (register(), 0_u32..8).prop_map(|(register, word)| vec![reveal(register, word)]),
        1 => Just(vec![0x0ff0_000f]),
        1 => (0_u32..1).prop_map(|_| vec![load(2, 0, BASE, 0), jal(0, 4)]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn random_programs(steps in prop::collection::vec(step(), 1..120), input in prop::collection::vec(any::<u8>(), 0..50)) {
        let mut words = li(BASE, SCRATCH).to_vec();
        // Something to read.
        for (index, register) in (1..16).enumerate() {
            words.extend(li(register, 0x9e37_79b9_u32.wrapping_mul(index as u32 + 1)));
            words.push(s_type(2, register, BASE, 64 * index as i32));
        }
        words.extend(steps.concat());
        words.push(terminate(0));
        assert_same(&uncommitted(&words), &JobInput::onchain_only(input).unwrap());
    }
}

/// Programs that jump and branch anywhere, of which those that end are compared: half with exit code 0, others without.
#[test]
fn random_programs_of_any_control_flow() {
    let (mut outcomes, mut failures) = (0, 0);
    for seed in 0.. {
        let words = random_program(seed, Shape { steps: 150, wild: seed % 2 == 0 });
        let program = uncommitted(&words);
        let ours = run(program.engine(), &no_input().memory_image(), 20_000).unwrap();
        match ours.end {
            RunEnd::Terminated { exit_code: 0 } => {
                assert_same(&program, &no_input());
                outcomes += 1;
            }
            RunEnd::Terminated { exit_code } if failures < 10 => {
                let theirs = reference::execute(zkvm(), &program, &no_input(), (0, 0));
                let Err(ExecutionError::FailedWithExitCode(code)) = theirs else {
                    panic!("seed {seed}: {theirs:?}")
                };
                assert_eq!(code, u32::from(exit_code), "seed {seed}");
                failures += 1;
            }
            _ => {}
        }
        if outcomes >= 40 && failures >= 10 {
            break;
        }
    }
}

#[test]
fn loops() {
    // A nested loop of about 100,000 instructions.
    let words = [
        &li(BASE, SCRATCH)[..],
        &[addi(5, 0, 100), addi(6, 0, 200), alu(0, 1, 7, 5, 6), alu(0, 0, 8, 8, 7), s_type(2, 8, BASE, 0)],
        &[
            addi(6, 6, -1),
            b_type(1, 6, 0, -16),
            addi(5, 5, -1),
            b_type(1, 5, 0, -28),
            reveal(8, 0),
            terminate(0),
        ],
    ];
    assert_same(&uncommitted(&words.concat()), &no_input());
}

#[test]
fn bundled_programs() {
    let mut seen = 0;
    let inputs: [(&str, JobInput); 3] = [
        ("echo", JobInput::new(b"on".into(), b"offchain bytes".into()).unwrap()),
        ("echo", JobInput::onchain_only(b"panic:as told").unwrap()),
        ("square-root", JobInput::onchain_only(vec![0x42; 32]).unwrap()),
    ];
    for (name, input) in inputs {
        let Some(elf) = bundled(name) else { continue };
        let program = zkvm().admit(&elf).unwrap();
        assert_same(&program, &input);
        zkvm().execute(&program, &input, 1 << 30).unwrap();
        seen += 1;
    }
    eprintln!("{seen} runs of bundled programs");
}

fn exit_code(words: &[u32]) -> (RunEnd, u32) {
    let program = uncommitted(words);
    let theirs = match reference::execute(zkvm(), &program, &no_input(), (0, 0)) {
        Err(ExecutionError::FailedWithExitCode(code)) => code,
        other => panic!("{other:?}"),
    };
    (run(program.engine(), &[], 1000).unwrap().end, theirs)
}

#[test]
fn system_instructions_end_both_with_exit_code_2() {
    for word in [UNIMP, ECALL, EBREAK, 0xc000_22f3] {
        let code = SYSTEM_INSTRUCTION_EXIT_CODE;
        let ended = RunEnd::Terminated { exit_code: code };
        assert_eq!(exit_code(&[word, terminate(0)]), (ended, code.into()), "{word:#x}");
    }
}

#[test]
fn exit_codes_agree() {
    for exit_code_given in [1, 7, 255] {
        let ended = RunEnd::Terminated { exit_code: exit_code_given };
        assert_eq!(exit_code(&[terminate(exit_code_given), terminate(0)]), (ended, exit_code_given.into()));
    }
}

#[test]
fn an_empty_xorin_runs_in_both_whatever_its_alignment() {
    let words = [&li(BASE, SCRATCH)[..], &[addi(5, BASE, 1), custom(1, 5, 5, 0), terminate(0)]].concat();
    assert_same(&uncommitted(&words), &no_input());
}

/// Why outcomes come from our interpreter: OpenVM's gives an unaligned `lw` a result, and the circuit has no proof.
#[test]
fn openvms_interpreter_takes_what_the_circuit_cannot_prove() {
    let words = [
        &li(BASE, SCRATCH)[..],
        &li(5, 0x0403_0201),
        &[s_type(2, 5, BASE, 0), load(2, 6, BASE, 1), reveal(6, 0), terminate(0)],
    ]
    .concat();
    let program = uncommitted(&words);
    let ours = run(program.engine(), &[], 1000).unwrap();
    let expected = Fault::UnalignedAccess { pc: TEXT_ADDRESS + 20, address: SCRATCH + 1, size: 4 };
    assert_eq!(ours.end, RunEnd::Faulted(expected));

    let vm = zkvm().machine().unwrap();
    let interpreter = vm.metered_interpreter(program.exe()).unwrap();
    let ctx = vm.build_metered_ctx(program.exe());
    let (_, state) = interpreter.execute_metered(openvm_sdk::StdIn::default(), ctx).unwrap();
    assert_eq!(state.pc(), TEXT_ADDRESS + 28, "it ended as if nothing were wrong");
}

/// OpenVM's interpreter runs a `keccakf` whose unused fields are set; its circuit's row wants zeros there.
#[test]
fn openvms_interpreter_takes_a_keccakf_the_circuit_cannot_prove() {
    let mut program = Program::from_elf(&testing::elf(&[addi(5, 0, 0), terminate(0)])).unwrap();
    program.words[0] = custom(0, 5, 6, 7);
    let exe = executable(&program).unwrap();
    let vm = zkvm().machine().unwrap();
    let interpreter = vm.metered_interpreter(&exe).unwrap();
    interpreter.execute_metered(openvm_sdk::StdIn::default(), vm.build_metered_ctx(&exe)).unwrap();
}
