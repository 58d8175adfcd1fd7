//! What the node does for those who ask for jobs: signed requests, estimates, prices.

use alloy_eips::BlockId;
use alloy_primitives::B256;
use ivm_contracts::{JOB_MANAGER_ADDRESS, LOAD_SLOT, LoadWord};
use ivm_coprocessor::RunCosts;
use ivm_primitives::{JobInput, limits::MAX_CYCLES_PER_JOB};
use ivm_rpc::{
    CycleFeeHistory, EstimateRequest, IvmError, JobEstimate, JobState, SignedJobRequest, SubmittedJob,
};
use ivm_zkvm::{ExecuteError, Reach};

use crate::{
    backend::internal,
    node::Shared,
    progress::Stage,
    records::{ProgramRecord, program_key},
    signed::{self, Admission, SignedJob},
};

/// Most cycles of an estimate: a second of work or less, but for hostile programs.
pub(crate) const MAX_ESTIMATE_CYCLES: u64 = 100_000_000;

/// Takes a signed request on. Everything that can be known without running it is checked before.
pub(crate) fn submit(shared: &Shared, mut request: SignedJobRequest) -> Result<SubmittedJob, IvmError> {
    let offchain_input = request.offchain_input.take();
    let job = SignedJob::from(request);
    let job_id = job.job_id(shared.chain.config().chain_id);
    if let Some(state) = known(shared, job_id, &job)? {
        return Ok(SubmittedJob { job_id, state });
    }
    let room = shared.open_jobs.lock().signed.check_room(&job);
    room.map_err(busy)?;
    let admission = Admission::new(&shared.chain);
    let head = shared.chain.head().block.number();
    if let Some(fault) = admission.fault(&job).map_err(internal)? {
        return Err(signed::refusal(fault, &job, head));
    }
    let funds = admission.funds(&job).map_err(internal)?;
    funds.check(&shared.open_jobs.lock().signed, &job)?;
    for input in [Some(job.request.onchainInput.clone()), offchain_input].into_iter().flatten() {
        shared.payloads.put(&input).map_err(internal)?;
    }
    {
        let mut open_jobs = shared.open_jobs.lock();
        // Others may have come meanwhile.
        funds.check(&open_jobs.signed, &job)?;
        open_jobs.insert_signed(job_id, job.clone(), funds.fee_wei, head + 1).map_err(busy)?;
        shared.writes.lock().push(job.write(job_id));
    }
    tracing::info!(
        target: "job",
        "job {job_id} asked for by signature of {}: program {}, up to {} cycles, deadline block {}",
        job.request.consumer, job.request.programId, job.request.maxCycles, job.request.deadlineBlock
    );
    shared.tell(job_id);
    Ok(SubmittedJob { job_id, state: JobState::Pending })
}

/// Whether the node has the request already. One with the same number may take the place of one that leads nowhere.
fn known(shared: &Shared, job_id: B256, job: &SignedJob) -> Result<Option<JobState>, IvmError> {
    let open_jobs = shared.open_jobs.lock();
    let (Some(waits), Some(open)) = (open_jobs.signed.get(job_id), open_jobs.get(job_id)) else {
        return Ok(None);
    };
    let state = match open.stage {
        Stage::Executing => JobState::Executing,
        Stage::Executed { .. } => JobState::Executed,
        Stage::NoOutcome(_) => JobState::NoOutcome,
        Stage::Waiting | Stage::Queued | Stage::CannotRun(_) | Stage::MissingPayload(_) => JobState::Pending,
    };
    if waits.request == job.request {
        return Ok(Some(state));
    }
    match open.stage {
        Stage::NoOutcome(_) | Stage::CannotRun(_) | Stage::MissingPayload(_) => Ok(None),
        _ => Err(IvmError::RequestRefused {
            fault: "NonceUsed",
            reason: format!(
                "another request of {} with number {} waits for a block",
                job.request.consumer, job.request.nonce
            ),
        }),
    }
}

