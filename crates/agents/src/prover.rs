//! The prover: proves what is disputed, the most urgent first, and if asked everything.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_signer_local::PrivateKeySigner;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use ivm_contracts::{ClaimState, Settlement};
use ivm_settlement::{Claim, ReceiptedBlock, SettlementChain};
use parking_lot::Mutex;

use crate::bench::{Bench, BenchError};
use crate::blocks::Blocks;
use crate::challenger::{PAUSE, progress_of, send_proof};
use crate::early::Early;
use crate::error::AgentError;
use crate::judge::{Judge, Run};
use crate::sender::Sender;
use crate::source::ExecutionSource;
use crate::watch::{Dispute, Watch};

/// Most blocks that one transaction makes final.
const FINALIZED_AT_ONCE: u64 = 50;

/// How a prover works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProverConfig {
    /// Settlement block from which on it looks for challenges: that of the contract's creation, or a later one before which
    /// all were closed.
    pub from_block: u64,
    /// Whether it proves claims that nobody disputes.
    pub prove_everything: bool,
    /// Most runs at once.
    pub concurrent_runs: usize,
    /// Most proofs at once.
    pub concurrent_proofs: usize,
    /// Time between settlement blocks, to tell which proofs cannot be in time.
    pub block_time: Duration,
    /// Whether it makes ripe blocks final.
    pub finalize: bool,
    /// Where its earnings go when it stops; `None` leaves them in the contract.
    pub withdraw_to: Option<Address>,
}

impl Default for ProverConfig {
    fn default() -> Self {
        Self {
            from_block: 0,
            prove_everything: false,
            concurrent_runs: 2,
            concurrent_proofs: 1,
            block_time: Duration::from_secs(1),
            finalize: true,
            withdraw_to: None,
        }
    }
}

#[derive(Debug)]
enum Stage {
    /// It is to be run, from this settlement block on.
    Waiting {
        from_block: u64,
    },
    Running,
    /// It has an outcome, whose proof is to be made from this settlement block on.
    Ran {
        truth: B256,
        cycles: u64,
        from_block: u64,
    },
    Proving {
        truth: B256,
        cycles: u64,
    },
    /// The proof is there.
    Ready {
        truth: B256,
        proof: Bytes,
    },
    /// There is nothing to prove, or no time for it.
    GivenUp,
}

#[derive(Debug)]
struct Case {
    claim: Claim,
    /// What shows it to the contract, where it is not known there.
    block: Option<Arc<ReceiptedBlock>>,
    /// Settlement block after which a proof is of no use; the last there is for claims that nobody disputes.
    deadline_block: u64,
    stage: Stage,
}

enum Done {
    Ran(B256, Result<Run, BenchError>),
    Proved(B256, Result<Bytes, BenchError>),
}

/// Proves what is disputed, and if asked everything.
pub struct Prover {
    sender: Sender,
    bench: Bench,
    config: ProverConfig,
    job_manager: Address,
    watch: Watch,
    blocks: Blocks,
    early: Early,
    cases: BTreeMap<B256, Case>,
    /// Never locked: it makes the whole shareable, as futures that are sent to other threads have to be.
    work: Mutex<FuturesUnordered<BoxFuture<'static, Done>>>,
}

impl fmt::Debug for Prover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prover").field("address", &self.sender.address()).finish_non_exhaustive()
    }
}

