//! `ivm demo job`: the main job on real input.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall;
use clap::Args;
use eyre::{Result, ensure, eyre};
use ivm_client::Client;
use ivm_contracts::{JOB_MANAGER_ADDRESS, JobManager, VolatilityOracle};
use ivm_node::{BlockMode, Node, Storage};
use ivm_primitives::JobInput;
use ivm_rpc::{JobInfo, JobOutcome, JobState};
use ivm_zkvm::{OpenVm, ProofKind, Zkvm};
use serde::Serialize;

use super::closes_in_cents;
use crate::{
    bundled,
    commands::dev::{confine, dev_node_config},
    progress::ProofProgress,
};

/// Cycles the oracle pays for; the run takes about 1.5 million.
const MAX_CYCLES: u64 = 3_000_000;

/// Gas of the oracle's callback, fixed in the contract.
const CALLBACK_GAS: u64 = 250_000;

/// Arguments of `ivm demo job`.
#[derive(Debug, Args)]
pub(crate) struct JobDemo {
    /// Print one JSON object instead of the story.
    #[arg(long)]
    json: bool,
    /// Milliseconds between blocks.
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    block_time_ms: u64,
}

#[derive(Debug, Serialize)]
struct Report {
    job_id: B256,
    program_id: B256,
    requested_block: u64,
    result_block: u64,
    cycles: u64,
    outcome: JobOutcome,
    callback_ok: bool,
    volatility_e18: U256,
    observations: u64,
    proof_bytes: usize,
    prove_seconds: f64,
    verify_ms: f64,
    proof_verified: bool,
}

/// What was asked and what came back.
struct Delivered {
    job: JobInfo,
    input: Vec<u8>,
    volatility_e18: U256,
    observations: u64,
}

/// What proving the claim took.
struct Proven {
    proof_bytes: usize,
    prove_seconds: f64,
    verify_ms: f64,
    proof_verified: bool,
}

