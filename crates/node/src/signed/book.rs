//! How much the node has taken on, for whom, and who is to pay for it.

use std::collections::{HashMap, VecDeque};

use alloy_primitives::{Address, B256, U256};
use thiserror::Error;

use crate::signed::SignedJob;

/// Most requests that wait for a block.
pub(crate) const MAX_SIGNED_JOBS: usize = 16_384;
/// Most of one consumer.
pub(crate) const MAX_SIGNED_JOBS_PER_CONSUMER: usize = 4_096;
/// Most bytes of all of them.
pub(crate) const MAX_SIGNED_SIZE_BYTES: usize = 256 * 1024 * 1024;
/// Most requests of one consumer whose runs had no outcome, and for which nobody has paid: no others are run before these
/// have passed their deadlines or were replaced.
pub(crate) const MAX_UNPAID_RUNS_PER_CONSUMER: usize = 16;
/// Most requests that the node remembers to have given up.
const MAX_REMEMBERED: usize = 4_096;

/// Why one more is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum TakeError {
    #[error("requests that wait for a block: {limit}")]
    Jobs { limit: usize },
    #[error("requests of this consumer that wait for a block: {limit}")]
    JobsOfConsumer { limit: usize },
    #[error("bytes of requests that wait for a block: {limit}")]
    Size { limit: usize },
    #[error("requests of this consumer whose runs had no outcome: {limit}")]
    UnpaidRuns { limit: usize },
}

impl TakeError {
    /// What there is too much of, and how much there may be.
    pub(crate) const fn what(self) -> (&'static str, usize) {
        match self {
            Self::Jobs { limit } => ("requests that wait for a block", limit),
            Self::JobsOfConsumer { limit } => ("requests of this consumer that wait for a block", limit),
            Self::Size { limit } => ("bytes of requests that wait for a block", limit),
            Self::UnpaidRuns { limit } => ("requests of this consumer whose runs had no outcome", limit),
        }
    }
}

#[derive(Debug)]
struct Entry {
    job: SignedJob,
    index: u64,
    fee_wei: U256,
    is_unpaid_run: bool,
}

#[derive(Debug, Default)]
struct OfConsumer {
    jobs: usize,
    unpaid_runs: usize,
}

/// Requests that wait for a block, and those given up.
#[derive(Debug, Default)]
pub(crate) struct SignedBook {
    entries: HashMap<B256, Entry>,
    consumers: HashMap<Address, OfConsumer>,
    /// What payers have to cover, in all and for each consumer.
    due_of_payer: HashMap<Address, U256>,
    due_of_spender: HashMap<(Address, Address), U256>,
    size_bytes: usize,
    taken: u64,
    refused: HashMap<B256, (SignedJob, String)>,
    refused_order: VecDeque<B256>,
}

impl SignedBook {
    pub(crate) fn get(&self, job_id: B256) -> Option<&SignedJob> {
        self.entries.get(&job_id).map(|entry| &entry.job)
    }

    /// All of them, in the order in which they came.
    pub(crate) fn in_order_of_coming(self) -> Vec<SignedJob> {
        let mut entries: Vec<Entry> = self.entries.into_values().collect();
        entries.sort_by_key(|entry| entry.index);
        entries.into_iter().map(|entry| entry.job).collect()
    }

    /// What the payer has to cover for requests taken, for all consumers and for this one.
    pub(crate) fn due_wei(&self, payer: Address, consumer: Address) -> (U256, U256) {
        let of_payer = self.due_of_payer.get(&payer).copied().unwrap_or_default();
        let of_spender = self.due_of_spender.get(&(payer, consumer)).copied().unwrap_or_default();
        (of_payer, of_spender)
    }

