//! Blocks of proposers elsewhere, over JSON-RPC: what the node orders for them and what not.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use alloy_consensus::{Block, Header, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{B256, Bytes, U256};
use alloy_rlp::Decodable;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use common::{TestNode, config};
use ivm_client::{Client, rpc_params};
use ivm_contracts::{JOB_MANAGER_ADDRESS, JobManager, Settlement};
use ivm_node::{BlockMode, DevRole, Node, Storage, dev_accounts};
use ivm_rpc::{
    AssembleRequest, AssembledBlock, BlockDuty, BlockOffer, OrderedBlock, ProposerSession, SettlementInfo,
};
use ivm_settlement::{
    Call, EmbeddedSettlement, LeadingTerms, Session, SettlementChain, SignedHeader, header_domain,
};
use jsonrpsee::core::params::ArrayParams;

/// A node without a proposer of its own, which makes blocks when there is something to put in.
async fn start() -> TestNode {
    let mut config = config(Storage::Memory, BlockMode::OnDemand);
    let proposers = std::mem::take(&mut config.proposers);
    config.settlement.external_proposers = proposers.iter().map(PrivateKeySigner::address).collect();
    let node = Node::start(config).await.unwrap();
    let signer = dev_accounts().unwrap().remove(0).signer;
    let client = Client::connect(&format!("http://{}", node.rpc_address()), signer).await.unwrap();
    TestNode { node, client }
}

fn me() -> PrivateKeySigner {
    DevRole::Proposer.signer().unwrap()
}

/// The proposer's side, by hand.
struct Hand<'a> {
    node: &'a TestNode,
    settlement: EmbeddedSettlement,
}

impl<'a> Hand<'a> {
    fn new(node: &'a TestNode) -> Self {
        Self { node, settlement: EmbeddedSettlement::new(node.node.settlement().clone()) }
    }

    fn session_of(&self, signer: &PrivateKeySigner, until_block: u64) -> ProposerSession {
        let domain = header_domain(self.settlement.chain_id(), self.settlement.contract());
        let Session { proposer, until_block, signature } =
            Session::sign(signer.address(), until_block, &domain, signer).unwrap();
        ProposerSession { proposer, until_block, signature }
    }

    fn session(&self) -> ProposerSession {
        self.session_of(&me(), 500)
    }

    /// A duty: something is put into the pool first, so that a block is due.
    async fn duty(&self) -> BlockDuty {
        self.pool().await;
        let duty: Option<BlockDuty> =
            self.request("ivm_prepareBlock", rpc_params![self.session()]).await.unwrap();
        duty.unwrap()
    }

    async fn pool(&self) {
        let deposit = JobManager::depositCall { account: dev_accounts().unwrap()[0].address };
        let input = deposit.abi_encode();
        self.node.client.send(JOB_MANAGER_ADDRESS.into(), input, U256::from(1), 200_000).await.unwrap();
    }

    fn signed(&self, duty: &BlockDuty) -> AssembleRequest {
        let terms = LeadingTerms {
            chain_id: self.node.node.chain().config().chain_id,
            base_fee_wei: duty.base_fee_per_gas,
        };
        let calls = (duty.nonce..).zip(&duty.calls).map(|(nonce, call)| {
            let call = Call { to: call.to, input: call.input.clone(), gas_limit: call.gas_limit };
            terms.sign(&me(), nonce, &call).unwrap().encoded_2718().into()
        });
        AssembleRequest {
            parent_hash: duty.parent_hash,
            timestamp: duty.timestamp,
            transactions: calls.collect(),
        }
    }

    async fn assemble(&self, request: AssembleRequest) -> Result<AssembledBlock, String> {
        self.request("ivm_assembleBlock", rpc_params![self.session(), request]).await
    }

    fn offer(&self, block: Block<TxEnvelope>, signer: &PrivateKeySigner) -> BlockOffer {
        let domain = header_domain(self.settlement.chain_id(), self.settlement.contract());
        let header = SignedHeader::sign(block.header.clone(), &domain, signer).unwrap();
        let transaction = self.settlement.propose_transaction(signer, &block.header).unwrap();
        BlockOffer {
            block: alloy_rlp::encode(&block).into(),
            signature: header.signature_bytes(),
            transaction: transaction.encoded_2718().into(),
        }
    }

    async fn propose(&self, offer: BlockOffer) -> Result<OrderedBlock, String> {
        self.request("ivm_proposeBlock", rpc_params![offer]).await
    }

