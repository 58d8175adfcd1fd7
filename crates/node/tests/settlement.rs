//! What is ordered, what is followed, and what is not.

#![allow(clippy::unwrap_used)]

mod common;

use std::{path::Path, time::Duration};

use alloy_primitives::{Address, B256, keccak256};
use common::{TestNode, config, in_folder};
use ivm_client::{Client, rpc_params};
use ivm_contracts::EchoConsumer;
use ivm_node::{
    BlockMode, Byzantine, Diligence, FollowMode, LieMode, Node, NodeConfig, NodeError, Storage, dev_accounts,
};
use ivm_rpc::{JobState, ProposalInfo, ProposalStatus, SettlementInfo, SignedHeaderInfo};
use ivm_settlement::{EmbeddedSettlement, SettlementChain, SignedHeader, header_domain};

const INTERVAL: BlockMode = BlockMode::Interval(Duration::from_millis(40));

async fn start(config: NodeConfig) -> TestNode {
    let node = Node::start(config).await.unwrap();
    let signer = dev_accounts().unwrap().remove(0).signer;
    let client = Client::connect(&format!("http://{}", node.rpc_address()), signer).await.unwrap();
    TestNode { node, client }
}

fn lying(storage: Storage, mode: LieMode, diligence: Diligence, follow_mode: FollowMode) -> NodeConfig {
    let mut config = config(storage, INTERVAL);
    config.settlement.byzantine = Some(Byzantine { mode, every: None });
    config.settlement.diligence = diligence;
    config.settlement.follow_mode = follow_mode;
    config
}

/// Has `echo` run on a message.
async fn ask(node: &TestNode) -> (Address, B256) {
    let (program, consumer) = (node.echo_program().await, node.echo_consumer().await);
    let job = node.request_echo(consumer, program, b"the truth", 100_000).await;
    (consumer, job)
}

async fn info(node: &TestNode) -> SettlementInfo {
    node.client.request("ivm_settlementInfo", rpc_params![]).await.unwrap()
}

async fn proposal(node: &TestNode, hash: B256) -> Option<ProposalInfo> {
    node.client.request("ivm_getProposal", rpc_params![hash]).await.unwrap()
}

