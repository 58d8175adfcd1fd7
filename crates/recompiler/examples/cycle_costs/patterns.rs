//! The programs that are measured. Registers: `x5` to `x12` work, the others as said.

use ivm_engine::{
    Reach,
    testing::{TEXT_ADDRESS, random::Random, *},
};

const PAGE_SIZE_BYTES: u32 = 4096;
/// No text of a program that uses data is longer than this.
const MAX_TEXT_SIZE_BYTES: u32 = 0x0001_0000;
/// Data starts here, behind the text.
const DATA_ADDRESS: u32 = TEXT_ADDRESS + MAX_TEXT_SIZE_BYTES;
/// A generator of numbers with the full period of any power of two: `x = FACTOR * x + SUMMAND`.
const FACTOR: u32 = 1_664_525;
const SUMMAND: u32 = 1_013_904_223;

/// What is timed.
pub(crate) enum Timing {
    /// So many cycles of the loop.
    Between { cycles: u64 },
    /// The run, with clearing what the last one touched.
    Whole,
}

/// One program.
pub(crate) struct Pattern {
    pub(crate) name: &'static str,
    pub(crate) preparation: Vec<u32>,
    body: Vec<u32>,
    pub(crate) timing: Timing,
}

impl Pattern {
    /// Loops over the body for so many million cycles.
    fn looped(name: &'static str, preparation: Vec<u32>, mut body: Vec<u32>, millions: u64) -> Self {
        body.push(jal(0, -4 * body.len() as i32));
        Self::endless(name, preparation, body, millions)
    }

    /// The body loops by itself.
    fn endless(name: &'static str, preparation: Vec<u32>, body: Vec<u32>, millions: u64) -> Self {
        Self { name, preparation, body, timing: Timing::Between { cycles: millions * 1_000_000 } }
    }

    pub(crate) fn words(&self) -> Vec<u32> {
        [&self.preparation[..], &self.body].concat()
    }
}

/// The programs for runs of this reach.
pub(crate) fn all(reach: Reach) -> Vec<Pattern> {
    let space_size = reach.size_bytes() as u32;
    let mut patterns = arithmetic();
    patterns.extend(custom_instructions(space_size));
    patterns.extend(memory(space_size));
    patterns.extend(jumps(reach));
    patterns.extend(exits());
    patterns
}

fn repeat(words: &[u32], times: usize) -> Vec<u32> {
    words.repeat(times)
}

fn set(registers: &[(u32, u32)]) -> Vec<u32> {
    registers.iter().flat_map(|&(register, value)| li(register, value)).collect()
}

fn arithmetic() -> Vec<Pattern> {
    let operands = || set(&[(5, 3), (6, 0x7fff_ffff), (7, FACTOR), (8, SUMMAND)]);
    // Each register in turn, so that two thirds of them are in the frame's slots.
    let slots: Vec<u32> = (1..31).map(|register| alu(4, 0, register + 1, register + 1, register)).collect();
    let mispredicted = [alu(0, 1, 5, 5, 7), alu(0, 0, 5, 5, 8), b_type(4, 5, 0, 8), addi(6, 6, 1)];
    vec![
        Pattern::looped("additions", operands(), repeat(&[alu(0, 0, 5, 5, 6)], 64), 50),
        Pattern::looped("registers that live in memory", operands(), repeat(&slots, 4), 50),
        Pattern::looped("products, high half", operands(), repeat(&[alu(1, 1, 5, 5, 6)], 64), 30),
        Pattern::looped(
            "divisions, signed, each on the last",
            operands(),
            repeat(&[alu(4, 1, 5, 6, 5)], 64),
            50,
        ),
        Pattern::looped(
            "divisions, unsigned, each on the last",
            operands(),
            repeat(&[alu(5, 1, 5, 6, 5)], 64),
            50,
        ),
        Pattern::looped("remainders", operands(), repeat(&[alu(6, 1, 9, 6, 5)], 64), 50),
        Pattern::looped("branches that nothing predicts", operands(), repeat(&mispredicted, 64), 30),
    ]
}

