//! What the engine is measured with: pure functions that run natively and, by this crate's program, in the zkVM.
//!
//! Each does a fixed amount of work, given by a size, and gives a digest of what it computed, so that runs of one
//! workload on different machines, engines and architectures can be compared. Data is made by a fixed generator;
//! [`Workload::Sha256`], [`Workload::Json`] and [`Workload::Volatility`] take it from outside when there is any.

#![deny(missing_docs)]

mod data;
mod integers;
mod json;
mod sha256;
mod state_machine;

use std::{collections::BTreeMap, fmt};

use data::{Digest, Generator};

pub use json::document as json_document;

/// A workload. Its number is the first byte of the program's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Workload {
    /// SHA-256 over the data given, or as many zero bytes as the size says.
    Sha256,
    /// Sorts as many 32-bit words as the size says by `sort_unstable`.
    Sort,
    /// Parses the JSON document given, or one of about as many bytes as the size says, into a tree, and walks it.
    Json,
    /// Inserts into, looks up in and removes from a `BTreeMap`, as many times as the size says.
    BTree,
    /// The product of two square matrices of as many rows as the size says, of 32-bit integers modulo 2^32.
    Matrix,
    /// A tokenizer, one branch or more per byte, over as many bytes as the size says.
    StateMachine,
    /// As many rounds of a loop of 32-bit integer operations, some of which wait for one another.
    IntegerLoop,
    /// SHA-256 over as many short messages, of all lengths up to 191 bytes and at all alignments.
    Sha256Short,
    /// Realised volatility of the prices given, or as many as the size says (see the program `volatility`).
    Volatility,
}

/// Why there is nothing to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputError {
    /// The input is not a workload's number and a size.
    Size {
        /// The input's size, in bytes.
        got_bytes: usize,
    },
    /// No workload has this number.
    UnknownWorkload {
        /// The number.
        number: u8,
    },
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size { got_bytes } => {
                write!(f, "input is {got_bytes} bytes, expected {INPUT_SIZE_BYTES}: a workload and a size")
            }
            Self::UnknownWorkload { number } => {
                write!(f, "there is no workload {number}, the last is {}", Workload::ALL.len() - 1)
            }
        }
    }
}

impl std::error::Error for InputError {}

/// Size of the program's onchain input: the workload's number, then the size as a little-endian `u32`.
pub const INPUT_SIZE_BYTES: usize = 5;

impl Workload {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Sha256,
        Self::Sort,
        Self::Json,
        Self::BTree,
        Self::Matrix,
        Self::StateMachine,
        Self::IntegerLoop,
        Self::Sha256Short,
        Self::Volatility,
    ];

    /// What tables call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sort => "sort",
            Self::Json => "json",
            Self::BTree => "btree",
            Self::Matrix => "matrix",
            Self::StateMachine => "state-machine",
            Self::IntegerLoop => "integer-loop",
            Self::Sha256Short => "sha256-short",
            Self::Volatility => "volatility",
        }
    }

    /// The size that measurements are taken at.
    pub const fn default_size(self) -> u32 {
        match self {
            Self::Sha256 | Self::StateMachine => 1 << 20,
            Self::Sort => 1_000_000,
            Self::Json => 200_000,
            Self::BTree => 100_000,
            Self::Matrix => 128,
            Self::IntegerLoop => 2_000_000,
            Self::Sha256Short => 10_000,
            Self::Volatility => 5_104,
        }
    }

    /// The program's onchain input for this workload.
    pub fn input(self, size: u32) -> Vec<u8> {
        let mut input = vec![self as u8];
        input.extend(size.to_le_bytes());
        input
    }

    /// Does the work on `data` from outside, which most workloads ignore, and digests what came out.
    ///
    /// # Panics
    /// When `data` is not what the workload takes: no JSON document, or no prices.
    pub fn run(self, size: u32, data: &[u8]) -> u64 {
        match self {
            Self::Sha256 => sha256::of_one_message(size, data),
            Self::Sort => sort(size),
            Self::Json => json::parse_and_walk(size, data),
            Self::BTree => btree(size),
            Self::Matrix => integers::matrix_product(size),
            Self::StateMachine => state_machine::tokenize(size),
            Self::IntegerLoop => integers::integer_loop(size),
            Self::Sha256Short => sha256::of_short_messages(size),
            Self::Volatility => volatility_of_prices(size, data),
        }
    }
}

