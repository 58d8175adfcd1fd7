//! The challenger: re-runs every claim, and challenges what is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use ivm_contracts::{BlockState, ChallengeKind, ChallengeState, ClaimState, ProposerState, Settlement};
use ivm_settlement::{
    Claim, Equivocation, SettlementChain, SettlementParameters, SignedHeader, challenge_id, header_domain,
};
use parking_lot::Mutex;

use crate::bench::{Bench, BenchError};
use crate::blocks::{Blocks, ShownClaim};
use crate::decide::{Decision, NextStep, Situation, decide, next_step};
use crate::error::AgentError;
use crate::judge::{Judge, ProgressSink, Run};
use crate::sender::Sender;
use crate::source::ExecutionSource;
use crate::watch::{OpenChallenge, Watch};

/// How many of the newest heights are looked at for two headers of one proposer.
const EQUIVOCATION_HEIGHTS: u64 = 16;
/// Blocks that the maker of a demand has for closing it, before others do.
const COURTESY_BLOCKS: u64 = 2;
/// Blocks after which a claim that could not be run is tried again.
const CANNOT_RUN_BLOCKS: u64 = 16;
/// How long is waited when the settlement chain does not answer.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// How a challenger works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengerConfig {
    /// Settlement block from which on it looks for challenges of its own: that of the contract's creation, or any later one
    /// before which it made none.
    pub from_block: u64,
    /// Most runs at once.
    pub concurrent_runs: usize,
    /// Where its earnings go when it stops; `None` leaves them in the contract.
    pub withdraw_to: Option<Address>,
}

impl Default for ChallengerConfig {
    fn default() -> Self {
        Self { from_block: 0, concurrent_runs: 2, withdraw_to: None }
    }
}

/// How far the work on a claim is.
#[derive(Debug)]
enum Stage {
    /// It is to be run, from this settlement block on.
    Waiting { from_block: u64 },
    /// It is being run.
    Running,
    /// It is false.
    False(Decision),
}

/// How far the proof of the truth is.
#[derive(Debug)]
enum ProofStage {
    /// None was begun, or one failed; it may be begun from this settlement block on.
    Waiting { from_block: u64 },
    /// It is being made.
    Proving,
    /// It is there: what the verifier takes.
    Ready(Bytes),
}

#[derive(Debug)]
struct Case {
    shown: ShownClaim,
    stage: Stage,
    proof: ProofStage,
}

enum Done {
    Ran(B256, Result<Run, BenchError>),
    Proved(B256, Result<Bytes, BenchError>),
}

/// Re-runs every claim of every open block, and challenges what is wrong.
pub struct Challenger {
    sender: Sender,
    bench: Bench,
    config: ChallengerConfig,
    parameters: SettlementParameters,
    watch: Watch,
    blocks: Blocks,
    cases: BTreeMap<B256, Case>,
    /// Never locked: it makes the whole shareable, as futures that are sent to other threads have to be.
    work: Mutex<FuturesUnordered<BoxFuture<'static, Done>>>,
}

impl fmt::Debug for Challenger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenger").field("address", &self.sender.address()).finish_non_exhaustive()
    }
}

impl Challenger {
    /// A challenger that goes on where the settlement chain says it was.
    ///
    /// # Errors
    /// When the settlement chain does not answer.
    pub async fn start(
        chain: Arc<dyn SettlementChain>,
        source: Arc<dyn ExecutionSource>,
        judge: Arc<dyn Judge>,
        signer: PrivateKeySigner,
        config: ChallengerConfig,
    ) -> Result<Self, AgentError> {
        let parameters = chain.parameters().await?;
        let job_manager = chain.read(Settlement::jobManagerCall {}).await?;
        let watch = Watch::start(chain.as_ref(), config.from_block).await?;
        Ok(Self {
            sender: Sender::new(chain, signer),
            bench: Bench::new(source, judge),
            config,
            parameters,
            watch,
            blocks: Blocks::new(job_manager),
            cases: BTreeMap::new(),
            work: Mutex::default(),
        })
    }

    /// The account it acts with.
    pub fn address(&self) -> Address {
        self.sender.address()
    }

