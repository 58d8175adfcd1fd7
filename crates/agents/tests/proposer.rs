//! The proposer: what it signs and what not, and killed wherever it waits.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use alloy_consensus::{Block, BlockBody, Header, Transaction, TxEnvelope, transaction::SignerRecoverable};
use alloy_eips::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::Decodable;
use async_trait::async_trait;
use common::*;
use ivm_agents::{
    AgentError, Fault, Proposer, ProposerConfig, ProposerNode, SignedBlocks, SignedBlocksError, SourceError,
    Step,
};
use ivm_contracts::JOB_MANAGER_ADDRESS;
use ivm_rpc_types::{
    AssembleRequest, AssembledBlock, BlockDuty, BlockOffer, ClaimedJob, LeadingCall, OrderedBlock,
    ProposerSession,
};
use ivm_settlement::testing::signer;
use ivm_settlement::{ReceiptedBlock, SettlementChain, SignedHeader, header_domain};
use parking_lot::Mutex;

const PROPOSER: u8 = 2;
const OTHER_PROPOSER: u8 = 3;
const CHAIN_ID: u64 = 31_337;

/// How the node misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    None,
    /// A call goes to some account.
    Target,
    /// Calls with all the gas there is.
    Gas,
    /// The duty follows another block than the tip.
    Parent,
    /// Tips go to another.
    Beneficiary,
    /// The block is another one's child.
    BlockParent,
    /// The receipts lack one.
    Receipts,
    /// Transactions that the header does not have.
    Transactions,
    /// What the claims are about is not told.
    Jobs,
    /// Bytes after the block.
    Tail,
}

/// A node that builds another block each time it is asked to.
struct MockNode {
    world: Arc<World>,
    claims: Mutex<Vec<(Truth, Said)>>,
    lie: Mutex<Lie>,
    /// All headers it was given signatures of.
    signed: Mutex<Vec<SignedHeader>>,
    /// It takes no more blocks to order.
    is_deaf: Mutex<bool>,
}

impl std::fmt::Debug for MockNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockNode").finish_non_exhaustive()
    }
}

impl MockNode {
    fn new() -> Arc<Self> {
        let world = World::new(&[signer(PROPOSER), signer(OTHER_PROPOSER)]);
        Arc::new(Self {
            world: Arc::new(world),
            claims: Mutex::new(vec![TRUE]),
            lie: Mutex::new(Lie::None),
            signed: Mutex::default(),
            is_deaf: Mutex::new(false),
        })
    }

    fn tip(&self) -> (u64, B256) {
        let tip = self.world.test.settlement.fork_choice_at_head().unwrap().tip();
        (tip.number, tip.hash)
    }

    fn proposer(self: &Arc<Self>, folder: &Path) -> Proposer {
        let blocks = SignedBlocks::open(folder).unwrap();
        let world = &self.world;
        let (source, judge) = (world.execution.clone(), world.judge.clone());
        let config = ProposerConfig::new(CHAIN_ID);
        let start =
            Proposer::start(world.chain(), self.clone(), source, judge, signer(PROPOSER), blocks, config);
        drive(start).unwrap()
    }

    /// No two different headers on one parent were shown.
    fn check_no_equivocation(&self) {
        let mut seen = HashMap::new();
        for signed in self.signed.lock().iter() {
            let other = seen.insert(signed.header().parent_hash, signed.hash());
            assert!(other.is_none_or(|other| other == signed.hash()), "an equivocation");
        }
    }
}

#[async_trait]
impl ProposerNode for MockNode {
    async fn prepare_block(&self, session: &ProposerSession) -> Result<Option<BlockDuty>, SourceError> {
        pass().await;
        assert_eq!(session.proposer, signer(PROPOSER).address());
        let (number, hash) = self.tip();
        let lie = *self.lie.lock();
        let call = LeadingCall {
            to: if lie == Lie::Target { Address::repeat_byte(0xee) } else { JOB_MANAGER_ADDRESS },
            input: Bytes::from_static(b"results"),
            gas_limit: if lie == Lie::Gas { u64::MAX } else { 100_000 },
        };
        Ok(Some(BlockDuty {
            parent_hash: if lie == Lie::Parent { B256::ZERO } else { hash },
            number: number + 1,
            timestamp: ivm_settlement::testing::GENESIS_TIMESTAMP,
            nonce: 5,
            base_fee_per_gas: 1_000_000_000,
            calls: vec![call.clone(), call],
        }))
    }

