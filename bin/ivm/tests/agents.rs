//! `ivm challenger` and `ivm prover` as processes of their own, killed at their work.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use alloy_primitives::{Bytes, U256, hex};
use alloy_sol_types::SolCall;
use ivm_client::Client;
use ivm_contracts::{JOB_MANAGER_ADDRESS, JobManager, PrizeConsumer};
use ivm_engine::testing::{elf, jal};
use ivm_node::{DevRole, dev_accounts};
use ivm_settlement::{RpcSettlement, SETTLEMENT_ADDRESS, SettlementChain, SettlementEvent, SettlementLog};

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Dev {
    _process: Running,
    rpc: String,
    settlement_rpc: String,
}

fn dev(arguments: &[&str]) -> Dev {
    let mut process = Command::new(env!("CARGO_BIN_EXE_ivm"))
        .args(["dev", "--http-port", "0", "--quiet", "--workers", "1", "--no-agents"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut rpc, mut settlement_rpc) = (None, None);
    for line in BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok) {
        let address = || line.split_whitespace().nth(1).map(str::to_owned);
        match line.split_whitespace().next() {
            Some("Settlement") => settlement_rpc = address(),
            Some("JSON-RPC") => rpc = address(),
            Some("WebSocket") => break,
            _ => {}
        }
    }
    Dev { _process: Running(process), rpc: rpc.unwrap(), settlement_rpc: settlement_rpc.unwrap() }
}

fn agent(command: &str, dev: &Dev, role: DevRole) -> Running {
    let key = hex::encode_prefixed(role.signer().unwrap().to_bytes());
    let process = Command::new(env!("CARGO_BIN_EXE_ivm"))
        .args([command, "--rpc", &dev.rpc, "--runs", "1"])
        .env("IVM_KEY", key)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Running(process)
}

/// Asks a program for a winner.
async fn draw(dev: &Dev, program: &[u8]) {
    let signer = dev_accounts().unwrap().remove(0).signer;
    let client = Client::connect(&dev.rpc, signer).await.unwrap();
    let program = client.submit_program(program).await.unwrap();
    let prize = client.deploy(&PrizeConsumer::BYTECODE).await.unwrap();
    let quote = JobManager::quoteCall { maxCycles: 1_000_000, callbackGasLimit: 100_000 };
    let fee: U256 = client.call(JOB_MANAGER_ADDRESS, quote).await.unwrap();
    let draw = PrizeConsumer::drawCall {
        programId: program.program_id,
        input: Bytes::from_static(&[7; 20]),
        maxCycles: 1_000_000,
    };
    client.request_job(prize, draw.abi_encode(), fee).await.unwrap();
}

/// The settlement contract's events, once there is one that is `wanted`.
async fn events(settlement: &RpcSettlement, wanted: impl Fn(&SettlementEvent) -> bool) -> Vec<SettlementLog> {
    let started = Instant::now();
    loop {
        let head = settlement.block_number().await.unwrap();
        let logs = settlement.logs(0, head).await.unwrap();
        if logs.iter().any(|log| wanted(&log.event)) {
            return logs;
        }
        assert!(started.elapsed() < Duration::from_secs(300), "it does not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn count(logs: &[SettlementLog], wanted: impl Fn(&SettlementEvent) -> bool) -> usize {
    logs.iter().filter(|log| wanted(&log.event)).count()
}

const CHALLENGED: fn(&SettlementEvent) -> bool = |event| matches!(event, SettlementEvent::ClaimChallenged(_));
const INVALIDATED: fn(&SettlementEvent) -> bool =
    |event| matches!(event, SettlementEvent::BlockInvalidated(_));
const CLOSED: fn(&SettlementEvent) -> bool = |event| matches!(event, SettlementEvent::ChallengeClosed(_));

#[tokio::test(flavor = "multi_thread")]
async fn a_challenger_that_is_killed_goes_on_and_challenges_once() {
    let lie = ["--byzantine", "never-ends", "--lazy-validator", "--optimistic"];
    let times = ["--block-time-ms", "100", "--prover-period", "40", "--challenge-period", "200"];
    let dev = dev(&[&lie[..], &times[..]].concat());
    let settlement = RpcSettlement::connect(&dev.settlement_rpc, SETTLEMENT_ADDRESS).await.unwrap();
    let challenger = agent("challenger", &dev, DevRole::Challenger);
    draw(&dev, &elf(&[jal(0, 0)])).await;
    events(&settlement, CHALLENGED).await;
    // Dropping it kills it.
    drop(challenger);
    let _challenger = agent("challenger", &dev, DevRole::Challenger);
    events(&settlement, INVALIDATED).await;
    let logs = events(&settlement, CLOSED).await;
    assert_eq!(count(&logs, CHALLENGED), 1);
    assert_eq!(count(&logs, INVALIDATED), 1);
    let slashed = |event: &SettlementEvent| matches!(event, SettlementEvent::ProposerSlashed(_));
    assert_eq!(count(&logs, slashed), 1);
}

#[test]
fn an_agent_without_a_key_says_where_it_looked() {
    for command in ["challenger", "prover"] {
        let output = Command::new(env!("CARGO_BIN_EXE_ivm"))
            .args([command, "--rpc", "http://127.0.0.1:1", "--key-env", "IVM_NO_SUCH_KEY"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains("IVM_NO_SUCH_KEY"), "{message}");
    }
}
