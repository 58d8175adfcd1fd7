//! Accesses at every edge, alone and in groups.

use ivm_engine::{Reach, RunEnd, testing::*};

use super::{Pair, program};

const END: u32 = Reach::Whole.size_bytes() as u32;
const REACHES: [Reach; 2] = [Reach::Whole, Reach::Low];

fn bases(reach: Reach) -> Vec<u32> {
    let end = reach.size_bytes() as u32;
    let edges =
        [0, 0x800, 0x1000, 0x0020_0000, end - 0x800, end, end + 0x800, 1 << 31, u32::MAX - 0x7ff, u32::MAX];
    edges.iter().flat_map(|edge| (-5_i32..=5).map(|by| edge.wrapping_add_signed(by))).collect()
}

/// Loads and stores of all widths, with their funct3.
const ACCESSES: [(bool, u32); 8] =
    [(true, 0), (true, 1), (true, 2), (true, 4), (true, 5), (false, 0), (false, 1), (false, 2)];

fn access((is_load, funct3): (bool, u32), base: u32, offset: i32) -> u32 {
    if is_load { load(funct3, 7, base, offset) } else { s_type(funct3, 6, base, offset) }
}

/// The base comes from input, so that nothing is known of it, or is a constant of the program.
fn words(base: u32, known: bool, accesses: &[u32]) -> Vec<u32> {
    let setup = if known { li(5, base).to_vec() } else { vec![lui(5, 0x0010_1000), load(2, 5, 5, 0)] };
    [&setup, &li(6, 0x8182_8384)[..], accesses, &[terminate(0)]].concat()
}

fn run(pair: &mut Pair, reach: Reach, base: u32, accesses: &[u32]) -> RunEnd {
    let known = program(&words(base, true, accesses));
    let end = pair.assert_same_within(reach, &known, &[], 100).end;
    let file = ElfFile::new(
        TEXT_ADDRESS,
        vec![
            ElfSegment::text(TEXT_ADDRESS, &words(base, false, accesses)),
            ElfSegment::data(TEXT_ADDRESS + 0x1000, &base.to_le_bytes()),
        ],
    );
    let unknown = ivm_engine::Program::from_elf(&file.build()).unwrap();
    let other = pair.assert_same_within(reach, &unknown.into(), &[], 100).end;
    assert_eq!(matches!(end, RunEnd::Faulted(_)), matches!(other, RunEnd::Faulted(_)));
    end
}

#[test]
fn single_accesses() {
    let mut pair = Pair::default();
    for reach in REACHES {
        let mut faults = 0;
        for base in bases(reach) {
            for kind in ACCESSES {
                for offset in [0, 1, 2, 4, -4, 2047, -2048, 2044] {
                    let end = run(&mut pair, reach, base, &[access(kind, 5, offset)]);
                    faults += usize::from(matches!(end, RunEnd::Faulted(_)));
                }
            }
        }
        assert!(faults > 1000, "{faults}");
    }
}

#[test]
fn groups_of_accesses() {
    let mut pair = Pair::default();
    for (reach, base) in
        REACHES.into_iter().flat_map(|reach| bases(reach).into_iter().map(move |base| (reach, base)))
    {
        for (first, second) in
            [(0, 4), (4, 0), (-8, 8), (2040, -2048), (3, 4), (1, 2), (-2048, -2044), (8, 6)]
        {
            for kinds in [[2, 2], [7, 7], [2, 7], [0, 2], [5, 7], [1, 6], [3, 1]] {
                let accesses = [
                    access(ACCESSES[kinds[0]], 5, first),
                    access(ACCESSES[kinds[1]], 5, second),
                    addi(5, 5, 4),
                    access(ACCESSES[kinds[0]], 5, first - 4),
                    access(ACCESSES[kinds[1]], 5, second),
                ];
                run(&mut pair, reach, base, &accesses);
            }
        }
    }
}

#[test]
fn one_run_leaves_nothing_to_the_next() {
    let mut pair = Pair::default();
    // On small pages, on large ones, and on both sides of where one ends and the other begins.
    for base in [0x0030_0000, 0x003f_fffc, 0x0040_0000, 0x005f_fffc, 0x0500_0000, END - 4] {
        let writes = program(&words(base, true, &[s_type(2, 6, 5, 0), s_type(2, 6, 0, 64)]));
        let reads = program(&words(base, true, &[load(2, 7, 5, 0), load(2, 8, 0, 64)]));
        let written = pair.assert_same(&writes, b"input", 100);
        assert_ne!(written.state.registers[6], 0);
        let report = pair.assert_same(&reads, &[], 100);
        assert_eq!((report.state.registers[7], report.state.registers[8]), (0, 0), "{base:#x}");
    }
}

/// What is cleared, and how, depends on the reaches of runs so far.
#[test]
fn one_run_leaves_nothing_to_the_next_of_any_reach() {
    use Reach::{Low, Whole};
    let low_end = Low.size_bytes() as u32;
    let mut pair = Pair::default();
    for (before, after) in [(Whole, Low), (Low, Low), (Low, Whole), (Whole, Whole), (Whole, Low)] {
        for base in [0x001f_0000, low_end - 4, low_end, END - 4] {
            let writes = program(&words(base, true, &[s_type(2, 6, 0, 64), s_type(2, 6, 5, 0)]));
            let reads = program(&words(base, true, &[load(2, 8, 0, 64), load(2, 7, 5, 0)]));
            pair.assert_same_within(before, &writes, b"input", 100);
            let report = pair.assert_same_within(after, &reads, &[], 100);
            assert_eq!((report.state.registers[7], report.state.registers[8]), (0, 0), "{base:#x}");
        }
    }
}

#[test]
fn what_is_out_of_reach_is_past_the_end() {
    let low_end = Reach::Low.size_bytes() as u32;
    let mut pair = Pair::default();
    // The last word within reach, and the first one beyond.
    for (base, is_within) in [(low_end - 4, true), (low_end, false)] {
        for word in [load(2, 7, 5, 0), s_type(2, 6, 5, 0), custom(1, 5, 5, 0)] {
            let program = program(&words(base, true, &[word]));
            let low = pair.assert_same_within(Reach::Low, &program, &[], 100);
            assert_eq!(matches!(low.end, RunEnd::Faulted(_)), !is_within, "{base:#x} {word:#x}");
            let whole = pair.assert_same(&program, &[], 100);
            assert_eq!(whole.end, RunEnd::Terminated { exit_code: 0 });
            assert_eq!(low == whole, is_within);
        }
        // Blocks of custom instructions are longer than a word.
        for (funct7, size) in [(0, 200), (2, 32), (3, 64)] {
            let start = base - size + 4;
            let program = program(&words(start, true, &[custom(funct7, 5, 0, 0)]));
            let low = pair.assert_same_within(Reach::Low, &program, &[], 200);
            assert_eq!(matches!(low.end, RunEnd::Faulted(_)), !is_within, "{start:#x} {funct7}");
        }
    }
}