    async fn assemble_block(
        &self,
        _: &ProposerSession,
        request: AssembleRequest,
    ) -> Result<AssembledBlock, SourceError> {
        pass().await;
        for (nonce, bytes) in (5..).zip(&request.transactions) {
            let transaction = TxEnvelope::decode_2718_exact(bytes).unwrap();
            assert_eq!(transaction.recover_signer().unwrap(), signer(PROPOSER).address());
            assert_eq!((transaction.nonce(), transaction.chain_id()), (nonce, Some(CHAIN_ID)));
            assert_eq!((transaction.to(), transaction.value()), (Some(JOB_MANAGER_ADDRESS), U256::ZERO));
        }
        let lie = *self.lie.lock();
        let built = self.world.block(&self.claims.lock());
        let beneficiary = if lie == Lie::Beneficiary { Address::ZERO } else { signer(PROPOSER).address() };
        let parent_hash = if lie == Lie::BlockParent { B256::ZERO } else { built.header().parent_hash };
        let header = Header { beneficiary, parent_hash, ..built.header().clone() };
        self.world.remember(&header);
        let shown = ReceiptedBlock::new(header.clone(), built.receipts().to_vec()).unwrap();
        let mut receipts: Vec<Bytes> =
            shown.receipts().iter().map(|receipt| receipt.encoded_2718().into()).collect();
        let mut body = BlockBody::<TxEnvelope>::default();
        if lie == Lie::Transactions {
            body.transactions.push(TxEnvelope::decode_2718_exact(&request.transactions[0]).unwrap());
        }
        if lie == Lie::Receipts {
            receipts.pop();
        }
        let mut block = alloy_rlp::encode(Block { header, body });
        if lie == Lie::Tail {
            block.push(0);
        }
        let jobs = self.world.execution.jobs.lock();
        let jobs = jobs.iter().filter(|_| lie != Lie::Jobs).map(|(job_id, job)| ClaimedJob {
            job_id: *job_id,
            program_id: job.program_id,
            onchain_input_hash: job.onchain_input_hash,
            offchain_input_hash: job.offchain_input_hash,
        });
        Ok(AssembledBlock { block: block.into(), receipts, jobs: jobs.collect(), programs: Vec::new() })
    }

    async fn propose_block(&self, offer: BlockOffer) -> Result<OrderedBlock, SourceError> {
        pass().await;
        let block = Block::<TxEnvelope>::decode(&mut &offer.block[..]).unwrap();
        let signed = SignedHeader::from_bytes(&alloy_rlp::encode(&block.header), &offer.signature).unwrap();
        let settlement = &self.world.test.settlement;
        let domain = header_domain(settlement.chain_id(), settlement.contract());
        assert_eq!(signed.signer(&domain).unwrap(), signer(PROPOSER).address());
        self.signed.lock().push(signed);
        if *self.is_deaf.lock() {
            return Err(SourceError::Unreachable("connection reset".into()));
        }
        settlement.chain().submit_transaction(&offer.transaction).unwrap();
        let settlement_block = self.world.test.mine().block.number();
        assert_eq!(self.tip().1, block.header.hash_slow(), "it is ordered");
        // Ordered, and the answer may be lost.
        pass().await;
        Ok(OrderedBlock { block_hash: block.header.hash_slow(), settlement_block })
    }
}

#[test]
fn it_proposes_what_is_true() {
    let (node, folder) = (MockNode::new(), tempfile::tempdir().unwrap());
    let mut proposer = node.proposer(folder.path());
    for number in 1..=100 {
        *node.claims.lock() = if number % 3 == 0 { Vec::new() } else { vec![TRUE, TRUE] };
        let Step::Ordered(block) = drive(proposer.step()).unwrap() else { panic!("a block is due") };
        assert_eq!((block.number, block.hash), node.tip());
        assert_eq!(block.number, number);
    }
    // What was ordered is not kept for ever.
    let kept = std::fs::read_dir(folder.path()).unwrap().count();
    assert!(kept <= 66, "{kept} files");
}

#[test]
fn it_signs_no_false_claim() {
    for claim in [WRONG, TRAPS, NEVER_ENDS, OVER_LIMIT] {
        let (node, folder) = (MockNode::new(), tempfile::tempdir().unwrap());
        *node.claims.lock() = vec![TRUE, claim, TRUE];
        let mut proposer = node.proposer(folder.path());
        let error = drive(proposer.step()).unwrap_err();
        assert!(matches!(error, AgentError::Fault(Fault::Claim { .. })), "{claim:?}: {error}");
        assert!(node.signed.lock().is_empty());
        // The node comes to its senses: nothing was spoilt.
        *node.claims.lock() = vec![TRUE];
        assert!(matches!(drive(proposer.step()), Ok(Step::Ordered(_))));
    }
}

