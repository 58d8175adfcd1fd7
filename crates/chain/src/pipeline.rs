//! Executing blocks ahead of their roots.
//!
//! Of a block that is verified, execution is one half, and the root of the state that it leads to the other. The next block's
//! execution needs the first half alone: it reads the changes of blocks before it on top of the last state that is whole.
//! So one thread executes ([`Ahead`]) while another seals what was executed, in order. Nothing is accepted before its whole
//! header was compared: what was executed on a block that proves wrong is dropped.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use alloy_primitives::B256;
use ivm_evm::{BlockHashes, ChainDatabase};
use ivm_state::{StateError, StateView};
use revm::database::BundleState;

use crate::chain::{Chain, Tip};
use crate::error::ChainError;
use crate::header;
use crate::recover::RecoveredBlock;
use crate::seal::Unsealed;
use crate::store::BlockStore;

/// Blocks that were executed and wait to be sealed: beside them one is being executed and one sealed.
pub(crate) const BLOCKS_AHEAD: usize = 1;

/// A block that was executed and is not sealed yet.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    number: u64,
    hash: B256,
    changes: Arc<BundleState>,
}

/// What the EVM reads when the block after the tip is executed.
pub(crate) fn database(tip: &Tip) -> ChainDatabase {
    let blocks = BlockStore::new(tip.state.shared_reader());
    if tip.pending.is_empty() {
        return ChainDatabase::new(tip.state.clone(), Arc::new(blocks));
    }
    let hashes = tip.pending.iter().map(|pending| (pending.number, pending.hash)).collect();
    let changes = tip.pending.iter().map(|pending| pending.changes.clone()).collect();
    ChainDatabase::new(tip.state.clone(), Arc::new(Hashes { pending: hashes, blocks })).with_pending(changes)
}

/// Hashes of blocks in the store and of those that are not there yet.
#[derive(Debug)]
struct Hashes {
    pending: Vec<(u64, B256)>,
    blocks: BlockStore,
}

impl BlockHashes for Hashes {
    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        match self.pending.iter().find(|(pending, _)| *pending == number) {
            Some((_, hash)) => Ok(*hash),
            None => self.blocks.block_hash(number),
        }
    }
}

/// Executes one block after another, each on the one before.
pub(crate) struct Ahead<'a> {
    chain: &'a Chain,
    tip: Tip,
    /// States of the blocks that were sealed, in order.
    sealed: Receiver<StateView>,
}

/// Whoever sealed blocks has stopped: no more are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopped;

impl<'a> Ahead<'a> {
    /// Starts on a block. Into what is returned beside it go the states of the blocks it gives, as they are sealed.
    pub(crate) fn new(chain: &'a Chain, tip: Tip) -> (Self, Sender<StateView>) {
        let (sender, sealed) = channel();
        (Self { chain, tip, sealed }, sender)
    }

    /// Number of the last block that was executed.
    pub(crate) fn number(&self) -> u64 {
        self.tip.block.number()
    }

    /// Executes a block and makes it the tip. After an error no block can be executed.
    ///
    /// # Errors
    /// As [`Chain::verify`], but for what is found when the block is sealed.
    pub(crate) fn execute(&mut self, block: RecoveredBlock) -> Result<Result<Unsealed, ChainError>, Stopped> {
        while let Ok(state) = self.sealed.try_recv() {
            self.take(state);
        }
        // Proof of work: ommers are told from the blocks before, and the oldest receipts hold roots of states.
        let rules = &self.chain.config().rules;
        if header::ethereum_place(rules, &self.tip.block).is_some_and(|place| !place.merged) {
            self.wait()?;
        }
        let executed = self.chain.execute_recovered(self.tip.clone(), block);
        if let Ok(unsealed) = &executed {
            let (number, hash) = (unsealed.block.number(), unsealed.block.hash());
            self.tip.pending.push(Pending { number, hash, changes: unsealed.changes().clone() });
            self.tip.block = unsealed.block.clone();
        }
        Ok(executed)
    }

    /// The blocks in the store up to the tip, once all of them are sealed.
    pub(crate) fn blocks(&mut self) -> Result<BlockStore, Stopped> {
        self.wait()?;
        Ok(BlockStore::new(self.tip.state.shared_reader()))
    }

    fn wait(&mut self) -> Result<(), Stopped> {
        while !self.tip.pending.is_empty() {
            let state = self.sealed.recv().map_err(|_| Stopped)?;
            self.take(state);
        }
        Ok(())
    }

    fn take(&mut self, state: StateView) {
        self.tip.pending.retain(|pending| pending.number > state.number());
        self.tip.state = state;
    }
}