    async fn request<T: serde::de::DeserializeOwned>(
        &self,
        method: &'static str,
        params: ArrayParams,
    ) -> Result<T, String> {
        self.node.client.request(method, params).await.map_err(|error| error.to_string())
    }

    async fn tip(&self) -> (u64, B256) {
        let chain: &dyn SettlementChain = &self.settlement;
        let tip = chain.tip().await.unwrap();
        (tip.number, tip.hash)
    }
}

fn block_of(assembled: &AssembledBlock) -> Block<TxEnvelope> {
    Block::decode(&mut &assembled.block[..]).unwrap()
}

fn refuses<T: std::fmt::Debug>(result: Result<T, String>, reason: &str) {
    let error = result.unwrap_err();
    assert!(error.contains(reason), "{error}, expected: {reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proposer_signed_is_ordered_when_it_was_built_here_and_when_it_was_not() {
    let node = start().await;
    let hand = Hand::new(&node);
    let assembled = hand.assemble(hand.signed(&hand.duty().await)).await.unwrap();
    let block = block_of(&assembled);
    assert_eq!(block.header.beneficiary, me().address());
    let ordered = hand.propose(hand.offer(block.clone(), &me())).await.unwrap();
    assert_eq!(hand.tip().await, (1, ordered.block_hash));
    assert_eq!(node.node.chain().head().block.hash(), ordered.block_hash);
    // It follows the new head: the same block once more does not.
    refuses(hand.propose(hand.offer(block, &me())).await, "the newest block is");

    // The node has built another one since: it executes what it is given.
    let duty = hand.duty().await;
    let first = block_of(&hand.assemble(hand.signed(&duty)).await.unwrap());
    let later = hand.duty().await;
    let second = block_of(&hand.assemble(hand.signed(&later)).await.unwrap());
    assert_ne!(first.header.hash_slow(), second.header.hash_slow());
    let ordered = hand.propose(hand.offer(first.clone(), &me())).await.unwrap();
    assert_eq!((ordered.block_hash, hand.tip().await.0), (first.header.hash_slow(), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_no_duty() {
    let node = start().await;
    let hand = Hand::new(&node);
    hand.pool().await;
    let stranger = dev_accounts().unwrap().remove(3).signer;
    let ask = async |session: ProposerSession| {
        hand.request::<Option<BlockDuty>>("ivm_prepareBlock", rpc_params![session]).await
    };
    refuses(ask(hand.session_of(&stranger, 500)).await, "is not bonded");
    refuses(ask(hand.session_of(&me(), 1_000_000)).await, "session is good until");
    let forged = ProposerSession { proposer: me().address(), ..hand.session_of(&stranger, 500) };
    refuses(ask(forged).await, "session is signed by");
    let garbage = ProposerSession { signature: Bytes::from_static(&[1; 64]), ..hand.session() };
    refuses(ask(garbage).await, "session signature");
    let long = ProposerSession { signature: vec![0; 1 << 16].into(), ..hand.session() };
    refuses(ask(long).await, "too large");
    assert!(ask(hand.session()).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_built_but_the_duty() {
    let node = start().await;
    let hand = Hand::new(&node);
    // A registration is to be posted.
    let url = format!("http://{}", node.node.rpc_address());
    let client = Client::connect(&url, dev_accounts().unwrap().remove(1).signer).await.unwrap();
    let submitting = tokio::spawn(async move { client.submit_program(common::ECHO_ELF).await });
    let duty = loop {
        let duty = hand.duty().await;
        if !duty.calls.is_empty() {
            break duty;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let good = hand.signed(&duty);
    let none = AssembleRequest { transactions: Vec::new(), ..good.clone() };
    refuses(hand.assemble(none).await, "the duty has 1 calls");
    // A duty is for one attempt.
    refuses(hand.assemble(good.clone()).await, "no duty that was given");
    let other = AssembleRequest { parent_hash: B256::ZERO, ..good };
    refuses(hand.assemble(other).await, "the newest block is");

    let duty = hand.duty().await;
    let mut changed = duty.clone();
    changed.calls[0].input = Bytes::from_static(b"other");
    refuses(hand.assemble(hand.signed(&changed)).await, "not the duty's call");
    let duty = hand.duty().await;
    let garbage =
        AssembleRequest { transactions: vec![Bytes::from_static(&[2, 0xff])], ..hand.signed(&duty) };
    refuses(hand.assemble(garbage).await, "transaction 0");

    let duty = hand.duty().await;
    let assembled = hand.assemble(hand.signed(&duty)).await.unwrap();
    assert_eq!(assembled.programs.len(), 1);
    hand.propose(hand.offer(block_of(&assembled), &me())).await.unwrap();
    assert!(submitting.await.unwrap().unwrap().registered);

    // Building is work: there is an end to it.
    let mut busy = None;
    for _ in 0..16 {
        let duty = hand.duty().await;
        if let Err(error) = hand.assemble(hand.signed(&duty)).await {
            busy = Some(error);
        }
    }
    assert!(busy.unwrap().contains("busy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_wrong_block_is_ordered() {
    let node = start().await;
    let hand = Hand::new(&node);
    let good = block_of(&hand.assemble(hand.signed(&hand.duty().await)).await.unwrap());
    let with = |header: Header| Block { header, ..good.clone() };

    let state_root = with(Header { state_root: B256::repeat_byte(1), ..good.header.clone() });
    refuses(hand.propose(hand.offer(state_root, &me())).await, "stateRoot is");
    let parent = with(Header { parent_hash: B256::repeat_byte(1), ..good.header.clone() });
    refuses(hand.propose(hand.offer(parent, &me())).await, "the newest block is");
    let late = with(Header { timestamp: good.header.timestamp + 100_000, ..good.header.clone() });
    refuses(hand.propose(hand.offer(late, &me())).await, "block refused: timestamp");
    let mut empty = good.clone();
    empty.body.transactions.clear();
    refuses(hand.propose(hand.offer(empty, &me())).await, "refused");

    let stranger = dev_accounts().unwrap().remove(3).signer;
    refuses(hand.propose(hand.offer(good.clone(), &stranger)).await, "is not bonded");
    let offer = hand.offer(good.clone(), &me());
    let elsewhere =
        BlockOffer { transaction: hand.offer(good.clone(), &stranger).transaction, ..offer.clone() };
    refuses(hand.propose(elsewhere).await, "does not propose it");
    let other = with(Header { gas_used: 1, ..good.header.clone() });
    let another = BlockOffer { transaction: hand.offer(other, &me()).transaction, ..offer.clone() };
    refuses(hand.propose(another).await, "does not propose it");
    for cut in [0, 1, offer.block.len() / 2, offer.block.len() - 1] {
        let truncated = BlockOffer { block: offer.block.slice(..cut), ..offer.clone() };
        refuses(hand.propose(truncated).await, "refused");
    }
    let longer = BlockOffer { block: [&offer.block[..], &[0]].concat().into(), ..offer.clone() };
    refuses(hand.propose(longer).await, "follow the block");
    let unsigned = BlockOffer { signature: Bytes::from_static(&[0; 65]), ..offer.clone() };
    assert!(hand.propose(unsigned).await.is_err());
    assert_eq!(hand.tip().await.0, 0);
    assert_eq!(node.node.chain().head().block.number(), 0);
    // Nothing was spoilt.
    hand.propose(offer).await.unwrap();
    let info: SettlementInfo = node.client.request("ivm_settlementInfo", rpc_params![]).await.unwrap();
    assert!(info.refused.iter().all(|refused| !refused.ordered));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_without_its_payload_is_not_ordered() {
    let node = start().await;
    let hand = Hand::new(&node);
    let first = block_of(&hand.assemble(hand.signed(&hand.duty().await)).await.unwrap());
    hand.propose(hand.offer(first, &me())).await.unwrap();
    let block = block_of(&hand.assemble(hand.signed(&hand.duty().await)).await.unwrap());
    // By the settlement chain's own pool, as any transaction comes.
    let call = |header: &Header| Settlement::proposeCall { header: alloy_rlp::encode(header).into() };
    let before = node.node.settlement().head().block.number();
    hand.settlement.send(&me(), U256::ZERO, call(&block.header).abi_encode().into()).await.unwrap();
    for _ in 0..200 {
        if node.node.settlement().head().block.number() > before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(node.node.settlement().head().block.number() > before, "the chain goes on");
    assert_eq!(hand.tip().await.0, 1, "nothing is ordered that nobody could follow");
    assert!(node.node.settlement().pool().next_nonce(me().address()).is_none(), "it left the pool");
    // With its payload it is.
    hand.propose(hand.offer(block, &me())).await.unwrap();
    assert_eq!(hand.tip().await.0, 2);
}
