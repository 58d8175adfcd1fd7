//! `ivm proposer`, `ivm challenger` and `ivm prover`: an agent by itself, over public JSON-RPC.

use std::{path::PathBuf, sync::Arc, time::Duration};

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use clap::Args;
use eyre::{Result, WrapErr, bail, eyre};
use ivm_agents::{
    Challenger, ChallengerConfig, Proposer, ProposerConfig, Prover, ProverConfig, RpcExecution, SignedBlocks,
    keys,
};
use ivm_client::{Client, rpc_params};
use ivm_node::ZkvmJudge;
use ivm_rpc::SettlementInfo;
use ivm_settlement::RpcSettlement;
use ivm_zkvm::OpenVm;

use super::{
    LogArgs,
    dev::{confined_executor, wait_for_stop},
};

/// Most bytes of a password file.
const MAX_PASSWORD_SIZE_BYTES: u64 = 4096;

/// Wei in a gwei.
const WEI_PER_GWEI: u64 = 1_000_000_000;

/// What every agent is told.
#[derive(Debug, Args)]
pub(crate) struct AgentArgs {
    /// JSON-RPC of an execution node.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8545")]
    rpc: String,
    /// JSON-RPC of the settlement chain [default: at the execution node's host, the port that it names].
    #[arg(long, value_name = "URL")]
    settlement_rpc: Option<String>,
    /// The settlement contract [default: the one that the execution node names].
    #[arg(long, value_name = "ADDRESS")]
    contract: Option<Address>,
    /// Keystore file with the agent's key.
    #[arg(long, value_name = "FILE", requires = "password_file")]
    keystore: Option<PathBuf>,
    /// File with the keystore's password, on its first line.
    #[arg(long, value_name = "FILE", requires = "keystore")]
    password_file: Option<PathBuf>,
    /// Environment variable with the agent's key in hex, when there is no keystore.
    #[arg(long, value_name = "VARIABLE", default_value = "IVM_KEY")]
    key_env: String,
    /// Send what was earned to this account when the agent stops.
    #[arg(long, value_name = "ADDRESS")]
    withdraw_to: Option<Address>,
    /// Most programs run at once.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    runs: u16,
    #[command(flatten)]
    logs: LogArgs,
}

/// Arguments of `ivm proposer`.
#[derive(Debug, Args)]
pub(crate) struct ProposerArgs {
    #[command(flatten)]
    agent: AgentArgs,
    /// Folder that keeps what was signed. Never start a proposer with its key and without it: two blocks signed on one
    /// parent cost the bond.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Post the bond when the account is admitted and has none.
    #[arg(long)]
    post_bond: bool,
    /// Chain id of the execution chain; refuses to start where the node says another [default: what the node says].
    #[arg(long, value_name = "ID")]
    chain_id: Option<u64>,
    /// Most gwei that the gas of what is posted in one block may cost.
    #[arg(long, value_name = "GWEI", default_value_t = 1_000_000_000)]
    max_cost_gwei: u64,
}

/// Arguments of `ivm challenger`.
#[derive(Debug, Args)]
pub(crate) struct ChallengerArgs {
    #[command(flatten)]
    agent: AgentArgs,
}

/// Arguments of `ivm prover`.
#[derive(Debug, Args)]
pub(crate) struct ProverArgs {
    #[command(flatten)]
    agent: AgentArgs,
    /// Prove claims that nobody disputes, too.
    #[arg(long)]
    prove_everything: bool,
    /// Milliseconds between settlement blocks, to tell which proofs cannot be in time.
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    settlement_block_time_ms: u64,
}

/// What an agent works with.
struct Tools {
    settlement: Arc<RpcSettlement>,
    execution: Arc<RpcExecution>,
    judge: Arc<ZkvmJudge>,
    signer: PrivateKeySigner,
}

impl AgentArgs {
    fn signer(&self) -> Result<PrivateKeySigner> {
        let (Some(keystore), Some(password_file)) = (&self.keystore, &self.password_file) else {
            return Ok(keys::from_environment(&self.key_env)?);
        };
        let size_bytes = std::fs::metadata(password_file)
            .wrap_err_with(|| format!("password file {}", password_file.display()))?
            .len();
        if size_bytes > MAX_PASSWORD_SIZE_BYTES {
            let path = password_file.display();
            bail!("password file {path} has {size_bytes} bytes, the limit is {MAX_PASSWORD_SIZE_BYTES}");
        }
        let password = std::fs::read_to_string(password_file)?;
        Ok(keys::from_keystore(keystore, password.lines().next().unwrap_or_default())?)
    }