/// Waits until a block is refused.
async fn refused(node: &TestNode) -> ivm_rpc::RefusedBlock {
    for _ in 0..1000 {
        if let Some(refused) = info(node).await.refused.into_iter().next() {
            return refused;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing is refused");
}

/// Waits for so many further settlement blocks.
async fn settlement_blocks(node: &TestNode, more: u64) {
    let number = || node.node.settlement().head().block.number();
    let wanted = number() + more;
    while number() < wanted {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn settlement(node: &TestNode) -> EmbeddedSettlement {
    EmbeddedSettlement::new(node.node.settlement().clone())
}

async fn tip(node: &TestNode) -> ivm_settlement::BlockRef {
    let settlement = settlement(node);
    let settlement: &dyn SettlementChain = &settlement;
    settlement.tip().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_has_no_false_claim_ordered() {
    let config = lying(Storage::Memory, LieMode::WrongOutput, Diligence::Checks, FollowMode::Validating);
    let node = start(config).await;
    let (consumer, job) = ask(&node).await;
    let job = node.client.job(job, |job| job.state == JobState::Delivered).await.unwrap();
    assert_eq!(job.outcome.unwrap().data.as_ref(), b"the truth");
    let output = node.client.call(consumer, EchoConsumer::latestOutputHashCall {}).await.unwrap();
    assert_eq!(output, keccak256(b"the truth"));
    let refused = refused(&node).await;
    assert!(!refused.ordered && refused.reason.contains("is wrong"), "{}", refused.reason);
    assert_eq!(proposal(&node, refused.block_hash).await, None, "it was never ordered");
    let delivered = node.node.chain().block_by_number(job.result_block.unwrap()).unwrap().unwrap();
    let ordered = proposal(&node, delivered.hash()).await.unwrap();
    assert_eq!(ordered.status, ProposalStatus::Followed);
    let domain = header_domain(node.node.settlement().config().chain_id, node.node.settlement_contract());
    let signed = SignedHeader::from_bytes(&ordered.header, &ordered.signature).unwrap();
    assert_eq!(signed.signer(&domain).unwrap(), delivered.header().beneficiary);
    node.node.stop().await.unwrap();
}

/// Starts a node whose validator is lazy, and waits until it has refused the lie that was ordered.
async fn with_a_lie_ordered(folder: &Path, mode: LieMode) -> (TestNode, ivm_rpc::RefusedBlock) {
    let config = lying(in_folder(folder), mode, Diligence::Lazy, FollowMode::Validating);
    let node = start(config).await;
    ask(&node).await;
    let refused = refused(&node).await;
    (node, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validating_node_does_not_follow_a_false_claim_that_was_ordered() {
    let folder = tempfile::tempdir().unwrap();
    let (node, lie) = with_a_lie_ordered(folder.path(), LieMode::WrongOutput).await;
    assert!(lie.ordered);
    settlement_blocks(&node, 5).await;
    let head = node.node.chain().head().block;
    assert_eq!(head.number() + 1, lie.number, "it stays before the lie");
    assert_eq!(tip(&node).await.hash, lie.block_hash, "and nothing is built on it");
    let shown = proposal(&node, lie.block_hash).await.unwrap();
    assert_eq!(shown.status, ProposalStatus::Refused);
    assert_eq!(shown.refusal, Some(lie.reason));
    assert!(!shown.receipts.unwrap().is_empty(), "a challenger can show the claim");
    node.node.stop().await.unwrap();

    // Another start finds the same, by itself.
    let config =
        lying(in_folder(folder.path()), LieMode::WrongOutput, Diligence::Lazy, FollowMode::Validating);
    let node = start(config).await;
    assert_eq!(refused(&node).await.block_hash, lie.block_hash);
    assert_eq!(node.node.chain().head().block.hash(), head.hash());
    node.node.stop().await.unwrap();
    // One that takes claims for right follows.
    let config =
        lying(in_folder(folder.path()), LieMode::WrongOutput, Diligence::Lazy, FollowMode::Optimistic);
    let node = start(config).await;
    let followed = proposal(&node, lie.block_hash).await.unwrap();
    assert_eq!(followed.status, ProposalStatus::Followed);
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_follows_a_block_that_is_not_valid() {
    for (mode, field) in [
        (LieMode::StateRoot, "stateRoot"),
        (LieMode::Header, "gasUsed"),
        (LieMode::UnknownJob, "receiptsRoot"),
    ] {
        let config = lying(Storage::Memory, mode, Diligence::Lazy, FollowMode::Optimistic);
        let node = start(config).await;
        ask(&node).await;
        let lie = refused(&node).await;
        assert!(lie.ordered && lie.reason.contains(field), "{mode}: {}", lie.reason);
        assert_eq!(node.node.chain().head().block.number() + 1, lie.number);
        assert_eq!(proposal(&node, lie.block_hash).await.unwrap().receipts, None);
        node.node.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_headers_of_one_height_are_heard_of() {
    let config = lying(Storage::Memory, LieMode::Equivocation, Diligence::Checks, FollowMode::Validating);
    let node = start(config).await;
    let (_, job) = ask(&node).await;
    let job = node.client.job(job, |job| job.result_block.is_some()).await.unwrap();
    let number = alloy_primitives::U64::from(job.result_block.unwrap());
    let headers: Vec<SignedHeaderInfo> =
        node.client.request("ivm_getSignedHeaders", rpc_params![number]).await.unwrap();
    let domain = header_domain(node.node.settlement().config().chain_id, node.node.settlement_contract());
    let signed: Vec<_> =
        headers.iter().map(|info| SignedHeader::from_bytes(&info.header, &info.signature).unwrap()).collect();
    assert_eq!(signed.len(), 2);
    assert_eq!(signed[0].signer(&domain).unwrap(), signed[1].signer(&domain).unwrap());
    assert!(ivm_settlement::Equivocation::of(&signed[0], &signed[1], &domain).is_some());

    // Told again it is known; from somebody else it is of no use.
    let told: B256 = node.client.request("ivm_submitSignedHeader", rpc_params![&headers[1]]).await.unwrap();
    assert_eq!(told, keccak256(&headers[1].header));
    let stranger = dev_accounts().unwrap().remove(5).signer;
    let foreign = SignedHeader::sign(signed[1].header().clone(), &domain, &stranger).unwrap();
    let foreign = SignedHeaderInfo { header: foreign.header_bytes(), signature: foreign.signature_bytes() };
    let refused: Result<B256, _> = node.client.request("ivm_submitSignedHeader", rpc_params![foreign]).await;
    assert!(refused.unwrap_err().to_string().contains("no active proposer"));
    node.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_execution_chain_is_a_function_of_the_settlement_chain() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(config(in_folder(folder.path()), INTERVAL)).await;
    let (consumer, job) = ask(&node).await;
    node.client.job(job, |job| job.state == JobState::Delivered).await.unwrap();
    let program_before = node.echo_program().await;
    node.node.stop().await.unwrap();

    // Without it, it is made again: blocks, state, and what the node knows of jobs and programs.
    std::fs::remove_dir_all(folder.path().join("chain")).unwrap();
    let node = start(config(in_folder(folder.path()), INTERVAL)).await;
    let again = node.client.job(job, |job| job.state == JobState::Delivered).await.unwrap();
    assert_eq!(again.outcome.unwrap().data.as_ref(), b"the truth");
    let output = node.client.call(consumer, EchoConsumer::latestOutputHashCall {}).await.unwrap();
    assert_eq!(output, keccak256(b"the truth"));
    assert_eq!(node.echo_program().await, program_before);
    node.node.stop().await.unwrap();

    // The other way round there is nothing to follow.
    std::fs::remove_dir_all(folder.path().join("settlement")).unwrap();
    let error = Node::start(config(in_folder(folder.path()), INTERVAL)).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, NodeError::Unsettled { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_become_final_by_themselves() {
    let mut config = config(Storage::Memory, INTERVAL);
    config.settlement.parameters.challenge_period_blocks = 5;
    let node = start(config).await;
    let finalized = || {
        let tag = alloy_eips::BlockNumberOrTag::Finalized;
        node.node.chain().header(tag.into()).unwrap().unwrap().number
    };
    // Past the point at which payloads of final blocks are forgotten.
    while finalized() < 150 {
        let head = node.node.chain().head().block.number();
        assert!(head < 1000, "nothing becomes final");
        assert!(finalized() <= head.saturating_sub(5));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let first = node.node.chain().block_by_number(1).unwrap().unwrap().hash();
    let shown = proposal(&node, first).await.unwrap();
    assert_eq!(
        (shown.status, shown.signature.len()),
        (ProposalStatus::Followed, 0),
        "its payload is forgotten"
    );
    let head = node.node.chain().head().block.hash();
    assert_eq!(proposal(&node, head).await.unwrap().signature.len(), 65);
    node.node.stop().await.unwrap();
}
