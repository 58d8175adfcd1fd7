//! Open jobs in memory: how far each has come since it was requested. Rebuilt from the records when a node starts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use alloy_primitives::{B256, U256};
use ivm_zkvm::{Execution, NoOutcome};

use crate::{
    records::{JobPhase, JobRecord},
    signed::{ReadySigned, SignedBook, SignedJob, TakeError},
};

/// Most open jobs held in memory; further ones wait in the records until there is room.
pub(crate) const MAX_TRACKED_JOBS: usize = 65_536;

/// Most bytes of outcomes that wait for a block; no further job is started while there are more.
const MAX_READY_SIZE_BYTES: usize = 256 * 1024 * 1024;

/// Times a result is posted before the node gives up on it.
pub(crate) const MAX_POST_ATTEMPTS: u32 = 5;

/// Signed requests come after the requests of the same block.
const SIGNED_INDEX_BASE: u64 = 1 << 32;

/// How far an open job has come.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// It was not given to a worker yet.
    Waiting,
    /// It waits for a worker.
    Queued,
    /// A worker runs it.
    Executing,
    /// It has an outcome that no block carries yet.
    Executed {
        /// The outcome.
        execution: Execution,
        /// Times it was in a transaction that failed.
        failed_posts: u32,
    },
    /// Its run has no provable outcome, for anyone. It will expire.
    NoOutcome(NoOutcome),
    /// This node cannot run it, which says nothing about its outcome. It is tried again after a restart.
    CannotRun(String),
    /// It waits for a payload.
    MissingPayload(B256),
}

/// An open job.
#[derive(Clone, Debug)]
pub(crate) struct OpenJob {
    pub(crate) record: JobRecord,
    pub(crate) stage: Stage,
}

/// Order of request.
type Order = (u64, u64, B256);

fn order(job_id: B256, record: &JobRecord) -> Order {
    (record.requested_block, record.request_index, job_id)
}

/// All open jobs, in order of request.
#[derive(Debug, Default)]
pub(crate) struct OpenJobs {
    jobs: BTreeMap<Order, OpenJob>,
    orders: HashMap<B256, Order>,
    waiting: BTreeSet<Order>,
    ready_bytes: usize,
    /// Requests that were signed: each is among the jobs too.
    pub(crate) signed: SignedBook,
    /// Whether the records hold open jobs that had no room here.
    pub(crate) overflowed: bool,
}

impl OpenJobs {
    /// Takes a job in, unless it is closed, known or there is no room.
    pub(crate) fn insert(&mut self, job_id: B256, record: JobRecord) {
        if record.phase != JobPhase::Open || self.orders.contains_key(&job_id) {
            return;
        }
        if self.jobs.len() >= MAX_TRACKED_JOBS {
            self.overflowed = true;
            return;
        }
        let order = order(job_id, &record);
        self.orders.insert(job_id, order);
        self.waiting.insert(order);
        self.jobs.insert(order, OpenJob { record, stage: Stage::Waiting });
    }

    /// Takes a signed request in, in place of one with the same id. `block` is the next one.
    pub(crate) fn insert_signed(
        &mut self,
        job_id: B256,
        job: SignedJob,
        fee_wei: U256,
        block: u64,
    ) -> Result<(), TakeError> {
        if self.jobs.len() >= MAX_TRACKED_JOBS {
            return Err(TakeError::Jobs { limit: MAX_TRACKED_JOBS });
        }
        let index = self.signed.insert(job_id, job.clone(), fee_wei)?;
        self.remove_open(job_id);
        self.insert(job_id, job.record(block, SIGNED_INDEX_BASE.saturating_add(index)));
        Ok(())
    }

    /// Gives a signed request up.
    pub(crate) fn refuse_signed(&mut self, job_id: B256, reason: String) {
        self.signed.refuse(job_id, reason);
        self.remove_open(job_id);
    }

    /// Forgets a job that is closed.
    pub(crate) fn remove(&mut self, job_id: B256) -> Option<OpenJob> {
        self.signed.remove(job_id);
        self.remove_open(job_id)
    }

    fn remove_open(&mut self, job_id: B256) -> Option<OpenJob> {
        let order = self.orders.remove(&job_id)?;
        self.waiting.remove(&order);
        let job = self.jobs.remove(&order)?;
        self.ready_bytes -= ready_bytes(&job.stage);
        Some(job)
    }

