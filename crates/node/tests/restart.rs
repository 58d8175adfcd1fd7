//! After a restart nothing is lost and nothing is posted twice.

#![allow(clippy::unwrap_used)]

mod common;

use std::{collections::BTreeMap, time::Duration};

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolEvent};
use common::{in_folder, start};
use ivm_chain::{LogQuery, LogRange};
use ivm_contracts::{EchoConsumer, JOB_MANAGER_ADDRESS, JobManager};
use ivm_node::BlockMode;
use ivm_rpc::JobState;

#[tokio::test(flavor = "multi_thread")]
async fn open_jobs_are_run_again_and_posted_once() {
    let folder = tempfile::tempdir().unwrap();
    let interval = BlockMode::Interval(Duration::from_millis(40));
    let node = start(in_folder(folder.path()), interval).await;
    let (program, consumer) = (node.echo_program().await, node.echo_consumer().await);
    let mut hashes = Vec::new();
    for index in 0..40_u32 {
        let call = EchoConsumer::requestEchoCall {
            programId: program,
            message: index.to_be_bytes().to_vec().into(),
            maxCycles: 100_000,
        };
        hashes.push(node.client.send(consumer.into(), call.abi_encode(), U256::ZERO, 300_000).await.unwrap());
    }
    // Stop as soon as the last request is in a block: some results are not.
    node.client.receipt(*hashes.last().unwrap()).await.unwrap();
    node.node.stop().await.unwrap();

    let node = start(in_folder(folder.path()), interval).await;
    let mut jobs: Vec<B256> = Vec::new();
    for hash in hashes {
        let receipt = node.client.receipt(hash).await.unwrap();
        let requested = receipt
            .logs()
            .iter()
            .find_map(|log| JobManager::JobRequested::decode_log(&log.inner).ok())
            .unwrap();
        jobs.push(requested.jobId);
    }
    for &job_id in &jobs {
        node.client.job(job_id, |job| job.state == JobState::Delivered).await.unwrap();
    }
    let chain = node.node.chain();
    let query = LogQuery {
        range: LogRange::Numbers { from: 0, to: chain.head().block.number() },
        filter: ivm_chain_filter(),
    };
    let mut claims: BTreeMap<B256, u32> = BTreeMap::new();
    for log in chain.logs(&query).unwrap() {
        *claims.entry(log.log.topics()[1]).or_default() += 1;
    }
    assert_eq!(claims.len(), jobs.len());
    assert!(claims.values().all(|count| *count == 1), "{claims:?}");
    node.node.stop().await.unwrap();
}

fn ivm_chain_filter() -> alloy_rpc_types_eth::Filter {
    alloy_rpc_types_eth::Filter::new()
        .address(JOB_MANAGER_ADDRESS)
        .event_signature(JobManager::ClaimPosted::SIGNATURE_HASH)
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_wait_come_back() {
    let folder = tempfile::tempdir().unwrap();
    // The first block is made at once, the next in an hour.
    let node = start(in_folder(folder.path()), BlockMode::Interval(Duration::from_secs(3600))).await;
    let hash = loop {
        let hash =
            node.client.send(Address::repeat_byte(7).into(), Vec::new(), U256::ONE, 21_000).await.unwrap();
        if node.node.chain().pool().get(hash).is_some() {
            break hash;
        }
    };
    node.node.stop().await.unwrap();

    let node = start(in_folder(folder.path()), BlockMode::Interval(Duration::from_millis(40))).await;
    assert!(node.client.receipt(hash).await.unwrap().status());
    node.node.stop().await.unwrap();
}
