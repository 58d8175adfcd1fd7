//! Block production: propose, check, order, follow.
//!
//! One turn makes one settlement block, and with it at most one execution block:
//!
//! 1. *Follow* what is ordered ([`following`](crate::following)): verdicts may have moved the tip.
//! 2. *Propose* an execution block on it ([`proposing`](crate::proposing)). A node that does not follow the tip has nothing
//!    to build on, and proposes nothing.
//! 3. *Check* it as any validator would, unless this one is lazy. A block of this node's own honest proposer was checked
//!    when it was made: its claims are what this node's workers found.
//! 4. *Order* it: the settlement block, with the payload, is written durably. From now on it is the chain's.
//! 5. *Follow* it. A block that was just executed is committed as it is.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use ivm_chain::{ChainError, ChainEvent, CommittedBlock, Durability, ExtraWrite, Reorg, must_reopen};
use ivm_coprocessor::Coprocessor;
use ivm_rpc::{AssembleRequest, AssembledBlock, BlockDuty, BlockOffer, IvmError, OrderedBlock};
use ivm_settlement::FollowMode;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::{
    BlockMode, NodeError,
    byzantine::Liar,
    claims::ClaimsError,
    config::Diligence,
    following::dropped_registrations,
    jobs::log_step,
    node::Shared,
    offering::Offering,
    payload::Payload,
    progress::{MAX_POST_ATTEMPTS, Stage},
    proposing::{Executed, Proposal, Purpose},
    records::{self, Changes, JobPhase, ProgramRecord},
    refusals::Refusal,
    retention::PRUNE_INTERVAL_BLOCKS,
    settlement::{FORGET_BATCH, Order, Ordered, Tip, log_decisions},
    signed, told,
};

/// How long production waits after a failure of the store before it tries again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// How often a settlement block is made while a challenge is open, when blocks are made on demand: periods count blocks.
const CHALLENGE_BLOCK_TIME: Duration = Duration::from_secs(1);

/// What block production is told to do.
pub(crate) enum Command {
    /// Make a block now, with this timestamp where one is given.
    Mine { timestamp: Option<u64>, reply: oneshot::Sender<Result<(), String>> },
    /// Make a settlement block now, without an execution block.
    MineSettlement { reply: oneshot::Sender<Result<(), String>> },
    /// Give jobs that wait to the workers.
    Dispatch,
    /// Tell a proposer elsewhere what to sign, once a block is due.
    Prepare { proposer: Address, reply: oneshot::Sender<Result<BlockDuty, IvmError>> },
    /// Build a block for a proposer elsewhere.
    Assemble {
        proposer: Address,
        request: AssembleRequest,
        reply: oneshot::Sender<Result<AssembledBlock, IvmError>>,
    },
    /// Check and order the block of a proposer elsewhere.
    Propose { offer: BlockOffer, reply: oneshot::Sender<Result<OrderedBlock, IvmError>> },
    /// Move the clock of later blocks forward; replies by how much it is ahead.
    IncreaseTime { seconds: u64, reply: oneshot::Sender<Option<u64>> },
    /// End.
    Stop,
}

/// What became of a block that was to be ordered.
pub(crate) enum Outcome {
    /// This settlement block has it.
    Ordered { settlement_block: u64 },
    /// The settlement contract does not take it.
    NotOrdered { reason: String },
}

pub(crate) struct Producer {
    pub(crate) shared: Arc<Shared>,
    /// In order of preference: the first that may propose does.
    pub(crate) proposers: Vec<PrivateKeySigner>,
    /// Proposers elsewhere, who make blocks when none of the above may.
    pub(crate) offering: Offering,
    /// Who gets the tips of settlement blocks without a proposal.
    pub(crate) beneficiary: Address,
    pub(crate) coprocessor: Coprocessor,
    pub(crate) diligence: Diligence,
    pub(crate) liar: Option<Liar>,
    /// How far the chain's clock is ahead of the system's.
    pub(crate) clock_ahead_seconds: u64,
    /// Settlement block before which a challenge may be open.
    challenged_until: u64,
    /// Number of the newest final block whose payload is forgotten.
    forgotten: u64,
}