    async fn tools(&self) -> Result<Tools> {
        let signer = self.signer()?;
        let client = Client::connect(&self.rpc, signer.clone()).await?;
        let info: SettlementInfo = client.request("ivm_settlementInfo", rpc_params![]).await?;
        let url = match &self.settlement_rpc {
            Some(url) => url.clone(),
            None => beside(&self.rpc, info.rpc_port)?,
        };
        let contract = self.contract.unwrap_or(info.contract);
        let settlement = RpcSettlement::connect(&url, contract).await?;
        let mut zkvm = OpenVm::new();
        if let Some(executor) = confined_executor(usize::from(self.runs))? {
            zkvm = zkvm.with_executor(executor);
        }
        tracing::info!(
            "{} works on {} and settlement contract {contract} at {url}",
            signer.address(),
            self.rpc
        );
        Ok(Tools {
            settlement: Arc::new(settlement),
            execution: Arc::new(RpcExecution::new(&self.rpc)?),
            judge: Arc::new(ZkvmJudge::new(Arc::new(zkvm))),
            signer,
        })
    }
}

/// The same address with another port.
fn beside(rpc: &str, port: Option<u64>) -> Result<String> {
    let port = port.ok_or_else(|| eyre!("the node names no settlement port: give --settlement-rpc"))?;
    let (scheme, rest) =
        rpc.split_once("://").ok_or_else(|| eyre!("{rpc} has no scheme, expected http://"))?;
    let host = rest.split('/').next().unwrap_or(rest);
    // An IPv6 host stands in brackets, and has colons of its own.
    let host = match (host.rfind(':'), host.rfind(']')) {
        (Some(colon), bracket) if bracket.is_none_or(|bracket| bracket < colon) => &host[..colon],
        _ => host,
    };
    Ok(format!("{scheme}://{host}:{port}"))
}

/// Ready when the process is told to stop.
async fn stopped() {
    if let Err(error) = wait_for_stop().await {
        tracing::error!("cannot listen for signals, stopping: {error}");
    }
}

impl ProposerArgs {
    /// Proposes blocks until told to stop.
    pub(crate) fn run(self) -> Result<()> {
        self.agent.logs.init_agent();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let Tools { settlement, execution, judge, signer } = self.agent.tools().await?;
            let got = execution.chain_id().await?;
            if let Some(expected) = self.chain_id.filter(|expected| *expected != got) {
                bail!("the node serves chain {got}, expected {expected}");
            }
            let blocks = SignedBlocks::open(&self.data_dir.join(signer.address().to_string()))?;
            let config = ProposerConfig {
                max_cost_wei: U256::from(self.max_cost_gwei) * U256::from(WEI_PER_GWEI),
                concurrent_runs: usize::from(self.agent.runs),
                posts_bond: self.post_bond,
                withdraw_to: self.agent.withdraw_to,
                ..ProposerConfig::new(got)
            };
            let node = execution.clone();
            let proposer =
                Proposer::start(settlement, node, execution, judge, signer, blocks, config).await?;
            proposer.run(stopped()).await;
            Ok(())
        })
    }
}

impl ChallengerArgs {
    /// Challenges what is wrong until told to stop.
    pub(crate) fn run(self) -> Result<()> {
        self.agent.logs.init_agent();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let Tools { settlement, execution, judge, signer } = self.agent.tools().await?;
            let config = ChallengerConfig {
                concurrent_runs: usize::from(self.agent.runs),
                withdraw_to: self.agent.withdraw_to,
                ..ChallengerConfig::default()
            };
            let challenger = Challenger::start(settlement, execution, judge, signer, config).await?;
            challenger.run(stopped()).await;
            Ok(())
        })
    }
}

impl ProverArgs {
    /// Proves what is disputed until told to stop.
    pub(crate) fn run(self) -> Result<()> {
        self.agent.logs.init_agent();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let Tools { settlement, execution, judge, signer } = self.agent.tools().await?;
            let config = ProverConfig {
                prove_everything: self.prove_everything,
                concurrent_runs: usize::from(self.agent.runs),
                block_time: Duration::from_millis(self.settlement_block_time_ms),
                withdraw_to: self.agent.withdraw_to,
                ..ProverConfig::default()
            };
            let prover = Prover::start(settlement, execution, judge, signer, config).await?;
            prover.run(stopped()).await;
            Ok(())
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_settlement_port_is_at_the_same_host() {
        for (rpc, expected) in [
            ("http://127.0.0.1:8545", "http://127.0.0.1:9000"),
            ("http://localhost", "http://localhost:9000"),
            ("http://[::1]:8545/path", "http://[::1]:9000"),
            ("https://[::1]", "https://[::1]:9000"),
        ] {
            assert_eq!(beside(rpc, Some(9000)).unwrap(), expected);
        }
        assert!(beside("127.0.0.1:8545", Some(9000)).unwrap_err().to_string().contains("http://"));
        assert!(beside("http://localhost", None).unwrap_err().to_string().contains("--settlement-rpc"));
    }
}
