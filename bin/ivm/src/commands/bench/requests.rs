//! `ivm bench requests`: jobs by signature, jobs inside transactions, and large payloads, over a real socket.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolConstructor, SolValue};
use clap::Args;
use eyre::{Result, bail, eyre};
use ivm_bench::percentile;
use ivm_client::{Client, JobDraft};
use ivm_contracts::{InstantSquareRoot, JOB_MANAGER_ADDRESS, JobManager, OffchainPriceConsumer};
use ivm_node::{BlockMode, Node, Storage};
use ivm_primitives::limits::MAX_OFFCHAIN_INPUT_SIZE_BYTES;
use ivm_rpc::{JobState, RateLimit};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::{
    bundled,
    commands::dev::{confine, dev_node_config},
};

/// Cycles that a square root may take; it takes some thousands.
const MAX_CYCLES: u64 = 50_000;

/// Gas of a callback that stores three words.
const CALLBACK_GAS: u64 = 200_000;

/// Arguments of `ivm bench requests`.
#[derive(Debug, Args)]
pub(crate) struct RequestsBench {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Milliseconds between blocks.
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    block_time_ms: u64,
    /// Clients at once; may be given more than once.
    #[arg(long, value_name = "N", default_values_t = [1, 16, 256], value_parser = clap::value_parser!(u16).range(1..=1024))]
    clients: Vec<u16>,
    /// Jobs that all clients together ask for by signature.
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    jobs: u32,
    /// Runs inside one transaction.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=300))]
    runs: u32,
}

#[derive(Debug, Serialize)]
struct Report {
    block_time_ms: u64,
    offchain: Vec<Offchain>,
    sync: Sync,
    payload: Payload,
}

#[derive(Debug, Serialize)]
struct Offchain {
    clients: u16,
    jobs: u32,
    jobs_per_second: f64,
    /// From sending the request to seeing it delivered.
    latency_ms_p50: f64,
    latency_ms_p99: f64,
}

#[derive(Debug, Serialize)]
struct Sync {
    runs: u32,
    cycles_per_run: u64,
    gas_per_run: u64,
    /// Of a call of them all, as `eth_call` makes it.
    ms_per_run: f64,
    runs_per_second: f64,
}

#[derive(Debug, Serialize)]
struct Payload {
    size_bytes: usize,
    put_ms: f64,
    get_ms: f64,
}

