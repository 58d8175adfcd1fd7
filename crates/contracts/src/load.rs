//! The price of a cycle, as `JobManager` keeps it: read from its storage, at any block.

use alloy_primitives::{B256, U256};

use crate::JobParameters;

/// Storage slot of `JobManager` that holds the load.
pub const LOAD_SLOT: B256 = B256::with_last_byte(2);

/// Most that a cycle ever costs, in wei.
pub const MAX_CYCLE_PRICE_WEI: u64 = 1 << 63;

/// A price changes by this part of itself at most, from block to block.
const MAX_CHANGE_DENOMINATOR: u128 = 8;

/// So many blocks without claims are walked through; after more of them, the price is the floor.
const MAX_DECAY_BLOCKS: u64 = 64;

/// What the price of a cycle follows: the word that `JobManager` has stored in [`LOAD_SLOT`].
///
/// It is as of the last block that claimed cycles; [`Self::as_of`] tells how it stands in a later one. The same as
/// `contracts/src/jobs/LoadWord.sol`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadWord {
    /// Price of one cycle in the block, in wei.
    pub cycle_price_wei: u64,
    /// The block; has 40 bits.
    pub block_number: u64,
    /// Cycles claimed in the block, those of runs inside transactions among them.
    pub posted_cycles: u64,
    /// Cycles of runs inside transactions.
    pub sync_cycles: u64,
    /// How many such runs there were; has 24 bits.
    pub sync_count: u32,
}

impl From<B256> for LoadWord {
    fn from(word: B256) -> Self {
        let bits = |shift: usize, count: usize| {
            let field: U256 = U256::from_be_bytes(word.0) >> shift;
            field.as_limbs()[0] & (u64::MAX >> (64 - count))
        };
        Self {
            cycle_price_wei: bits(0, 64),
            block_number: bits(64, 40),
            posted_cycles: bits(104, 64),
            sync_cycles: bits(168, 64),
            sync_count: bits(232, 24) as u32,
        }
    }
}

impl LoadWord {
    /// The load in a block: this one, when it is of that block or a later one.
    pub fn as_of(self, block_number: u64, parameters: &JobParameters) -> Self {
        let cycle_price_wei = self.price_as_of(block_number, parameters);
        if block_number > self.block_number {
            return Self { cycle_price_wei, block_number, ..Self::default() };
        }
        Self { cycle_price_wei, ..self }
    }

    /// The price of one cycle in a block, in wei.
    pub fn price_as_of(self, block_number: u64, parameters: &JobParameters) -> u64 {
        let floor_wei = parameters.min_cycle_price_wei();
        let stored_wei = self.cycle_price_wei.max(floor_wei);
        if block_number <= self.block_number {
            return stored_wei;
        }
        let next_wei = following(stored_wei, self.posted_cycles, parameters.target_cycles_per_block());
        decayed(next_wei, floor_wei, block_number - self.block_number - 1).max(floor_wei)
    }
}

/// The price in the block after one that claimed `cycles`, but for the floor. `target` is not zero.
fn following(price_wei: u64, cycles: u64, target: u64) -> u64 {
    let (price, target_cycles) = (u128::from(price_wei), u128::from(target));
    // Less than 2^64 times 2^64: the product fits.
    let change = |cycles: u64| price * u128::from(cycles) / target_cycles / MAX_CHANGE_DENOMINATOR;
    let changed = if cycles <= target {
        price - change(target - cycles)
    } else {
        (price + change((cycles - target).min(target)).max(1)).min(u128::from(MAX_CYCLE_PRICE_WEI))
    };
    changed.try_into().expect("the price is at most itself or the most that a cycle costs")
}

/// The price after `count` blocks without claims, but for the floor.
fn decayed(mut price_wei: u64, floor_wei: u64, count: u64) -> u64 {
    if count > MAX_DECAY_BLOCKS {
        return floor_wei;
    }
    for _ in 0..count {
        price_wei -= price_wei / MAX_CHANGE_DENOMINATOR as u64;
    }
    price_wei
}