impl JobDemo {
    /// Runs the demo to its end.
    pub(crate) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let report = runtime.block_on(self.story())?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        }
        ensure!(report.callback_ok, "the callback failed");
        ensure!(report.proof_verified, "the proof does not verify");
        Ok(())
    }

    fn say(&self, step: &str, what: std::fmt::Arguments<'_>) {
        if !self.json {
            println!("{step:<12}  {what}");
        }
    }

    async fn story(&self) -> Result<Report> {
        let block_mode = BlockMode::Interval(Duration::from_millis(self.block_time_ms));
        let (mut config, accounts) = dev_node_config(Storage::Memory, block_mode)?;
        config.rpc.listen.set_port(0);
        confine(&mut config)?;
        let node = Node::start(config).await?;
        let url = format!("http://{}", node.rpc_address());
        self.say(
            "chain",
            format_args!(
                "id {}, a block every {} ms, at {url}",
                node.chain().config().chain_id,
                self.block_time_ms
            ),
        );
        let signer = accounts.into_iter().next().ok_or_else(|| eyre!("no funded account"))?.signer;
        let client = Client::connect(&url, signer).await?;

        let delivered = self.job(&client).await?;
        let proven = self.prove(&delivered)?;
        node.stop().await?;

        let Delivered { job, volatility_e18, observations, .. } = delivered;
        let Proven { proof_bytes, prove_seconds, verify_ms, proof_verified } = proven;
        Ok(Report {
            job_id: job.job_id,
            program_id: job.program_id,
            requested_block: job.requested_block.unwrap_or_default(),
            result_block: job.result_block.unwrap_or_default(),
            cycles: job.cycles.unwrap_or_default(),
            outcome: job.outcome.ok_or_else(|| eyre!("the job has no outcome"))?,
            callback_ok: job.state == JobState::Delivered,
            volatility_e18,
            observations,
            proof_bytes,
            prove_seconds,
            verify_ms,
            proof_verified,
        })
    }

    /// Program, contract, request, callback.
    async fn job(&self, client: &Client) -> Result<Delivered> {
        let program = client.submit_program(bundled::VOLATILITY.elf).await?;
        self.say(
            "program",
            format_args!("volatility, {} instructions, id {}", program.instructions, program.program_id),
        );
        let oracle = client.deploy(&VolatilityOracle::BYTECODE).await?;
        self.say("contract", format_args!("VolatilityOracle at {oracle}"));

        let closes = closes_in_cents()?;
        let input: Vec<u8> = closes.iter().flat_map(|close| close.to_be_bytes()).collect();
        let quote = JobManager::quoteCall { maxCycles: MAX_CYCLES, callbackGasLimit: CALLBACK_GAS };
        let fee = client.call(JOB_MANAGER_ADDRESS, quote).await?;
        let request = VolatilityOracle::requestVolatilityCall {
            programId: program.program_id,
            packedCents: input.clone().into(),
            maxCycles: MAX_CYCLES,
        };
        let asked = Instant::now();
        let (job_id, receipt) = client.request_job(oracle, request.abi_encode(), fee).await?;
        self.say(
            "request",
            format_args!(
                "job {job_id} in block {}: {} closing prices of the S&P 500, {} gas",
                receipt.block_number.unwrap_or_default(),
                closes.len(),
                receipt.gas_used
            ),
        );
        let job = client.job(job_id, |job| job.result_block.is_some()).await?;
        self.say(
            "result",
            format_args!(
                "block {}, {} block(s) after the request, {} ms after it was sent: {} cycles",
                job.result_block.unwrap_or_default(),
                job.result_block.unwrap_or_default().saturating_sub(job.requested_block.unwrap_or_default()),
                asked.elapsed().as_millis(),
                job.cycles.unwrap_or_default()
            ),
        );
        let volatility_e18 = client.call(oracle, VolatilityOracle::latestVolatilityE18Call {}).await?;
        let observations = client.call(oracle, VolatilityOracle::latestObservationsCall {}).await?;
        let stored_job = client.call(oracle, VolatilityOracle::latestJobIdCall {}).await?;
        ensure!(stored_job == job_id, "the oracle holds the result of job {stored_job}, expected {job_id}");
        let hundredths = volatility_e18 / U256::from(10_u64.pow(14));
        self.say(
            "callback",
            format_args!(
                "the oracle now holds {}.{:02} % a year over {observations} daily returns",
                hundredths / U256::from(100),
                (hundredths % U256::from(100)).to::<u64>()
            ),
        );
        Ok(Delivered { job, input, volatility_e18, observations })
    }

    /// Proves the claim as anyone could: from the program, the input and nothing else.
    fn prove(&self, delivered: &Delivered) -> Result<Proven> {
        let Delivered { job, input, .. } = delivered;
        let claimed = job.outcome.as_ref().ok_or_else(|| eyre!("the job has no outcome"))?;
        let zkvm = OpenVm::new();
        let program = zkvm.admit(bundled::VOLATILITY.elf)?;
        let input = JobInput::onchain_only(input.clone())?;

        let started = Instant::now();
        let progress = ProofProgress::start();
        let proof = zkvm.prove(&program, &input, job.max_cycles, ProofKind::Segments, &mut |event| {
            progress.report(event);
            ControlFlow::Continue(())
        });
        progress.finish();
        let proof = proof?;
        let prove_seconds = started.elapsed().as_secs_f64();
        self.say("proof", format_args!("{} bytes in {prove_seconds:.1} s", proof.size_bytes()));

        let started = Instant::now();
        let verified = zkvm.verify(&program, &input, claimed.hash, &proof);
        let verify_ms = started.elapsed().as_secs_f64() * 1e3;
        match &verified {
            Ok(()) => self.say("verified", format_args!("the claim holds, checked in {verify_ms:.0} ms")),
            Err(error) => self.say("refuted", format_args!("{error}")),
        }
        Ok(Proven {
            proof_bytes: proof.size_bytes(),
            prove_seconds,
            verify_ms,
            proof_verified: verified.is_ok(),
        })
    }
}
