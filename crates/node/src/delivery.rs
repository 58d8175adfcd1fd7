//! Results to transactions: batches of `submitResults`, each with the gas its callbacks were promised.

use alloy_primitives::B256;
use alloy_sol_types::SolCall;
use ivm_contracts::{IJobManager::JobResult, JobManager};
use ivm_zkvm::Execution;

use crate::records::JobRecord;

/// Most results in one transaction.
pub(crate) const MAX_RESULTS_PER_BATCH: usize = 64;

/// Gas of a batch beside its results: intrinsic gas, the proposer's account.
pub(crate) const BATCH_GAS: u64 = 100_000;

/// Gas of a result beside callback and calldata, with room to spare (measured: about 23,000). Unused gas costs nothing.
pub(crate) const RESULT_GAS: u64 = 60_000;

/// Gas of one byte of calldata at most (EIP-7623: four tokens at ten gas).
pub(crate) const CALLDATA_BYTE_GAS: u64 = 40;

/// How much gas posts may take.
///
/// A result reserves what its callback may use, and most use a fraction of it. So posts are planned for more gas than the
/// block has for them, in batches that are small beside it: the block takes one after another for as long as what was used
/// and what the next may use fit ([`BuildRequest::max_leading_gas`](ivm_chain::BuildRequest)). The rest is for the next
/// block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PostingGas {
    /// Of a post: its limit has to be free when its turn comes.
    block: u64,
    /// Of a batch of several results.
    batch: u64,
    /// Of all posts together that can still be planned.
    left: u64,
}

impl PostingGas {
    /// Times the gas of posts that is planned for.
    const OVERBOOKING: u64 = 8;

    /// Batches of several results that fit into a block whatever they use.
    const BATCHES: u64 = 4;

    /// For a block of which posts may take so much.
    pub(crate) const fn of_block(block: u64) -> Self {
        Self { block, batch: block / Self::BATCHES, left: block.saturating_mul(Self::OVERBOOKING) }
    }

    /// Gas of a result that was in so many failed transactions: twice as much each time, as far as a block has it.
    pub(crate) fn attempt(&self, gas: u64, failed_posts: u32) -> u64 {
        (gas << failed_posts.min(8)).min(self.block.saturating_sub(BATCH_GAS)).max(gas)
    }

    /// Plans for a post. False when there is no room for it.
    pub(crate) fn take(&mut self, gas: u64) -> bool {
        let fits = gas <= self.block && gas <= self.left;
        if fits {
            self.left -= gas;
        }
        fits
    }

    /// Whether a batch that takes so much can take so much more.
    pub(crate) const fn share(&self, taken: u64, more: u64) -> bool {
        taken.saturating_add(more) <= self.batch
    }
}

/// A transaction to post.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) jobs: Vec<B256>,
    pub(crate) calldata: Vec<u8>,
    pub(crate) gas_limit: u64,
}

/// Puts results, in order, into batches. A result that was in a failed transaction before gets one of its own, with more
/// gas each time.
pub(crate) fn batches<'a>(
    ready: impl Iterator<Item = (B256, &'a JobRecord, &'a Execution, u32)>,
    posting: &mut PostingGas,
) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut current = Draft::default();
    for (job_id, record, execution, failed_posts) in ready {
        let gas = posting.attempt(result_gas(record, execution), failed_posts);
        if !current.results.is_empty() && failed_posts == 0 && !posting.share(BATCH_GAS + current.gas, gas) {
            batches.push(std::mem::take(&mut current).finish());
        }
        let opens_batch = current.results.is_empty() || failed_posts > 0;
        if !posting.take(gas + if opens_batch { BATCH_GAS } else { 0 }) {
            // A smaller one may fit.
            continue;
        }
        let result = JobResult {
            job: record.to_job(),
            status: execution.outcome.status().as_byte(),
            cycles: execution.cycles,
            output: execution.outcome.bytes().clone(),
        };
        if failed_posts > 0 {
            batches.push(Draft { jobs: vec![job_id], results: vec![result], gas }.finish());
            continue;
        }
        current.jobs.push(job_id);
        current.results.push(result);
        current.gas += gas;
        if current.results.len() == MAX_RESULTS_PER_BATCH {
            batches.push(std::mem::take(&mut current).finish());
        }
    }
    if !current.results.is_empty() {
        batches.push(current.finish());
    }
    batches
}

#[derive(Default)]
struct Draft {
    jobs: Vec<B256>,
    results: Vec<JobResult>,
    gas: u64,
}

