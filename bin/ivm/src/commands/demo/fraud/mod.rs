//! `ivm demo fraud`: a proposer lies, and what becomes of it.
//!
//! A false claim is ordered (the validator of the demo is lazy, as a corrupt majority would be), a challenger disputes it, a
//! proof or its absence decides, the proposer is slashed, and the chain goes back. Lies of other kinds are refused before
//! they are ordered, or punished on evidence.

mod report;
mod story;
mod watch;

use std::time::Duration;

use alloy_primitives::B256;
use clap::Args;
use eyre::{Result, ensure, eyre};
use ivm_client::Client;
use ivm_node::{BlockMode, Byzantine, Diligence, FollowMode, LieMode, Node, Storage};

use crate::commands::{
    agents::Agents,
    dev::{confine, dev_node_config},
};
use report::Report;
use story::Story;

/// Settlement blocks in which a claim can be challenged.
const CHALLENGE_PERIOD_BLOCKS: u64 = 150;

/// Settlement blocks in which a proof is to come, when one will: as long as a slow machine takes, and more.
const PROVER_PERIOD_BLOCKS: u64 = 3_000;

/// Settlement blocks in which a proof is to come, when none can.
const SHORT_PROVER_PERIOD_BLOCKS: u64 = 30;

/// Arguments of `ivm demo fraud`.
#[derive(Debug, Args)]
pub(crate) struct FraudDemo {
    /// How the proposer lies: wrong-output, wrong-status, never-ends, traps, wrong-input, unknown-job, equivocation,
    /// over-limit, state-root, header or sync-output.
    #[arg(long, value_name = "MODE", default_value = "wrong-output")]
    mode: LieMode,
    /// Print one JSON object instead of the story.
    #[arg(long)]
    json: bool,
    /// Milliseconds between blocks.
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    block_time_ms: u64,
}

impl FraudDemo {
    /// Runs the demo to its end.
    pub(crate) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let report = runtime.block_on(self.story())?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        }
        report.check(self.mode)
    }

    async fn story(&self) -> Result<Report> {
        let block_mode = BlockMode::Interval(Duration::from_millis(self.block_time_ms));
        let (mut config, accounts) = dev_node_config(Storage::Memory, block_mode)?;
        confine(&mut config)?;
        let settlement = &mut config.settlement;
        settlement.byzantine = Some(Byzantine { mode: self.mode, every: None });
        settlement.parameters.challenge_period_blocks = CHALLENGE_PERIOD_BLOCKS;
        settlement.parameters.prover_period_blocks = match self.mode {
            LieMode::NeverEnds | LieMode::Traps => SHORT_PROVER_PERIOD_BLOCKS,
            _ => PROVER_PERIOD_BLOCKS,
        };
        if self.mode.is_false_claim() {
            settlement.diligence = Diligence::Lazy;
            settlement.follow_mode = FollowMode::Optimistic;
        }
        let node = Node::start(config).await?;
        let agents = Agents::start_embedded(&node, Duration::from_millis(self.block_time_ms)).await?;
        let url = format!("http://{}", node.rpc_address());
        let mut clients = Vec::new();
        for account in accounts.into_iter().take(3) {
            clients.push(Client::connect(&url, account.signer).await?);
        }
        let [house, alice, bob] =
            <[Client; 3]>::try_from(clients).map_err(|_| eyre!("fewer than three funded accounts"))?;
        let story = Story { node: &node, mode: self.mode, quiet: self.json, house, alice, bob };
        let report = story.tell().await;
        agents.stop().await;
        node.stop().await?;
        report
    }
}

/// What was expected did not come within this time.
const PATIENCE: Duration = Duration::from_secs(900);

/// How often the demo looks again.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Waits until `look` finds something.
async fn wait_for<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let looking = async {
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.map_err(|_| eyre!("no {what} within {PATIENCE:?}"))?
}

/// The first bytes of a hash, for people.
fn short(hash: B256) -> String {
    alloy_primitives::hex::encode_prefixed(&hash[..4])
}

/// Holds the demo to what it promises.
fn promise(holds: bool, what: &str) -> Result<()> {
    ensure!(holds, "the demo did not end as it should: {what}");
    Ok(())
}
