//! What each instruction costs, on every path, from a table written by hand.

use ivm_engine::{Program, RunEnd, testing::*};
use ivm_recompiler::Space;

use crate::runners;

const DATA: u32 = 0x0020_0000;
/// How often each is executed: in a block, several are charged at once.
const TIMES: usize = 3;

/// `(name, word, cost)`, each of which leaves `x5` to `x8` as they are and goes on with the next.
fn instructions() -> Vec<(String, u32, u64)> {
    let mut instructions = Vec::new();
    let mut add =
        |name: &str, word: u32, cost: u64| instructions.push((format!("{name} {word:#010x}"), word, cost));
    for funct3 in 0..8 {
        add("alu", alu(funct3, 0, 9, 5, 6), 1);
        add("multiply or divide", alu(funct3, 1, 9, 5, 6), 1);
        add("alu with an immediate", alui(funct3, 9, 5, 3), 1);
    }
    for funct3 in [0, 5] {
        add("sub or sra", alu(funct3, 0x20, 9, 5, 6), 1);
    }
    for funct3 in [0, 1, 2, 4, 5] {
        add("load", load(funct3, 9, 5, 8), 1);
    }
    for funct3 in 0..3 {
        add("store", s_type(funct3, 6, 5, 8), 1);
    }
    for funct3 in [0, 1, 4, 5, 6, 7] {
        add("branch", b_type(funct3, 5, 6, 4), 1);
        add("branch", b_type(funct3, 5, 5, 4), 1);
    }
    for (name, word) in
        [("lui", lui(9, 0x5000)), ("auipc", auipc(9, 0)), ("jal", jal(9, 4)), ("fence", 0x0ff0_000f)]
    {
        add(name, word, 1);
    }
    add("reveal", reveal(6, 2), 1);
    add("keccakf", custom(0, 5, 0, 0), 64);
    add("xorin of 136 bytes", custom(1, 5, 6, 8), 4);
    add("xorin of nothing", custom(1, 5, 6, 0), 4);
    add("sha256", custom(2, 5, 6, 7), 32);
    add("sha512", custom(3, 5, 6, 7), 64);
    instructions
}

#[test]
fn every_instruction_costs_what_it_should_on_every_path() {
    let setup = [&[li(5, DATA), li(6, DATA + 0x1000), li(7, DATA + 0x2000)].concat()[..], &[addi(8, 0, 136)]]
        .concat();
    for (name, word, cost) in instructions() {
        let words = [&setup[..], &[word; TIMES], &[terminate(0)]].concat();
        let program = Program::from_elf(&elf(&words)).unwrap();
        let whole = setup.len() as u64 + TIMES as u64 * cost + 1;
        for (path, runner) in runners() {
            let mut space = Space::new().unwrap();
            let mut ended = |max_cycles| {
                let report = runner(&program, &mut space, max_cycles);
                (report.end, report.state.cycles)
            };
            let terminated = RunEnd::Terminated { exit_code: 0 };
            assert_eq!(ended(whole), (terminated, whole), "{path}: {name}");
            assert_eq!(ended(whole + 1000), (terminated, whole), "{path}: {name}");
            for executed in 0..TIMES as u64 {
                let before = setup.len() as u64 + executed * cost;
                for max_cycles in [before, before + cost - 1] {
                    assert_eq!(
                        ended(max_cycles),
                        (RunEnd::OutOfCycles, before),
                        "{path}: {name}, {max_cycles}"
                    );
                }
            }
        }
    }
}
