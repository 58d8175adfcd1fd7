//! `ivm dev`: a development chain in one process.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use clap::Args;
use eyre::{Result, WrapErr, bail};
use ivm_engine::Executor;
use ivm_node::{
    BlockMode, DEV_MNEMONIC, DevAccount, Node, NodeConfig, Storage, dev_accounts, dev_chain_config,
    dev_proposers, dev_settlement_config,
};
use ivm_rpc::Cors;
use tokio::signal::unix::{SignalKind, signal};

use crate::disk::DiskArgs;

use super::{ArbitrationArgs, LogArgs, agents::Agents, da::ReplicaArgs};

/// Longest time between blocks, in milliseconds: an hour.
const MAX_BLOCK_TIME_MS: u64 = 3_600_000;

/// Least gas limit of blocks: the node's own transactions take a part of it.
const MIN_BLOCK_GAS_LIMIT: u64 = 5_000_000;

/// Highest gas limit of blocks.
const MAX_BLOCK_GAS_LIMIT: u64 = 10_000_000_000;

/// Times between blocks after which a head is too old for `/health` to be well, and the shortest such time.
const MAX_HEAD_AGE_BLOCKS: u32 = 20;
const MIN_HEAD_AGE: Duration = Duration::from_secs(30);

/// Arguments of `ivm dev`.
#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// Milliseconds between blocks.
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=MAX_BLOCK_TIME_MS))]
    block_time_ms: u64,
    /// Make a block only when there is something to put in it.
    #[arg(long, conflicts_with = "block_time_ms")]
    on_demand: bool,
    /// Gas limit of blocks.
    #[arg(long, value_name = "GAS", default_value_t = ivm_chain::DEFAULT_BLOCK_GAS_LIMIT, value_parser = clap::value_parser!(u64).range(MIN_BLOCK_GAS_LIMIT..=MAX_BLOCK_GAS_LIMIT))]
    block_gas_limit: u64,
    /// Keep data in this folder; without it, everything is gone when the node stops.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    disk: DiskArgs,
    /// Address that JSON-RPC (HTTP and WebSocket) listens on.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    http_host: IpAddr,
    /// Port that JSON-RPC listens on; 0 takes any that is free.
    #[arg(long, value_name = "PORT", default_value_t = ivm_rpc::DEFAULT_PORT)]
    http_port: u16,
    /// Port that the settlement chain's JSON-RPC listens on [default: one more than --http-port; any that is free for 0].
    #[arg(long, value_name = "PORT")]
    settlement_port: Option<u16>,
    /// Propose no blocks: `ivm proposer` does, with the key of a development proposer or of one that the owner allows.
    #[arg(long, conflicts_with = "byzantine")]
    external_proposer: bool,
    /// Run neither challenger nor prover beside the node.
    #[arg(long)]
    no_agents: bool,
    /// Threads that run jobs [default: one for each core but one].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Run programs in this process, by the interpreter: nothing confines them.
    #[arg(long)]
    unconfined: bool,
    /// Do not print the accounts.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    logs: LogArgs,
    #[command(flatten)]
    arbitration: ArbitrationArgs,
    #[command(flatten, next_help_heading = "Replica of payloads")]
    replica: ReplicaArgs,
}

