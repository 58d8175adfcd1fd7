//! `ivm bench jobs`: a node, a contract and a client over a real socket.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolEvent};
use clap::Args;
use eyre::{Result, eyre};
use ivm_bench::percentile;
use ivm_client::Client;
use ivm_contracts::{EchoConsumer, JOB_MANAGER_ADDRESS, JobManager};
use ivm_node::{BlockMode, Node, Storage};
use ivm_rpc::JobState;
use serde::Serialize;

use crate::{
    bundled,
    commands::dev::{confine, dev_node_config},
};

/// Cycles each job may take; `echo` takes about 1,500.
const MAX_CYCLES: u64 = 100_000;

/// Gas of a request, with room to spare.
const REQUEST_GAS: u64 = 200_000;

/// Arguments of `ivm bench jobs`.
#[derive(Debug, Args)]
pub(crate) struct JobsBench {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Milliseconds between blocks.
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    block_time_ms: u64,
    /// Jobs asked for one after the other, for latency.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    sequential: u32,
    /// Jobs asked for at once, for throughput.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    burst: u32,
}

#[derive(Debug, Serialize)]
struct Report {
    block_time_ms: u64,
    sequential_jobs: u32,
    /// Blocks from the request's to the result's.
    result_after_blocks_p50: f64,
    result_after_blocks_max: f64,
    /// From the moment the request is in a block, as its receipt tells, to the callback.
    request_to_callback_ms_p50: f64,
    request_to_callback_ms_p99: f64,
    /// From sending the request.
    send_to_callback_ms_p50: f64,
    send_to_callback_ms_p99: f64,
    burst_jobs: u32,
    burst_seconds: f64,
    jobs_per_second: f64,
}

impl JobsBench {
    /// Runs the benchmark to its end.
    pub(crate) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let report = runtime.block_on(self.measure())?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
            return Ok(());
        }
        println!("blocks every {} ms, program echo", report.block_time_ms);
        println!(
            "request to callback   {} block(s) p50, {} max; {:.0} ms p50, {:.0} ms p99   ({} jobs, one after the other)",
            report.result_after_blocks_p50,
            report.result_after_blocks_max,
            report.request_to_callback_ms_p50,
            report.request_to_callback_ms_p99,
            report.sequential_jobs
        );
        println!(
            "send to callback      {:.0} ms p50, {:.0} ms p99",
            report.send_to_callback_ms_p50, report.send_to_callback_ms_p99
        );
        println!(
            "end to end            {:.0} jobs/s   ({} jobs at once, {:.1} s)",
            report.jobs_per_second, report.burst_jobs, report.burst_seconds
        );
        Ok(())
    }

    async fn measure(&self) -> Result<Report> {
        let block_mode = BlockMode::Interval(Duration::from_millis(self.block_time_ms));
        let (mut config, accounts) = dev_node_config(Storage::Memory, block_mode)?;
        config.rpc.listen.set_port(0);
        config.chain.pool.max_per_sender = self.burst as usize + 16;
        config.chain.pool.max_transactions = config.chain.pool.max_transactions.max(self.burst as usize + 16);
        confine(&mut config)?;
        let node = Node::start(config).await?;
        let signer = accounts.into_iter().next().ok_or_else(|| eyre!("no funded account"))?.signer;
        let client = Client::connect(&format!("http://{}", node.rpc_address()), signer).await?;
        let program = client.submit_program(bundled::ECHO.elf).await?.program_id;
        let consumer = client.deploy(&EchoConsumer::BYTECODE).await?;
        let deposit = JobManager::depositCall { account: consumer };
        let thousand_ether = U256::from(10_u64.pow(18)) * U256::from(1000);
        client.transact(JOB_MANAGER_ADDRESS.into(), deposit.abi_encode(), thousand_ether).await?;

        let mut report = self.latency(&client, consumer, program).await?;
        report.burst_seconds = self.throughput(&client, consumer, program).await?;
        report.jobs_per_second = f64::from(self.burst) / report.burst_seconds;
        node.stop().await?;
        Ok(report)
    }

    async fn latency(&self, client: &Client, consumer: Address, program: B256) -> Result<Report> {
        let (mut blocks, mut from_request, mut from_send) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..self.sequential {
            let sent = Instant::now();
            let hash = client.send(consumer.into(), echo(program, index), U256::ZERO, REQUEST_GAS).await?;
            let receipt = client.receipt(hash).await?;
            let requested = Instant::now();
            let job_id = receipt
                .logs()
                .iter()
                .find_map(|log| JobManager::JobRequested::decode_log(&log.inner).ok())
                .ok_or_else(|| eyre!("request {index} failed"))?
                .jobId;
            let job = client.job(job_id, |job| job.state == JobState::Delivered).await?;
            blocks.push(
                job.result_block.unwrap_or_default().saturating_sub(job.requested_block.unwrap_or_default())
                    as f64,
            );
            from_request.push(requested.elapsed().as_secs_f64() * 1e3);
            from_send.push(sent.elapsed().as_secs_f64() * 1e3);
        }
        Ok(Report {
            block_time_ms: self.block_time_ms,
            sequential_jobs: self.sequential,
            result_after_blocks_p50: percentile(&mut blocks, 50),
            result_after_blocks_max: percentile(&mut blocks, 100),
            request_to_callback_ms_p50: percentile(&mut from_request, 50),
            request_to_callback_ms_p99: percentile(&mut from_request, 99),
            send_to_callback_ms_p50: percentile(&mut from_send, 50),
            send_to_callback_ms_p99: percentile(&mut from_send, 99),
            burst_jobs: self.burst,
            burst_seconds: 0.0,
            jobs_per_second: 0.0,
        })
    }

    /// Seconds from the first request sent to the last callback.
    async fn throughput(&self, client: &Client, consumer: Address, program: B256) -> Result<f64> {
        let started = Instant::now();
        let mut last = None;
        for index in 0..self.burst {
            let message = self.sequential + index;
            last = Some(client.send(consumer.into(), echo(program, message), U256::ZERO, REQUEST_GAS).await?);
        }
        let Some(last) = last else { return Ok(0.0) };
        let receipt = client.receipt(last).await?;
        let job_id = receipt
            .logs()
            .iter()
            .find_map(|log| JobManager::JobRequested::decode_log(&log.inner).ok())
            .ok_or_else(|| eyre!("the last request failed"))?
            .jobId;
        // Results come in the order of requests: with the last one all are there.
        client.job(job_id, |job| job.state == JobState::Delivered).await?;
        Ok(started.elapsed().as_secs_f64())
    }
}

fn echo(program: B256, index: u32) -> Vec<u8> {
    let message = index.to_be_bytes().to_vec().into();
    EchoConsumer::requestEchoCall { programId: program, message, maxCycles: MAX_CYCLES }.abi_encode()
}
