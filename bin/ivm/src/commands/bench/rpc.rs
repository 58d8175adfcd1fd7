//! `ivm bench rpc`: a node under load by one client, and others by the same client.

use std::{
    io::{BufRead, BufReader},
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use clap::Args;
use eyre::{Result, WrapErr, eyre};
use ivm_bench::load::{FloodReport, LoadPlan, LoadReport, ReadReport, Target};
use serde::Serialize;

/// How long a node may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Arguments of `ivm bench rpc`.
#[derive(Debug, Args)]
pub(crate) struct RpcBench {
    /// Also measure anvil, by this binary.
    #[arg(long, value_name = "FILE")]
    anvil: Option<PathBuf>,
    /// Accounts that send.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    senders: u16,
    /// Transactions of each, transfers and token transfers alike.
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u16).range(1..=1024))]
    transactions: u16,
    /// Seconds that each kind of read is asked for.
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    read_seconds: u64,
    /// Transactions sent at the end that can never be mined.
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    flood: usize,
    /// Milliseconds between blocks, of all nodes.
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    block_time_ms: u64,
    /// Gas limit of blocks, of all nodes: high, so that it is not what is measured.
    #[arg(long, value_name = "GAS", default_value_t = 1_000_000_000)]
    block_gas_limit: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    nodes: Vec<NodeReport>,
}

#[derive(Debug, Serialize)]
struct NodeReport {
    name: &'static str,
    load: LoadReport,
    /// Most memory of the process, until after the load.
    peak_memory_mib: f64,
    flood: FloodReport,
    /// Most memory of the process, until after the flood.
    peak_memory_after_flood_mib: f64,
}

/// A node in a process of its own, which ends with this.
struct Running {
    process: Child,
    url: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl RpcBench {
    /// Runs the benchmark to its end.
    pub(crate) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let mut nodes = vec![runtime.block_on(self.measure("infinityvm", self.start_own()?))?];
        if let Some(anvil) = &self.anvil {
            nodes.push(runtime.block_on(self.measure("anvil", self.start_anvil(anvil)?))?);
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&Report { nodes })?);
            return Ok(());
        }
        for node in nodes {
            node.print();
        }
        Ok(())
    }

    fn start_own(&self) -> Result<Running> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["dev", "--quiet", "--http-port", "0", "--block-time-ms"])
            .arg(self.block_time_ms.to_string());
        command.arg("--block-gas-limit").arg(self.block_gas_limit.to_string());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let stdout = process.stdout.take().ok_or_else(|| eyre!("the node has no output"))?;
        let mut running = Running { process, url: String::new() };
        for line in BufReader::new(stdout).lines() {
            if let Some(at) = line?.strip_prefix("JSON-RPC").map(|url| url.trim().to_owned()) {
                running.url = at;
                return Ok(running);
            }
        }
        Err(eyre!("the node ended before it listened"))
    }

    fn start_anvil(&self, anvil: &PathBuf) -> Result<Running> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = Command::new(anvil);
        command.args([
            "--silent",
            "--port",
            &port.to_string(),
            "--gas-limit",
            &self.block_gas_limit.to_string(),
        ]);
        command.arg("--block-time").arg((self.block_time_ms as f64 / 1e3).to_string());
        let process = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .wrap_err_with(|| format!("cannot start {}", anvil.display()))?;
        Ok(Running { process, url: format!("http://127.0.0.1:{port}") })
    }

    async fn measure(&self, name: &'static str, node: Running) -> Result<NodeReport> {
        let target = connect(&node.url).await?;
        let plan = LoadPlan {
            senders: self.senders.into(),
            transactions_per_sender: self.transactions.into(),
            read_time: Duration::from_secs(self.read_seconds),
        };
        let load = target.measure(plan).await.wrap_err(name)?;
        let peak_memory_mib = peak_memory(&node)?;
        let flood = target.flood(self.flood, self.senders.into()).await.wrap_err(name)?;
        let peak_memory_after_flood_mib = peak_memory(&node)?;
        Ok(NodeReport { name, load, peak_memory_mib, flood, peak_memory_after_flood_mib })
    }
}

async fn connect(url: &str) -> Result<Target> {
    let started = Instant::now();
    loop {
        match Target::connect(url).await {
            Ok(target) => return Ok(target),
            Err(error) if started.elapsed() > START_TIMEOUT => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The most memory a process has held, in MiB, as the system counts it.
fn peak_memory(node: &Running) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.process.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<f64>().ok());
    Ok(kib.ok_or_else(|| eyre!("the system does not say how much memory the node holds"))? / 1024.0)
}

impl NodeReport {
    fn print(&self) {
        let Self { name, load, .. } = self;
        println!("{name}: {}", load.client_version);
        println!("  transfers        {:>9.0} a second", load.transfers.per_second);
        println!("  token transfers  {:>9.0} a second", load.token_transfers.per_second);
        print_reads("eth_getBalance", &load.get_balance);
        print_reads("eth_call", &load.call);
        print_reads("eth_getLogs", &load.get_logs);
        println!("  memory           {:>9.0} MiB at most", self.peak_memory_mib);
        println!(
            "  flood            {:>9.0} MiB at most after {} transactions that wait for ever, {} taken, {:.0} a second",
            self.peak_memory_after_flood_mib, self.flood.sent, self.flood.taken, self.flood.per_second
        );
    }
}

fn print_reads(method: &str, reads: &ReadReport) {
    println!(
        "  {method:<16} {:>9.0} a second; {:.2} ms p50, {:.2} ms p99",
        reads.per_second, reads.p50_ms, reads.p99_ms
    );
}