impl Producer {
    /// A producer that knows what is open on chain.
    pub(crate) fn new(
        shared: Arc<Shared>,
        proposers: Vec<PrivateKeySigner>,
        beneficiary: Address,
        coprocessor: Coprocessor,
        diligence: Diligence,
        liar: Option<Liar>,
    ) -> Result<Self, NodeError> {
        let followed = shared.follow()?;
        if let Some(reorg) = followed {
            tracing::info!(target: "settlement", "followed {} blocks that were ordered before", reorg.added.len());
        }
        // A challenge may have been open when the node stopped.
        let challenged_until = match shared.settlement.chain.head().block.number() {
            0 => 0,
            head => head + shared.settlement.prover_period_blocks()?,
        };
        // The last batch may not have been complete.
        let forgotten = shared.settlement.tip()?.finalized.saturating_sub(FORGET_BATCH);
        let producer = Self {
            shared,
            proposers,
            offering: Offering::default(),
            beneficiary,
            coprocessor,
            diligence,
            liar,
            clock_ahead_seconds: 0,
            challenged_until,
            forgotten,
        };
        producer.load_open_jobs()?;
        producer.load_signed()?;
        producer.shared.keep_programs()?;
        let open = producer.shared.open_jobs.lock().len();
        if open > 0 {
            tracing::info!(target: "job", "{open} jobs are open: running them again");
        }
        producer.dispatch();
        Ok(producer)
    }

    /// Makes blocks until told to stop.
    pub(crate) async fn run(
        mut self,
        mode: BlockMode,
        mut commands: mpsc::Receiver<Command>,
    ) -> Result<(), NodeError> {
        let mut ticker = match mode {
            BlockMode::Interval(time) => {
                let mut ticker = tokio::time::interval(time);
                ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                Some(ticker)
            }
            BlockMode::OnDemand => None,
        };
        let mut events = self.shared.chain.subscribe();
        let mut settlement_events = self.shared.settlement.chain.subscribe();
        loop {
            let command = tokio::select! {
                biased;
                command = commands.recv() => Some(command.unwrap_or(Command::Stop)),
                () = due(&mut ticker, &self.shared, &mut events, &mut settlement_events) => None,
                () = tokio::time::sleep(CHALLENGE_BLOCK_TIME), if ticker.is_none() && self.is_challenged() => None,
            };
            match command {
                Some(Command::Stop) => return Ok(()),
                Some(Command::Mine { timestamp, reply }) => {
                    let mined = tokio::task::block_in_place(|| self.turn(timestamp, true));
                    // Whoever asked may be gone.
                    let _ = reply.send(mined.map_err(|error| error.to_string()));
                }
                Some(Command::Dispatch) => self.dispatch(),
                Some(Command::Prepare { proposer, reply }) => self.enlist(proposer, reply),
                Some(Command::Assemble { proposer, request, reply }) => {
                    let _ = reply.send(tokio::task::block_in_place(|| self.assemble(proposer, request)));
                }
                Some(Command::Propose { offer, reply }) => {
                    let _ = reply.send(tokio::task::block_in_place(|| self.take_offer(&offer)));
                }
                Some(Command::MineSettlement { reply }) => {
                    let mined = tokio::task::block_in_place(|| self.turn(None, false));
                    let _ = reply.send(mined.map_err(|error| error.to_string()));
                }
                Some(Command::IncreaseTime { seconds, reply }) => {
                    let ahead = self.clock_ahead_seconds.checked_add(seconds);
                    self.clock_ahead_seconds = ahead.unwrap_or(self.clock_ahead_seconds);
                    let _ = reply.send(ahead);
                }
                None => {
                    let executes = mode != BlockMode::OnDemand || (self.has_work() && self.has_proposer());
                    if !executes && !self.has_settlement_work() {
                        continue;
                    }
                    if let Err(error) = tokio::task::block_in_place(|| self.turn(None, executes)) {
                        if must_reopen(&error) {
                            return Err(error);
                        }
                        tracing::error!(target: "block", "no block could be made, trying again: {error}");
                        tokio::time::sleep(RETRY_DELAY).await;
                        self.shared.wake.notify_one();
                    }
                }
            }
        }
    }