/// Hot: on the same blocks. Cold: on three others each time, in pages and lines that no cache holds.
fn custom_instructions(space_size: u32) -> Vec<Pattern> {
    let names = [
        ("keccakf", "keccakf, cold", 0),
        ("xorin of 136 bytes", "xorin of 136 bytes, cold", 1),
        ("sha-256 compression", "sha-256 compression, cold", 2),
        ("sha-512 compression", "sha-512 compression, cold", 3),
    ];
    let stride = 17 * PAGE_SIZE_BYTES + 64;
    names
        .into_iter()
        .flat_map(|(hot, cold, funct7)| {
            let operands = |place| match funct7 {
                0 => custom(0, place, 0, 0),
                1 => custom(1, place, place + 1, 9),
                _ => custom(funct7, place, place + 1, place + 2),
            };
            let registers = set(&[
                (5, DATA_ADDRESS),
                (6, DATA_ADDRESS + 0x1000),
                (7, DATA_ADDRESS + 0x2000),
                (9, 136),
                (10, stride),
                (11, space_size / 2 - 64),
                (12, space_size / 4),
                (13, 0),
                (17, (space_size / 8).wrapping_sub(space_size / 4)),
            ]);
            // The first of them walks over half of the space, from its second quarter on; the others are ahead of it.
            let step = [
                alu(0, 0, 13, 13, 10),
                alu(7, 0, 13, 13, 11),
                alu(0, 0, 14, 13, 12),
                alu(0, 0, 15, 14, 17),
                alu(0, 0, 16, 15, 17),
                operands(14),
            ];
            let prepared = [touch_all(space_size), registers.clone()].concat();
            [
                Pattern::looped(hot, registers, repeat(&[operands(5)], 64), 20),
                Pattern::looped(cold, prepared, repeat(&step, 16), 20),
            ]
        })
        .collect()
}

/// Stores to every page behind the text.
fn touch_all(space_size: u32) -> Vec<u32> {
    let mut words = set(&[(5, DATA_ADDRESS), (6, PAGE_SIZE_BYTES), (7, space_size)]);
    words.extend([s_type(2, 5, 5, 0), alu(0, 0, 5, 5, 6), b_type(6, 5, 7, -8)]);
    words
}

fn memory(space_size: u32) -> Vec<Pattern> {
    let first_touches = |touch: &[u32]| {
        let rounds = (space_size - DATA_ADDRESS) / PAGE_SIZE_BYTES / 32;
        let step = [touch, &[alu(0, 0, 5, 5, 6)]].concat();
        let mut words = set(&[(5, DATA_ADDRESS), (6, PAGE_SIZE_BYTES), (7, rounds)]);
        let body = repeat(&step, 32);
        let back = -4 * (body.len() as i32 + 1);
        words.extend(body);
        words.extend([addi(7, 7, -1), b_type(1, 7, 0, back), terminate(0)]);
        words
    };
    let whole = |name, words| Pattern { name, preparation: words, body: vec![], timing: Timing::Whole };
    let far_stores = [s_type(2, 6, 5, 0), alu(0, 0, 5, 5, 10), alu(7, 0, 5, 5, 11)];
    let registers = set(&[(5, 0), (10, 17 * PAGE_SIZE_BYTES + 64), (11, space_size - 64)]);
    vec![
        Pattern::looped(
            "loads, each from where the last said",
            ring(space_size),
            repeat(&[load(2, 5, 5, 0)], 256),
            5,
        ),
        Pattern::looped(
            "stores far from each other",
            [touch_all(space_size), registers].concat(),
            repeat(&far_stores, 32),
            20,
        ),
        whole("whole run: one instruction", vec![terminate(0)]),
        whole("whole run: first load from each page", first_touches(&[load(2, 8, 5, 0)])),
        whole("whole run: first store to each page", first_touches(&[s_type(2, 0, 5, 0)])),
        whole("whole run: first load, then store", first_touches(&[load(2, 8, 5, 0), s_type(2, 0, 5, 0)])),
    ]
}

/// Makes all lines of memory behind the text one ring in a random order: each holds the address of the next.
fn ring(space_size: u32) -> Vec<u32> {
    const LINE_SIZE_BYTES: u32 = 64;
    let lines = (space_size - DATA_ADDRESS) / LINE_SIZE_BYTES;
    let mut words = set(&[
        (5, DATA_ADDRESS),
        (6, FACTOR),
        (7, SUMMAND.wrapping_mul(LINE_SIZE_BYTES)),
        (8, space_size - LINE_SIZE_BYTES),
        (9, DATA_ADDRESS),
        (10, lines),
    ]);
    words.extend([
        addi(11, 5, 0),
        // The next number that is the address of a line.
        alu(0, 1, 5, 5, 6),
        alu(0, 0, 5, 5, 7),
        alu(7, 0, 5, 5, 8),
        b_type(6, 5, 9, -12),
        s_type(2, 5, 11, 0),
        addi(10, 10, -1),
        b_type(1, 10, 0, -28),
    ]);
    words
}

