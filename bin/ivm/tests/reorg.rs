//! What a client is told of jobs on a node that takes blocks for right until a challenge shows otherwise: from a false result
//! through the reorg to the true one.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[path = "common/dev.rs"]
mod dev;

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use dev::Dev;
use ivm_client::{
    Certainty, Client, ClientError, JobChange, JobDraft, JobResult, PrivateKeySigner, WaitOptions,
};
use ivm_contracts::{EchoConsumer, JOB_MANAGER_ADDRESS, JobManager, OffchainPriceConsumer};

/// The first of the accounts that a development chain funds.
const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

const ECHO_ELF: &[u8] = include_bytes!("../../../programs/elf/echo.elf");
const MAX_CYCLES: u64 = 1_000_000;
const CALLBACK_GAS: u64 = 100_000;

/// A proof is waited for, and then the challenge period.
const PATIENCE: WaitOptions =
    WaitOptions { timeout: Duration::from_secs(600), poll_interval: Duration::from_millis(20) };

/// A node whose first proposer lies about the first job.
const LIAR: &[&str] = &[
    "--optimistic",
    "--lazy-validator",
    "--byzantine",
    "wrong-output",
    "--challenge-period",
    "60",
    "--prover-period",
    "3000",
];

/// Asks for an echo in a transaction.
async fn request_echo(client: &Client, consumer: Address, program_id: B256, message: &[u8]) -> B256 {
    let fee = client.quote(MAX_CYCLES, CALLBACK_GAS).await.unwrap();
    let request = EchoConsumer::requestEchoCall {
        programId: program_id,
        message: Bytes::copy_from_slice(message),
        maxCycles: MAX_CYCLES,
    };
    client.request_job(consumer, request.abi_encode(), fee).await.unwrap().0
}

/// A consumer that asks by the client's signature, with an ether.
async fn signed_consumer(client: &Client) -> Address {
    let code = [&OffchainPriceConsumer::BYTECODE[..], client.address().into_word().as_slice()].concat();
    let consumer = client.deploy(&code).await.unwrap();
    let deposit = JobManager::depositCall { account: consumer }.abi_encode();
    client.transact(JOB_MANAGER_ADDRESS.into(), deposit, U256::from(10).pow(U256::from(18))).await.unwrap();
    consumer
}

/// Asks for an echo by signature.
async fn request_echo_by_signature(
    client: &Client,
    consumer: Address,
    program_id: B256,
    message: &[u8],
) -> B256 {
    let mut draft = JobDraft::new(consumer, program_id, CALLBACK_GAS);
    draft.onchain_input = Bytes::copy_from_slice(message);
    client.request_offchain_job(&draft).await.unwrap().job_id
}

/// All that is told of a job until it is final.
async fn watched(client: &Client, job_id: B256) -> Vec<JobChange> {
    let mut watch = client.watch_job_until(job_id, Certainty::Finalized);
    let mut told = Vec::new();
    while let Some(change) = watch.next().await.unwrap() {
        told.push(change);
    }
    told
}

fn is_result(change: &JobChange) -> bool {
    change.job().is_some_and(|job| job.result_block.is_some())
}

/// The outputs of both results, the last of which ends the watch. What is between them is without a result; there may be
/// nothing, as the node may post the second in the turn in which it takes the first back.
fn taken_back(told: &[JobChange]) -> [Bytes; 2] {
    let results: Vec<_> = told.iter().filter(|change| is_result(change)).collect();
    assert_eq!(results.len(), 2, "two results and no more: {told:#?}");
    assert!(told.last().is_some_and(is_result), "{told:#?}");
    let output = |change: &JobChange| change.job().unwrap().output().unwrap().clone();
    [output(results[0]), output(results[1])]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_result_is_told_then_taken_back_then_the_true_one_is_final() {
    let dev = Dev::start(LIAR);
    let signer: PrivateKeySigner = KEY.parse().unwrap();
    let client = Client::connect(&dev.rpc, signer).await.unwrap();
    let program_id = client.submit_program(ECHO_ELF).await.unwrap().program_id;
    let consumer = client.deploy(&EchoConsumer::BYTECODE).await.unwrap();
    // Before the lie: a request is not kept for a consumer that left the chain.
    let signed_consumer = signed_consumer(&client).await;

    let job_id = request_echo(&client, consumer, program_id, &[42]).await;
    let included = client.wait_for_job(job_id, Certainty::Included, PATIENCE).await.unwrap();
    assert_eq!(included.output().unwrap()[..], [43], "the last bit is another");
    let soon = WaitOptions::with_timeout(Duration::from_millis(100));
    for certainty in [Certainty::Safe, Certainty::Finalized] {
        let waited = client.wait_for_job(job_id, certainty, soon).await;
        assert!(matches!(waited, Err(ClientError::Timeout { .. })), "{waited:?}");
    }
    // On top of the lie: their blocks go with it, requests and all.
    let on_top = request_echo(&client, consumer, program_id, &[7]).await;
    let signed = request_echo_by_signature(&client, signed_consumer, program_id, &[8]).await;

    let (safe, told, told_on_top, told_signed) = tokio::join!(
        client.wait_for_job(job_id, Certainty::Safe, PATIENCE),
        watched(&client, job_id),
        watched(&client, on_top),
        watched(&client, signed),
    );
    assert_eq!(safe.unwrap().output().unwrap()[..], [42]);
    assert_eq!(taken_back(&told), [Bytes::from_static(&[43]), Bytes::from_static(&[42])]);
    assert_eq!(taken_back(&told_on_top), [Bytes::from_static(&[7]), Bytes::from_static(&[7])]);
    assert_eq!(taken_back(&told_signed), [Bytes::from_static(&[8]), Bytes::from_static(&[8])]);
}
