//! Requests with their outcomes to transactions: batches of `submitOffchainResults`.

use std::collections::{BTreeMap, HashSet};

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use ivm_contracts::{JobManager, OffchainResult, SIGNATURE_CHECK_GAS};
use ivm_zkvm::Execution;

use crate::delivery::{
    BATCH_GAS, Batch, CALLDATA_BYTE_GAS, MAX_RESULTS_PER_BATCH, PostingGas, RESULT_GAS, callback_gas,
};
use crate::signed::SignedJob;

/// Gas of an entry beside that of any result, calldata and callback: the check of the signature at most, as much of it as a
/// call can pass on, the nonce and the accounts.
const ENTRY_GAS: u64 = callback_gas(SIGNATURE_CHECK_GAS) + 120_000;

/// Bytes of an entry in calldata beside its variable parts.
const ENTRY_SIZE_BYTES: u64 = 1024;

/// A request that can be posted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadySigned<'a> {
    pub(crate) job_id: B256,
    pub(crate) job: &'a SignedJob,
    pub(crate) execution: &'a Execution,
    pub(crate) failed_posts: u32,
}

/// What can be posted now: ordered requests only when all before them are posted already, or in this block. `next` gives
/// the number that is next for a consumer.
pub(crate) fn next_in_order<'a, E>(
    ready: impl Iterator<Item = ReadySigned<'a>>,
    mut next: impl FnMut(Address) -> Result<u64, E>,
) -> Result<Vec<ReadySigned<'a>>, E> {
    let mut chosen = Vec::new();
    let mut ordered: BTreeMap<Address, BTreeMap<u64, ReadySigned<'a>>> = BTreeMap::new();
    for entry in ready {
        let request = &entry.job.request;
        if request.ordered {
            ordered.entry(request.consumer).or_default().insert(request.nonce, entry);
        } else {
            chosen.push(entry);
        }
    }
    for (consumer, entries) in ordered {
        let first = next(consumer)?;
        let in_order = (first..).zip(entries.range(first..));
        chosen.extend(
            in_order.map_while(|(expected, (number, entry))| (expected == *number).then_some(*entry)),
        );
    }
    Ok(chosen)
}

/// Puts requests into batches. One that was in a failed transaction before gets one of its own, with more gas each time.
/// After one that does not fit, no ordered request of its consumer is posted.
pub(crate) fn signed_batches(ready: Vec<ReadySigned<'_>>, posting: &mut PostingGas) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut alone = Vec::new();
    let mut draft = Draft::default();
    let mut stuck: HashSet<Address> = HashSet::new();
    for entry in ready {
        let request = &entry.job.request;
        if request.ordered && stuck.contains(&request.consumer) {
            continue;
        }
        let gas = posting.attempt(entry_gas(&entry), entry.failed_posts);
        let is_alone = entry.failed_posts > 0;
        if !draft.results.is_empty() && !is_alone && !posting.share(BATCH_GAS + draft.gas, gas) {
            batches.push(std::mem::take(&mut draft).finish());
        }
        let opens_batch = is_alone || draft.results.is_empty();
        if !posting.take(gas + if opens_batch { BATCH_GAS } else { 0 }) {
            stuck.insert(request.consumer);
            continue;
        }
        if is_alone {
            let mut draft = Draft::default();
            draft.push(&entry, gas);
            alone.push(draft.finish());
            // Those after it would come before it.
            stuck.insert(request.consumer);
            continue;
        }
        draft.push(&entry, gas);
        if draft.results.len() == MAX_RESULTS_PER_BATCH {
            batches.push(std::mem::take(&mut draft).finish());
        }
    }
    if !draft.results.is_empty() {
        batches.push(draft.finish());
    }
    batches.extend(alone);
    batches
}

#[derive(Default)]
struct Draft {
    jobs: Vec<B256>,
    results: Vec<OffchainResult>,
    gas: u64,
}