    /// Whether there is room for one more.
    pub(crate) fn check_room(&self, job: &SignedJob) -> Result<(), TakeError> {
        if self.entries.len() >= MAX_SIGNED_JOBS {
            return Err(TakeError::Jobs { limit: MAX_SIGNED_JOBS });
        }
        if self.size_bytes.saturating_add(job.size_bytes()) > MAX_SIGNED_SIZE_BYTES {
            return Err(TakeError::Size { limit: MAX_SIGNED_SIZE_BYTES });
        }
        let Some(of_consumer) = self.consumers.get(&job.request.consumer) else { return Ok(()) };
        if of_consumer.jobs >= MAX_SIGNED_JOBS_PER_CONSUMER {
            return Err(TakeError::JobsOfConsumer { limit: MAX_SIGNED_JOBS_PER_CONSUMER });
        }
        if of_consumer.unpaid_runs >= MAX_UNPAID_RUNS_PER_CONSUMER {
            return Err(TakeError::UnpaidRuns { limit: MAX_UNPAID_RUNS_PER_CONSUMER });
        }
        Ok(())
    }

    /// Takes a request on, in place of one with its id; gives its number in the order of coming.
    pub(crate) fn insert(&mut self, job_id: B256, job: SignedJob, fee_wei: U256) -> Result<u64, TakeError> {
        self.remove(job_id);
        self.check_room(&job)?;
        self.refused.remove(&job_id);
        let (payer, consumer) = (job.request.feePayer, job.request.consumer);
        self.consumers.entry(consumer).or_default().jobs += 1;
        *self.due_of_payer.entry(payer).or_default() += fee_wei;
        *self.due_of_spender.entry((payer, consumer)).or_default() += fee_wei;
        self.size_bytes += job.size_bytes();
        self.taken += 1;
        let index = self.taken;
        self.entries.insert(job_id, Entry { job, index, fee_wei, is_unpaid_run: false });
        Ok(index)
    }

    /// A run had no outcome.
    pub(crate) fn ran_unpaid(&mut self, job_id: B256) {
        if let Some(entry) = self.entries.get_mut(&job_id)
            && !std::mem::replace(&mut entry.is_unpaid_run, true)
        {
            self.consumers.entry(entry.job.request.consumer).or_default().unpaid_runs += 1;
        }
    }

    /// Forgets a request: a block has it, or it was given up.
    pub(crate) fn remove(&mut self, job_id: B256) -> Option<SignedJob> {
        let Entry { job, fee_wei, is_unpaid_run, .. } = self.entries.remove(&job_id)?;
        let (payer, consumer) = (job.request.feePayer, job.request.consumer);
        if let Some(of_consumer) = self.consumers.get_mut(&consumer) {
            of_consumer.jobs -= 1;
            of_consumer.unpaid_runs -= usize::from(is_unpaid_run);
            if of_consumer.jobs == 0 {
                self.consumers.remove(&consumer);
            }
        }
        pay(&mut self.due_of_payer, payer, fee_wei);
        pay(&mut self.due_of_spender, (payer, consumer), fee_wei);
        self.size_bytes -= job.size_bytes();
        Some(job)
    }

    /// Gives a request up, and remembers why for those who ask.
    pub(crate) fn refuse(&mut self, job_id: B256, reason: String) {
        if let Some(job) = self.remove(job_id) {
            self.remember_refused(job_id, job, reason);
        }
    }

    /// Remembers a request that is not taken on, and why, for those who ask.
    pub(crate) fn remember_refused(&mut self, job_id: B256, job: SignedJob, reason: String) {
        if self.refused.insert(job_id, (job, reason)).is_none() {
            self.refused_order.push_back(job_id);
        }
        while self.refused_order.len() > MAX_REMEMBERED {
            if let Some(oldest) = self.refused_order.pop_front() {
                self.refused.remove(&oldest);
            }
        }
    }

    /// A request that was given up, and why.
    pub(crate) fn refusal(&self, job_id: B256) -> Option<&(SignedJob, String)> {
        self.refused.get(&job_id)
    }
}