    /// Works until `stop` is ready. What fails is tried again with the next settlement block.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let ticked = tokio::select! {
                () = &mut stop => break,
                ticked = self.tick() => ticked,
            };
            if let Err(error) = &ticked {
                tracing::warn!(%error, "challenger: trying again");
            }
            let chain = self.sender.chain.clone();
            let next = self.watch.head().saturating_add(1);
            tokio::select! {
                () = &mut stop => break,
                true = self.work() => {}
                waited = chain.wait_for_block(next) => {
                    if waited.is_err() || ticked.is_err() {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
        if let Some(to) = self.config.withdraw_to
            && let Err(error) = self.sender.withdraw(to).await
        {
            tracing::warn!(%error, "challenger: its earnings stay in the contract");
        }
    }

    /// Waits for the next run or proof to end, and takes note of it; `false` when nothing is under way. Nothing is lost when the
    /// future is dropped.
    pub async fn work(&mut self) -> bool {
        let Some(done) = self.work.get_mut().next().await else { return false };
        match done {
            Done::Ran(id, result) => self.note_run(id, result),
            Done::Proved(id, result) => self.note_proof(id, result),
        }
        true
    }

    /// Looks at the chains and does what is due.
    ///
    /// # Errors
    /// [`AgentError`] when a chain does not answer. What was not done is due again the next time.
    pub async fn tick(&mut self) -> Result<(), AgentError> {
        // Asked before the events are read: what is put into a block in between would else look undone.
        let waiting = self.sender.chain.has_pending(self.address()).await?;
        self.watch.update(self.sender.chain.as_ref()).await?;
        self.cases.retain(|_, case| self.watch.is_open(case.shown.claim.block_hash));
        // What is disputed goes on when the execution node does not answer.
        let taken = self.take_claims().await;
        self.start_runs();
        if !waiting {
            self.close_challenges().await?;
            self.challenge().await?;
        }
        taken?;
        if !waiting {
            self.report_equivocation().await?;
        }
        Ok(())
    }

    /// Makes a case of every claim of a new block.
    async fn take_claims(&mut self) -> Result<(), AgentError> {
        let from_block = self.watch.head();
        for shown in self.blocks.new_claims(&self.watch, self.bench.source.as_ref()).await? {
            let (stage, proof) = (Stage::Waiting { from_block }, ProofStage::Waiting { from_block });
            self.cases.insert(shown.claim.id(), Case { shown, stage, proof });
        }
        Ok(())
    }

    fn start_runs(&mut self) {
        let head = self.watch.head();
        let running = self.cases.values().filter(|case| matches!(case.stage, Stage::Running)).count();
        let free = self.config.concurrent_runs.max(1).saturating_sub(running);
        let waiting = self
            .cases
            .iter_mut()
            .filter(|(_, case)| matches!(case.stage, Stage::Waiting { from_block } if from_block <= head));
        for (id, case) in waiting.take(free) {
            case.stage = Stage::Running;
            let (id, bench, claim) = (*id, self.bench.clone(), case.shown.claim);
            self.work.get_mut().push(Box::pin(async move { Done::Ran(id, bench.run(claim).await) }));
        }
    }

    fn note_run(&mut self, id: B256, result: Result<Run, BenchError>) {
        let from_block = self.watch.head() + 1;
        let Some(case) = self.cases.get_mut(&id) else { return };
        let claim = &case.shown.claim;
        let run = match result {
            // It says nothing about the claim, and may be this machine's trouble of the moment.
            Ok(Run::Cannot(reason)) => {
                tracing::error!(claim = %id, block = %claim.block_hash, reason, "ALARM: a claim cannot be run here, trying again");
                case.stage = Stage::Waiting { from_block: from_block + CANNOT_RUN_BLOCKS };
                return;
            }
            Ok(run) => run,
            Err(error) => {
                tracing::warn!(claim = %id, %error, "a claim cannot be judged yet");
                case.stage = Stage::Waiting { from_block };
                return;
            }
        };
        match decide(claim, &run) {
            Decision::Right => {
                self.cases.remove(&id);
            }
            Decision::Alarm(reason) => {
                tracing::error!(claim = %id, block = %claim.block_hash, reason, "ALARM: a claim is wrong, or cannot be judged");
                self.cases.remove(&id);
            }
            decision => {
                tracing::warn!(claim = %id, block = %claim.block_hash, job = %claim.job_id, ?decision, "a claim is false");
                case.stage = Stage::False(decision);
            }
        }
        self.start_runs();
    }

    fn note_proof(&mut self, id: B256, result: Result<Bytes, BenchError>) {
        let from_block = self.watch.head() + 1;
        let Some(case) = self.cases.get_mut(&id) else { return };
        case.proof = match result {
            Ok(proof) => {
                tracing::info!(claim = %id, "the proof is there");
                ProofStage::Ready(proof)
            }
            Err(error) => {
                tracing::error!(claim = %id, %error, "the proof of the truth failed, trying again");
                ProofStage::Waiting { from_block }
            }
        };
    }

    /// Closes what is over: demands that lapsed, whoever made them, and challenges of its own.
    async fn close_challenges(&mut self) -> Result<(), AgentError> {
        let next = self.watch.head() + 1;
        let me = self.address();
        for (id, dispute) in self.watch.disputes() {
            let decided = dispute.verdict.is_some();
            let overdue = |challenge: &OpenChallenge| next > challenge.deadline_block;
            let concerns = |challenge: &&OpenChallenge| challenge.challenger == me || overdue(challenge);
            if !dispute.open.iter().any(|challenge| concerns(&challenge)) {
                continue;
            }
            let state = self.block_state(dispute.claim.block_hash).await?;
            for challenge in dispute.open.iter().filter(concerns) {
                let OpenChallenge { challenger, kind, deadline_block } = *challenge;
                let (key, byte) = (dispute.claim.key(), kind as u8);
                let mine = challenger == me;
                let mature = mine || next > deadline_block.saturating_add(COURTESY_BLOCKS);
                if decided || state == BlockState::Dropped {
                    if mine {
                        let call = Settlement::settleChallengeCall { key, challenger, kind: byte };
                        self.sender.send(*id, U256::ZERO, call).await?;
                    }
                } else if overdue(challenge)
                    && ((kind == ChallengeKind::Demand && mature) || (mine && state == BlockState::Final))
                {
                    let call = Settlement::expireCall { key, challenger, kind: byte };
                    self.sender.send(*id, U256::ZERO, call).await?;
                }
            }
        }
        Ok(())
    }

    /// Where a block is; the contract is asked about one that was forgotten.
    async fn block_state(&self, hash: B256) -> Result<BlockState, AgentError> {
        match self.watch.fork_choice().status(hash) {
            BlockState::Unknown => {
                let info = self.sender.chain.block_info(hash).await?;
                Ok(BlockState::from_byte(info.state).unwrap_or(BlockState::Unknown))
            }
            known => Ok(known),
        }
    }

    /// Challenges false claims, and proves the truth about them.
    async fn challenge(&mut self) -> Result<(), AgentError> {
        let ids: Vec<B256> = self.cases.keys().copied().collect();
        for id in ids {
            let Some(case) = self.cases.get(&id) else { continue };
            let Stage::False(decision) = &case.stage else { continue };
            let (decision, claim) = (decision.clone(), case.shown.claim);
            let situation = self.situation(&claim, &decision).await?;
            match next_step(&decision, &situation, &self.parameters) {
                NextStep::Nothing => {}
                NextStep::TooLate => {
                    tracing::error!(claim = %id, "ALARM: a false claim was found too late to challenge it");
                    self.cases.remove(&id);
                }
                NextStep::Challenge(kind) => {
                    self.send_challenge(id, kind).await?;
                    self.start_proof(id, &decision);
                }
                NextStep::Prove => {
                    self.start_proof(id, &decision);
                    self.send_proof(id, &decision, situation.claim).await?;
                }
            }
            if situation.claim == ClaimState::Confirmed {
                tracing::error!(claim = %id, "ALARM: a claim that is false by this node's run was proven: its zkVM is broken");
                self.cases.remove(&id);
            }
        }
        Ok(())
    }

    async fn situation(&self, claim: &Claim, decision: &Decision) -> Result<Situation, AgentError> {
        let chain = &self.sender.chain;
        let kind = match decision {
            Decision::Demand(_) => ChallengeKind::Demand,
            _ => ChallengeKind::Refute,
        };
        let id = claim.id();
        let block = chain.block_info(claim.block_hash).await?;
        let info = chain.claim_info(id).await?;
        let mine = chain.challenge_info(challenge_id(id, self.address(), kind)).await?;
        Ok(Situation {
            next_block: self.watch.head() + 1,
            block: BlockState::from_byte(block.state).unwrap_or(BlockState::Unknown),
            proposed_at_block: block.proposedAtBlock,
            claim: ClaimState::from_byte(info.state).unwrap_or(ClaimState::Unknown),
            mine: ChallengeState::from_byte(mine.state).unwrap_or(ChallengeState::None),
        })
    }

    async fn send_challenge(&self, id: B256, kind: ChallengeKind) -> Result<(), AgentError> {
        let Some(evidence) = self.evidence(id) else { return Ok(()) };
        let bond = match kind {
            ChallengeKind::Refute => self.parameters.refute_bond_wei,
            ChallengeKind::Demand => self.parameters.demand_bond_wei,
        };
        let call = Settlement::challengeCall { evidence, kind: kind as u8 };
        Ok(self.sender.send(id, U256::from(bond), call).await?)
    }

    fn evidence(&self, id: B256) -> Option<ivm_contracts::ISettlement::ClaimEvidence> {
        let ShownClaim { claim, block } = &self.cases.get(&id)?.shown;
        // The claim was read from this block, so it has it.
        block.evidence(claim.transaction_index, claim.log_index).ok()
    }

    fn start_proof(&mut self, id: B256, decision: &Decision) {
        let head = self.watch.head();
        let (Some(case), Decision::Refute { truth, cycles }) = (self.cases.get_mut(&id), decision) else {
            return;
        };
        if !matches!(case.proof, ProofStage::Waiting { from_block } if from_block <= head) {
            return;
        }
        case.proof = ProofStage::Proving;
        let (bench, claim, truth, cycles) = (self.bench.clone(), case.shown.claim, *truth, *cycles);
        let progress = progress_of(id);
        self.work.get_mut().push(Box::pin(async move {
            Done::Proved(id, bench.prove(claim, truth, cycles, progress).await)
        }));
    }

    async fn send_proof(&self, id: B256, decision: &Decision, state: ClaimState) -> Result<(), AgentError> {
        let (Some(case), Decision::Refute { truth, .. }) = (self.cases.get(&id), decision) else {
            return Ok(());
        };
        let ProofStage::Ready(proof) = &case.proof else { return Ok(()) };
        let claim = &case.shown.claim;
        Ok(send_proof(&self.sender, claim, state, || self.evidence(id), *truth, proof.clone()).await?)
    }

    /// Looks for two headers of one proposer on one parent, and reports them.
    async fn report_equivocation(&mut self) -> Result<(), AgentError> {
        let chain = self.sender.chain.clone();
        let domain = header_domain(chain.chain_id(), chain.contract());
        let newest = self.watch.fork_choice().tip().number + 1;
        for number in newest.saturating_sub(EQUIVOCATION_HEIGHTS)..=newest {
            let headers = self.bench.source.signed_headers(number).await?;
            let mut first: BTreeMap<(Address, B256), SignedHeader> = BTreeMap::new();
            let mut reported = BTreeSet::new();
            for header in headers.into_iter().filter(|header| header.header().number == number) {
                let Ok(signer) = header.signer(&domain) else { continue };
                let place = (signer, header.header().parent_hash);
                let Some(other) = first.get(&place) else {
                    first.insert(place, header);
                    continue;
                };
                let Some(equivocation) = Equivocation::of(other, &header, &domain) else { continue };
                if !reported.insert(signer) {
                    continue;
                }
                let state = ProposerState::from_byte(chain.proposer_info(signer).await?.state);
                if matches!(state, Some(ProposerState::Active | ProposerState::Exiting)) {
                    tracing::warn!(proposer = %signer, number, "a proposer signed two blocks on one parent");
                    self.sender.send(header.hash(), U256::ZERO, equivocation.report()).await?;
                }
            }
        }
        Ok(())
    }
}

/// Sends a proof of the truth about a claim, challenged or not.
pub(crate) async fn send_proof(
    sender: &Sender,
    claim: &Claim,
    state: ClaimState,
    evidence: impl FnOnce() -> Option<ivm_contracts::ISettlement::ClaimEvidence>,
    truth: B256,
    proof: Bytes,
) -> Result<(), ivm_settlement::SettlementError> {
    if state == ClaimState::Challenged {
        let (key, statement) = (claim.key(), claim.statement());
        let call = Settlement::proveCall { key, statement, outcomeHash: truth, proof };
        return sender.send(claim.id(), U256::ZERO, call).await;
    }
    let Some(evidence) = evidence() else { return Ok(()) };
    let call = Settlement::proveUnchallengedCall { evidence, outcomeHash: truth, proof };
    sender.send(claim.id(), U256::ZERO, call).await
}

/// Tells how far a proof has come.
pub(crate) fn progress_of(claim: B256) -> ProgressSink {
    Arc::new(move |progress| {
        let seconds_left = progress.time_left.map(|left| left.as_secs());
        tracing::info!(%claim, percent = progress.percent, seconds_left, "proving");
    })
}
