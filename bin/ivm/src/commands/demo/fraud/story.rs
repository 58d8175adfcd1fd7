//! The story, step by step.

use std::time::Instant;

use alloy_primitives::{Address, B256, Bytes, TxHash, U256};
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_sol_types::{SolCall, SolEvent};
use eyre::{Result, eyre};
use ivm_chain::{ChainEvent, Reorg};
use ivm_client::{Client, rpc_params};
use ivm_contracts::{ChallengeKind, JOB_MANAGER_ADDRESS, JobManager, PrizeConsumer};
use ivm_engine::testing::{elf, jal, load};
use ivm_node::{LieMode, Node};
use ivm_primitives::{Outcome, outcome::OutcomeStatus};
use ivm_rpc::{JobInfo, JobOutcome, JobOutcomeStatus, JobState, SettlementInfo};
use ivm_settlement::SettlementEvent;
use tokio::sync::broadcast;

use super::{
    report::{Balance, Head, Report, StoppedBy},
    short, wait_for,
    watch::Watch,
};
use crate::bundled;

/// Cycles the draw pays for.
const MAX_CYCLES: u64 = 100_000;

/// Cycles of a draw that needs more.
const TOO_FEW_CYCLES: u64 = 100;

/// Gas of the callback, fixed in the contract.
const CALLBACK_GAS: u64 = 100_000;

/// What the honest user sends: an ether.
const SENT_WEI: u64 = 1_000_000_000_000_000_000;

/// Whom the honest user sends it to.
const FRIEND: Address = Address::repeat_byte(0xf1);

/// The parts of the story.
pub(super) struct Story<'a> {
    pub(super) node: &'a Node,
    pub(super) mode: LieMode,
    pub(super) quiet: bool,
    /// Who holds the draw.
    pub(super) house: Client,
    /// Who wins it.
    pub(super) alice: Client,
    /// Who sends money meanwhile.
    pub(super) bob: Client,
}

/// A draw that was asked for.
struct Draw {
    prize: Address,
    job_id: B256,
    /// The transaction that the draw was made in, when it was made in one.
    transaction: Option<TxHash>,
}

/// A lie in the chain.
struct Lie {
    head: Head,
    /// What it claims.
    outcome: JobOutcome,
    /// Who gets points by it.
    winner: Address,
}

