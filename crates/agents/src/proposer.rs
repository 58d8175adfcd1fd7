//! The proposer: holds the key, and signs what a node builds when it finds it right.
//!
//! For each block: take a *duty* of the node, sign its calls, have the block built, run its claims, keep the block, sign its
//! header and the settlement transaction, have it ordered. What was signed and not ordered is offered again as long as its
//! parent is the tip.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_consensus::{Block, Header, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::Decodable;
use alloy_signer_local::PrivateKeySigner;
use futures_util::{StreamExt, TryStreamExt, stream};
use ivm_contracts::{ProposerState, Settlement};
use ivm_rpc_types::{AssembleRequest, AssembledBlock, BlockDuty, BlockOffer, ProposerSession};
use ivm_settlement::{
    BlockRef, Claim, MAX_SESSION_BLOCKS, ReceiptedBlock, Session, SettlementChain, SignedHeader,
    header_domain,
};

use crate::assembled::{self, Fault};
use crate::bench::Bench;
use crate::challenger::PAUSE;
use crate::decide::{Decision, decide};
use crate::error::AgentError;
use crate::judge::Judge;
use crate::proposer_node::ProposerNode;
use crate::sender::Sender;
use crate::signed_blocks::{SignedBlock, SignedBlocks};
use crate::source::{ExecutionSource, JobInfo};

/// Settlement blocks that a session has left when it is made anew.
const SESSION_MARGIN_BLOCKS: u64 = MAX_SESSION_BLOCKS / 4;

/// Settlement blocks for which a session is made.
const SESSION_BLOCKS: u64 = MAX_SESSION_BLOCKS / 2;

/// Signed blocks kept at hand before those that were ordered are forgotten.
const KEPT_BLOCKS: usize = 64;

/// How a proposer works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposerConfig {
    /// Chain id of the execution chain.
    pub chain_id: u64,
    /// Most that what it posts in one block may cost, in wei of the execution chain.
    pub max_cost_wei: U256,
    /// Most runs at once.
    pub concurrent_runs: usize,
    /// Whether it posts the bond when it is admitted and has none.
    pub posts_bond: bool,
    /// Where what it may withdraw goes when it stops; `None` leaves it in the contract.
    pub withdraw_to: Option<Address>,
}

impl ProposerConfig {
    /// A proposer of this chain, with default limits.
    pub fn new(chain_id: u64) -> Self {
        let max_cost_wei = U256::from(1_000_000_000_000_000_000_u64);
        Self { chain_id, max_cost_wei, concurrent_runs: 2, posts_bond: false, withdraw_to: None }
    }
}

/// What came of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There was nothing to do for a while.
    Idle,
    /// The account has just posted its bond.
    Bonded,
    /// A block was ordered.
    Ordered(BlockRef),
}

/// Signs and proposes blocks.
#[derive(Debug)]
pub struct Proposer {
    sender: Sender,
    signer: PrivateKeySigner,
    node: Arc<dyn ProposerNode>,
    bench: Bench,
    config: ProposerConfig,
    job_manager: Address,
    blocks: SignedBlocks,
    session: Option<ProposerSession>,
}

impl Proposer {
    /// A proposer that goes on where its folder says it was.
    ///
    /// # Errors
    /// When the settlement chain does not answer.
    pub async fn start(
        chain: Arc<dyn SettlementChain>,
        node: Arc<dyn ProposerNode>,
        source: Arc<dyn ExecutionSource>,
        judge: Arc<dyn Judge>,
        signer: PrivateKeySigner,
        blocks: SignedBlocks,
        config: ProposerConfig,
    ) -> Result<Self, AgentError> {
        let job_manager = chain.read(Settlement::jobManagerCall {}).await?;
        Ok(Self {
            sender: Sender::new(chain, signer.clone()),
            signer,
            node,
            bench: Bench::new(source, judge),
            config,
            job_manager,
            blocks,
            session: None,
        })
    }

    /// The account it acts with.
    pub fn address(&self) -> Address {
        self.sender.address()
    }