    /// Whether an execution block made now would hold anything.
    fn has_work(&self) -> bool {
        let next = self.shared.chain.head().block.number() + 1;
        let (pending, _) = self.shared.chain.pool().status();
        let open_jobs = self.shared.open_jobs.lock();
        pending > 0
            || open_jobs.ready().next().is_some()
            || open_jobs.ready_signed().next().is_some()
            || open_jobs.past_deadline(next).next().is_some()
            || !self.shared.registrations.lock().programs.is_empty()
    }

    /// Whether there is somebody to make an execution block now.
    fn has_proposer(&self) -> bool {
        !self.proposers.is_empty() || self.has_enlisted()
    }

    /// Whether a settlement block made now would hold anything, or end a period.
    fn has_settlement_work(&self) -> bool {
        self.shared.settlement.chain.pool().status().0 > 0 || self.is_challenged()
    }

    fn is_challenged(&self) -> bool {
        self.shared.settlement.chain.head().block.number() < self.challenged_until
    }

    /// Makes a settlement block, with an execution block when `executes`.
    fn turn(&mut self, timestamp: Option<u64>, executes: bool) -> Result<(), NodeError> {
        self.follow()?;
        let tip = self.shared.settlement.tip()?;
        let follows_tip = self.shared.chain.head().block.hash() == tip.hash;
        let started = Instant::now();
        let proposal = if executes && follows_tip { self.propose(timestamp)? } else { None };
        let proposing = started.elapsed();
        match proposal {
            Some(proposal) if !self.refuses(&proposal)? => {
                self.order(proposal, timestamp, &tip, proposing).map(|_| ())
            }
            // The block comes in a settlement block of its own, soon.
            None if executes && follows_tip && self.offer_duty(timestamp)? && !self.has_settlement_work() => {
                Ok(())
            }
            _ => self.order_nothing(timestamp, &tip),
        }
    }

    /// Does what a validator does before it votes for a block. A lazy one votes for anything.
    fn refuses(&self, proposal: &Proposal) -> Result<bool, NodeError> {
        if proposal.lie.is_none() || self.diligence == Diligence::Lazy {
            return Ok(false);
        }
        let reason = match &proposal.executed {
            Some(executed) => self.objection(executed)?,
            None => match self.shared.chain.verify(proposal.block.clone()) {
                Err(ChainError::InvalidBlock(error)) => Some(error.to_string()),
                Err(error) => return Err(error.into()),
                Ok(_) => None,
            },
        };
        let Some(reason) = reason else { return Ok(false) };
        let (block_hash, number) = (proposal.block_hash, proposal.block.header.number);
        self.shared.refuse(Refusal { block_hash, number, reason, ordered: false, receipts: None });
        Ok(true)
    }

    /// What running the block's jobs again has against it.
    pub(crate) fn objection(&self, executed: &Executed) -> Result<Option<String>, NodeError> {
        let read = |key: &[u8]| self.shared.chain.extra(key).map_err(NodeError::from);
        let built = &executed.built;
        match self.shared.checker.check(built.block(), built.receipts(), &executed.changes, &read) {
            Ok(()) => Ok(None),
            Err(ClaimsError::Wrong(objection)) => Ok(Some(objection.to_string())),
            Err(ClaimsError::Node(error)) => Err(error),
        }
    }

    fn order_nothing(&mut self, timestamp: Option<u64>, tip: &Tip) -> Result<(), NodeError> {
        let timestamp = timestamp.unwrap_or_default().max(self.now());
        let extra = self.forget_final(tip)?;
        let ordered = self.shared.settlement.order(None, timestamp, self.beneficiary, extra)?;
        if let Ordered::Yes(block) = ordered {
            self.after_settlement_block(&block);
        }
        self.follow()
    }

