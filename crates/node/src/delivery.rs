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

/// A transaction to post.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) jobs: Vec<B256>,
    pub(crate) calldata: Vec<u8>,
    pub(crate) gas_limit: u64,
}

/// Puts results, in order, into batches that together stay within `gas_budget`. A result that was in a failed
/// transaction before gets one of its own, with more gas each time.
pub(crate) fn batches<'a>(
    ready: impl Iterator<Item = (B256, &'a JobRecord, &'a Execution, u32)>,
    gas_budget: u64,
) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut current = Draft::default();
    let mut gas_left = gas_budget;
    for (job_id, record, execution, failed_posts) in ready {
        let gas = result_gas(record, execution) << failed_posts.min(8);
        let opens_batch = current.results.is_empty() || failed_posts > 0;
        let needed = gas + if opens_batch { BATCH_GAS } else { 0 };
        let Some(rest) = gas_left.checked_sub(needed) else { break };
        gas_left = rest;
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

    fn run(failed_posts: &[u32], callback_gas_limit: u64, budget: u64) -> Vec<Batch> {
        let record = record(callback_gas_limit);
        let execution = Execution { outcome: Outcome::Success(Bytes::from_static(b"out")), cycles: 1 };
        let ready = failed_posts
            .iter()
            .zip(0_u8..)
            .map(|(failed, index)| (B256::repeat_byte(index), &record, &execution, *failed));
        batches(ready, budget)
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
    fn the_budget_bounds_all_batches_together() {
        let batches = run(&[0; 100], 1_000_000, 15_000_000);
        assert!(batches.iter().map(|batch| batch.gas_limit).sum::<u64>() <= 15_000_000);
        assert!(!batches.is_empty());
        assert!(run(&[0], 1_000_000, 100_000).is_empty());
    }

    #[test]
    fn a_result_that_failed_goes_alone_with_more_gas() {
        let batches = run(&[0, 2, 0], 100_000, 30_000_000);
        assert_eq!(batches.iter().map(|batch| batch.jobs.len()).collect::<Vec<_>>(), [1, 2]);
        assert!(batches[0].gas_limit > batches[1].gas_limit);
    }

    #[test]
    fn long_batches_are_cut() {
        let batches = run(&[0; 130], 1000, u64::MAX);
        assert_eq!(batches.iter().map(|batch| batch.jobs.len()).collect::<Vec<_>>(), [64, 64, 2]);
    }
}
