//! The execution chain as the settlement contract has it, folded from the contract's events; and which of its blocks a
//! node follows. Pure.

use std::collections::{BTreeMap, HashMap};

use alloy_primitives::B256;
use ivm_contracts::BlockState;

use crate::events::SettlementEvent;

/// A block of the execution chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockRef {
    /// Its height.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// Why events are not those of the contract, from its start and in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForkChoiceError {
    /// A block was proposed at another height than the next.
    #[error("block {hash} was proposed at height {got}, expected {expected}: an event is missing")]
    Height {
        /// The block.
        hash: B256,
        /// Its height.
        got: u64,
        /// The height after the tip.
        expected: u64,
    },
    /// A block that is not in the chain was invalidated or made final.
    #[error(
        "block {hash} at height {number} is not open in the chain, which has {expected:?} there: an event is missing"
    )]
    NotOpen {
        /// The block.
        hash: B256,
        /// Its height.
        number: u64,
        /// What is open there.
        expected: Option<B256>,
    },
}

/// The execution chain as the contract has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkChoice {
    finalized: BlockRef,
    /// Hashes by height, those after the finalized block.
    open: BTreeMap<u64, B256>,
    /// Heights and states of these, of the finalized block, and of those that were not forgotten.
    known: HashMap<B256, (u64, BlockState)>,
}

impl ForkChoice {
    /// The chain when nothing was proposed: the block that the first proposed one is built on.
    pub fn new(genesis: BlockRef) -> Self {
        Self::starting_at(genesis, [])
    }

    /// The chain from a final block on, the hashes of the blocks after it in order.
    pub fn starting_at(finalized: BlockRef, open: impl IntoIterator<Item = B256>) -> Self {
        let open: BTreeMap<_, _> = (finalized.number + 1..).zip(open).collect();
        let proposed = open.iter().map(|(number, hash)| (*hash, (*number, BlockState::Proposed)));
        let known = proposed.chain([(finalized.hash, (finalized.number, BlockState::Final))]).collect();
        Self { finalized, open, known }
    }

    /// Takes an event of the contract. Those that are not about blocks change nothing.
    ///
    /// # Errors
    /// [`ForkChoiceError`] when it does not follow those before it. Then nothing changes.
    pub fn apply(&mut self, event: &SettlementEvent) -> Result<(), ForkChoiceError> {
        match event {
            SettlementEvent::BlockProposed(event) => self.propose(event.number, event.hash),
            SettlementEvent::BlockFinalized(event) => self.finalize(event.number, event.hash),
            SettlementEvent::BlockInvalidated(event) => self.invalidate(event.number, event.hash),
            _ => Ok(()),
        }
    }

    /// The newest block.
    pub fn tip(&self) -> BlockRef {
        let newest = self.open.last_key_value();
        newest.map_or(self.finalized, |(number, hash)| BlockRef { number: *number, hash: *hash })
    }

    /// The newest block that cannot leave the chain.
    pub const fn finalized(&self) -> BlockRef {
        self.finalized
    }

    /// Blocks after the finalized one, up to the tip.
    pub fn path(&self) -> Vec<BlockRef> {
        self.open.iter().map(|(number, hash)| BlockRef { number: *number, hash: *hash }).collect()
    }

    /// The block at a height, when it is not below the finalized one.
    pub fn hash_at(&self, number: u64) -> Option<B256> {
        if number == self.finalized.number {
            Some(self.finalized.hash)
        } else {
            self.open.get(&number).copied()
        }
    }

    /// Where a block is; [`BlockState::Unknown`] also for one that was forgotten.
    pub fn status(&self, hash: B256) -> BlockState {
        self.known.get(&hash).map_or(BlockState::Unknown, |(_, state)| *state)
    }

    /// Forgets final and dropped blocks below a height, but for the finalized one.
    pub fn forget_below(&mut self, number: u64) {
        let kept = self.finalized.hash;
        self.known.retain(|hash, (height, state)| {
            *height >= number || *state == BlockState::Proposed || *hash == kept
        });
    }

    fn propose(&mut self, number: u64, hash: B256) -> Result<(), ForkChoiceError> {
        let expected = self.tip().number + 1;
        if number != expected {
            return Err(ForkChoiceError::Height { hash, got: number, expected });
        }
        self.open.insert(number, hash);
        self.known.insert(hash, (number, BlockState::Proposed));
        Ok(())
    }

    fn finalize(&mut self, number: u64, hash: B256) -> Result<(), ForkChoiceError> {
        self.check_open(number, hash)?;
        if number != self.finalized.number + 1 {
            return Err(ForkChoiceError::Height { hash, got: number, expected: self.finalized.number + 1 });
        }
        self.open.remove(&number);
        self.finalized = BlockRef { number, hash };
        self.known.insert(hash, (number, BlockState::Final));
        Ok(())
    }

    fn invalidate(&mut self, number: u64, hash: B256) -> Result<(), ForkChoiceError> {
        self.check_open(number, hash)?;
        for (number, hash) in self.open.split_off(&number) {
            self.known.insert(hash, (number, BlockState::Dropped));
        }
        Ok(())
    }