    /// Orders a block, and follows it.
    pub(crate) fn order(
        &mut self,
        proposal: Proposal,
        timestamp: Option<u64>,
        tip: &Tip,
        proposing: Duration,
    ) -> Result<Outcome, NodeError> {
        let Proposal { block, block_hash, payload, proposer, propose, executed, lie, told } = proposal;
        if let Some(executed) = &executed {
            self.shared.keep_payloads(&executed.changes)?;
        }
        let timestamp = timestamp.unwrap_or_default().max(self.now()).max(block.header.timestamp);
        let started = Instant::now();
        let extra = self.forget_final(tip)?;
        let order = Order { proposer, propose, block: &block, block_hash, payload, told: &told };
        let settlement_block = match self.shared.settlement.order(Some(&order), timestamp, proposer, extra)? {
            Ordered::Yes(ordered) => {
                self.after_settlement_block(&ordered);
                ordered.block.number()
            }
            Ordered::No { reason } => {
                tracing::warn!(target: "block", "block {} is not ordered: {reason}", block.header.number);
                self.follow()?;
                return Ok(Outcome::NotOrdered { reason });
            }
        };
        if let Some(mode) = lie {
            tracing::warn!(
                target: "settlement",
                "block {} ({block_hash}) was ordered with a lie in it: {mode}", block.header.number
            );
        }
        let tip = self.shared.settlement.tip()?;
        let trusted = lie.is_none_or(|mode| mode == crate::LieMode::Equivocation)
            || self.shared.follow_mode == FollowMode::Optimistic;
        let (ordering, started) = (started.elapsed(), Instant::now());
        match executed {
            Some(executed) if trusted && tip.hash == block_hash => self.commit(executed, &tip)?,
            _ => self.follow()?,
        }
        self.shared.timings.add(proposing, ordering, started.elapsed());
        Ok(Outcome::Ordered { settlement_block })
    }

    /// After a settlement block: what it decided is told.
    fn after_settlement_block(&mut self, block: &CommittedBlock) {
        if block.block.number().is_multiple_of(PRUNE_INTERVAL_BLOCKS)
            && let Err(error) = self.shared.prune_payloads()
        {
            tracing::error!(target: "da", "payloads that are over cannot be removed: {error}");
        }
        if log_decisions(block) {
            // Failing to read it means no more than a later block.
            let period = self.shared.settlement.prover_period_blocks().unwrap_or_default();
            self.challenged_until = block.block.number() + period + 1;
        }
    }

    /// Forgets payloads of blocks that are final, a batch at a time: the execution chain is made durable up to them before.
    fn forget_final(&mut self, tip: &Tip) -> Result<Vec<ExtraWrite>, NodeError> {
        if tip.finalized < self.forgotten + FORGET_BATCH {
            return Ok(Vec::new());
        }
        if self.shared.chain.head().block.number() < tip.finalized {
            return Ok(Vec::new());
        }
        self.shared.chain.sync()?;
        let mut writes = Vec::new();
        for number in self.forgotten + 1..=self.forgotten + FORGET_BATCH {
            let hash = self.shared.settlement.canonical_hash(number)?;
            writes.extend([Payload::forget(hash), told::forget(hash)]);
        }
        self.forgotten += FORGET_BATCH;
        Ok(writes)
    }

    /// Makes a block that was just executed and ordered the head.
    fn commit(&mut self, executed: Executed, tip: &Tip) -> Result<(), NodeError> {
        let Executed { built, changes, failed } = executed;
        let taken: Vec<ExtraWrite> = std::mem::take(&mut *self.shared.writes.lock());
        let mut writes = changes.writes();
        writes.extend(taken.iter().cloned());
        let settled = self.shared.settled(tip, built.block().number());
        // It is ordered durably: it can be executed again.
        if let Err(error) = self.shared.chain.commit_settled(built, writes, settled, Durability::Buffered) {
            self.shared.writes.lock().splice(0..0, taken);
            return Err(error.into());
        }
        self.committed(changes, failed)
    }