    pub(crate) fn get(&self, job_id: B256) -> Option<&OpenJob> {
        self.jobs.get(self.orders.get(&job_id)?)
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether jobs that had no room should be taken from the records now.
    pub(crate) fn wants_refill(&self) -> bool {
        self.overflowed && self.jobs.len() < MAX_TRACKED_JOBS / 2
    }

    /// Moves a job on. Does nothing for one that is closed by now.
    pub(crate) fn set_stage(&mut self, job_id: B256, stage: Stage) {
        let Some(&order) = self.orders.get(&job_id) else { return };
        let Some(job) = self.jobs.get_mut(&order) else { return };
        self.ready_bytes = self.ready_bytes + ready_bytes(&stage) - ready_bytes(&job.stage);
        if matches!(stage, Stage::Waiting) {
            self.waiting.insert(order);
        } else {
            self.waiting.remove(&order);
        }
        job.stage = stage;
        if matches!(job.stage, Stage::NoOutcome(_)) {
            self.signed.ran_unpaid(job_id);
        }
    }

    /// The oldest job that was not given to a worker, while outcomes have room.
    pub(crate) fn next_waiting(&self) -> Option<(B256, &OpenJob)> {
        if self.ready_bytes > MAX_READY_SIZE_BYTES {
            return None;
        }
        let order = self.waiting.first()?;
        Some((order.2, self.jobs.get(order)?))
    }

    /// Jobs whose outcome waits for a block, oldest first.
    fn executed(&self) -> impl Iterator<Item = (B256, &JobRecord, &Execution, u32)> {
        self.jobs.iter().filter_map(|(order, job)| match &job.stage {
            Stage::Executed { execution, failed_posts, .. } if *failed_posts < MAX_POST_ATTEMPTS => {
                Some((order.2, &job.record, execution, *failed_posts))
            }
            _ => None,
        })
    }

    /// Jobs of the chain whose outcome waits for a block, oldest first.
    pub(crate) fn ready(&self) -> impl Iterator<Item = (B256, &JobRecord, &Execution, u32)> {
        self.executed().filter(|(job_id, ..)| self.signed.get(*job_id).is_none())
    }

    /// Signed requests whose outcome waits for a block, oldest first.
    pub(crate) fn ready_signed(&self) -> impl Iterator<Item = ReadySigned<'_>> {
        self.executed().filter_map(|(job_id, _, execution, failed_posts)| {
            let job = self.signed.get(job_id)?;
            Some(ReadySigned { job_id, job, execution, failed_posts })
        })
    }

    /// Jobs whose run has no outcome, oldest first.
    pub(crate) fn without_outcome(&self) -> impl Iterator<Item = (B256, &JobRecord, &NoOutcome)> {
        self.jobs.iter().filter_map(|(order, job)| match &job.stage {
            Stage::NoOutcome(reason) => Some((order.2, &job.record, reason)),
            _ => None,
        })
    }

    /// Jobs of the chain whose deadline is before `block`, oldest first.
    pub(crate) fn past_deadline(&self, block: u64) -> impl Iterator<Item = (B256, &JobRecord)> {
        let late = self.late(block).filter(|(job_id, _)| self.signed.get(*job_id).is_none());
        late.map(|(job_id, job)| (job_id, &job.record))
    }

    /// Signed requests whose deadline is before `block`, and why they are late.
    pub(crate) fn late_signed(&self, block: u64) -> Vec<(B256, String)> {
        let late = self.late(block).filter(|(job_id, _)| self.signed.get(*job_id).is_some());
        late.map(|(job_id, job)| {
            let deadline = job.record.deadline_block;
            let reason = match &job.stage {
                Stage::NoOutcome(reason) => format!("it has no outcome: {reason}"),
                Stage::CannotRun(reason) => format!("this node cannot run it: {reason}"),
                Stage::MissingPayload(hash) => {
                    format!("payload {hash} did not come before block {deadline} had passed")
                }
                _ => format!("block {deadline} passed before it could be posted"),
            };
            (job_id, reason)
        })
        .collect()
    }

    fn late(&self, block: u64) -> impl Iterator<Item = (B256, &OpenJob)> {
        let late = self.jobs.iter().filter(move |(_, job)| job.record.deadline_block < block);
        late.map(|(order, job)| (order.2, job))
    }