impl Draft {
    fn finish(self) -> Batch {
        let calldata = JobManager::submitResultsCall { results: self.results }.abi_encode();
        Batch { jobs: self.jobs, calldata, gas_limit: BATCH_GAS + self.gas }
    }
}

/// What a callback needs: a call passes on 63/64 of what is left at most, so its limit needs 64/63 of it.
pub(crate) const fn callback_gas(limit: u64) -> u64 {
    limit + limit / 63 + 2000
}

fn result_gas(record: &JobRecord, execution: &Execution) -> u64 {
    let callback_gas = callback_gas(record.callback_gas_limit);
    let calldata_bytes = 512 + execution.outcome.bytes().len() as u64;
    RESULT_GAS + callback_gas + CALLDATA_BYTE_GAS * calldata_bytes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::records::JobPhase;
    use alloy_primitives::{Address, Bytes};
    use ivm_primitives::Outcome;

    fn record(callback_gas_limit: u64) -> JobRecord {
        JobRecord {
            consumer: Address::ZERO,
            nonce: 0,
            program_id: B256::ZERO,
            onchain_input_hash: B256::ZERO,
            offchain_input_hash: B256::ZERO,
            max_cycles: 1,
            callback_gas_limit,
            deadline_block: 1,
            cycle_price_wei: 1,
            requested_block: 0,
            request_index: 0,
            phase: JobPhase::Open,
            result: None,
        }
    }

    fn run(failed_posts: &[u32], callback_gas_limit: u64, block_gas: u64) -> Vec<Batch> {
        let record = record(callback_gas_limit);
        let execution = Execution { outcome: Outcome::Success(Bytes::from_static(b"out")), cycles: 1 };
        let ready = failed_posts
            .iter()
            .zip(0_u8..)
            .map(|(failed, index)| (B256::repeat_byte(index), &record, &execution, *failed));
        batches_of(ready, block_gas)
    }

    fn batches_of<'a>(
        ready: impl IntoIterator<Item = (B256, &'a JobRecord, &'a Execution, u32)>,
        block_gas: u64,
    ) -> Vec<Batch> {
        batches(ready.into_iter(), &mut PostingGas::of_block(block_gas))
    }

    fn sizes(batches: &[Batch]) -> Vec<usize> {
        batches.iter().map(|batch| batch.jobs.len()).collect()
    }

    #[test]
    fn results_share_a_transaction() {
        let batches = run(&[0; 8], 100_000, 30_000_000);
        assert_eq!(batches.len(), 1);
        let call = JobManager::submitResultsCall::abi_decode(&batches[0].calldata).unwrap();
        assert_eq!((call.results.len(), batches[0].jobs.len()), (8, 8));
        assert!(batches[0].gas_limit > 8 * 100_000 * 64 / 63);
    }

    #[test]
    fn every_batch_fits_beside_others_and_all_together_are_bounded() {
        let batches = run(&[0; 500], 1_000_000, 15_000_000);
        assert!(batches.iter().all(|batch| batch.gas_limit <= 15_000_000 / 4));
        let planned = batches.iter().map(|batch| batch.gas_limit).sum::<u64>();
        assert!((60_000_000..=120_000_000).contains(&planned), "{planned}");
    }

    #[test]
    fn a_result_that_would_take_more_than_a_block_holds_up_no_other() {
        let batches = run(&[3, 0, 0], 5_000_000, 15_000_000);
        assert_eq!(sizes(&batches), [1, 1, 1]);
        assert_eq!(batches[0].gas_limit, 15_000_000);
        let (large, small) = (record(5_000_000), record(100_000));
        let execution = Execution { outcome: Outcome::Success(Bytes::new()), cycles: 1 };
        let ready = [(&large, 1), (&small, 2)];
        let ready = ready.map(|(record, byte)| (B256::repeat_byte(byte), record, &execution, 0));
        let batches = batches_of(ready, 2_500_000);
        assert_eq!(batches.iter().map(|batch| batch.jobs[0]).collect::<Vec<_>>(), [B256::repeat_byte(2)]);
    }

    #[test]
    fn a_result_that_is_large_beside_a_block_goes_alone() {
        assert_eq!(sizes(&run(&[0; 3], 5_000_000, 6_000_000)), [1, 1, 1]);
    }

    #[test]
    fn a_result_that_failed_goes_alone_with_more_gas() {
        let batches = run(&[0, 2, 0], 100_000, 30_000_000);
        assert_eq!(sizes(&batches), [1, 2]);
        assert!(batches[0].gas_limit > batches[1].gas_limit);
    }

    #[test]
    fn long_batches_are_cut() {
        assert_eq!(sizes(&run(&[0; 130], 1000, u64::MAX)), [64, 64, 2]);
    }
}