/// What the program does with its onchain input and the data in its offchain input.
///
/// # Errors
/// When the input names no workload.
///
/// # Panics
/// As [`Workload::run`] does.
pub fn run(input: &[u8], data: &[u8]) -> Result<u64, InputError> {
    let &[number, a, b, c, d] = input else {
        return Err(InputError::Size { got_bytes: input.len() });
    };
    let workload = Workload::ALL.get(usize::from(number)).ok_or(InputError::UnknownWorkload { number })?;
    Ok(workload.run(u32::from_le_bytes([a, b, c, d]), data))
}

fn sort(count: u32) -> u64 {
    let mut generator = Generator::new();
    let mut words: Vec<u32> = (0..count).map(|_| generator.next()).collect();
    words.sort_unstable();
    let mut digest = Digest::new();
    // Every 64th: the digest is to see the order, not to be what is measured.
    words.iter().step_by(64).for_each(|&word| digest.add(word));
    digest.value()
}

fn btree(operations: u32) -> u64 {
    /// Keys come from so few that many of them are found again.
    const KEY_MASK: u32 = 0x3fff;
    let mut generator = Generator::new();
    let mut digest = Digest::new();
    let mut map = BTreeMap::new();
    for operation in 0..operations {
        let random = generator.next();
        let key = random >> 8 & KEY_MASK;
        match random & 3 {
            0 | 1 => digest.add(map.insert(key, operation).unwrap_or_default()),
            2 => digest.add(map.get(&key).copied().unwrap_or_default()),
            _ => digest.add(map.remove(&key).unwrap_or_default()),
        }
    }
    map.range(KEY_MASK / 2..).take(16).for_each(|(&key, &value)| digest.add(key ^ value));
    digest.add(map.len() as u32);
    digest.value()
}

fn volatility_of_prices(count: u32, data: &[u8]) -> u64 {
    let made: Vec<u8>;
    let mut packed = data;
    if data.is_empty() {
        let mut generator = Generator::new();
        made = (0..count).flat_map(|_| (130_000 + generator.next() % 9_000).to_be_bytes()).collect();
        packed = &made;
    }
    let prices = packed.as_chunks::<4>().0.iter().map(|price| u32::from_be_bytes(*price));
    let (volatility_e18, observations) = volatility::realised_volatility_e18(prices);
    volatility_e18 as u64 ^ observations.rotate_left(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_stay_what_they_are() {
        // From this code, natively: what they guard is that measurements of different days did the same work.
        let small = [1000, 1000, 2000, 1000, 16, 1000, 1000, 200, 100];
        let digests = Workload::ALL.map(|workload| workload.run(small[workload as usize], &[]));
        let expected = [
            842746708658887508,
            3458414030848085484,
            244041455287380378,
            9384016088573759044,
            2940902891111697700,
            12607702328936522468,
            8410799178031857288,
            4140738245650080527,
            410563447280609614,
        ];
        assert_eq!(digests, expected);
    }

    #[test]
    fn names_and_numbers_are_in_order() {
        for (number, workload) in Workload::ALL.into_iter().enumerate() {
            assert_eq!(workload as usize, number);
            assert_eq!(workload.input(0x0403_0201), [number as u8, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn size_and_data_decide() {
        for workload in Workload::ALL {
            assert_ne!(workload.run(400, &[]), workload.run(800, &[]), "{}", workload.name());
        }
        assert_ne!(Workload::Sha256.run(3, b""), Workload::Sha256.run(3, b"abc"));
        assert_ne!(Workload::Json.run(0, b"[1]"), Workload::Json.run(0, b"[2]"));
    }
}
