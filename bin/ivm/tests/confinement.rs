//! `ivm dev` and the workers that run its programs: they die, and jobs are delivered; it dies, and they do.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[path = "common/dev.rs"]
mod dev;

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolCall;
use dev::Dev;
use ivm_client::Client;
use ivm_contracts::{EchoConsumer, JOB_MANAGER_ADDRESS, JobManager};
use ivm_engine::testing::{self, addi, b_type, li, reveal, terminate};
use ivm_node::dev_accounts;
use ivm_rpc::JobState;

/// Rounds of killing. A run is given up when its workers are killed eight times, so one job survives them all.
const KILL_ROUNDS: usize = 7;

/// What these tests look at in a node.
trait Confined {
    async fn client(&self) -> Client;
    fn workers(&self) -> Vec<u32>;
}

impl Confined for Dev {
    async fn client(&self) -> Client {
        Client::connect(&self.rpc, dev_accounts().unwrap().remove(0).signer).await.unwrap()
    }

    fn workers(&self) -> Vec<u32> {
        let pids =
            fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter(|pid| stat(*pid).is_some_and(|stat| stat.1 == self.process.0.id())).collect()
    }
}

/// State and parent of a process.
fn stat(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Waits until no process of these runs. One that has ended may stay listed until its new parent looks.
async fn all_end(pids: &[u32]) {
    let started = Instant::now();
    let is_alive = |pid: &u32| stat(*pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'));
    while pids.iter().any(is_alive) {
        assert!(started.elapsed() < Duration::from_secs(5), "{pids:?} live on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn kill(pid: u32) {
    // It may be gone by now.
    let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status();
}

/// A program that counts to `loops` and then succeeds with no bytes.
fn counting(loops: u32) -> Vec<u8> {
    let hash = keccak256([0]);
    let [upper, lower] = li(5, loops);
    let mut words = vec![upper, lower, addi(5, 5, -1), b_type(1, 5, 0, -4)];
    for (index, word) in hash.as_chunks::<4>().0.iter().enumerate() {
        words.extend(li(6, u32::from_le_bytes(*word)));
        words.push(reveal(6, index as u32));
    }
    words.push(terminate(0));
    testing::elf(&words)
}

async fn consumer(client: &Client) -> Address {
    let consumer = client.deploy(&EchoConsumer::BYTECODE).await.unwrap();
    let deposit = JobManager::depositCall { account: consumer };
    let value = U256::from(10_u64.pow(19));
    client.transact(JOB_MANAGER_ADDRESS.into(), deposit.abi_encode(), value).await.unwrap();
    consumer
}

async fn request(client: &Client, consumer: Address, program: B256, message: u32) -> B256 {
    let message = message.to_be_bytes().to_vec().into();
    let call = EchoConsumer::requestEchoCall { programId: program, message, maxCycles: 900_000_000 };
    client.request_job(consumer, call.abi_encode(), U256::ZERO).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_delivered_while_workers_are_killed_again_and_again() {
    let dev = Dev::start(&[]);
    let client = dev.client().await;
    let program = client.submit_program(&counting(150_000_000)).await.unwrap().program_id;
    let consumer = consumer(&client).await;
    let mut jobs = Vec::new();
    for message in 0..4 {
        jobs.push(request(&client, consumer, program, message).await);
    }
    let mut killed = 0;
    for _ in 0..KILL_ROUNDS {
        tokio::time::sleep(Duration::from_millis(120)).await;
        let workers = dev.workers();
        killed += workers.len();
        workers.into_iter().for_each(kill);
    }
    assert!(killed > 0);
    for job in jobs {
        let job = client.job(job, |job| job.outcome.is_some() && job.result_block.is_some()).await.unwrap();
        assert!(matches!(job.state, JobState::Delivered | JobState::CallbackFailed), "{:?}", job.state);
        assert_eq!(job.outcome.unwrap().hash, keccak256([0]));
        assert_eq!(job.cycles, Some(2 + 2 * 150_000_000 + 24 + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_worker_survives_its_node() {
    let mut dev = Dev::start(&["--on-demand"]);
    let client = dev.client().await;
    let program = client.submit_program(&counting(u32::MAX)).await.unwrap().program_id;
    let consumer = consumer(&client).await;
    request(&client, consumer, program, 0).await;
    let workers = dev.workers();
    assert!(!workers.is_empty());
    for pid in &workers {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        assert!(status.contains("Seccomp:\t2"), "{status}");
    }
    dev.process.kill();
    all_end(&workers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_told_to_stop_leaves_no_worker() {
    let mut dev = Dev::start(&["--on-demand"]);
    let workers = dev.workers();
    assert!(!workers.is_empty());
    let stopped = Command::new("kill").args(["-TERM", &dev.process.0.id().to_string()]).status().unwrap();
    assert!(stopped.success() && dev.process.0.wait().unwrap().success());
    all_end(&workers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unconfined_it_starts_no_worker_and_runs_jobs_all_the_same() {
    let dev = Dev::start(&["--unconfined"]);
    let client = dev.client().await;
    let program = client.submit_program(&counting(1000)).await.unwrap().program_id;
    let consumer = consumer(&client).await;
    let job = request(&client, consumer, program, 0).await;
    let job = client.job(job, |job| job.result_block.is_some()).await.unwrap();
    assert_eq!(job.outcome.unwrap().hash, keccak256([0]));
    assert!(dev.workers().is_empty());
}

#[test]
fn a_worker_started_by_hand_refuses() {
    let output = Command::new(env!("CARGO_BIN_EXE_ivm")).args(["engine-worker", "1"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("started by a node only"));
    let help = Command::new(env!("CARGO_BIN_EXE_ivm")).arg("--help").output().unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains("engine-worker"));
}
