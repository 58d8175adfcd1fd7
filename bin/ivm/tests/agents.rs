//! `ivm proposer`, `ivm challenger` and `ivm prover` as processes of their own, killed at their work.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[path = "common/dev.rs"]
mod dev;

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes, TxHash, U256, hex};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use dev::{Dev, Running};
use ivm_agents::{ExecutionSource, RpcExecution};
use ivm_client::{Client, rpc_params};
use ivm_contracts::{ChallengeKind, ClaimState, JOB_MANAGER_ADDRESS, JobManager, PrizeConsumer, Settlement};
use ivm_engine::testing::{elf, jal};
use ivm_node::{DevRole, dev_accounts};
use ivm_settlement::{
    ReceiptedBlock, RpcSettlement, SETTLEMENT_ADDRESS, SettlementChain, SettlementEvent, SettlementLog,
};

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

/// Asks a program for a winner. Gives the block with the result.
async fn draw(dev: &Dev, program: &[u8]) -> B256 {
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
    let (job_id, _) = client.request_job(prize, draw.abi_encode(), fee).await.unwrap();
    let job = client.job(job_id, |job| job.result_block.is_some()).await.unwrap();
    let number = alloy_primitives::U64::from(job.result_block.unwrap());
    let block: serde_json::Value =
        client.request("eth_getBlockByNumber", rpc_params![number, false]).await.unwrap();
    serde_json::from_value(block["hash"].clone()).unwrap()
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
    let dev = Dev::start(&[&["--no-agents"], &lie[..], &times[..]].concat());
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

#[tokio::test(flavor = "multi_thread")]
async fn a_true_claim_is_defended_by_a_proof_against_both_kinds_of_challenge() {
    let times = ["--block-time-ms", "100", "--prover-period", "3000", "--challenge-period", "600"];
    let dev = Dev::start(&[&["--no-agents"], &times[..]].concat());
    let settlement = RpcSettlement::connect(&dev.settlement_rpc, SETTLEMENT_ADDRESS).await.unwrap();
    let chain: &dyn SettlementChain = &settlement;
    let _prover = agent("prover", &dev, DevRole::Prover);
    let echo = include_bytes!("../../../programs/elf/echo.elf");
    let block_hash = draw(&dev, echo).await;

    // Someone who is wrong, or malicious, challenges the claim in both ways.
    let source = RpcExecution::new(&dev.rpc).unwrap();
    let proposal = source.proposal(block_hash).await.unwrap().unwrap();
    let block = ReceiptedBlock::new(proposal.header, proposal.receipts.unwrap()).unwrap();
    let claim = block.claims(JOB_MANAGER_ADDRESS)[0];
    let evidence = block.evidence(claim.transaction_index, claim.log_index).unwrap();
    let parameters = chain.parameters().await.unwrap();
    let mallory = DevRole::Challenger.signer().unwrap();
    let kinds = [
        (ChallengeKind::Refute, parameters.refute_bond_wei),
        (ChallengeKind::Demand, parameters.demand_bond_wei),
    ];
    for (kind, bond_wei) in kinds {
        let call = Settlement::challengeCall { evidence: evidence.clone(), kind: kind as u8 };
        let sent = settlement.send(&mallory, U256::from(bond_wei), call.abi_encode().into()).await.unwrap();
        included(&settlement, sent).await;
    }

    let decided = |event: &SettlementEvent| matches!(event, SettlementEvent::ClaimDecided(_));
    let logs = events(&settlement, decided).await;
    assert_eq!(count(&logs, INVALIDATED), 0);
    let info = chain.claim_info(claim.id()).await.unwrap();
    assert_eq!(ClaimState::from_byte(info.state), Some(ClaimState::Confirmed));
    // Both bonds go to the prover and the proposer, to the wei, whoever settles.
    for (kind, _) in kinds {
        let call = Settlement::settleChallengeCall {
            key: claim.key(),
            challenger: mallory.address(),
            kind: kind as u8,
        };
        let sent = settlement.send(&mallory, U256::ZERO, call.abi_encode().into()).await.unwrap();
        included(&settlement, sent).await;
    }
    let balance = async |role: DevRole| chain.balance_of(role.signer().unwrap().address()).await.unwrap();
    let bonds = U256::from(parameters.refute_bond_wei + parameters.demand_bond_wei);
    let prover_share = bonds * U256::from(parameters.prover_share_of_bond_bps) / U256::from(10_000);
    assert_eq!(balance(DevRole::Prover).await, prover_share);
    assert_eq!(balance(DevRole::Proposer).await, bonds - prover_share);
    assert_eq!(balance(DevRole::Challenger).await, U256::ZERO);
}

/// Waits until a transaction is in a block, and did what was asked.
async fn included(settlement: &RpcSettlement, hash: TxHash) {
    loop {
        match settlement.receipt(hash).await.unwrap() {
            Some(receipt) => return assert!(receipt.succeeded),
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn proposer(dev: &Dev, key: &PrivateKeySigner, folder: &Path) -> Running {
    let process = Command::new(env!("CARGO_BIN_EXE_ivm"))
        .args(["proposer", "--rpc", &dev.rpc, "--runs", "1", "--post-bond", "--data-dir"])
        .arg(folder)
        .env("IVM_KEY", hex::encode_prefixed(key.to_bytes()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Running(process)
}

const PROPOSED: fn(&SettlementEvent) -> bool = |event| matches!(event, SettlementEvent::BlockProposed(_));

#[tokio::test(flavor = "multi_thread")]
async fn proposers_elsewhere_make_all_blocks_whenever_they_are_killed() {
    for blocks in [["--block-time-ms", "100"].as_slice(), &["--on-demand"]] {
        let folder = tempfile::tempdir().unwrap();
        let dev = Dev::start(&[&["--external-proposer"], blocks].concat());
        let settlement = RpcSettlement::connect(&dev.settlement_rpc, SETTLEMENT_ADDRESS).await.unwrap();
        let chain: &dyn SettlementChain = &settlement;
        let echo = include_bytes!("../../../programs/elf/echo.elf");
        let key = DevRole::Proposer.signer().unwrap();
        assert_eq!(chain.tip().await.unwrap().number, 0, "nobody proposes");

        let mut running = proposer(&dev, &key, folder.path());
        draw(&dev, echo).await;
        // A second one with its key and folder does not start: it would equivocate.
        assert!(!proposer(&dev, &key, folder.path()).0.wait().unwrap().success());
        for pause_ms in [30, 90, 170, 250] {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            running.kill();
            running = proposer(&dev, &key, folder.path());
        }
        draw(&dev, echo).await;

        // A newcomer is admitted, posts its bond, and goes on alone.
        drop(running);
        let newcomer = dev_accounts().unwrap().remove(5).signer;
        let _running = proposer(&dev, &newcomer, folder.path());
        let owner = DevRole::Owner.signer().unwrap();
        let allow = Settlement::allowCall { proposer: newcomer.address() };
        let sent = settlement.send(&owner, U256::ZERO, allow.abi_encode().into()).await.unwrap();
        included(&settlement, sent).await;
        draw(&dev, echo).await;

        let logs = events(&settlement, PROPOSED).await;
        let made_by = |who: &PrivateKeySigner| {
            let who = who.address();
            count(
                &logs,
                move |event| matches!(event, SettlementEvent::BlockProposed(event) if event.proposer == who),
            )
        };
        assert!(made_by(&key) > 0 && made_by(&newcomer) > 0);
        assert_eq!(made_by(&key) + made_by(&newcomer), count(&logs, PROPOSED));
        let slashed = |event: &SettlementEvent| matches!(event, SettlementEvent::ProposerSlashed(_));
        assert_eq!(count(&logs, slashed), 0);
    }
}

#[test]
fn an_agent_without_a_key_says_where_it_looked() {
    for command in [["proposer", "--data-dir=none"].as_slice(), &["challenger"], &["prover"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_ivm"))
            .args(command)
            .args(["--rpc", "http://127.0.0.1:1", "--key-env", "IVM_NO_SUCH_KEY"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains("IVM_NO_SUCH_KEY"), "{message}");
    }
}
