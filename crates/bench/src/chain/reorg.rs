//! Moving the head to another branch.

use std::time::Instant;

use ivm_chain::{Chain, SealedBlock, Storage};
use serde::Serialize;

use super::blocks::{Source, commit, config};
use crate::BenchError;
use crate::accounts::TRANSFER_GAS;

/// What a reorg costs.
#[derive(Clone, Debug, Serialize)]
pub struct ReorgReport {
    /// Blocks removed, and as many added.
    pub blocks: usize,
    /// Transactions of each block.
    pub transactions_per_block: u64,
    /// Going back to the block both branches share.
    pub back_ms: f64,
    /// Moving from one branch to the other: blocks undone, blocks executed and checked, all of it committed durably.
    pub switch_ms: f64,
}

/// Moves the head between branches of so many blocks each, of so many transfers each, with data on disk.
///
/// # Errors
/// When the chain refuses something, which is a bug.
pub fn measure_reorg(blocks: usize, transfers_per_block: u64) -> Result<ReorgReport, BenchError> {
    let folder = tempfile::tempdir()?;
    let config = config()?;
    let chain = Chain::open(config.clone(), Storage::Path(folder.path().join("chain")))?;
    let mut source = Source::new(&config)?;
    let ancestor = commit(&chain, vec![source.deploy()?])?;
    // The other branch comes from another chain: here, what returns to the pool would go into it.
    let elsewhere = Chain::open(config, Storage::Memory)?;
    elsewhere.import(ancestor.to_block())?;
    let mut other_source = source.clone();
    other_source.skip(1);
    branch(&chain, &mut source, blocks, transfers_per_block)?;
    let other = branch(&elsewhere, &mut other_source, blocks, transfers_per_block)?;
    for block in &other {
        chain.store_block(block.to_block())?;
    }
    let head = other.last().map_or(ancestor.hash(), SealedBlock::hash);

    let started = Instant::now();
    let reorg = chain.reorg_to(head)?;
    let switch_ms = started.elapsed().as_secs_f64() * 1e3;
    let (got, expected) = ((reorg.removed.len(), reorg.added.len()), (blocks, blocks));
    if got != expected {
        let (got, expected) = (format!("{got:?}"), format!("{expected:?}"));
        return Err(BenchError::Different { what: "blocks removed and added", got, expected });
    }
    let started = Instant::now();
    chain.reorg_to(ancestor.hash())?;
    let back_ms = started.elapsed().as_secs_f64() * 1e3;
    Ok(ReorgReport { blocks, transactions_per_block: transfers_per_block, back_ms, switch_ms })
}

fn branch(
    chain: &Chain,
    source: &mut Source,
    blocks: usize,
    transfers_per_block: u64,
) -> Result<Vec<SealedBlock>, BenchError> {
    (0..blocks).map(|_| commit(chain, source.transfers(transfers_per_block * TRANSFER_GAS)?)).collect()
}