#[test]
fn it_signs_nothing_that_is_not_as_agreed() {
    use Lie::*;
    for lie in [Target, Gas, Parent, Beneficiary, BlockParent, Receipts, Transactions, Jobs, Tail] {
        let (node, folder) = (MockNode::new(), tempfile::tempdir().unwrap());
        *node.lie.lock() = lie;
        let mut proposer = node.proposer(folder.path());
        let error = drive(proposer.step()).unwrap_err();
        let AgentError::Fault(fault) = error else { panic!("{lie:?}: {error}") };
        let expected = match lie {
            Target => matches!(fault, Fault::Target { index: 0, .. }),
            Gas => matches!(fault, Fault::Cost { .. }),
            Parent => matches!(fault, Fault::NotOnTip { .. }),
            Beneficiary => matches!(fault, Fault::Other { field: "beneficiary", .. }),
            BlockParent => matches!(fault, Fault::Other { field: "parent", .. }),
            Receipts => matches!(fault, Fault::Receipts(_)),
            Transactions => matches!(fault, Fault::Other { field: "transactions root", .. }),
            Jobs => matches!(fault, Fault::UnknownJob(_)),
            Tail => matches!(fault, Fault::Malformed { what: "block", .. }),
            None => false,
        };
        assert!(expected, "{lie:?}: {fault}");
        assert!(node.signed.lock().is_empty(), "{lie:?}");
    }
}

#[test]
fn killed_anywhere_it_signs_no_second_block_on_a_parent() {
    let (node, folder) = (MockNode::new(), tempfile::tempdir().unwrap());
    let mut killed = 0;
    for polls in 1.. {
        let before = node.tip().0;
        let mut proposer = node.proposer(folder.path());
        let ended = drop_after(proposer.step(), polls);
        drop(proposer);
        let mut proposer = node.proposer(folder.path());
        drive(proposer.step()).unwrap();
        assert!(node.tip().0 > before, "it goes on");
        node.check_no_equivocation();
        if ended.is_some() {
            break;
        }
        killed += 1;
    }
    assert!(killed > 15, "killed at {killed} places only");
}

#[test]
fn what_was_signed_and_not_ordered_is_offered_again() {
    let (node, folder) = (MockNode::new(), tempfile::tempdir().unwrap());
    *node.is_deaf.lock() = true;
    for _ in 0..3 {
        let mut proposer = node.proposer(folder.path());
        assert!(matches!(drive(proposer.step()), Err(AgentError::Source(SourceError::Unreachable(_)))));
    }
    assert_eq!(node.signed.lock().len(), 3);
    node.check_no_equivocation();
    // Another proposer's block comes first: the one that was signed is over.
    let other = node.world.propose(&signer(OTHER_PROPOSER), &[TRUE]);
    *node.is_deaf.lock() = false;
    let mut proposer = node.proposer(folder.path());
    let Step::Ordered(block) = drive(proposer.step()).unwrap() else { panic!("a block is due") };
    assert_eq!(block.number, other.header().number + 1);
    node.check_no_equivocation();
}

#[test]
fn when_the_block_that_came_first_is_invalidated_the_one_that_was_signed_is_offered() {
    let (node, folder) = (MockNode::new(), tempfile::tempdir().unwrap());
    *node.is_deaf.lock() = true;
    drive(node.proposer(folder.path()).step()).unwrap_err();
    let mine = node.signed.lock()[0].hash();
    node.world.propose(&signer(OTHER_PROPOSER), &[WRONG]);
    let mut challenger = node.world.challenger(10);
    for _ in 0..3 {
        drive(challenge_round(&mut challenger));
        node.world.test.mine();
    }
    assert_eq!(node.tip().0, 0, "the other's block fell");
    *node.is_deaf.lock() = false;
    let Step::Ordered(block) = drive(node.proposer(folder.path()).step()).unwrap() else {
        panic!("a block is due")
    };
    assert_eq!(block.hash, mine);
    node.check_no_equivocation();
}

#[test]
fn a_damaged_record_stops_it() {
    let (node, folder) = (MockNode::new(), tempfile::tempdir().unwrap());
    *node.is_deaf.lock() = true;
    drive(node.proposer(folder.path()).step()).unwrap_err();
    let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let record = files.into_iter().find(|path| path.extension().is_some()).unwrap();
    std::fs::write(record, b"not what was signed").unwrap();
    *node.is_deaf.lock() = false;
    let error = drive(node.proposer(folder.path()).step()).unwrap_err();
    assert!(matches!(error, AgentError::SignedBlocks(SignedBlocksError::Damaged { .. })), "{error}");
    assert_eq!(node.signed.lock().len(), 1);
}

#[test]
fn who_is_not_bonded_signs_nothing() {
    let (node, folder) = (MockNode::new(), tempfile::tempdir().unwrap());
    let world = &node.world;
    let blocks = SignedBlocks::open(folder.path()).unwrap();
    let (source, judge) = (world.execution.clone(), world.judge.clone());
    let config = ProposerConfig::new(CHAIN_ID);
    let start = Proposer::start(world.chain(), node.clone(), source, judge, signer(9), blocks, config);
    let error = drive(drive(start).unwrap().step()).unwrap_err();
    assert!(matches!(&error, AgentError::NotProposer(reason) if reason.contains("not admitted")), "{error}");
}
