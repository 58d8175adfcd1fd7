//! Random programs with arbitrary control flow, for holding one way of execution against another.
//!
//! Registers are drawn from a few, so that values meet; bases point into memory, at its edges or nowhere; branches go
//! anywhere near, between instructions and out of the text included. Most programs therefore end in a fault sooner or
//! later, some terminate, some never end: run them with a limit.

use super::*;

/// Where the programs' bases point.
pub const SCRATCH_ADDRESS: u32 = 0x0020_0000;
/// Bytes around [`SCRATCH_ADDRESS`], on either side, that the programs mostly touch.
pub const SCRATCH_REACH_BYTES: u32 = 0x1000;

const SPACE_SIZE_BYTES: u32 = ivm_primitives::limits::ADDRESS_SPACE_SIZE_BYTES as u32;

/// How random programs are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Steps, each of one to four instructions.
    pub steps: u32,
    /// Whether accesses may be unaligned or out of bounds and jumps bad; never seldom.
    pub wild: bool,
}

/// A source of numbers, by splitmix64: equal seeds, equal programs.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub const fn below(&mut self, limit: u32) -> u32 {
        (((self.next_u64() >> 32) * limit as u64) >> 32) as u32
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u32) as usize]
    }

    fn chance(&mut self, one_in: u32) -> bool {
        self.below(one_in) == 0
    }
}

/// The instructions of a random program.
pub fn random_program(seed: u64, shape: Shape) -> Vec<u32> {
    let mut generator = Generator { random: Random::new(seed), shape, words: Vec::new() };
    generator.generate();
    generator.words
}

struct Generator {
    random: Random,
    shape: Shape,
    words: Vec<u32>,
}

/// General registers; the last two hold bases.
const REGISTERS: [u32; 14] = [0, 1, 2, 5, 6, 7, 10, 11, 12, 13, 14, 15, 28, 31];
const BASES: [u32; 3] = [8, 9, 18];

impl Generator {
    fn generate(&mut self) {
        for register in 1..32 {
            let value = self.value();
            self.words.extend(li(register, value));
        }
        for base in BASES {
            self.set_base(base);
        }
        for _ in 0..self.shape.steps {
            self.step();
        }
        self.words.push(terminate(0));
    }

    fn register(&mut self) -> u32 {
        if self.random.chance(12) { self.random.pick(&BASES) } else { self.random.pick(&REGISTERS) }
    }

    /// A destination; seldom a base.
    fn destination(&mut self) -> u32 {
        if self.random.chance(40) { self.random.below(32) } else { self.random.pick(&REGISTERS) }
    }

    fn value(&mut self) -> u32 {
        let any = self.random.next_u64() as u32;
        let corners = [0, 1, 2, 31, 32, u32::MAX, 0x8000_0000, 0x7fff_ffff, 0xffff, 0xff, any, any];
        self.random.pick(&corners)
    }

    fn set_base(&mut self, base: u32) {
        let near = SCRATCH_ADDRESS + 4 * self.random.below(64);
        let wild = [
            0,
            4,
            2044,
            SPACE_SIZE_BYTES - 4,
            SPACE_SIZE_BYTES - 2048,
            SPACE_SIZE_BYTES,
            u32::MAX - 3,
            near + 1,
            near + 2,
        ];
        let value = if self.shape.wild && self.random.chance(6) { self.random.pick(&wild) } else { near };
        self.words.extend(li(base, value));
    }

    /// An offset that keeps an access of `size` bytes aligned, mostly.
    fn offset(&mut self, size: u32) -> i32 {
        let offset = self.random.below(512) as i32 - 128;
        if self.shape.wild && self.random.chance(30) {
            return self.random.below(4096) as i32 - 2048;
        }
        offset & -(size as i32)
    }

    /// A jump distance in bytes; mostly short and forward, so that programs get somewhere.
    fn distance(&mut self) -> i32 {
        let words = match self.random.below(10) {
            0 => -(self.random.below(12) as i32),
            1..=7 => 1 + self.random.below(6) as i32,
            _ => 1 + self.random.below(40) as i32,
        };
        let wild = if self.shape.wild && self.random.chance(60) { 2 } else { 0 };
        4 * words + wild
    }

