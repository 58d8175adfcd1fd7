//! Building a full block from the pool, and committing it to disk.

use std::time::Instant;

use ivm_chain::{BuildRequest, Chain, Storage};
use serde::Serialize;

use super::Milliseconds;
use super::blocks::{Source, commit, config};
use crate::BenchError;

/// What making blocks costs.
#[derive(Clone, Debug, Serialize)]
pub struct ProducingReport {
    /// Blocks built and committed.
    pub blocks: u64,
    /// Transactions of one.
    pub transactions_per_block: usize,
    /// Choosing and executing the transactions of a full block, and the roots.
    pub build_ms: Milliseconds,
    /// Writing it to disk, durably.
    pub commit_ms: Milliseconds,
}

/// Builds and commits blocks full of transfers that wait in the pool, with data on disk.
///
/// # Errors
/// When the chain refuses something, which is a bug.
pub fn measure_producing(blocks: u64) -> Result<ProducingReport, BenchError> {
    let folder = tempfile::tempdir()?;
    let config = config()?;
    let gas_limit = config.block_gas_limit;
    let chain = Chain::open(config.clone(), Storage::Path(folder.path().join("chain")))?;
    let mut source = Source::new(&config)?;
    commit(&chain, vec![source.deploy()?])?;
    let (mut builds, mut commits, mut transactions_per_block) = (Vec::new(), Vec::new(), 0);
    for _ in 0..blocks {
        for transaction in source.transfers(gas_limit)? {
            chain
                .submit_transaction(&alloy_eips::Encodable2718::encoded_2718(&transaction))
                .map_err(refused)?;
        }
        let timestamp = chain.head().block.header().timestamp + 1;
        let started = Instant::now();
        let built = chain.build_block(BuildRequest { timestamp, ..BuildRequest::default() })?;
        builds.push(started.elapsed().as_secs_f64() * 1e3);
        transactions_per_block = built.block().transactions().len();
        let started = Instant::now();
        chain.commit(built, Vec::new())?;
        commits.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(ProducingReport {
        blocks,
        transactions_per_block,
        build_ms: Milliseconds::of(builds),
        commit_ms: Milliseconds::of(commits),
    })
}

fn refused(error: ivm_chain::PoolError) -> BenchError {
    let expected = "every transaction taken".to_owned();
    BenchError::Different { what: "the pool", got: error.to_string(), expected }
}