    /// Works until `stop` is ready. What fails is tried again.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut told = None;
        loop {
            let stepped = tokio::select! {
                () = &mut stop => break,
                stepped = self.step() => stepped,
            };
            let Err(error) = stepped else {
                told = None;
                continue;
            };
            // One reason is told once.
            let reason = error.to_string();
            if told.as_ref() != Some(&reason) {
                match error {
                    AgentError::Fault(_) | AgentError::SignedBlocks(_) => {
                        tracing::error!("ALARM: proposer: {reason}; trying again");
                    }
                    _ => tracing::warn!("proposer: {reason}; trying again"),
                }
                told = Some(reason);
            }
            tokio::select! {
                () = &mut stop => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        if let Some(to) = self.config.withdraw_to
            && let Err(error) = self.sender.withdraw(to).await
        {
            tracing::warn!(%error, "proposer: what it may withdraw stays in the contract");
        }
    }

    /// Makes one block, or finds that there is nothing to do.
    ///
    /// # Errors
    /// [`AgentError`]; the next step tries again. Nothing is signed twice, wherever this one ended.
    pub async fn step(&mut self) -> Result<Step, AgentError> {
        if let Some(step) = self.join().await? {
            return Ok(step);
        }
        let tip = self.sender.chain.tip().await?;
        self.forget().await?;
        if let Some(signed) = self.blocks.on_parent(tip.hash)? {
            tracing::info!("block {} was signed and not ordered: offering it again", tip.number + 1);
            return self.offer(signed).await;
        }
        let session = self.session().await?;
        let Some(duty) = self.node.prepare_block(&session).await? else { return Ok(Step::Idle) };
        let tip = self.sender.chain.tip().await?;
        let calls = assembled::calls(&duty, tip, self.config.max_cost_wei)?;
        let posted = assembled::sign_calls(&duty, &calls, self.config.chain_id, &self.signer)?;
        let request = AssembleRequest {
            parent_hash: duty.parent_hash,
            timestamp: duty.timestamp,
            transactions: posted.iter().map(|transaction| transaction.encoded_2718().into()).collect(),
        };
        let built = self.node.assemble_block(&session, request).await?;
        let (block, shown) = assembled::read(&built, &duty, self.address())?;
        self.check_claims(&shown, &built).await?;
        let signed = self.sign(&block, built.block, &duty)?;
        self.offer(signed).await
    }

    /// Makes sure that the account may propose; posts its bond where that is all that is missing.
    async fn join(&mut self) -> Result<Option<Step>, AgentError> {
        let me = self.address();
        let info = self.sender.chain.proposer_info(me).await?;
        let reason = match ProposerState::from_byte(info.state) {
            Some(ProposerState::Active) => return Ok(None),
            Some(ProposerState::Allowed) if self.config.posts_bond => {
                let bond = self.sender.chain.parameters().await?.proposer_bond_wei;
                let head = self.sender.chain.block_number().await?;
                self.sender.send(B256::ZERO, U256::from(bond), Settlement::bondCall {}).await?;
                self.sender.chain.wait_for_block(head + 1).await?;
                return Ok(Some(Step::Bonded));
            }
            Some(ProposerState::Allowed) => {
                format!("{me} may propose once it has posted its bond: --post-bond")
            }
            Some(ProposerState::Exiting) => format!("{me} is leaving: it proposes no more"),
            Some(ProposerState::Jailed) => format!("{me} is jailed: its bond was slashed"),
            Some(ProposerState::None) | None => {
                format!("{me} is not admitted: the settlement contract's owner has to `allow` it")
            }
        };
        Err(AgentError::NotProposer(reason))
    }

    /// Forgets signed blocks of which nothing more can come.
    async fn forget(&mut self) -> Result<(), AgentError> {
        if self.blocks.blocks().count() < KEPT_BLOCKS {
            return Ok(());
        }
        let chain = &self.sender.chain;
        let finalized = chain.finalized_number().await?;
        let mut over = BTreeMap::new();
        for (number, hash) in self.blocks.blocks() {
            let is_over = number <= finalized || chain.canonical_hash(number).await? == Some(hash);
            over.insert(hash, is_over);
        }
        Ok(self.blocks.forget(|_, hash| over.get(&hash) == Some(&true))?)
    }

    /// The statement of who wants blocks, made anew before it is over.
    async fn session(&mut self) -> Result<ProposerSession, AgentError> {
        let chain = &self.sender.chain;
        let head = chain.block_number().await?;
        let soon = head.saturating_add(SESSION_MARGIN_BLOCKS);
        if let Some(session) = self.session.as_ref().filter(|session| session.until_block > soon) {
            return Ok(session.clone());
        }
        let domain = header_domain(chain.chain_id(), chain.contract());
        let until_block = head.saturating_add(SESSION_BLOCKS);
        let Session { proposer, until_block, signature } =
            Session::sign(self.address(), until_block, &domain, &self.signer)?;
        let session = ProposerSession { proposer, until_block, signature };
        self.session = Some(session.clone());
        Ok(session)
    }

    /// Runs every claim of the block. The bond answers for each.
    async fn check_claims(&self, shown: &ReceiptedBlock, built: &AssembledBlock) -> Result<(), AgentError> {
        let jobs: BTreeMap<B256, JobInfo> = built
            .jobs
            .iter()
            .map(|job| {
                let info = JobInfo {
                    program_id: job.program_id,
                    onchain_input_hash: job.onchain_input_hash,
                    offchain_input_hash: job.offchain_input_hash,
                };
                (job.job_id, info)
            })
            .collect();
        let new: BTreeMap<B256, B256> =
            built.programs.iter().map(|program| (program.program_id, program.elf_hash)).collect();
        let runs = shown.claims(self.job_manager).into_iter().map(|claim| {
            let job = jobs.get(&claim.job_id).copied();
            self.check_claim(claim, job, new.get(&claim.program_id).copied())
        });
        stream::iter(runs).buffer_unordered(self.config.concurrent_runs.max(1)).try_collect::<()>().await
    }

    async fn check_claim(
        &self,
        claim: Claim,
        job: Option<JobInfo>,
        elf_hash: Option<B256>,
    ) -> Result<(), AgentError> {
        let job_id = claim.job_id;
        let job = job.ok_or(Fault::UnknownJob(job_id))?;
        let cannot = |reason: String| AgentError::from(Fault::Claim { job_id, reason });
        let run = self.bench.run_unordered(claim, job, elf_hash).await;
        let run = run.map_err(|error| cannot(error.to_string()))?;
        match decide(&claim, &run) {
            Decision::Right => Ok(()),
            Decision::Refute { truth, .. } => {
                Err(cannot(format!("it says outcome {}, the run has {truth}", claim.outcome_hash)))
            }
            Decision::Demand(reason) | Decision::Alarm(reason) => Err(cannot(reason)),
        }
    }

    /// Signs a block's header, once it is kept.
    fn sign(
        &mut self,
        block: &Block<TxEnvelope>,
        encoded: Bytes,
        duty: &BlockDuty,
    ) -> Result<SignedBlock, AgentError> {
        tracing::debug!(number = duty.number, parent = %duty.parent_hash, "signing");
        let chain = &self.sender.chain;
        let domain = header_domain(chain.chain_id(), chain.contract());
        let header = SignedHeader::sign(block.header.clone(), &domain, &self.signer)?;
        let signed = SignedBlock { signature: header.signature_bytes(), block: encoded };
        self.blocks.keep(block, &signed)?;
        Ok(signed)
    }

    /// Has the node order a block that was signed.
    async fn offer(&self, signed: SignedBlock) -> Result<Step, AgentError> {
        let header = header_of(&signed)?;
        let transaction = self.sender.chain.propose_transaction(&self.signer, &header).await?;
        let offer = BlockOffer {
            block: signed.block,
            signature: signed.signature,
            transaction: transaction.encoded_2718().into(),
        };
        let ordered = self.node.propose_block(offer).await?;
        let block = BlockRef { number: header.number, hash: ordered.block_hash };
        tracing::info!(
            "block {} ({}): {} gas, ordered in settlement block {}",
            block.number,
            block.hash,
            header.gas_used,
            ordered.settlement_block
        );
        Ok(Step::Ordered(block))
    }
}

fn header_of(signed: &SignedBlock) -> Result<Header, AgentError> {
    let block = Block::<TxEnvelope>::decode(&mut &signed.block[..]);
    let block = block.map_err(|error| Fault::Malformed { what: "block", reason: error.to_string() })?;
    Ok(block.header)
}
