//! `ivm bench settlement`: what settling costs an honest chain, on disk.

use std::time::Duration;

use alloy_primitives::{Address, U256};
use clap::Args;
use eyre::{Result, ensure, eyre};
use ivm_client::{Client, rpc_params};
use ivm_node::{BlockMode, Node, Storage, TurnTimings};
use serde::Serialize;

use crate::commands::dev::{confine, dev_node_config};

/// Gas of a transfer.
const TRANSFER_GAS: u64 = 21_000;

/// Arguments of `ivm bench settlement`.
#[derive(Debug, Args)]
pub(crate) struct SettlementBench {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Blocks of each size.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    blocks: u32,
    /// Transfers in a block, for each row.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [0, 100, 1_000])]
    transfers: Vec<u32>,
}

/// Blocks of one size.
#[derive(Debug, Serialize)]
struct Row {
    transfers: u32,
    /// Choosing and executing transactions.
    propose_ms: f64,
    /// The settlement block: its transactions, the payload, the disk.
    order_ms: f64,
    /// Committing the execution block.
    commit_ms: f64,
    /// Ordering beside the rest.
    overhead_percent: f64,
}

impl SettlementBench {
    /// Runs the benchmark to its end.
    pub(crate) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let rows = runtime.block_on(self.measure())?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&serde_json::json!({ "blocks": rows }))?);
            return Ok(());
        }
        println!("transfers   propose ms   order ms   commit ms   order / (propose + commit)");
        for row in rows {
            println!(
                "{:>9}   {:>10.2}   {:>8.2}   {:>9.2}   {:>9.1} %",
                row.transfers, row.propose_ms, row.order_ms, row.commit_ms, row.overhead_percent
            );
        }
        Ok(())
    }

    async fn measure(&self) -> Result<Vec<Row>> {
        let folder = tempfile::tempdir()?;
        // Blocks are asked for one by one.
        let block_mode = BlockMode::Interval(Duration::from_secs(3600));
        let (mut config, accounts) = dev_node_config(Storage::Folder(folder.path().into()), block_mode)?;
        confine(&mut config)?;
        let node = Node::start(config).await?;
        let url = format!("http://{}", node.rpc_address());
        let signer = accounts.into_iter().next().ok_or_else(|| eyre!("no funded account"))?.signer;
        let client = Client::connect(&url, signer).await?;
        let mut rows = Vec::new();
        for &transfers in &self.transfers {
            let before = node.timings();
            for _ in 0..self.blocks {
                for _ in 0..transfers {
                    client.send(Address::repeat_byte(7).into(), Vec::new(), U256::ONE, TRANSFER_GAS).await?;
                }
                let _: String = client.request("evm_mine", rpc_params![]).await?;
                let mined = node.chain().head().block.transactions().len();
                ensure!(mined == transfers as usize, "a block has {mined} transfers, expected {transfers}");
            }
            rows.push(row(transfers, before, node.timings()));
        }
        node.stop().await?;
        Ok(rows)
    }
}

fn row(transfers: u32, before: TurnTimings, after: TurnTimings) -> Row {
    let blocks = (after.blocks - before.blocks).max(1) as f64;
    let mean_ms = |before: Duration, after: Duration| (after - before).as_secs_f64() * 1e3 / blocks;
    let propose_ms = mean_ms(before.propose, after.propose);
    let order_ms = mean_ms(before.order, after.order);
    let commit_ms = mean_ms(before.commit, after.commit);
    let overhead_percent = 100.0 * order_ms / (propose_ms + commit_ms);
    Row { transfers, propose_ms, order_ms, commit_ms, overhead_percent }
}
