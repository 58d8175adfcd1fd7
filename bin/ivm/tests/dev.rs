//! `ivm dev` as a person runs it: a process, its first lines, `kill -9`, and a restart on the same data.

#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolEvent};
use ivm_client::{Client, rpc_params};
use ivm_contracts::{EchoConsumer, JOB_MANAGER_ADDRESS, JobManager};
use ivm_node::dev_accounts;
use ivm_rpc::{JobInfo, JobState};
use serde_json::{Value, json};

const ECHO_ELF: &[u8] = include_bytes!("../../../programs/elf/echo.elf");

struct Dev {
    process: Child,
    url: String,
    lines: Vec<String>,
}

impl Dev {
    fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_ivm"))
            .args(["dev", "--http-port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = Vec::new();
        let mut url = None;
        let output = BufReader::new(process.stdout.take().unwrap());
        for line in output.lines() {
            let line = line.unwrap();
            if let Some(address) = line.strip_prefix("JSON-RPC") {
                url = Some(address.trim().to_owned());
            }
            let is_last = line.starts_with("WebSocket");
            lines.push(line);
            if is_last {
                break;
            }
        }
        let url = url.expect("ivm dev prints where it serves");
        Self { process, url, lines }
    }

    fn on(folder: &Path) -> Self {
        Self::start(&["--quiet", "--block-time-ms", "20", "--data-dir", folder.to_str().unwrap()])
    }

    async fn client(&self) -> Client {
        Client::connect(&self.url, dev_accounts().unwrap().remove(0).signer).await.unwrap()
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prints_accounts_and_endpoints_and_stops_when_told_to() {
    let mut dev = Dev::start(&[]);
    let accounts = dev_accounts().unwrap();
    for account in &accounts {
        assert!(dev.lines.iter().any(|line| line.contains(&account.address.to_string())));
    }
    let client = dev.client().await;
    let balance: U256 =
        client.request("eth_getBalance", rpc_params![accounts[9].address, "latest"]).await.unwrap();
    assert_eq!(balance, U256::from(10_000) * U256::from(10_u64.pow(18)));
    let stopped = Command::new("kill").args(["-TERM", &dev.process.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert!(dev.process.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_submitted_from_the_command_line() {
    let dev = Dev::start(&["--quiet", "--on-demand"]);
    let submit = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_ivm"))
            .args(["program", "submit", "square-root", "--rpc-url", &dev.url])
            .args(arguments)
            .output()
            .unwrap()
    };
    let submitted: Value = serde_json::from_slice(&submit(&["--json"]).stdout).unwrap();
    assert_eq!(submitted["registered"], true);
    let id = submitted["programId"].as_str().unwrap();
    let program: Value = dev.client().await.request("ivm_getProgram", rpc_params![id]).await.unwrap();
    assert_eq!(program["registeredBlock"], "0x1");
    let other = submit(&["--expect-id", &B256::ZERO.to_string()]);
    assert!(!other.status.success());
    assert!(String::from_utf8_lossy(&other.stderr).contains(id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_on_one_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Dev::on(folder.path());
    let second = Command::new(env!("CARGO_BIN_EXE_ivm"))
        .args(["dev", "--http-port", "0", "--data-dir", folder.path().to_str().unwrap()])
        .output()
        .unwrap();
    assert!(!second.status.success());
    let message = String::from_utf8_lossy(&second.stderr);
    assert!(message.contains("error:") && message.contains("in use by another process"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_every_job_is_delivered_and_none_twice() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::on(folder.path());
    let client = dev.client().await;
    let program = client.submit_program(ECHO_ELF).await.unwrap().program_id;
    let consumer = client.deploy(&EchoConsumer::BYTECODE).await.unwrap();
    let deposit = JobManager::depositCall { account: consumer };
    let value = U256::from(10_u64.pow(19));
    client.transact(JOB_MANAGER_ADDRESS.into(), deposit.abi_encode(), value).await.unwrap();
    dev.kill();

    for round in 0..5_u32 {
        let dev = Dev::on(folder.path());
        let client = dev.client().await;
        for index in 0..30_u32 {
            let message = [round.to_be_bytes(), index.to_be_bytes()].concat().into();
            let call = EchoConsumer::requestEchoCall { programId: program, message, maxCycles: 100_000 };
            client.send(consumer.into(), call.abi_encode(), U256::ZERO, 300_000).await.unwrap();
        }
        // Somewhere in the middle of blocks being made and committed; each round elsewhere.
        tokio::time::sleep(Duration::from_millis(u64::from(7 + 13 * round))).await;
        dev.kill();
    }

    let dev = Dev::on(folder.path());
    let client = dev.client().await;
    // Requests that were in the pool are in blocks first.
    while pending(&client).await > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let requested = logs(&client, JobManager::JobRequested::SIGNATURE_HASH).await;
    assert!(!requested.is_empty(), "no request survived any round");
    let jobs: BTreeSet<B256> = requested.keys().copied().collect();
    for &job_id in &jobs {
        let job: JobInfo = client.job(job_id, |job| job.state == JobState::Delivered).await.unwrap();
        assert!(job.outcome.unwrap().data.len() == 8);
    }
    let claims = logs(&client, JobManager::ClaimPosted::SIGNATURE_HASH).await;
    assert_eq!(claims.keys().copied().collect::<BTreeSet<_>>(), jobs);
    assert!(claims.values().all(|count| *count == 1), "{claims:?}");
    let code: Bytes = client.request("eth_getCode", rpc_params![consumer, "latest"]).await.unwrap();
    assert!(!code.is_empty());
}

/// Transactions that wait for a block.
async fn pending(client: &Client) -> u64 {
    let status: Value = client.request("txpool_status", rpc_params![]).await.unwrap();
    status["pending"].as_str().and_then(|hex| u64::from_str_radix(&hex[2..], 16).ok()).unwrap()
}

/// How often each job is named by logs of an event.
async fn logs(client: &Client, event: B256) -> BTreeMap<B256, u32> {
    let filter = json!({ "fromBlock": "0x0", "address": JOB_MANAGER_ADDRESS, "topics": [event] });
    let logs: Vec<Value> = client.request("eth_getLogs", rpc_params![filter]).await.unwrap();
    let mut counts = BTreeMap::new();
    for log in logs {
        let job_id: B256 = serde_json::from_value(log["topics"][1].clone()).unwrap();
        *counts.entry(job_id).or_default() += 1;
    }
    counts
}