impl Draft {
    fn push(&mut self, entry: &ReadySigned<'_>, gas: u64) {
        self.jobs.push(entry.job_id);
        self.results.push(OffchainResult {
            request: entry.job.request.clone(),
            signature: entry.job.signature.clone(),
            status: entry.execution.outcome.status().as_byte(),
            cycles: entry.execution.cycles,
            output: entry.execution.outcome.bytes().clone(),
        });
        self.gas += gas;
    }

    fn finish(self) -> Batch {
        let calldata = JobManager::submitOffchainResultsCall { results: self.results }.abi_encode();
        Batch { jobs: self.jobs, calldata, gas_limit: BATCH_GAS + self.gas }
    }
}

fn entry_gas(entry: &ReadySigned<'_>) -> u64 {
    let variable = entry.job.size_bytes() + entry.execution.outcome.bytes().len();
    // The input is in calldata and in a log, and is hashed.
    let calldata_bytes = ENTRY_SIZE_BYTES + variable as u64;
    let log_bytes = entry.job.request.onchainInput.len() as u64;
    RESULT_GAS
        + ENTRY_GAS
        + callback_gas(entry.job.request.callbackGasLimit)
        + CALLDATA_BYTE_GAS * calldata_bytes
        + 10 * log_bytes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::signed::book::tests::job;
    use alloy_primitives::Bytes;
    use ivm_primitives::Outcome;

    fn execution() -> Execution {
        Execution { outcome: Outcome::Success(Bytes::from_static(b"out")), cycles: 1 }
    }

    fn ready<'a>(jobs: &'a [SignedJob], execution: &'a Execution) -> impl Iterator<Item = ReadySigned<'a>> {
        jobs.iter().map(|job| ReadySigned { job_id: job.job_id(1), job, execution, failed_posts: 0 })
    }

    fn numbers(chosen: &[ReadySigned<'_>]) -> Vec<(u8, u64)> {
        chosen.iter().map(|entry| (entry.job.request.consumer[0], entry.job.request.nonce)).collect()
    }

    #[test]
    fn ordered_requests_wait_for_those_before_them() {
        let jobs = [(1, 4, true), (1, 3, true), (1, 6, true), (2, 9, false), (3, 1, true)];
        let jobs = jobs.map(|(consumer, nonce, ordered)| job(consumer, nonce, ordered));
        let execution = execution();
        let next = |consumer: Address| Ok::<_, ()>(if consumer[0] == 1 { 3 } else { 0 });
        let chosen = next_in_order(ready(&jobs, &execution), next).unwrap();
        assert_eq!(numbers(&chosen), [(2, 9), (1, 3), (1, 4)]);
    }

    #[test]
    fn what_does_not_fit_holds_up_only_the_ordered_requests_of_its_consumer() {
        let mut jobs = [job(1, 0, true), job(1, 1, true), job(2, 0, true), job(1, 5, false)];
        jobs[0].request.callbackGasLimit = 5_000_000;
        let execution = execution();
        let mut posting = PostingGas::of_block(4_000_000);
        let batches = signed_batches(ready(&jobs, &execution).collect(), &mut posting);
        let posted: Vec<_> = batches.iter().flat_map(|batch| batch.jobs.clone()).collect();
        assert_eq!(posted, [jobs[2].job_id(1), jobs[3].job_id(1)]);
        assert!(batches.iter().all(|batch| batch.gas_limit <= 1_000_000));
        let call = JobManager::submitOffchainResultsCall::abi_decode(&batches[0].calldata).unwrap();
        assert_eq!(call.results[0].request, jobs[2].request);
    }

    #[test]
    fn one_that_failed_goes_alone_with_more_gas_and_those_after_it_wait() {
        let jobs = [job(1, 0, true), job(1, 1, true), job(2, 0, false)];
        let execution = execution();
        let mut entries: Vec<_> = ready(&jobs, &execution).collect();
        entries[0].failed_posts = 2;
        let batches = signed_batches(entries, &mut PostingGas::of_block(30_000_000));
        let posted: Vec<_> = batches.iter().map(|batch| batch.jobs.clone()).collect();
        assert_eq!(posted, [vec![jobs[2].job_id(1)], vec![jobs[0].job_id(1)]]);
        assert!(batches[1].gas_limit > batches[0].gas_limit);
    }
}