    fn check_open(&self, number: u64, hash: B256) -> Result<(), ForkChoiceError> {
        let expected = self.open.get(&number).copied();
        if expected == Some(hash) { Ok(()) } else { Err(ForkChoiceError::NotOpen { hash, number, expected }) }
    }
}

/// What a node found out about a block by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It executed the block and ran its jobs: all is right.
    Good,
    /// It found a fault: no node that looks follows the block.
    Refused(String),
    /// It has not looked, or cannot: for instance it lacks the block's body.
    Unknown,
}

/// How far a node trusts the chain's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowMode {
    /// It follows what it found right.
    Validating,
    /// It follows what it did not find wrong, and leaves it to others to challenge.
    Optimistic,
}

/// Which block to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The block.
    pub target: BlockRef,
    /// The one after it that is not followed, and why; `None` when the target is the path's end.
    pub stopped_at: Option<(BlockRef, Judged)>,
}

/// The last block of a path that a node follows: the one before the first that it refuses, or, when it validates, has not
/// judged. `start` is the block that the path goes on from, which is followed in any case.
pub fn follow(
    start: BlockRef,
    path: &[BlockRef],
    judged: impl Fn(B256) -> Judged,
    mode: FollowMode,
) -> Followed {
    let mut target = start;
    for block in path {
        match (judged(block.hash), mode) {
            (Judged::Good, _) | (Judged::Unknown, FollowMode::Optimistic) => target = *block,
            (other, _) => return Followed { target, stopped_at: Some((*block, other)) },
        }
    }
    Followed { target, stopped_at: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u64) -> BlockRef {
        BlockRef { number, hash: B256::repeat_byte(number as u8) }
    }

    #[test]
    fn a_node_stops_before_the_first_block_that_it_refuses() {
        let path: Vec<_> = (1..=4).map(block).collect();
        let refused = || Judged::Refused("state root".into());
        let third =
            |judged: Judged| move |hash| if hash == block(3).hash { judged.clone() } else { Judged::Good };
        for mode in [FollowMode::Validating, FollowMode::Optimistic] {
            let all = follow(block(0), &path, |_| Judged::Good, mode);
            assert_eq!(all, Followed { target: block(4), stopped_at: None });
            let some = follow(block(0), &path, third(refused()), mode);
            assert_eq!(some, Followed { target: block(2), stopped_at: Some((block(3), refused())) });
            let none = follow(block(0), &path, |_| refused(), mode);
            assert_eq!(none.target, block(0));
            assert_eq!(follow(block(0), &[], |_| refused(), mode).stopped_at, None);
        }
    }

    #[test]
    fn what_was_not_judged_is_followed_optimistically_alone() {
        let path: Vec<_> = (1..=2).map(block).collect();
        let unknown = |_| Judged::Unknown;
        let validating = follow(block(0), &path, unknown, FollowMode::Validating);
        assert_eq!(validating, Followed { target: block(0), stopped_at: Some((block(1), Judged::Unknown)) });
        assert_eq!(follow(block(0), &path, unknown, FollowMode::Optimistic).target, block(2));
    }

    #[test]
    fn missing_events_are_noticed() {
        let mut choice = ForkChoice::new(block(5));
        let before = choice.clone();
        assert!(matches!(choice.propose(7, block(7).hash), Err(ForkChoiceError::Height { expected: 6, .. })));
        assert!(matches!(
            choice.finalize(6, block(6).hash),
            Err(ForkChoiceError::NotOpen { expected: None, .. })
        ));
        assert!(matches!(choice.invalidate(5, block(5).hash), Err(ForkChoiceError::NotOpen { .. })));
        assert_eq!(choice, before);
        choice.propose(6, block(6).hash).expect("follows");
        choice.propose(7, block(7).hash).expect("follows");
        assert!(matches!(
            choice.finalize(7, block(7).hash),
            Err(ForkChoiceError::Height { expected: 6, .. })
        ));
        assert!(matches!(choice.invalidate(6, block(7).hash), Err(ForkChoiceError::NotOpen { .. })));
    }

    #[test]
    fn a_chain_that_is_read_goes_on_as_one_that_was_folded() {
        let mut folded = ForkChoice::new(block(0));
        for number in 1..=4 {
            folded.propose(number, block(number).hash).expect("follows");
        }
        folded.finalize(1, block(1).hash).expect("is open");
        folded.forget_below(1);
        let read = ForkChoice::starting_at(block(1), (2..=4).map(|number| block(number).hash));
        assert_eq!(folded, read);
        folded.invalidate(3, block(3).hash).expect("is open");
        assert_eq!(folded.tip(), block(2));
        let states = [1, 2, 3, 4, 9].map(|number| folded.status(block(number).hash));
        use BlockState::{Dropped, Final, Proposed, Unknown};
        assert_eq!(states, [Final, Proposed, Dropped, Dropped, Unknown]);
        assert_eq!(folded.path(), [block(2)]);
        assert_eq!((folded.hash_at(1), folded.hash_at(0)), (Some(block(1).hash), None));
    }
}
