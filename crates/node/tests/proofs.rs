//! The node's own prover, once, with a real proof.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{ECHO_ELF, in_folder, start};
use ivm_client::rpc_params;
use ivm_node::BlockMode;
use ivm_primitives::JobInput;
use ivm_rpc::{ProofInfo, ProofState};
use ivm_zkvm::{OpenVm, Proof, Zkvm};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_proves_what_it_posted_and_keeps_the_proof() {
    let folder = tempfile::tempdir().unwrap();
    let interval = BlockMode::Interval(Duration::from_millis(50));
    let node = start(in_folder(folder.path()), interval).await;
    let (program_id, consumer) = (node.echo_program().await, node.echo_consumer().await);
    let job_id = node.request_echo(consumer, program_id, b"prove me", 100_000).await;
    let job = node.client.job(job_id, |job| job.result_block.is_some()).await.unwrap();
    let proof = node.client.proof(job_id).await.unwrap();
    assert_eq!(proof.state, ProofState::Ready, "{:?}", proof.error);
    let proof_bytes = proof.proof.unwrap();

    let zkvm = OpenVm::new();
    let program = zkvm.admit(ECHO_ELF).unwrap();
    let input = JobInput::onchain_only(b"prove me".as_slice()).unwrap();
    let proof = Proof::from_bytes(proof_bytes.clone());
    zkvm.verify(&program, &input, job.outcome.unwrap().hash, &proof).unwrap();

    // The record of the proof goes into a block's commit; then it outlives the process.
    let head = node.node.chain().head().block.number();
    while node.node.chain().head().block.number() < head + 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    node.node.stop().await.unwrap();
    let node = start(in_folder(folder.path()), interval).await;
    let kept: ProofInfo = node.client.request("ivm_getProof", rpc_params![job_id]).await.unwrap();
    assert_eq!((kept.state, kept.proof), (ProofState::Ready, Some(proof_bytes)));
    node.node.stop().await.unwrap();
}
