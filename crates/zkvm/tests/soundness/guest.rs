//! The program that is proven.

use ivm_engine::{Program, testing::*};

const BLOCK: u32 = 0x0020_0000;
const STATE: u32 = 0x0020_0100;

/// What differs between programs that give the first word of their onchain input back.
#[derive(Clone, Copy)]
pub(crate) struct EchoWord {
    /// An unused constant.
    pub(crate) mark: i32,
    /// Rounds of an empty loop before the work: two instructions each, at most 2,047.
    pub(crate) loops: i32,
    /// What it leaves in `a0`, where 0 stands for the success that it reveals.
    pub(crate) status: i32,
}

impl EchoWord {
    pub(crate) fn elf(self) -> Vec<u8> {
        // The input's address depends on the size of the text only.
        let address = Program::from_elf(&elf(&words(0x1234_5678, self))).unwrap().input_address;
        elf(&words(address, self))
    }
}

/// A program that gives the first word of its onchain input back. On the way it uses the circuits of every kind of
/// instruction, so that the proof shows that they all can be proven.
fn words(input_address: u32, EchoWord { mark, loops, status }: EchoWord) -> Vec<u32> {
    let mut words = vec![addi(28, 0, loops)];
    // Two instructions each; with none to do, the counter is set to go round once.
    words.extend([alui(6, 28, 28, 1), addi(28, 28, -1), b_type(5, 28, 0, -4)]);
    words.extend(li(5, BLOCK));
    words.extend(li(6, STATE));
    words.extend(li(7, input_address));
    words.push(load(2, 8, 7, 8));
    // Every register, immediate, multiply and divide instruction once, then loads and stores of every width.
    for funct3 in 0..8 {
        words.extend([alu(funct3, 0, 9, 8, 7), alu(funct3, 1, 9, 9, 8)]);
    }
    words.extend([alu(0, 0x20, 9, 9, 7), alu(5, 0x20, 9, 9, 7)]);
    words.extend([0, 2, 3, 4, 6, 7].map(|funct3| alui(funct3, 9, 8, mark)));
    words.extend([
        alui(1, 9, 9, 3),
        alui(5, 9, 9, 3),
        alui(5, 9, 9, 3 | 0x400),
        lui(9, 0x1234_5000),
        auipc(9, 0x1000),
    ]);
    words.extend([s_type(2, 9, 6, 512), s_type(1, 9, 6, 518), s_type(0, 9, 6, 521)]);
    words.extend(
        [(0, 521), (1, 518), (2, 512), (4, 523), (5, 516)].map(|(funct3, at)| load(funct3, 9, 6, at)),
    );
    words.push(load(2, 0, 6, 512));
    for funct3 in [0, 1, 4, 5, 6, 7] {
        words.extend([b_type(funct3, 8, 7, 8), 0x0ff0_000f]);
    }
    words.extend([jal(1, 8), addi(9, 0, 1), auipc(1, 0), jalr(2, 1, 9), addi(9, 0, 1)]);
    words.extend([
        addi(9, 6, 1024),
        addi(10, 6, 1536),
        custom(2, 9, 9, 10),
        custom(3, 9, 9, 10),
        custom(1, 9, 10, 0),
    ]);
    // The block to hash: status 0, the word, and keccak's padding.
    for byte in 0..4 {
        words.extend([alui(5, 9, 8, 8 * byte), s_type(0, 9, 5, 1 + byte)]);
    }
    words.extend([
        addi(9, 0, 1),
        s_type(0, 9, 5, 5),
        addi(9, 0, 0x80),
        s_type(0, 9, 5, 135),
        addi(9, 0, 136),
    ]);
    words.extend([custom(1, 6, 5, 9), custom(0, 6, 0, 0)]);
    for index in 0..8 {
        words.extend([load(2, 9, 6, 4 * index), reveal(9, index as u32)]);
    }
    // Status, address and size of the outcome's bytes.
    words.extend([addi(10, 0, status), addi(11, 5, 1), addi(12, 0, 4), terminate(0)]);
    words
}
