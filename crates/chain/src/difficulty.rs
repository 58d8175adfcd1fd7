//! The difficulty of a block of proof of work, which its parent and its timestamp determine.

use alloy_consensus::Header;
use alloy_hardforks::EthereumHardfork as Fork;
use alloy_primitives::U256;
use ivm_evm::ForkSchedule;

/// No block has less.
const MINIMUM: u64 = 131_072;
/// Difficulty moves by whole parts of this size.
const BOUND_DIVISOR: u64 = 2048;
/// A block later than this, in seconds, made Frontier's difficulty fall.
const FRONTIER_SECONDS: u64 = 13;
/// The bomb doubles after this many blocks.
const BOMB_PERIOD_BLOCKS: u64 = 100_000;
/// Most parts by which the difficulty falls at once.
const MOST_PARTS_DOWN: u64 = 99;

/// Difficulty of the block after `parent` with this timestamp.
pub(crate) fn next(schedule: &ForkSchedule, parent: &Header, timestamp: u64) -> U256 {
    let number = parent.number.saturating_add(1);
    let active = |fork| schedule.is_active_at_block(fork, number);
    let elapsed = timestamp.saturating_sub(parent.timestamp);
    let delays = [
        (Fork::GrayGlacier, 11_400_000),
        (Fork::ArrowGlacier, 10_700_000),
        (Fork::London, 9_700_000),
        (Fork::MuirGlacier, 9_000_000),
        (Fork::Constantinople, 5_000_000),
        (Fork::Byzantium, 3_000_000),
    ];
    if let Some((_, delay)) = delays.into_iter().find(|(fork, _)| active(*fork)) {
        let up = if parent.ommers_hash_is_empty() { 1 } else { 2 };
        let adjusted = adjust(parent.difficulty, up, elapsed / 9);
        return adjusted.saturating_add(bomb(number.saturating_sub(delay)));
    }
    if active(Fork::Homestead) {
        return adjust(parent.difficulty, 1, elapsed / 10).saturating_add(bomb(number));
    }
    let part = parent.difficulty / U256::from(BOUND_DIVISOR);
    let adjusted = if elapsed < FRONTIER_SECONDS {
        parent.difficulty.saturating_add(part)
    } else {
        parent.difficulty.saturating_sub(part)
    };
    adjusted.max(U256::from(MINIMUM)).saturating_add(bomb(number))
}

/// The parent's difficulty and `up - down` parts of it, but not more than 99 down.
fn adjust(difficulty: U256, up: u64, down: u64) -> U256 {
    let part = difficulty / U256::from(BOUND_DIVISOR);
    let adjusted = if down <= up {
        difficulty.saturating_add(part.saturating_mul(U256::from(up - down)))
    } else {
        difficulty.saturating_sub(part.saturating_mul(U256::from((down - up).min(MOST_PARTS_DOWN))))
    };
    adjusted.max(U256::from(MINIMUM))
}

/// What the difficulty bomb adds in the block with this number, counted from where the bomb was last put back.
fn bomb(number: u64) -> U256 {
    match (number / BOMB_PERIOD_BLOCKS).checked_sub(2) {
        Some(doublings) => {
            U256::from(1).checked_shl(doublings.try_into().unwrap_or(usize::MAX)).unwrap_or(U256::MAX)
        }
        None => U256::ZERO,
    }
}
