//! Block production: results and registrations first, then users' transactions; records in the same commit.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy_consensus::TxEnvelope;
use alloy_eips::BlockId;
use alloy_primitives::{B256, TxHash, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use ivm_chain::{BuildRequest, BuiltBlock, ChainEvent, ExtraWrite};
use ivm_contracts::{JOB_MANAGER_ADDRESS, JobManager, PROGRAM_REGISTRY_ADDRESS, ProgramRegistry};
use ivm_coprocessor::{Coprocessor, Task};
use ivm_primitives::ProgramId;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::{
    BlockMode, NodeError,
    delivery::batches,
    node::Shared,
    progress::{MAX_POST_ATTEMPTS, MAX_TRACKED_JOBS, Stage},
    proposer::Signing,
    records::{self, Changes, JobPhase, JobRecord, OPEN_PREFIX, ProgramRecord},
};

/// Part of a block's gas that what the proposer posts may take; the rest is the users'.
const LEADING_GAS_DIVISOR: u64 = 2;

/// Gas of one registration, with room to spare.
const REGISTRATION_GAS: u64 = 150_000;

/// Most registrations in one block.
const MAX_REGISTRATIONS_PER_BLOCK: usize = 8;

/// Most jobs closed for being past their deadline in one block.
const MAX_EXPIRIES_PER_BLOCK: usize = 16;

/// Gas of closing one job beside the consumer's hook, which may use as much as its callback.
const EXPIRY_GAS: u64 = 150_000;

/// How long production waits after a failure of the store before it tries again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// What block production is told to do.
pub(crate) enum Command {
    /// Make a block now, with this timestamp where one is given.
    Mine { timestamp: Option<u64>, reply: oneshot::Sender<Result<(), String>> },
    /// Move the clock of later blocks forward; replies by how much it is ahead.
    IncreaseTime { seconds: u64, reply: oneshot::Sender<Option<u64>> },
    /// End.
    Stop,
}

/// Programs admitted that no block registers yet.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    pub(crate) programs: BTreeMap<ProgramId, (B256, u64)>,
}

/// What a leading transaction is for.
enum Purpose {
    Results(Vec<B256>),
    Registration(ProgramId),
    Expiry(B256),
}

struct Leading {
    transactions: Vec<TxEnvelope>,
    purposes: BTreeMap<TxHash, Purpose>,
}

pub(crate) struct Producer {
    shared: Arc<Shared>,
    proposer: PrivateKeySigner,
    coprocessor: Coprocessor,
    /// How far the chain's clock is ahead of the system's.
    clock_ahead_seconds: u64,
}

impl Producer {
    /// A producer that knows what is open on chain.
    pub(crate) fn new(
        shared: Arc<Shared>,
        proposer: PrivateKeySigner,
        coprocessor: Coprocessor,
    ) -> Result<Self, NodeError> {
        let producer = Self { shared, proposer, coprocessor, clock_ahead_seconds: 0 };
        producer.load_open_jobs()?;
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
        loop {
            let command = tokio::select! {
                biased;
                command = commands.recv() => Some(command.unwrap_or(Command::Stop)),
                () = due(&mut ticker, &self.shared, &mut events) => None,
            };
            match command {
                Some(Command::Stop) => return Ok(()),
                Some(Command::Mine { timestamp, reply }) => {
                    let mined = tokio::task::block_in_place(|| self.produce(timestamp));
                    // Whoever asked may be gone.
                    let _ = reply.send(mined.map_err(|error| error.to_string()));
                }
                Some(Command::IncreaseTime { seconds, reply }) => {
                    let ahead = self.clock_ahead_seconds.checked_add(seconds);
                    self.clock_ahead_seconds = ahead.unwrap_or(self.clock_ahead_seconds);
                    let _ = reply.send(ahead);
                }
                None if mode == BlockMode::OnDemand && !self.has_work() => {}
                None => {
                    if let Err(error) = tokio::task::block_in_place(|| self.produce(None)) {
                        tracing::error!(target: "block", "no block could be made, trying again: {error}");
                        tokio::time::sleep(RETRY_DELAY).await;
                        self.shared.wake.notify_one();
                    }
                }
            }
        }
    }