fn busy(error: signed::TakeError) -> IvmError {
    let (what, limit) = error.what();
    IvmError::Busy { what, limit }
}

/// Runs a job, to see what it takes.
pub(crate) fn estimate(shared: &Shared, request: EstimateRequest) -> Result<JobEstimate, IvmError> {
    let program_id = request.program_id;
    let record: Option<ProgramRecord> = shared.record(&program_key(program_id)).map_err(internal)?;
    let record = record.ok_or(IvmError::UnknownProgram { program_id })?;
    let program = shared.programs.get(program_id, record.elf_hash).map_err(internal)?;
    let input_bytes = request.onchain_input.len() as u64;
    let has_offchain_input = !request.offchain_input.is_empty();
    let input = JobInput::new(request.onchain_input, request.offchain_input).map_err(internal)?;
    let limit = request.max_cycles.unwrap_or(MAX_ESTIMATE_CYCLES).clamp(1, MAX_ESTIMATE_CYCLES);
    // Most runs need no more memory than there is inside a transaction, and are the same with more of it.
    let run = |reach| shared.zkvm.execute_within(&program, &input, limit, reach);
    let inside = if has_offchain_input { None } else { run(Reach::Low).ok() };
    let runs_inside = inside.is_some();
    let execution = inside.map_or_else(|| run(Reach::Whole), Ok).map_err(|error| match error {
        ExecuteError::NoOutcome(reason) => IvmError::NoOutcome { reason: reason.to_string() },
        ExecuteError::Broken(reason) => internal(reason),
    })?;
    let cycles = execution.cycles;
    let max_cycles = cycles.saturating_add(cycles / 10).clamp(1, MAX_CYCLES_PER_JOB);
    let admission = Admission::new(&shared.chain);
    let next_block = shared.chain.head().block.number() + 1;
    let parameters = admission.parameters().map_err(internal)?;
    let cycle_price_wei = load_at(shared, next_block - 1)?.price_as_of(next_block, &parameters);
    let callback_gas = request.callback_gas_limit.unwrap_or_default();
    let costs = RunCosts {
        instructions: program.engine().words.len() as u64,
        input_bytes,
        output_bytes: execution.outcome.bytes().len() as u64,
    };
    Ok(JobEstimate {
        cycles,
        max_cycles,
        outcome: execution.outcome.into(),
        cycle_price_wei,
        fee_wei: parameters.escrow_wei(cycle_price_wei, max_cycles, callback_gas),
        sync_gas: runs_inside.then(|| costs.gas(max_cycles)),
    })
}

/// Prices of cycles in blocks up to `newest`.
pub(crate) fn fee_history(
    shared: &Shared,
    block_count: u64,
    newest: u64,
) -> Result<CycleFeeHistory, IvmError> {
    let oldest = (newest + 1).saturating_sub(block_count);
    let parameters = Admission::new(&shared.chain).parameters().map_err(internal)?;
    let mut history = CycleFeeHistory {
        oldest_block: oldest,
        cycle_price_wei: Vec::new(),
        cycles_used: Vec::new(),
        cycles_used_ratio: Vec::new(),
    };
    let target = parameters.target_cycles_per_block();
    for number in oldest..=newest {
        let kept = load_at(shared, number)?;
        let load = kept.as_of(number, &parameters);
        history.cycle_price_wei.push(load.cycle_price_wei);
        history.cycles_used.push(load.posted_cycles);
        history.cycles_used_ratio.push(load.posted_cycles as f64 / target as f64);
        if number == newest {
            history.cycle_price_wei.push(kept.price_as_of(number + 1, &parameters));
        }
    }
    Ok(history)
}

/// What the price of a cycle follows, as it is kept after a block.
fn load_at(shared: &Shared, number: u64) -> Result<LoadWord, IvmError> {
    let state = shared.chain.state_at(BlockId::number(number)).map_err(internal)?;
    let word = state.storage(JOB_MANAGER_ADDRESS, LOAD_SLOT.into()).map_err(internal)?;
    Ok(LoadWord::from(B256::from(word)))
}