    /// Follows what is ordered, and brings what is in memory in step.
    pub(crate) fn follow(&mut self) -> Result<(), NodeError> {
        match self.shared.follow()? {
            Some(reorg) => self.after_reorg(&reorg),
            None => Ok(()),
        }
    }

    fn after_reorg(&mut self, reorg: &Reorg) -> Result<(), NodeError> {
        let head = self.shared.chain.head().block;
        if let Some(removed) = reorg.removed.first() {
            tracing::warn!(
                target: "settlement",
                "REORG: {} blocks left, {} added; the head was {} ({}) and is {} ({})",
                reorg.removed.len(),
                reorg.added.len(),
                removed.block.number(),
                removed.block.hash(),
                head.number(),
                head.hash()
            );
        }
        let is_registered = |program_id| {
            Ok(self.shared.record::<ProgramRecord>(&records::program_key(program_id))?.is_some())
        };
        let dropped = dropped_registrations(reorg, is_registered)?;
        self.shared.registrations.lock().programs.extend(dropped);
        self.reload_jobs(signed::removed_by(reorg))?;
        self.shared.tell_reorg(reorg);
        self.shared.committed.send_replace(head.number());
        Ok(())
    }

    /// After a commit: what is in memory follows.
    fn committed(&self, changes: Changes, failed: Vec<Purpose>) -> Result<(), NodeError> {
        let head = self.shared.chain.head();
        tracing::debug!(
            target: "block",
            "block {} {}: {} transactions, {} gas",
            head.block.number(),
            head.block.hash(),
            head.block.transactions().len(),
            head.block.header().gas_used
        );
        {
            let mut open_jobs = self.shared.open_jobs.lock();
            for purpose in failed {
                match purpose {
                    Purpose::Results(jobs) => {
                        for job_id in jobs {
                            if open_jobs.post_failed(job_id) == MAX_POST_ATTEMPTS {
                                tracing::error!(target: "job", "job {job_id}: its result failed {MAX_POST_ATTEMPTS} times and is given up");
                            }
                        }
                    }
                    Purpose::Registration(program_id) => {
                        self.shared.registrations.lock().programs.remove(&program_id);
                        tracing::error!(target: "job", "registration of program {program_id} failed");
                    }
                    Purpose::Expiry(job_id) => {
                        open_jobs.set_stage(job_id, Stage::CannotRun("it cannot be expired".into()));
                    }
                }
            }
            for (job_id, record) in changes.jobs {
                log_step(job_id, &record);
                self.shared.tell(job_id);
                if record.phase == JobPhase::Open {
                    open_jobs.insert(job_id, record);
                } else {
                    open_jobs.remove(job_id);
                }
            }
        }
        self.give_up_signed(&changes.skipped, head.block.number() + 1);
        for (program_id, record) in changes.programs {
            self.shared.registrations.lock().programs.remove(&program_id);
            tracing::info!(target: "job", "program {program_id} registered in block {}", record.registered_block);
        }
        if self.shared.open_jobs.lock().wants_refill() {
            self.load_open_jobs()?;
        }
        self.dispatch();
        self.shared.committed.send_replace(head.block.number());
        Ok(())
    }
}

/// Waits until a block is due.
async fn due(
    ticker: &mut Option<tokio::time::Interval>,
    shared: &Shared,
    events: &mut broadcast::Receiver<ChainEvent>,
    settlement_events: &mut broadcast::Receiver<ChainEvent>,
) {
    if let Some(ticker) = ticker {
        ticker.tick().await;
        return;
    }
    tokio::select! {
        () = shared.wake.notified() => {}
        () = pending_transaction(events) => {}
        () = pending_transaction(settlement_events) => {}
    }
}

/// Waits until something other than an own block happens.
async fn pending_transaction(events: &mut broadcast::Receiver<ChainEvent>) {
    loop {
        match events.recv().await {
            // Own blocks say nothing new.
            Ok(ChainEvent::NewHead(_)) => {}
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