impl DevArgs {
    /// Runs the node until it is told to stop.
    pub(crate) fn run(self) -> Result<()> {
        self.logs.init();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            if let Some(folder) = &self.data_dir {
                self.disk.check(folder)?;
            }
            let (config, accounts) = self.node_config()?;
            let node = Node::start(config).await?;
            let block_time = Duration::from_millis(if self.on_demand { 1_000 } else { self.block_time_ms });
            let agents = match self.no_agents {
                true => None,
                false => Some(Agents::start_embedded(&node, block_time).await?),
            };
            self.print_banner(&node, &accounts)?;
            let stopped = tokio::select! {
                told = wait_for_stop() => told,
                full = self.disk.run_out(self.data_dir.as_ref()) => Err(full),
                () = node.ended() => Ok(()),
            };
            eprintln!("stopping");
            if let Some(agents) = agents {
                agents.stop().await;
            }
            node.stop().await.wrap_err(
                "the data takes no more writes: if the disk is full, free some space; then start the node again",
            )?;
            stopped
        })
    }

    fn node_config(&self) -> Result<(NodeConfig, Vec<DevAccount>)> {
        let block_mode = if self.on_demand {
            BlockMode::OnDemand
        } else {
            BlockMode::Interval(Duration::from_millis(self.block_time_ms))
        };
        let storage = match &self.data_dir {
            Some(folder) if folder.is_file() => bail!("{} is a file, expected a folder", folder.display()),
            Some(folder) => Storage::Folder(folder.clone()),
            None => Storage::Memory,
        };
        let (mut config, accounts) = dev_node_config(storage, block_mode)?;
        config.chain.block_gas_limit = self.block_gas_limit;
        config.rpc.listen = SocketAddr::new(self.http_host, self.http_port);
        // Without a block for so long, a load balancer is to ask another node.
        config.rpc.max_head_age = (!self.on_demand)
            .then(|| (MAX_HEAD_AGE_BLOCKS * Duration::from_millis(self.block_time_ms)).max(MIN_HEAD_AGE));
        let next_port = if self.http_port == 0 { 0 } else { self.http_port.wrapping_add(1) };
        let settlement_port = self.settlement_port.unwrap_or(next_port);
        config.settlement.rpc.listen = SocketAddr::new(self.http_host, settlement_port);
        self.arbitration.apply(&mut config)?;
        if self.external_proposer {
            let proposers = std::mem::take(&mut config.proposers);
            config.settlement.external_proposers =
                proposers.iter().map(|proposer| proposer.address()).collect();
        }
        config.replica = self.replica.config()?;
        if let Some(workers) = self.workers {
            config.coprocessor.workers = usize::from(workers);
        }
        if !self.unconfined {
            confine(&mut config)?;
        }
        Ok((config, accounts))
    }

    fn print_banner(&self, node: &Node, accounts: &[DevAccount]) -> Result<()> {
        let address = node.rpc_address();
        if !self.quiet {
            println!("Accounts, 10,000 ether each (mnemonic: {DEV_MNEMONIC}):\n");
            for (index, account) in accounts.iter().enumerate() {
                println!(
                    "  ({index}) {}  key 0x{}",
                    account.address,
                    alloy_primitives::hex::encode(account.signer.to_bytes())
                );
            }
            println!("\nThese keys are known to everyone: never send them anything of value.\n");
        }
        let blocks =
            if self.on_demand { "on demand".into() } else { format!("every {} ms", self.block_time_ms) };
        let data = self.data_dir.as_ref().map_or("in memory".into(), |folder| folder.display().to_string());
        let programs =
            if self.unconfined { "run in this process, not confined" } else { "run in confined workers" };
        if self.external_proposer {
            println!("No block is made before a proposer comes:\n");
            for proposer in dev_proposers()? {
                let key = alloy_primitives::hex::encode(proposer.to_bytes());
                println!("  IVM_KEY=0x{key} ivm proposer --rpc http://{address} --data-dir proposer-data");
            }
            println!();
        }
        println!("Chain id   {}", node.chain().config().chain_id);
        println!("Blocks     {blocks}");
        println!("Data       {data}");
        println!("Programs   {programs}");
        println!("JSON-RPC   http://{address}");
        println!(
            "Settlement http://{} (contract {})",
            node.settlement_rpc_address(),
            node.settlement_contract()
        );
        println!("Explorer   http://{address}/explorer");
        println!("WebSocket  ws://{address}");
        Ok(())
    }
}

/// A development node's configuration and its funded accounts.
pub(crate) fn dev_node_config(
    storage: Storage,
    block_mode: BlockMode,
) -> Result<(NodeConfig, Vec<DevAccount>)> {
    let accounts = dev_accounts()?;
    let proposers = dev_proposers()?;
    let chain = dev_chain_config(&accounts, &proposers);
    let settlement = dev_settlement_config(&accounts)?;
    let mut config = NodeConfig::new(chain, storage, block_mode, proposers, settlement);
    for rpc in [&mut config.rpc, &mut config.settlement.rpc] {
        rpc.cors = Cors::Any;
        rpc.accounts = accounts.iter().map(|account| account.signer.clone()).collect();
        rpc.listen.set_port(0);
    }
    Ok((config, accounts))
}

/// Has the node run programs in confined processes: one for each of its workers, one for its prover, and one for runs
/// inside transactions, which wait for nobody.
pub(crate) fn confine(config: &mut NodeConfig) -> Result<()> {
    if let Some(executor) = confined_executor(config.coprocessor.workers.saturating_add(2))? {
        config.executor = executor;
    }
    Ok(())
}

/// Runs programs in so many confined processes.
#[cfg(target_os = "linux")]
pub(crate) fn confined_executor(workers: usize) -> Result<Option<Arc<dyn Executor>>> {
    let sandbox = ivm_sandbox::Sandbox::start(super::sandbox_config(workers)).wrap_err(
        "programs cannot be confined on this system (ivm dev --unconfined runs them all the same)",
    )?;
    Ok(Some(Arc::new(sandbox)))
}

/// Programs are confined on Linux only.
#[cfg(not(target_os = "linux"))]
pub(crate) fn confined_executor(_: usize) -> Result<Option<Arc<dyn Executor>>> {
    eprintln!("warning: programs run in this process, by the interpreter: they are confined on Linux only");
    Ok(None)
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn wait_for_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => Ok(interrupt?),
        _ = terminate.recv() => Ok(()),
    }
}
