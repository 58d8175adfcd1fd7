//! Agents in a node's own process: each works over the node's JSON-RPC, as it would from elsewhere.

use std::{sync::Arc, time::Duration};

use alloy_signer_local::PrivateKeySigner;
use eyre::Result;
use ivm_agents::{Challenger, ChallengerConfig, Prover, ProverConfig, RpcExecution};
use ivm_node::{DevRole, Node};
use ivm_settlement::RpcSettlement;
use tokio::{sync::watch, task::JoinHandle};

/// A challenger and a prover that work beside a node.
pub(crate) struct Agents {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Agents {
    /// Starts both with the development chain's keys for them.
    pub(crate) async fn start_embedded(node: &Node, block_time: Duration) -> Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let settlement_url = format!("http://{}", node.settlement_rpc_address());
        let settlement = Arc::new(RpcSettlement::connect(&settlement_url, node.settlement_contract()).await?);
        let execution = Arc::new(RpcExecution::new(&format!("http://{}", node.rpc_address()))?);
        let judge = Arc::new(node.judge());

        let key = |role: DevRole| -> Result<PrivateKeySigner> { Ok(role.signer()?) };
        let challenger = Challenger::start(
            settlement.clone(),
            execution.clone(),
            judge.clone(),
            key(DevRole::Challenger)?,
            ChallengerConfig::default(),
        )
        .await?;
        let config = ProverConfig { block_time, ..ProverConfig::default() };
        let prover = Prover::start(settlement, execution, judge, key(DevRole::Prover)?, config).await?;
        let tasks = vec![
            tokio::spawn(challenger.run(until(stopped.clone()))),
            tokio::spawn(prover.run(until(stopped))),
        ];
        Ok(Self { stop, tasks })
    }

    /// Stops both; what they were at is gone on with when they are started again.
    pub(crate) async fn stop(self) {
        // An error means that both have ended.
        let _ = self.stop.send(true);
        for task in self.tasks {
            // It has no panics to tell of.
            let _ = task.await;
        }
    }
}

/// Ready when told to stop, or when nobody is left to tell.
async fn until(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