impl RequestsBench {
    /// Runs the benchmark to its end.
    pub(crate) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let report = runtime.block_on(self.measure())?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
            return Ok(());
        }
        println!("blocks every {} ms, program square-root", report.block_time_ms);
        for offchain in &report.offchain {
            println!(
                "by signature   {:>4} client(s)   {:>6.0} jobs/s   {:>5.0} ms p50   {:>5.0} ms p99   ({} jobs)",
                offchain.clients,
                offchain.jobs_per_second,
                offchain.latency_ms_p50,
                offchain.latency_ms_p99,
                offchain.jobs
            );
        }
        let Sync { runs, cycles_per_run, gas_per_run, ms_per_run, runs_per_second } = report.sync;
        println!(
            "inside a tx    {ms_per_run:.2} ms and {gas_per_run} gas a run of {cycles_per_run} cycles, {runs_per_second:.0} runs/s   ({runs} in one transaction)"
        );
        let Payload { size_bytes, put_ms, get_ms } = report.payload;
        println!("payload        {} MiB: {put_ms:.0} ms there, {get_ms:.0} ms back", size_bytes >> 20);
        Ok(())
    }

    async fn measure(&self) -> Result<Report> {
        let block_mode = BlockMode::Interval(Duration::from_millis(self.block_time_ms));
        let (mut config, accounts) = dev_node_config(Storage::Memory, block_mode)?;
        config.rpc.listen.set_port(0);
        // What is measured is the node, and not its rate limits.
        let unlimited = RateLimit::per_second(1_000_000, 1_000_000);
        config.rpc.limits.submissions_per_connection = unlimited;
        config.rpc.limits.submissions_per_consumer = unlimited;
        confine(&mut config)?;
        let node = Node::start(config).await?;
        let url = format!("http://{}", node.rpc_address());
        let signer = accounts.into_iter().next().ok_or_else(|| eyre!("no funded account"))?.signer;
        let client = Client::connect(&url, signer.clone()).await?;
        let program = client.submit_program(bundled::SQUARE_ROOT.elf).await?.program_id;
        let consumer = funded_consumer(&client).await?;
        let mut offchain = Vec::new();
        for &clients in &self.clients {
            let mut connected = Vec::new();
            for _ in 0..clients {
                connected.push(Client::connect(&url, signer.clone()).await?);
            }
            offchain.push(self.offchain(connected, consumer, program).await?);
        }
        let sync = self.sync(&client, program).await?;
        let payload = payload(&client).await?;
        node.stop().await?;
        Ok(Report { block_time_ms: self.block_time_ms, offchain, sync, payload })
    }

    async fn offchain(&self, clients: Vec<Client>, consumer: Address, program: B256) -> Result<Offchain> {
        let count = u16::try_from(clients.len())?;
        let each = self.jobs.div_ceil(u32::from(count));
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for client in clients.into_iter().map(Arc::new) {
            tasks.spawn(async move {
                let mut latencies_ms = Vec::new();
                for index in 0..each {
                    latencies_ms.push(one_job(&client, consumer, program, u64::from(index)).await?);
                }
                Ok::<_, eyre::Report>(latencies_ms)
            });
        }
        let mut latencies_ms = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            latencies_ms.extend(ended??);
        }
        let seconds = started.elapsed().as_secs_f64();
        Ok(Offchain {
            clients: count,
            jobs: each * u32::from(count),
            jobs_per_second: latencies_ms.len() as f64 / seconds,
            latency_ms_p50: percentile(&mut latencies_ms, 50),
            latency_ms_p99: percentile(&mut latencies_ms, 99),
        })
    }

    async fn sync(&self, client: &Client, program: B256) -> Result<Sync> {
        let contract = client.deploy(&InstantSquareRoot::BYTECODE).await?;
        let call = |number: u64, times: u32| InstantSquareRoot::computeRepeatedlyCall {
            programId: program,
            number: U256::from(number),
            maxCycles: MAX_CYCLES,
            times: U256::from(times),
        };
        // Once, so that the program is compiled.
        client.call(contract, call(1, 1)).await?;
        let started = Instant::now();
        client.call(contract, call(1_000, self.runs)).await?;
        let seconds = started.elapsed().as_secs_f64();
        let receipt =
            client.transact(contract.into(), call(1_000_000, self.runs).abi_encode(), U256::ZERO).await?;
        let claims = receipt.logs().iter().filter_map(|log| {
            alloy_sol_types::SolEvent::decode_log(&log.inner)
                .ok()
                .map(|log: alloy_primitives::Log<JobManager::ClaimPosted>| log.data)
        });
        let cycles: Vec<u64> = claims.map(|claim| claim.cycles).collect();
        if cycles.len() != self.runs as usize {
            bail!("the transaction holds {} claims, expected {}", cycles.len(), self.runs);
        }
        let runs = u64::from(self.runs);
        Ok(Sync {
            runs: self.runs,
            cycles_per_run: cycles.iter().sum::<u64>() / runs,
            gas_per_run: receipt.gas_used / runs,
            ms_per_run: seconds * 1e3 / f64::from(self.runs),
            runs_per_second: f64::from(self.runs) / seconds,
        })
    }
}

/// A consumer whose signer is the client, with a thousand ether.
async fn funded_consumer(client: &Client) -> Result<Address> {
    let signer = OffchainPriceConsumer::constructorCall { signer: client.address() };
    let code = [OffchainPriceConsumer::BYTECODE.as_ref(), &signer.abi_encode()].concat();
    let consumer = client.deploy(&code).await?;
    let deposit = JobManager::depositCall { account: consumer };
    let thousand_ether = U256::from(10_u64.pow(18)) * U256::from(1000);
    client.transact(JOB_MANAGER_ADDRESS.into(), deposit.abi_encode(), thousand_ether).await?;
    Ok(consumer)
}

/// Asks for one job by signature, and waits until it is delivered; gives the milliseconds that took.
async fn one_job(client: &Client, consumer: Address, program: B256, number: u64) -> Result<f64> {
    let draft = JobDraft {
        onchain_input: U256::from(number).abi_encode().into(),
        max_cycles: Some(MAX_CYCLES),
        deadline_block: Some(client.block_number("latest").await? + 1000),
        max_fee_wei: Some(U256::MAX),
        ..JobDraft::new(consumer, program, CALLBACK_GAS)
    };
    let started = Instant::now();
    let job_id = client.request_offchain_job(&draft).await?.job_id;
    loop {
        let job = client.find_job(job_id).await?.ok_or_else(|| eyre!("job {job_id} is gone"))?;
        match job.state {
            JobState::Delivered => return Ok(started.elapsed().as_secs_f64() * 1e3),
            state if state.is_last() => bail!("job {job_id} ended as {state:?}: {:?}", job.no_outcome_reason),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// The largest offchain input, there and back.
async fn payload(client: &Client) -> Result<Payload> {
    let payload = Bytes::from(vec![7; MAX_OFFCHAIN_INPUT_SIZE_BYTES]);
    let started = Instant::now();
    let hash = client.submit_payload(&payload).await?;
    let put_ms = started.elapsed().as_secs_f64() * 1e3;
    let started = Instant::now();
    let back = client.payload(hash).await?;
    let get_ms = started.elapsed().as_secs_f64() * 1e3;
    if back.as_ref() != Some(&payload) {
        bail!("another payload came back");
    }
    Ok(Payload { size_bytes: payload.len(), put_ms, get_ms })
}
