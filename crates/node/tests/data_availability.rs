//! A node that copies its payloads to a real S3 service, loses them, gets them back, and goes on. `IVM_WEED` names the
//! service's binary: `scripts/seaweedfs`.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "../../da/tests/common/mod.rs"]
mod replica;

use std::{fs, sync::Arc, time::Duration};

use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolConstructor, SolValue};
use common::{TestNode, in_folder};
use ivm_client::{Client, JobDraft};
use ivm_contracts::OffchainPriceConsumer;
use ivm_da::{
    PayloadStore,
    replica::{Remote, ReplicaConfig, RestoreOptions, restore},
};
use ivm_node::{BlockMode, Node, dev_accounts};
use ivm_primitives::limits::MAX_OFFCHAIN_INPUT_SIZE_BYTES;
use ivm_rpc::JobState;
use replica::weed::{self, Weed};

const SQUARE_ROOT_ELF: &[u8] = include_bytes!("../../../programs/elf/square-root.elf");

async fn start(folder: &std::path::Path, replica: &ReplicaConfig) -> TestNode {
    let mut config = common::config(in_folder(folder), BlockMode::Interval(Duration::from_millis(50)));
    config.replica = Some(replica.clone());
    let node = Node::start(config).await.unwrap();
    let signer = dev_accounts().unwrap().remove(0).signer;
    let client = Client::connect(&format!("http://{}", node.rpc_address()), signer).await.unwrap();
    TestNode { node, client }
}

/// Has a job delivered that has the largest offchain input there is.
async fn job_with_large_input(
    node: &TestNode,
    consumer: alloy_primitives::Address,
    program: B256,
    seed: u8,
) -> Bytes {
    let input = Bytes::from(vec![seed; MAX_OFFCHAIN_INPUT_SIZE_BYTES]);
    let draft = JobDraft {
        onchain_input: U256::from(1764).abi_encode().into(),
        offchain_input: Some(input.clone()),
        max_cycles: Some(1_000_000),
        ..JobDraft::new(consumer, program, 200_000)
    };
    let job_id = node.client.request_offchain_job(&draft).await.unwrap().job_id;
    let job = node.client.job(job_id, |job| job.state.is_last()).await.unwrap();
    assert_eq!((job.state, job.offchain_input_hash), (JobState::Delivered, keccak256(&input)));
    input
}

async fn replicated(node: &TestNode) -> u64 {
    loop {
        let status = node.node.replication().unwrap();
        if status.queued == 0 && status.replicated > 0 {
            return status.replicated;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_its_payloads_gets_them_back_and_goes_on() {
    let Some(binary) = weed::binary() else { return };
    let weed = Weed::start(binary, &[]);
    let replica = replica::config(&weed.endpoint());
    let folder = tempfile::tempdir().unwrap();

    let node = start(folder.path(), &replica).await;
    let program = node.client.submit_program(SQUARE_ROOT_ELF).await.unwrap().program_id;
    let signer = OffchainPriceConsumer::constructorCall { signer: node.client.address() };
    let code = [OffchainPriceConsumer::BYTECODE.as_ref(), &signer.abi_encode()].concat();
    let consumer = node.client.deploy(&code).await.unwrap();
    node.fund(consumer).await;
    let input = job_with_large_input(&node, consumer, program, 7).await;
    let count = replicated(&node).await;
    node.node.stop().await.unwrap();

    let payloads = folder.path().join("payloads");
    fs::remove_dir_all(&payloads).unwrap();
    let store = Arc::new(PayloadStore::open(&payloads, 1 << 30).unwrap());
    let remote = Remote::new(replica.clone()).unwrap();
    let report = restore(&store, &remote, RestoreOptions::default(), |_| {}).await.unwrap();
    assert_eq!((report.progress.restored, report.progress.failed), (count, 0));
    drop(store);

    let node = start(folder.path(), &replica).await;
    assert_eq!(node.client.payload(keccak256(&input)).await.unwrap(), Some(input));
    job_with_large_input(&node, consumer, program, 8).await;
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_goes_on_while_its_replica_cannot_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens there.
    let replica = replica::config("http://127.0.0.1:9");
    let node = start(folder.path(), &replica).await;
    let program = node.client.submit_program(SQUARE_ROOT_ELF).await.unwrap().program_id;
    assert_ne!(program, B256::ZERO);
    let failing = loop {
        if let Some(failing) = node.node.replication().unwrap().failing {
            break failing;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(failing.failures > 0 && !failing.error.is_empty(), "{failing:?}");
    let head = node.node.chain().head().block.number();
    while node.node.chain().head().block.number() < head + 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    node.node.stop().await.unwrap();
}