impl Story<'_> {
    fn say(&self, step: &str, what: std::fmt::Arguments<'_>) {
        if !self.quiet {
            println!("{step:<12}  {what}");
        }
    }

    /// Tells it.
    pub(super) async fn tell(&self) -> Result<Report> {
        self.say(
            "two chains",
            format_args!(
                "execution at http://{}, settlement at http://{}; the first proposer will lie once: {}",
                self.node.rpc_address(),
                self.node.settlement_rpc_address(),
                self.mode
            ),
        );
        let mut events = self.node.chain().subscribe();
        let mut watch = Watch::new(self.node);
        let draw = self.draw().await?;
        if self.mode.is_false_claim() {
            self.arbitration(&draw, &mut watch, &mut events).await
        } else if self.mode == LieMode::Equivocation {
            self.evidence(&draw, &mut watch).await
        } else {
            self.refusal(&draw).await
        }
    }

    /// A program, a contract, and a request.
    async fn draw(&self) -> Result<Draw> {
        let (name, program) = match self.mode {
            LieMode::NeverEnds => ("one that never ends", elf(&[jal(0, 0)])),
            LieMode::Traps => ("one that traps", elf(&[load(2, 5, 0, 1)])),
            _ => ("echo", bundled::ECHO.elf.to_vec()),
        };
        let program = self.house.submit_program(&program).await?;
        let prize = self.house.deploy(&PrizeConsumer::BYTECODE).await?;
        let max_cycles = if self.mode == LieMode::OverLimit { TOO_FEW_CYCLES } else { MAX_CYCLES };
        let quote = JobManager::quoteCall { maxCycles: max_cycles, callbackGasLimit: CALLBACK_GAS };
        let fee = self.house.call(JOB_MANAGER_ADDRESS, quote).await?;
        let draw = PrizeConsumer::drawCall {
            programId: program.program_id,
            input: Bytes::copy_from_slice(self.alice.address().as_slice()),
            maxCycles: max_cycles,
        };
        let (job_id, receipt) = match self.mode {
            LieMode::SyncOutput => {
                let PrizeConsumer::drawCall { programId, input, maxCycles } = draw;
                let draw = PrizeConsumer::drawNowCall { programId, input, maxCycles };
                let receipt = self.house.transact(prize.into(), draw.abi_encode(), U256::ZERO).await?;
                (executed_in(&receipt)?, receipt)
            }
            _ => self.house.request_job(prize, draw.abi_encode(), fee).await?,
        };
        self.say(
            "request",
            format_args!(
                "block {}: a draw {} a program ({name}) who wins; the truth is {}",
                receipt.block_number.unwrap_or_default(),
                if self.mode == LieMode::SyncOutput { "runs, in its transaction," } else { "asks" },
                match self.mode {
                    LieMode::NeverEnds | LieMode::Traps | LieMode::OverLimit => "that nobody can say".into(),
                    _ => format!("Alice, {}", self.alice.address()),
                }
            ),
        );
        let transaction = (self.mode == LieMode::SyncOutput).then_some(receipt.transaction_hash);
        Ok(Draw { prize, job_id, transaction })
    }

    /// A false claim is ordered, challenged, decided and undone.
    async fn arbitration(
        &self,
        draw: &Draw,
        watch: &mut Watch,
        events: &mut broadcast::Receiver<ChainEvent>,
    ) -> Result<Report> {
        let lie = self.lie(draw).await?;
        let ordered = watch.ordered(lie.head.hash).await?;
        let points_before = self.points(draw, lie.winner).await?;
        self.say(
            "the lie",
            format_args!(
                "block {}: ordered and followed; the prize of {points_before} points is with {}",
                lie.head.number, lie.winner
            ),
        );
        let sent = self.bob.send(FRIEND.into(), Vec::new(), U256::from(SENT_WEI), 21_000).await?;
        let sent_block = self.bob.receipt(sent).await?.block_number.unwrap_or_default();
        let wei_before = self.wei(FRIEND).await?;
        self.say(
            "meanwhile",
            format_args!("block {sent_block}: Bob sends a friend one ether, on top of the lie"),
        );

        let challenge = |event: &SettlementEvent| match event {
            SettlementEvent::ClaimChallenged(event) if event.blockHash == lie.head.hash => {
                Some(event.clone())
            }
            _ => None,
        };
        let (challenge, challenged) = watch.wait("challenge", challenge).await?;
        let kind = match ChallengeKind::from_byte(challenge.kind) {
            Some(ChallengeKind::Refute) => "refute",
            Some(ChallengeKind::Demand) => "demand",
            None => return Err(eyre!("challenge of kind {}", challenge.kind)),
        };
        self.say(
            "challenge",
            format_args!(
                "settlement block {}: {} puts up a bond to {kind} the claim; {} until settlement block {}",
                challenged.block_number,
                challenge.challenger,
                if kind == "refute" {
                    "it has to prove another outcome"
                } else {
                    "the proposer has to prove it"
                },
                challenge.deadlineBlock
            ),
        );
        let decided = |event: &SettlementEvent| match event {
            SettlementEvent::BlockInvalidated(event) if event.hash == lie.head.hash => Some(()),
            _ => None,
        };
        let ((), verdict) = watch.wait("verdict", decided).await?;
        let waited = verdict.at.duration_since(challenged.at);
        let prove_seconds = (kind == "refute").then_some(waited.as_secs_f64());
        let slash = |event: &SettlementEvent| match event {
            SettlementEvent::ProposerSlashed(event) => Some(event.clone()),
            _ => None,
        };
        let (slash, _) = watch.wait("slash", slash).await?;
        self.say(
            "verdict",
            format_args!(
                "settlement block {}, {:.1} s later: {}",
                verdict.block_number,
                waited.as_secs_f64(),
                if kind == "refute" {
                    "a proof shows another outcome"
                } else {
                    "nobody could prove the claim"
                }
            ),
        );
        self.say(
            "slash",
            format_args!(
                "the proposer loses {} ether: {} to the challenger, {} to the prover, {} burned",
                ether(slash.bondWei),
                ether(slash.challengerWei),
                ether(slash.proverWei),
                ether(slash.burnedWei)
            ),
        );
        let reorg = reorg_of(events, lie.head.hash).await?;
        let old_head = reorg.removed.first().map(|block| head(&block.block));
        let new_head = head(&self.node.chain().head().block);
        self.say(
            "reorg",
            format_args!(
                "{} blocks leave the chain, from block {} on; it goes on from there",
                reorg.removed.len(),
                lie.head.number
            ),
        );
        let job = self.truth(draw, &lie.outcome).await?;
        self.bob.receipt(sent).await?;
        let points = self.points(draw, lie.winner).await?;
        let wei = self.wei(FRIEND).await?;
        self.say_end(draw, &job, &lie).await?;
        Ok(Report {
            mode: self.mode.name(),
            stopped_by: StoppedBy::Arbitration,
            challenge_kind: Some(kind),
            fraudulent_block: lie.head.number,
            detected_after_ms: Some(milliseconds(challenged.at.duration_since(ordered.at))),
            prove_seconds,
            verdict_block: Some(verdict.block_number),
            slashed_wei: Some(slash.bondWei),
            challenger_reward_wei: Some(slash.challengerWei),
            burned_wei: Some(slash.burnedWei),
            reorg_depth: reorg.removed.len() as u64,
            old_head,
            new_head,
            refusal: None,
            false_outcome: Some(lie.outcome),
            final_outcome: job.outcome,
            built_on_the_lie: Some(Balance { account: lie.winner, before: points_before, after: points }),
            kept: Some(Balance { account: FRIEND, before: wei_before, after: wei }),
        })
    }

    /// Two signed headers for one height: who signed them is slashed.
    async fn evidence(&self, draw: &Draw, watch: &mut Watch) -> Result<Report> {
        let job = self.house.job(draw.job_id, |job| job.result_block.is_some()).await?;
        let number = job.result_block.unwrap_or_default();
        self.say(
            "the lie",
            format_args!("block {number}: its proposer signed a second header for that height"),
        );
        let block_hash = self.hash_at(number).await?;
        let ordered = watch.ordered(block_hash).await?;
        let report = |event: &SettlementEvent| match event {
            SettlementEvent::EquivocationReported(event) => Some(event.clone()),
            _ => None,
        };
        let (report, reported) = watch.wait("report of the equivocation", report).await?;
        let slash = |event: &SettlementEvent| match event {
            SettlementEvent::ProposerSlashed(event) => Some(event.clone()),
            _ => None,
        };
        let (slash, _) = watch.wait("slash", slash).await?;
        self.say(
            "evidence",
            format_args!(
                "settlement block {}: {} shows {} and {}; the proposer loses {} ether, {} of it burned",
                reported.block_number,
                report.reporter,
                short(report.hashA),
                short(report.hashB),
                ether(slash.bondWei),
                ether(slash.burnedWei)
            ),
        );
        let new_head = self.next_head().await?;
        self.say("goes on", format_args!("the second proposer builds block {}", new_head.number));
        Ok(Report {
            stopped_by: StoppedBy::Evidence,
            detected_after_ms: Some(milliseconds(reported.at.duration_since(ordered.at))),
            verdict_block: Some(reported.block_number),
            slashed_wei: Some(slash.bondWei),
            challenger_reward_wei: Some(slash.bondWei - slash.burnedWei),
            burned_wei: Some(slash.burnedWei),
            ..self.without_challenge(number, new_head, job.outcome)
        })
    }

    /// A block that validators refuse.
    async fn refusal(&self, draw: &Draw) -> Result<Report> {
        let started = Instant::now();
        let refused = wait_for("refusal", async || {
            let info: SettlementInfo = self.house.request("ivm_settlementInfo", rpc_params![]).await?;
            Ok(info.refused.into_iter().next())
        })
        .await?;
        let detected_after = started.elapsed();
        self.say(
            "the lie",
            format_args!("block {} is proposed with a lie in it: {}", refused.number, self.mode),
        );
        self.say("refused", format_args!("validators will not have it ordered: {}", refused.reason));
        let job = match self.mode {
            LieMode::OverLimit => self.house.job(draw.job_id, |job| job.state == JobState::NoOutcome).await?,
            _ => self.house.job(draw.job_id, |job| job.result_block.is_some()).await?,
        };
        let new_head = self.next_head().await?;
        let points = self.points(draw, self.alice.address()).await?;
        self.say(
            "goes on",
            format_args!("block {} follows without it; Alice has {points} points", new_head.number),
        );
        Ok(Report {
            detected_after_ms: Some(milliseconds(detected_after)),
            refusal: Some(refused.reason),
            ..self.without_challenge(refused.number, new_head, job.outcome)
        })
    }

    fn without_challenge(&self, block: u64, new_head: Head, outcome: Option<JobOutcome>) -> Report {
        Report {
            mode: self.mode.name(),
            stopped_by: StoppedBy::Validators,
            challenge_kind: None,
            fraudulent_block: block,
            detected_after_ms: None,
            prove_seconds: None,
            verdict_block: None,
            slashed_wei: None,
            challenger_reward_wei: None,
            burned_wei: None,
            reorg_depth: 0,
            old_head: None,
            new_head,
            refusal: None,
            false_outcome: None,
            final_outcome: outcome,
            built_on_the_lie: None,
            kept: None,
        }
    }

    /// The false result, once it is in the chain.
    async fn lie(&self, draw: &Draw) -> Result<Lie> {
        let job = self.house.job(draw.job_id, |job| job.result_block.is_some()).await?;
        let number = job.result_block.unwrap_or_default();
        let hash = self.hash_at(number).await?;
        let outcome = job.outcome.ok_or_else(|| eyre!("the result has no outcome"))?;
        let winner = match outcome.status {
            JobOutcomeStatus::Panicked => self.house.address(),
            JobOutcomeStatus::Success => Address::try_from(outcome.data.as_ref())?,
        };
        Ok(Lie { head: Head { number, hash }, outcome, winner })
    }

    /// The job, once the chain has the truth about it.
    async fn truth(&self, draw: &Draw, lie: &JobOutcome) -> Result<JobInfo> {
        let wanted = |job: &JobInfo| match self.mode {
            LieMode::NeverEnds | LieMode::Traps => job.state == JobState::NoOutcome,
            _ => {
                job.result_block.is_some()
                    && job.outcome.as_ref().is_some_and(|outcome| outcome.hash != lie.hash)
            }
        };
        let job = match draw.transaction {
            None => self.house.job(draw.job_id, wanted).await?,
            // The transaction is in the chain again, in another block: its run is another job.
            Some(hash) => {
                wait_for("true result", async || {
                    let receipt = self.house.receipt(hash).await?;
                    let job = self.house.find_job(executed_in(&receipt)?).await?;
                    Ok(job.filter(wanted))
                })
                .await?
            }
        };
        let truth =
            Outcome::new(OutcomeStatus::Success, Bytes::copy_from_slice(self.alice.address().as_slice()));
        if let Some(outcome) = &job.outcome
            && outcome.hash != truth.hash()
        {
            return Err(eyre!("the chain ends with outcome {}, expected {}", outcome.hash, truth.hash()));
        }
        Ok(job)
    }

    async fn say_end(&self, draw: &Draw, job: &JobInfo, lie: &Lie) -> Result<()> {
        match job.result_block {
            Some(number) => self.say(
                "the truth",
                format_args!(
                    "block {number}: the second proposer posts it; Alice has {} points, {} has {}",
                    self.points(draw, self.alice.address()).await?,
                    lie.winner,
                    self.points(draw, lie.winner).await?
                ),
            ),
            None => self.say(
                "the truth",
                format_args!(
                    "the draw has no outcome and will expire; {} has {} points",
                    lie.winner,
                    self.points(draw, lie.winner).await?
                ),
            ),
        }
        self.say(
            "kept",
            format_args!("Bob's ether is with his friend again: {} ether", ether(self.wei(FRIEND).await?)),
        );
        Ok(())
    }

    async fn points(&self, draw: &Draw, account: Address) -> Result<U256> {
        Ok(self.house.call(draw.prize, PrizeConsumer::balanceOfCall { account }).await?)
    }

    async fn wei(&self, account: Address) -> Result<U256> {
        Ok(self.house.request("eth_getBalance", rpc_params![account, "latest"]).await?)
    }

    async fn hash_at(&self, number: u64) -> Result<B256> {
        let block = self.node.chain().block_by_number(number)?;
        Ok(block.ok_or_else(|| eyre!("block {number} is not there any more"))?.hash())
    }

    /// The head after this one.
    async fn next_head(&self) -> Result<Head> {
        let now = self.node.chain().head().block.number();
        wait_for("further block", async || {
            let next = head(&self.node.chain().head().block);
            Ok((next.number > now).then_some(next))
        })
        .await
    }
}

/// The job that a transaction ran.
fn executed_in(receipt: &TransactionReceipt) -> Result<B256> {
    let executed = receipt.logs().iter().find_map(|log| JobManager::JobExecuted::decode_log(&log.inner).ok());
    Ok(executed.ok_or_else(|| eyre!("transaction {} ran no job", receipt.transaction_hash))?.jobId)
}

fn head(block: &ivm_chain::SealedBlock) -> Head {
    Head { number: block.number(), hash: block.hash() }
}

/// The reorg that removes a block.
async fn reorg_of(events: &mut broadcast::Receiver<ChainEvent>, hash: B256) -> Result<std::sync::Arc<Reorg>> {
    loop {
        match events.recv().await {
            Ok(ChainEvent::Reorg(reorg)) if reorg.removed.iter().any(|block| block.block.hash() == hash) => {
                return Ok(reorg);
            }
            Ok(_) => {}
            Err(error) => return Err(eyre!("the chain's events were lost: {error}")),
        }
    }
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Whole and thousandths.
fn ether(wei: U256) -> String {
    let thousandths: u128 = (wei / U256::from(10_u64.pow(15))).saturating_to();
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}