fn jumps(reach: Reach) -> Vec<Pattern> {
    // As much text as fits.
    let (name, blocks, count) = match reach {
        Reach::Whole => ("jumps at random all over 25 MB of code", 1 << 14, 1 << 18),
        Reach::Low => ("jumps at random all over 6 MB of code", 1 << 12, 1 << 17),
    };
    // What is jumped over is never run, and makes 1.5 KB of code of each block.
    let jumps_over_much = |name, blocks| random_jumps(name, blocks, 32, custom(3, 20, 21, 22));
    vec![
        random_jumps("jumps at random in little code", 64, 16, addi(0, 0, 0)),
        jumps_over_much("jumps at random all over 2 MB of code", 1 << 10),
        jumps_over_much(name, blocks),
        long_text(count),
    ]
}

/// Blocks of `stride` instructions, each of which jumps to one of them at random.
fn random_jumps(name: &'static str, blocks: u32, stride: u32, padding: u32) -> Pattern {
    let size = blocks * stride * 4;
    let mut preparation = set(&[(5, 1), (6, FACTOR), (7, SUMMAND), (9, size - 4 * stride)]);
    let work = [
        // Never run; that it would link makes an entry of what follows.
        jal(1, 4),
        alu(0, 1, 5, 5, 6),
        alu(0, 0, 5, 5, 7),
        alui(5, 8, 5, size.leading_zeros() as i32 + 1),
        alu(7, 0, 8, 8, 9),
        alu(0, 0, 8, 8, 10),
        // That it links makes an entry of what follows, so that it is compiled.
        jalr(1, 8, 0),
    ];
    let first = stride - work.len() as u32 + 1;
    let at = TEXT_ADDRESS + 4 * (preparation.len() as u32 + 2 + first);
    preparation.extend(li(10, at));
    let pads = vec![padding; stride as usize - work.len()];
    let block = [&pads[..], &work].concat();
    let mut body = repeat(&block, blocks as usize);
    body[0] = jal(0, 4 * first as i32);
    Pattern::endless(name, preparation, body, 20)
}

/// Instructions in an order that no predictor learns, more than caches hold.
fn long_text(count: usize) -> Pattern {
    let mut random = Random::new(1);
    let body = (0..count)
        .map(|_| {
            let [funct3, rd, rs1, rs2] = [8, 32, 32, 32].map(|limit| random.below(limit));
            match random.below(4) {
                0 => alu(funct3, 0, rd, rs1, rs2),
                1 => alu(funct3 & 3, 1, rd, rs1, rs2),
                2 => lui(rd, random.next_u64() as u32),
                _ => load(2, rd, 0, 4 * rs1 as i32),
            }
        })
        .chain([jal(0, -4 * count as i32)])
        .collect();
    Pattern::endless("text longer than caches", set(&[(5, 3)]), body, 50)
}

/// Ways out of compiled code.
fn exits() -> Vec<Pattern> {
    // The address is made of two sums, so that no analysis sees it.
    let hidden = |distance: i32| [auipc(9, 0), addi(9, 9, 4), addi(9, 9, distance - 4)];
    let round = |instructions: usize| {
        let mut body = vec![alu(0, 0, 5, 5, 6); instructions];
        body.extend([jalr(0, 9, 0), addi(5, 5, 1)]);
        let to_end = hidden(4 * (3 + body.len() as i32 - 1));
        (to_end.to_vec(), body)
    };
    let often = |name, instructions| {
        let (preparation, body) = round(instructions);
        Pattern::looped(name, preparation, body, 20)
    };
    let inside = [addi(5, 5, 1), addi(6, 6, 1), addi(7, 7, 1), jalr(0, 9, 0)];
    vec![
        often("an exit every 260 cycles", 257),
        often("an exit every 4 cycles", 1),
        Pattern::endless("a loop that no code is entered in", hidden(16).to_vec(), inside.to_vec(), 20),
        Pattern::looped("reveals", set(&[(5, 1)]), repeat(&[reveal(5, 3)], 64), 20),
    ]
}