    fn step(&mut self) {
        let (rd, rs1, rs2) = (self.destination(), self.register(), self.register());
        match self.random.below(32) {
            0..=5 => self.alu(rd, rs1, rs2),
            6..=9 => self.alu_immediate(rd, rs1),
            10..=13 => {
                let (funct3, size) = self.random.pick(&[(0, 1), (1, 2), (2, 4), (2, 4), (4, 1), (5, 2)]);
                let (base, offset) = (self.random.pick(&BASES), self.offset(size));
                self.words.push(load(funct3, rd, base, offset));
            }
            14..=17 => {
                let (funct3, size) = self.random.pick(&[(0, 1), (1, 2), (2, 4), (2, 4)]);
                let (base, offset) = (self.random.pick(&BASES), self.offset(size));
                self.words.push(s_type(funct3, rs2, base, offset));
            }
            18..=22 => {
                let funct3 = self.random.pick(&[0, 1, 4, 5, 6, 7]);
                let distance = self.distance();
                self.words.push(b_type(funct3, rs1, rs2, distance));
            }
            23 => {
                let (link, distance) = (self.random.pick(&[0, 1, 5]), self.distance());
                self.words.push(jal(link, distance));
            }
            24 => self.computed_jump(rd),
            25 => {
                let base = self.random.pick(&BASES);
                self.set_base(base);
            }
            26 => {
                // A base that moves, as loops over memory have it.
                let (base, other) = (self.random.pick(&BASES), self.random.pick(&BASES));
                let step = 4 * (self.random.below(16) as i32 - 8);
                self.words.push(addi(base, other, step));
            }
            27 => {
                let value = self.value();
                let word = if self.random.chance(2) { lui(rd, value) } else { auipc(rd, value) };
                self.words.push(word);
            }
            28 => {
                let value = self.value();
                self.words.extend(li(rd, value));
            }
            29 => self.custom(),
            30 => {
                let word = self.random.below(8);
                self.words.push(reveal(rs1, word));
            }
            _ => {
                let rare = [0x0ff0_000f, terminate(0), terminate(7), EBREAK, ECALL];
                let word = if self.random.chance(4) { self.random.pick(&rare) } else { addi(rd, rs1, 0) };
                self.words.push(word);
            }
        }
    }

    fn alu(&mut self, rd: u32, rs1: u32, rs2: u32) {
        let (funct3, funct7) = match self.random.below(20) {
            0 => (0, 0x20),
            1 => (5, 0x20),
            2..=9 => (self.random.below(8), 1),
            _ => (self.random.below(8), 0),
        };
        self.words.push(alu(funct3, funct7, rd, rs1, rs2));
    }

    fn alu_immediate(&mut self, rd: u32, rs1: u32) {
        let immediate = self.random.below(4096) as i32 - 2048;
        let (funct3, immediate) = match self.random.below(8) {
            1 => (1, immediate & 31),
            5 if self.random.chance(2) => (5, immediate & 31 | 0x400),
            5 => (5, immediate & 31),
            funct3 => (funct3, immediate),
        };
        self.words.push(alui(funct3, rd, rs1, immediate));
    }

    /// To a few instructions behind the jump, by address.
    fn computed_jump(&mut self, rd: u32) {
        let words = 2 + self.random.below(5) as i32;
        let wild = if self.shape.wild {
            self.random.pick(&[0, 0, 0, 0, 1, 2, 0x1000])
        } else {
            self.random.below(2) as i32
        };
        self.words.extend([auipc(29, 0), addi(30, 29, 4 * words + wild), jalr(rd, 30, 0)]);
    }

    fn custom(&mut self) {
        let funct7 = self.random.below(4);
        let mut places = [0; 3].map(|_: u32| self.random.pick(&BASES));
        if funct7 == 0 {
            (places[1], places[2]) = (0, 0);
        }
        if funct7 == 1 {
            let mut length = 4 * self.random.below(35) as i32;
            if self.shape.wild && self.random.chance(8) {
                length = self.random.below(200) as i32;
            }
            self.words.push(addi(30, 0, length));
            places[2] = 30;
        }
        self.words.push(custom(funct7, places[0], places[1], places[2]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode;

    #[test]
    fn random_programs_hold_allowed_instructions_only() {
        for seed in 0..200 {
            for word in random_program(seed, Shape { steps: 100, wild: true }) {
                assert!(decode(word).is_ok(), "{word:#010x}");
            }
        }
    }
}