    /// Whether a block made now would hold anything.
    fn has_work(&self) -> bool {
        let next = self.shared.chain.head().block.number() + 1;
        let (pending, _) = self.shared.chain.pool().status();
        let open_jobs = self.shared.open_jobs.lock();
        pending > 0
            || open_jobs.ready().next().is_some()
            || open_jobs.past_deadline(next).next().is_some()
            || !self.shared.registrations.lock().programs.is_empty()
    }

    /// Makes and commits one block.
    fn produce(&mut self, timestamp: Option<u64>) -> Result<(), NodeError> {
        let leading = self.leading()?;
        let request = BuildRequest {
            leading_transactions: leading.transactions,
            timestamp: timestamp.unwrap_or_else(|| self.now()),
            beneficiary: self.proposer.address(),
            prev_randao: keccak256(self.shared.chain.head().block.hash()),
            ..Default::default()
        };
        let built = self.shared.chain.build_block(request)?;
        for rejected in built.rejected_leading() {
            tracing::error!(target: "block", "transaction {} of the proposer was left out: {}", rejected.hash, rejected.reason);
        }
        let changes = records::changes(built.block(), built.receipts(), |job_id| {
            self.shared.record(&records::job_key(job_id))
        })?;
        for payload in &changes.payloads {
            self.shared.payloads.put(payload)?;
        }
        let failed = self.failed_leading(&built, leading.purposes);
        let taken: Vec<ExtraWrite> = std::mem::take(&mut *self.shared.writes.lock());
        let mut writes = changes.writes();
        writes.extend(taken.iter().cloned());
        if let Err(error) = self.shared.chain.commit(built, writes) {
            self.shared.writes.lock().splice(0..0, taken);
            return Err(error.into());
        }
        self.committed(changes, failed)
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
                if record.phase == JobPhase::Open {
                    open_jobs.insert(job_id, record);
                } else {
                    open_jobs.remove(job_id);
                }
            }
        }
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

    fn now(&self) -> u64 {
        let system = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        system.saturating_add(self.clock_ahead_seconds)
    }

    /// What the proposer posts in the next block.
    fn leading(&self) -> Result<Leading, NodeError> {
        let chain = &self.shared.chain;
        let next = chain.head().block.number() + 1;
        let nonce = chain
            .state_at(BlockId::latest())?
            .nonce(self.proposer.address())
            .map_err(ivm_chain::ChainError::from)?;
        let mut signing = Signing::new(&self.proposer, chain.config().chain_id, chain.next_base_fee(), nonce);
        let mut leading = Leading { transactions: Vec::new(), purposes: BTreeMap::new() };
        let mut gas_left = chain.config().block_gas_limit / LEADING_GAS_DIVISOR;

        for (program_id, (elf_hash, elf_size_bytes)) in
            self.shared.registrations.lock().programs.iter().take(MAX_REGISTRATIONS_PER_BLOCK)
        {
            let call = ProgramRegistry::registerProgramCall {
                programId: *program_id,
                hash: *elf_hash,
                elfSizeBytes: u32::try_from(*elf_size_bytes).unwrap_or(u32::MAX),
            };
            let transaction = signing.call(PROGRAM_REGISTRY_ADDRESS, call.abi_encode(), REGISTRATION_GAS)?;
            leading.push(transaction, Purpose::Registration(*program_id));
            gas_left = gas_left.saturating_sub(REGISTRATION_GAS);
        }
        let open_jobs = self.shared.open_jobs.lock();
        let in_time = open_jobs.ready().filter(|(_, record, ..)| record.deadline_block >= next);
        for batch in batches(in_time, gas_left) {
            let transaction = signing.call(JOB_MANAGER_ADDRESS, batch.calldata, batch.gas_limit)?;
            leading.push(transaction, Purpose::Results(batch.jobs));
            gas_left = gas_left.saturating_sub(batch.gas_limit);
        }
        for (job_id, record) in open_jobs.past_deadline(next).take(MAX_EXPIRIES_PER_BLOCK) {
            let gas = EXPIRY_GAS + record.callback_gas_limit + record.callback_gas_limit / 63;
            let Some(rest) = gas_left.checked_sub(gas) else { break };
            gas_left = rest;
            let call = JobManager::expireJobCall { job: record.to_job() };
            let transaction = signing.call(JOB_MANAGER_ADDRESS, call.abi_encode(), gas)?;
            leading.push(transaction, Purpose::Expiry(job_id));
        }
        Ok(leading)
    }

    /// Purposes of leading transactions that are in the block and failed.
    fn failed_leading(&self, built: &BuiltBlock, mut purposes: BTreeMap<TxHash, Purpose>) -> Vec<Purpose> {
        let mut failed = Vec::new();
        for (transaction, receipt) in built.block().transactions().iter().zip(built.receipts()) {
            let purpose = purposes.remove(transaction.inner().tx_hash());
            if !receipt.status()
                && let Some(purpose) = purpose
            {
                tracing::error!(target: "block", "transaction {} of the proposer reverted", transaction.inner().tx_hash());
                failed.push(purpose);
            }
        }
        failed
    }

    /// Takes open jobs from the records into memory: at the start, and when those that had no room then have it.
    fn load_open_jobs(&self) -> Result<(), NodeError> {
        let open = self.shared.chain.extra_scan(OPEN_PREFIX, MAX_TRACKED_JOBS)?;
        self.shared.open_jobs.lock().overflowed = open.len() == MAX_TRACKED_JOBS;
        for (key, _) in open {
            let Some(job_id) = records::job_of_open_key(&key) else { continue };
            if let Some(record) = self.shared.record::<JobRecord>(&records::job_key(job_id))? {
                self.shared.open_jobs.lock().insert(job_id, record);
            }
        }
        Ok(())
    }

    /// Gives waiting jobs to the workers, as many as the queue takes.
    fn dispatch(&self) {
        loop {
            let mut open_jobs = self.shared.open_jobs.lock();
            let Some((job_id, job)) = open_jobs.next_waiting() else { return };
            let record = job.record.clone();
            let program = self.shared.record::<ProgramRecord>(&records::program_key(record.program_id));
            let stage = match program {
                Ok(Some(program)) => {
                    let task = Task {
                        job_id,
                        program_id: record.program_id,
                        elf_hash: program.elf_hash,
                        onchain_input_hash: record.onchain_input_hash,
                        offchain_input_hash: record.offchain_input_hash,
                        max_cycles: record.max_cycles,
                    };
                    // The stage first: a worker may start at once.
                    open_jobs.set_stage(job_id, Stage::Queued);
                    if self.coprocessor.submit(task).is_err() {
                        open_jobs.set_stage(job_id, Stage::Waiting);
                        return;
                    }
                    continue;
                }
                Ok(None) => Stage::CannotRun(format!("program {} has no record", record.program_id)),
                Err(error) => Stage::CannotRun(error.to_string()),
            };
            open_jobs.set_stage(job_id, stage);
        }
    }
}

