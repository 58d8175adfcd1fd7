//! The fee of a trader of `DynamicFeePool`, by volume traded since a block of the past.
//!
//! The pool keeps one word per trader, whose low 128 bits count the volume that the trader ever moved. What it was at the
//! end of a past block is proven: that block's header, hashed, is the hash that the pool anchored; the header has the
//! state root; a proof in the state leads to the pool's storage, one in the storage to the trader's word. What is not
//! there, account or word, is proven not to be, and counts as zero. The volume since is now's less then's, and the last
//! tier of the table that it reaches has the fee.
//!
//! The pool writes the first part of the input, so a trader chooses nothing but the bytes of the proof.

#![deny(missing_docs)]

mod fault;
mod history;
mod input;
mod trie;

pub use fault::Fault;
pub use history::{HistoryProof, word_at};
pub use input::{Input, Tier};
pub use trie::value_at;

use ivm_guest::alloy_primitives::U256;

/// The volume that a trader's word counts: its low 128 bits. The pool keeps the trader's tier above them.
pub const fn volume_of_word(word: U256) -> u128 {
    let [low, high, ..] = word.into_limbs();
    low as u128 | (high as u128) << 64
}

/// The fee that an input yields, in millionths of what is swapped in.
///
/// # Errors
/// What is wrong with the input.
pub fn fee_of_input(bytes: &[u8]) -> Result<u32, Fault> {
    let input = Input::read(bytes)?;
    let volume_then = volume_of_word(word_at(&input)?);
    let volume = input
        .volume_now
        .checked_sub(volume_then)
        .ok_or(Fault::VolumeFell { now: input.volume_now, then: volume_then })?;
    input.fee_of_volume(volume).ok_or(Fault::NoTier { volume })
}

#[cfg(test)]
mod tests;
