//! Open jobs and the workers that run them.

use alloy_primitives::Address;
use ivm_contracts::{JobKind, JobNonce, RequestFault};
use ivm_coprocessor::Task;

use crate::{
    NodeError,
    producer::Producer,
    progress::{MAX_TRACKED_JOBS, Stage},
    records::{self, JobPhase, JobRecord, OPEN_PREFIX, ProgramRecord},
    signed::{self, Admission, MAX_SIGNED_JOBS, SIGNED_PREFIX, SignedJob},
};

impl Producer {
    /// Takes open jobs from the records into memory: at the start, and when those that had no room then have it.
    pub(crate) fn load_open_jobs(&self) -> Result<(), NodeError> {
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

    /// Takes requests from the records that waited for a block when the node stopped.
    pub(crate) fn load_signed(&self) -> Result<(), NodeError> {
        let kept = self.shared.chain.extra_scan(SIGNED_PREFIX, MAX_SIGNED_JOBS)?;
        let signed =
            kept.iter().map(|(key, value)| SignedJob::read(key, value)).collect::<Result<Vec<_>, _>>()?;
        self.take_signed(signed);
        Ok(())
    }

    /// Takes requests that the node had taken before: what no longer can be posted is given up.
    fn take_signed(&self, signed: Vec<SignedJob>) {
        let chain = &self.shared.chain;
        let admission = Admission::new(chain);
        for job in signed {
            let job_id = job.job_id(chain.config().chain_id);
            let (fault, funds) = match (admission.fault(&job), admission.funds(&job)) {
                (Ok(fault), Ok(funds)) => (fault, funds),
                (Err(error), _) | (_, Err(error)) => {
                    tracing::error!(target: "job", "request {job_id} is given up: {error}");
                    continue;
                }
            };
            let mut writes = self.shared.writes.lock();
            if let Some(fault) = fault {
                tracing::info!(target: "job", "request {job_id} is given up: {}", fault);
                writes.push(signed::forget(job_id));
                drop(writes);
                let reason = format!("the contract would not take it any more: {fault}");
                self.shared.open_jobs.lock().signed.remember_refused(job_id, job, reason);
                self.shared.tell(job_id);
                continue;
            }
            writes.push(job.write(job_id));
            drop(writes);
            let block = chain.head().block.number() + 1;
            if let Err(error) = self.shared.open_jobs.lock().insert_signed(job_id, job, funds.fee_wei, block)
            {
                tracing::warn!(target: "job", "request {job_id} is given up: {error}");
            }
        }
    }

    /// Gives up the requests that the contract passed over for good, and those that are too late for the next block.
    pub(crate) fn give_up_signed(&self, skipped: &[(Address, u64, RequestFault)], next_block: u64) {
        let chain_id = self.shared.chain.config().chain_id;
        let admission = Admission::new(&self.shared.chain);
        let mut open_jobs = self.shared.open_jobs.lock();
        let mut given_up = open_jobs.late_signed(next_block);
        for &(consumer, number, _) in skipped {
            for kind in [JobKind::Offchain, JobKind::OffchainOrdered] {
                let Some(nonce) = JobNonce::new(kind, number) else { continue };
                let job_id = ivm_contracts::job_id(chain_id, consumer, nonce.raw());
                // The log does not say which of the two it was, and the turn of an ordered one may come yet.
                let fault = open_jobs.signed.get(job_id).map(|job| admission.fault(job));
                if let Some(Ok(Some(fault))) = fault {
                    given_up.push((job_id, format!("the contract passed it over: {fault}")));
                }
            }
        }
        for (job_id, reason) in given_up {
            tracing::warn!(target: "job", "request {job_id} is given up: {reason}");
            open_jobs.refuse_signed(job_id, reason);
            self.shared.writes.lock().push(signed::forget(job_id));
            self.shared.tell(job_id);
        }
    }

    /// Gives waiting jobs to the workers, as many as the queue takes.
    pub(crate) fn dispatch(&self) {
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

    /// After blocks were left: what is in memory is what the records say. Jobs are run again, since one that is asked for
    /// once more may ask for something else.
    pub(crate) fn reload_jobs(&self, removed: Vec<SignedJob>) -> Result<(), NodeError> {
        let before = std::mem::take(&mut *self.shared.open_jobs.lock());
        self.load_open_jobs()?;
        // Those of the blocks removed came first.
        let waited = before.signed.in_order_of_coming();
        self.take_signed(removed.into_iter().chain(waited).collect());
        self.dispatch();
        Ok(())
    }
}

/// One readable line for each step of a job's life on chain.
pub(crate) fn log_step(job_id: alloy_primitives::B256, record: &JobRecord) {
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