impl Leading {
    fn push(&mut self, transaction: TxEnvelope, purpose: Purpose) {
        self.purposes.insert(*transaction.tx_hash(), purpose);
        self.transactions.push(transaction);
    }
}

/// Waits until a block is due.
async fn due(
    ticker: &mut Option<tokio::time::Interval>,
    shared: &Shared,
    events: &mut broadcast::Receiver<ChainEvent>,
) {
    if let Some(ticker) = ticker {
        ticker.tick().await;
        return;
    }
    loop {
        tokio::select! {
            () = shared.wake.notified() => return,
            event = events.recv() => match event {
                // Own blocks say nothing new.
                Ok(ChainEvent::NewHead(_)) => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            },
        }
    }
}

/// One readable line for each step of a job's life on chain.
fn log_step(job_id: B256, record: &JobRecord) {
    match (record.phase, &record.result) {
        (JobPhase::Open, _) => tracing::info!(
            target: "job",
            "job {job_id} requested in block {} by {}: program {}, up to {} cycles, deadline block {}",
            record.requested_block, record.consumer, record.program_id, record.max_cycles, record.deadline_block
        ),
        (JobPhase::Delivered, Some(result)) => tracing::info!(
            target: "job", "job {job_id} delivered in block {}: callback ok, {} cycles billed", result.block, result.cycles
        ),
        (JobPhase::CallbackFailed, Some(result)) => tracing::warn!(
            target: "job",
            "job {job_id} recorded in block {}, but its callback failed: anyone can call retryDelivery", result.block
        ),
        (JobPhase::Cancelled, _) => tracing::info!(target: "job", "job {job_id} cancelled by its consumer"),
        (JobPhase::Expired, _) => {
            tracing::info!(target: "job", "job {job_id} expired at block {}: fee refunded", record.deadline_block)
        }
        (JobPhase::Delivered | JobPhase::CallbackFailed, None) => {
            tracing::info!(target: "job", "job {job_id} delivered")
        }
    }
}