fn pay<K: std::hash::Hash + Eq>(due: &mut HashMap<K, U256>, key: K, fee_wei: U256) {
    if let Some(amount) = due.get_mut(&key) {
        *amount = amount.saturating_sub(fee_wei);
        if amount.is_zero() {
            due.remove(&key);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;
    use alloy_primitives::Bytes;
    use ivm_contracts::IOffchainJobs::JobRequest;

    pub(crate) fn job(consumer: u8, nonce: u64, ordered: bool) -> SignedJob {
        SignedJob {
            request: JobRequest {
                consumer: Address::repeat_byte(consumer),
                nonce,
                ordered,
                programId: B256::ZERO,
                onchainInput: Bytes::from_static(b"input"),
                offchainInputHash: B256::ZERO,
                maxCycles: 1,
                callbackGasLimit: 1,
                deadlineBlock: 100,
                feePayer: Address::repeat_byte(9),
                maxFeeWei: U256::MAX,
            },
            signature: vec![0; 65].into(),
        }
    }

    fn take(book: &mut SignedBook, consumer: u8, nonce: u64) -> Result<u64, TakeError> {
        let job = job(consumer, nonce, false);
        book.insert(job.job_id(1), job, U256::from(10))
    }

    #[test]
    fn what_payers_have_to_cover_follows_the_requests() {
        let mut book = SignedBook::default();
        let due = |book: &SignedBook| book.due_wei(Address::repeat_byte(9), Address::repeat_byte(1));
        take(&mut book, 1, 0).unwrap();
        take(&mut book, 1, 1).unwrap();
        take(&mut book, 2, 0).unwrap();
        assert_eq!(due(&book), (U256::from(30), U256::from(20)));
        // The same again is in its own place.
        take(&mut book, 1, 1).unwrap();
        assert_eq!(due(&book), (U256::from(30), U256::from(20)));
        let id = job(1, 0, false).job_id(1);
        assert!(book.remove(id).is_some() && book.remove(id).is_none());
        assert_eq!(due(&book), (U256::from(20), U256::from(10)));
        book.refuse(job(1, 1, false).job_id(1), "too late".into());
        assert_eq!(due(&book), (U256::from(10), U256::ZERO));
    }

    #[test]
    fn one_consumer_gets_so_many_and_no_more() {
        let mut book = SignedBook::default();
        for nonce in 0..MAX_SIGNED_JOBS_PER_CONSUMER as u64 {
            take(&mut book, 1, nonce).unwrap();
        }
        let full = TakeError::JobsOfConsumer { limit: MAX_SIGNED_JOBS_PER_CONSUMER };
        assert_eq!(take(&mut book, 1, 1 << 40), Err(full));
        take(&mut book, 2, 0).unwrap();
        book.remove(job(1, 0, false).job_id(1)).unwrap();
        take(&mut book, 1, 1 << 40).unwrap();
    }

    #[test]
    fn runs_that_nobody_pays_for_are_counted_until_they_are_gone() {
        let mut book = SignedBook::default();
        for nonce in 0..MAX_UNPAID_RUNS_PER_CONSUMER as u64 {
            take(&mut book, 1, nonce).unwrap();
            let id = job(1, nonce, false).job_id(1);
            book.ran_unpaid(id);
            book.ran_unpaid(id);
        }
        let full = TakeError::UnpaidRuns { limit: MAX_UNPAID_RUNS_PER_CONSUMER };
        assert_eq!(take(&mut book, 1, 1 << 40), Err(full));
        book.refuse(job(1, 3, false).job_id(1), "its deadline passed".into());
        take(&mut book, 1, 1 << 40).unwrap();
    }

    #[test]
    fn refusals_are_remembered_until_there_are_too_many_or_it_is_asked_for_again() {
        let mut book = SignedBook::default();
        let id = |nonce| job(1, nonce, false).job_id(1);
        for nonce in 0..=MAX_REMEMBERED as u64 {
            take(&mut book, 1, nonce).unwrap();
            book.refuse(id(nonce), "no".into());
        }
        assert!(book.refusal(id(0)).is_none());
        assert_eq!(book.refusal(id(1)).unwrap().1, "no");
        take(&mut book, 1, 1).unwrap();
        assert!(book.refusal(id(1)).is_none());
    }

    #[test]
    fn ordered_jobs_are_others_than_unordered_ones_of_the_same_number() {
        assert_ne!(job(1, 5, true).job_id(1), job(1, 5, false).job_id(1));
        assert_ne!(job(1, 5, true).job_id(1), job(1, 5, true).job_id(2));
    }
}
