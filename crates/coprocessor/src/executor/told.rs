//! Outcomes of runs as a block's proposer tells them.
//!
//! An honest proposer tells nothing: what a run yields, every node finds out. One that lies about a run inside a
//! transaction makes a block that only it could execute, if it did not say with which outcomes. It says so beside the
//! block, so that all others can execute the block as proposed, see its claims, and challenge the false one. What is told
//! decides nothing else: a validating node compares it with what it finds, and refuses the block.

use std::collections::HashMap;

use alloy_primitives::{B256, Bytes, keccak256};
use ivm_primitives::{Outcome, OutcomeStatus, ProgramId};
use ivm_zkvm::Execution;
use parking_lot::Mutex;

/// Most runs told of one block.
pub const MAX_TOLD_RUNS: usize = 64;

/// A run as a block's proposer tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldRun {
    /// The program.
    pub program_id: ProgramId,
    /// keccak256 of its onchain input.
    pub input_hash: B256,
    /// Status of the outcome.
    pub status: OutcomeStatus,
    /// Cycles that the run is said to take.
    pub cycles: u64,
    /// Output, or panic message.
    pub output: Bytes,
}

/// What a run is of.
pub(super) fn key(program_id: ProgramId, input_hash: B256) -> B256 {
    keccak256([program_id.0, input_hash.0].concat())
}

/// Told runs of the blocks that are executed now.
#[derive(Debug, Default)]
pub(super) struct Told {
    blocks: Mutex<HashMap<u64, HashMap<B256, Execution>>>,
}

impl Told {
    pub(super) fn set(&self, block_number: u64, runs: Vec<ToldRun>) {
        let mut blocks = self.blocks.lock();
        if runs.is_empty() {
            blocks.remove(&block_number);
            return;
        }
        let runs = runs.into_iter().take(MAX_TOLD_RUNS).map(|run| {
            let execution = Execution { outcome: Outcome::new(run.status, run.output), cycles: run.cycles };
            (key(run.program_id, run.input_hash), execution)
        });
        blocks.insert(block_number, runs.collect());
    }

    pub(super) fn clear(&self) {
        self.blocks.lock().clear();
    }

    pub(super) fn get(&self, block_number: u64, key: B256) -> Option<Execution> {
        self.blocks.lock().get(&block_number)?.get(&key).cloned()
    }
}