impl Prover {
    /// A prover that goes on where the settlement chain says it was.
    ///
    /// # Errors
    /// When the settlement chain does not answer.
    pub async fn start(
        chain: Arc<dyn SettlementChain>,
        source: Arc<dyn ExecutionSource>,
        judge: Arc<dyn Judge>,
        signer: PrivateKeySigner,
        config: ProverConfig,
    ) -> Result<Self, AgentError> {
        let job_manager = chain.read(Settlement::jobManagerCall {}).await?;
        let watch = Watch::start(chain.as_ref(), config.from_block).await?;
        Ok(Self {
            sender: Sender::new(chain, signer),
            bench: Bench::new(source, judge),
            config,
            job_manager,
            watch,
            blocks: Blocks::new(job_manager),
            early: Early::default(),
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
                tracing::warn!(%error, "prover: trying again");
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
            tracing::warn!(%error, "prover: its earnings stay in the contract");
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
        self.start_work();
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
        self.take_disputes();
        // What is disputed goes on when the execution node does not answer.
        let taken = if self.config.prove_everything { self.take_claims().await } else { Ok(()) };
        self.start_work();
        if !waiting {
            self.send_proofs().await?;
            self.finalize().await?;
        }
        taken?;
        if !waiting && self.config.finalize && self.config.prove_everything {
            self.finalize_proven().await?;
        }
        Ok(())
    }

    /// Makes a case of every claim that is disputed and open, and forgets what is over.
    fn take_disputes(&mut self) {
        let from_block = self.watch.head();
        let (watch, everything) = (&self.watch, self.config.prove_everything);
        let undecided =
            |dispute: &&Dispute| dispute.verdict.is_none() && watch.is_open(dispute.claim.block_hash);
        self.cases.retain(|id, case| match watch.disputes().get(id) {
            Some(dispute) => undecided(&dispute),
            None => everything && case.block.is_some() && watch.is_open(case.claim.block_hash),
        });
        for (id, dispute) in watch.disputes().iter().filter(|(_, dispute)| undecided(dispute)) {
            let deadline_block = dispute.deadline_block().unwrap_or(u64::MAX);
            let case = self.cases.entry(*id).or_insert_with(|| Case {
                claim: dispute.claim,
                block: None,
                deadline_block,
                stage: Stage::Waiting { from_block },
            });
            case.deadline_block = deadline_block;
        }
    }

    /// Makes a case of every claim of a new block.
    async fn take_claims(&mut self) -> Result<(), AgentError> {
        let from_block = self.watch.head();
        for shown in self.blocks.new_claims(&self.watch, self.bench.source.as_ref()).await? {
            let id = shown.claim.id();
            let info = self.sender.chain.claim_info(id).await?;
            if !is_undecided(info.state) {
                self.note_decided(shown.claim.block_hash, info.state);
                continue;
            }
            let case = self.cases.entry(id).or_insert_with(|| Case {
                claim: shown.claim,
                block: None,
                deadline_block: u64::MAX,
                stage: Stage::Waiting { from_block },
            });
            case.block = Some(shown.block);
        }
        Ok(())
    }

    /// Starts runs and proofs, those with the earliest deadlines first.
    fn start_work(&mut self) {
        let head = self.watch.head();
        let running = self.cases.values().filter(|case| matches!(case.stage, Stage::Running)).count();
        let proving = self.cases.values().filter(|case| matches!(case.stage, Stage::Proving { .. })).count();
        let mut runs = self.config.concurrent_runs.max(1).saturating_sub(running);
        let mut proofs = self.config.concurrent_proofs.max(1).saturating_sub(proving);
        let mut by_urgency: Vec<_> = self.cases.iter_mut().collect();
        by_urgency.sort_by_key(|(id, case)| (case.deadline_block, **id));
        for (id, case) in by_urgency {
            let (id, bench, claim) = (*id, self.bench.clone(), case.claim);
            match case.stage {
                Stage::Waiting { from_block } if from_block <= head && runs > 0 => {
                    runs -= 1;
                    case.stage = Stage::Running;
                    self.work.get_mut().push(Box::pin(async move { Done::Ran(id, bench.run(claim).await) }));
                }
                Stage::Ran { truth, cycles, from_block } if from_block <= head => {
                    if !is_in_time(&self.config, &self.bench, cycles, head, case.deadline_block) {
                        tracing::warn!(claim = %id, deadline = case.deadline_block, "no time is left for a proof");
                        case.stage = Stage::GivenUp;
                    } else if proofs > 0 {
                        proofs -= 1;
                        case.stage = Stage::Proving { truth, cycles };
                        let progress = progress_of(id);
                        let proving = async move {
                            Done::Proved(id, bench.prove(claim, truth, cycles, progress).await)
                        };
                        self.work.get_mut().push(Box::pin(proving));
                    }
                }
                _ => {}
            }
        }
    }

    fn note_run(&mut self, id: B256, result: Result<Run, BenchError>) {
        let from_block = self.watch.head();
        let Some(case) = self.cases.get_mut(&id) else { return };
        case.stage = match result {
            Ok(Run::Reveals { outcome_hash, cycles }) => {
                Stage::Ran { truth: outcome_hash, cycles, from_block }
            }
            Ok(other) => {
                tracing::info!(claim = %id, run = ?other, "there is nothing to prove");
                Stage::GivenUp
            }
            Err(error) => {
                tracing::warn!(claim = %id, %error, "a claim cannot be run yet");
                Stage::Waiting { from_block: from_block + 1 }
            }
        };
    }

    fn note_proof(&mut self, id: B256, result: Result<Bytes, BenchError>) {
        let from_block = self.watch.head() + 1;
        let Some(case) = self.cases.get_mut(&id) else { return };
        let Stage::Proving { truth, cycles } = case.stage else { return };
        case.stage = match result {
            Ok(proof) => Stage::Ready { truth, proof },
            Err(error) => {
                tracing::error!(claim = %id, %error, "a proof failed, trying again");
                Stage::Ran { truth, cycles, from_block }
            }
        };
    }

    async fn send_proofs(&mut self) -> Result<(), AgentError> {
        let mut decided = Vec::new();
        for (id, case) in &self.cases {
            let Stage::Ready { truth, proof } = &case.stage else { continue };
            let info = self.sender.chain.claim_info(*id).await?;
            let state = ClaimState::from_byte(info.state).filter(|_| is_undecided(info.state));
            let Some(state) = state else {
                decided.push((case.claim.block_hash, info.state));
                continue;
            };
            let Case { claim, block, .. } = case;
            let evidence = || block.as_ref()?.evidence(claim.transaction_index, claim.log_index).ok();
            send_proof(&self.sender, claim, state, evidence, *truth, proof.clone()).await?;
        }
        for (block_hash, state) in decided {
            self.note_decided(block_hash, state);
        }
        Ok(())
    }

    fn note_decided(&mut self, block_hash: B256, state: u8) {
        if ClaimState::from_byte(state) == Some(ClaimState::Confirmed) {
            self.early.note(block_hash);
        }
    }

    /// Makes a block final whose claims are proven. One in each settlement block: the contract takes them in turn.
    async fn finalize_proven(&mut self) -> Result<(), AgentError> {
        let (chain, source) = (self.sender.chain.as_ref(), self.bench.source.as_ref());
        let path = self.watch.fork_choice().path();
        if let Some(call) = self.early.call(&path, chain, source, self.job_manager).await? {
            self.sender.send(path[0].hash, U256::ZERO, call).await?;
        }
        Ok(())
    }

    /// Makes ripe blocks final, when nobody's proposal does.
    async fn finalize(&mut self) -> Result<(), AgentError> {
        if !self.config.finalize || self.watch.fork_choice().path().is_empty() {
            return Ok(());
        }
        let call = Settlement::finalizeCall { maxBlocks: U256::from(FINALIZED_AT_ONCE) };
        if !self.sender.chain.read(call.clone()).await?.is_zero() {
            self.sender.send(B256::ZERO, U256::ZERO, call).await?;
        }
        Ok(())
    }
}

fn is_undecided(state: u8) -> bool {
    matches!(ClaimState::from_byte(state), Some(ClaimState::Unknown | ClaimState::Challenged))
}

/// Whether a proof that is begun now is there in time, as far as can be told.
fn is_in_time(config: &ProverConfig, bench: &Bench, cycles: u64, head: u64, deadline_block: u64) -> bool {
    let blocks = match bench.judge.prove_estimate(cycles, Bench::proof_kind(cycles)) {
        Some(estimate) if !config.block_time.is_zero() => {
            u64::try_from(estimate.as_millis().div_ceil(config.block_time.as_millis().max(1)))
                .unwrap_or(u64::MAX)
        }
        _ => 0,
    };
    // It is in the block after the one at which it is there.
    head.saturating_add(blocks).saturating_add(1) <= deadline_block
}