    /// Hashes of the inputs of all jobs.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = B256> {
        self.jobs.values().flat_map(|job| [job.record.onchain_input_hash, job.record.offchain_input_hash])
    }

    /// A result was in a transaction that failed; returns how often that happened.
    pub(crate) fn post_failed(&mut self, job_id: B256) -> u32 {
        let job = self.orders.get(&job_id).and_then(|order| self.jobs.get_mut(order));
        match job.map(|job| &mut job.stage) {
            Some(Stage::Executed { failed_posts, .. }) => {
                *failed_posts += 1;
                *failed_posts
            }
            _ => 0,
        }
    }

    /// Jobs that wait for this payload may be tried again.
    pub(crate) fn payload_arrived(&mut self, hash: B256) {
        let arrived: Vec<B256> = self
            .jobs
            .iter()
            .filter(|(_, job)| matches!(job.stage, Stage::MissingPayload(missing) if missing == hash))
            .map(|(order, _)| order.2)
            .collect();
        for job_id in arrived {
            self.set_stage(job_id, Stage::Waiting);
        }
    }
}

fn ready_bytes(stage: &Stage) -> usize {
    match stage {
        Stage::Executed { execution, .. } => execution.outcome.bytes().len(),
        _ => 0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use alloy_primitives::{Address, Bytes};
    use ivm_primitives::Outcome;

    pub(crate) fn record(requested_block: u64, request_index: u64) -> JobRecord {
        JobRecord {
            consumer: Address::ZERO,
            nonce: 0,
            program_id: B256::ZERO,
            onchain_input_hash: B256::ZERO,
            offchain_input_hash: B256::ZERO,
            max_cycles: 1,
            callback_gas_limit: 1,
            deadline_block: requested_block + 10,
            cycle_price_wei: 1,
            requested_block,
            request_index,
            phase: JobPhase::Open,
            result: None,
        }
    }

    fn executed(bytes: usize) -> Stage {
        let outcome = Outcome::Success(Bytes::from(vec![0; bytes]));
        Stage::Executed { execution: Execution { outcome, cycles: 1 }, failed_posts: 0 }
    }

    #[test]
    fn jobs_come_in_order_of_request() {
        let mut jobs = OpenJobs::default();
        let ids: Vec<B256> = (0..3).map(B256::repeat_byte).collect();
        jobs.insert(ids[0], record(2, 0));
        jobs.insert(ids[1], record(1, 1));
        jobs.insert(ids[2], record(1, 0));
        let mut seen = Vec::new();
        while let Some((job_id, _)) = jobs.next_waiting() {
            seen.push(job_id);
            jobs.set_stage(job_id, executed(8));
        }
        assert_eq!(seen, [ids[2], ids[1], ids[0]]);
        assert_eq!(jobs.ready().map(|job| job.0).collect::<Vec<_>>(), seen);
        assert_eq!(jobs.past_deadline(12).count(), 2);
    }

    #[test]
    fn outcomes_that_wait_hold_back_new_runs() {
        let mut jobs = OpenJobs::default();
        jobs.insert(B256::repeat_byte(1), record(1, 0));
        jobs.insert(B256::repeat_byte(2), record(1, 1));
        jobs.set_stage(B256::repeat_byte(1), executed(MAX_READY_SIZE_BYTES + 1));
        assert!(jobs.next_waiting().is_none());
        jobs.remove(B256::repeat_byte(1)).unwrap();
        assert!(jobs.next_waiting().is_some());
    }

    #[test]
    fn a_result_that_fails_too_often_is_given_up() {
        let mut jobs = OpenJobs::default();
        let job_id = B256::repeat_byte(1);
        jobs.insert(job_id, record(1, 0));
        jobs.set_stage(job_id, executed(1));
        for attempt in 1..=MAX_POST_ATTEMPTS {
            assert_eq!(jobs.ready().count(), 1);
            assert_eq!(jobs.post_failed(job_id), attempt);
        }
        assert_eq!(jobs.ready().count(), 0);
    }

    #[test]
    fn a_payload_wakes_the_jobs_that_miss_it() {
        let mut jobs = OpenJobs::default();
        let job_id = B256::repeat_byte(1);
        jobs.insert(job_id, record(1, 0));
        jobs.set_stage(job_id, Stage::MissingPayload(B256::repeat_byte(9)));
        jobs.payload_arrived(B256::repeat_byte(8));
        assert!(jobs.next_waiting().is_none());
        jobs.payload_arrived(B256::repeat_byte(9));
        assert!(jobs.next_waiting().is_some());
    }
}
