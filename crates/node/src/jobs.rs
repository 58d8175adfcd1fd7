//! Open jobs and the workers that run them.

use ivm_coprocessor::Task;

use crate::{
    NodeError,
    producer::Producer,
    progress::{MAX_TRACKED_JOBS, OpenJobs, Stage},
    records::{self, JobPhase, JobRecord, OPEN_PREFIX, ProgramRecord},
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
    pub(crate) fn reload_jobs(&self) -> Result<(), NodeError> {
        *self.shared.open_jobs.lock() = OpenJobs::default();
        self.load_open_jobs()?;
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
