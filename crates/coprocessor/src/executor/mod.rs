//! Jobs inside transactions: what `JobManager.execute` calls (DESIGN §4).
//!
//! The executor is a contract that is part of the node. It answers the job manager alone, because only what goes through
//! the job manager leaves a claim that can be challenged. Its input is `abi.encode(programId, elfHash, maxCycles, input)`,
//! its answer `abi.encode(status, cycles, output)`: a function of program and input, like any outcome.
//!
//! **Gas** is charged for the work at worst, by this rule:
//!
//! ```text
//! EXECUTE_BASE_GAS + PROGRAM_INSTRUCTION_GAS × instructions + INPUT_BYTE_GAS × |input| + CYCLE_GAS × cycles
//!     + OUTPUT_BYTE_GAS × |output|
//! ```
//!
//! A run gets as many cycles as it asks for and can pay for. When it needs more than it can pay for, the call is out of
//! gas, as any other is. When it ends without a provable outcome, the call reverts with `NoOutcome` and all the cycles it
//! asked for are charged: how far it came is not asked.
//!
//! **Memory.** A run reaches the first 2 MiB of its space ([`ivm_zkvm::Reach::Low`]); what is beyond is past the end of
//! memory, so that a program which needs more traps. Within these a cycle takes 9 to 14 ns at most, whatever the program
//! does; with all 128 MiB it would take 20 times as long where no cache holds what it reads.

use std::fmt::Debug;
use std::num::NonZeroUsize;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::{SolError, SolValue};
use ivm_contracts::{EXECUTOR_ADDRESS, JobManager, NoOutcomeReason};
use ivm_evm::{NativeCall, NativeContract, NativeFault, NativeReturn};
use ivm_primitives::{JobInput, ProgramId};
use ivm_zkvm::{Execution, NoOutcome};
use lru::LruCache;
use parking_lot::Mutex;

pub mod errors;
mod runner;
mod told;

pub use runner::{ProgramRunner, RunProgram, RunRefusal};
pub use told::{MAX_TOLD_RUNS, ToldRun};

use told::Told;

/// Gas of every call: a worker is asked and answers.
pub const EXECUTE_BASE_GAS: u64 = 20_000;
/// Gas of an instruction of the program, run or not: it may have to be read and compiled first.
pub const PROGRAM_INSTRUCTION_GAS: u64 = 2;
/// Gas of a byte of the input: it is hashed and handed to a worker.
pub const INPUT_BYTE_GAS: u64 = 1;
/// Gas of a byte of the output.
pub const OUTPUT_BYTE_GAS: u64 = 1;
/// Gas of a cycle. The gas of a full block (30 million) pays for 15 million of them, which take 0.14 to 0.2 s at worst: no
/// longer than the time between blocks. The budget of the job manager bounds runs to fewer, but it has no hold over calls
/// that are reverted afterwards.
pub const CYCLE_GAS: u64 = 2;
/// Gas of a call that is refused.
pub const REFUSED_CALL_GAS: u64 = 3_000;

/// Runs that are kept, so that estimating, building and executing a block make each run once.
const KEPT_RUNS: NonZeroUsize = NonZeroUsize::new(1024).expect("is not zero");

/// What a call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorCall {
    /// The program.
    pub program_id: ProgramId,
    /// keccak256 of its ELF, as registered.
    pub elf_hash: B256,
    /// Most cycles.
    pub max_cycles: u64,
    /// Its onchain input.
    pub input: Bytes,
}

impl ExecutorCall {
    /// As the executor takes it.
    pub fn to_bytes(&self) -> Bytes {
        (self.program_id, self.elf_hash, self.max_cycles, self.input.clone()).abi_encode_params().into()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (program_id, elf_hash, max_cycles, input) =
            <(B256, B256, u64, Bytes)>::abi_decode_params_validate(bytes).ok()?;
        Some(Self { program_id, elf_hash, max_cycles, input })
    }
}

/// What gas is charged for, beside cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunCosts {
    /// Instructions of the program.
    pub instructions: u64,
    /// Bytes of the input.
    pub input_bytes: u64,
    /// Bytes of the output.
    pub output_bytes: u64,
}

impl RunCosts {
    /// The gas of a run of so many cycles.
    pub const fn gas(self, cycles: u64) -> u64 {
        EXECUTE_BASE_GAS
            .saturating_add(self.instructions.saturating_mul(PROGRAM_INSTRUCTION_GAS))
            .saturating_add(self.input_bytes.saturating_mul(INPUT_BYTE_GAS))
            .saturating_add(self.output_bytes.saturating_mul(OUTPUT_BYTE_GAS))
            .saturating_add(cycles.saturating_mul(CYCLE_GAS))
    }
}

/// The contract.
#[derive(Debug)]
pub struct Executor<R> {
    job_manager: Address,
    runner: R,
    /// Runs that ended with an outcome, by what was run: it has the same outcome at any limit it keeps to.
    runs: Mutex<LruCache<B256, Execution>>,
    told: Told,
}

impl<R: RunProgram> Executor<R> {
    /// The executor for this job manager.
    pub fn new(job_manager: Address, runner: R) -> Self {
        Self { job_manager, runner, runs: Mutex::new(LruCache::new(KEPT_RUNS)), told: Told::default() }
    }

    /// The gas of a call beside its cycles and its output.
    fn fixed_costs(&self, call: &ExecutorCall) -> Result<RunCosts, NativeFault> {
        let instructions =
            self.runner.instructions(call.program_id, call.elf_hash).map_err(NativeFault::Unavailable)?;
        Ok(RunCosts { instructions, input_bytes: call.input.len() as u64, output_bytes: 0 })
    }

    /// Has the block with this number executed with these outcomes in place of true ones: see [`ToldRun`].
    pub fn tell(&self, block_number: u64, runs: Vec<ToldRun>) {
        self.told.set(block_number, runs);
    }

    /// Forgets what was told of all blocks.
    pub fn forget_told(&self) {
        self.told.clear();
    }

    /// What the block with this number has for the outcome of a run with at most so many cycles.
    fn run(&self, block_number: u64, call: &ExecutorCall, max_cycles: u64) -> Result<Execution, RunRefusal> {
        match self.told.get(block_number, told::key(call.program_id, keccak256(&call.input))) {
            Some(execution) => within(execution, max_cycles),
            None => self.truth(call, max_cycles),
        }
    }

    /// What a run with at most so many cycles yields.
    ///
    /// # Errors
    /// [`RunRefusal`].
    pub fn truth(&self, call: &ExecutorCall, max_cycles: u64) -> Result<Execution, RunRefusal> {
        let what = told::key(call.program_id, keccak256(&call.input));
        let known = self.runs.lock().get(&what).cloned();
        if let Some(execution) = known {
            return within(execution, max_cycles);
        }
        let input = JobInput::onchain_only(call.input.clone()).map_err(RunRefusal::TooLarge)?;
        let execution = self.runner.run(call, &input, max_cycles)?;
        self.runs.lock().put(what, execution.clone());
        Ok(execution)
    }
}

/// A run is the same at every limit that it keeps to.
fn within(execution: Execution, max_cycles: u64) -> Result<Execution, RunRefusal> {
    if execution.cycles <= max_cycles {
        Ok(execution)
    } else {
        Err(RunRefusal::NoOutcome(NoOutcome::OutOfCycles { max_cycles }))
    }
}

fn refused(error: Vec<u8>) -> NativeFault {
    NativeFault::Reverted { gas_used: REFUSED_CALL_GAS, output: error.into() }
}

const fn reason_of(no_outcome: &NoOutcome) -> NoOutcomeReason {
    match no_outcome {
        NoOutcome::Trapped(_) => NoOutcomeReason::Trapped,
        NoOutcome::Input(_) => NoOutcomeReason::InputDoesNotFit,
        NoOutcome::OutOfCycles { .. } => NoOutcomeReason::OutOfCycles,
        NoOutcome::ExitCode { .. } => NoOutcomeReason::ExitCode,
        NoOutcome::Malformed { .. } | NoOutcome::HashMismatch { .. } => NoOutcomeReason::Malformed,
    }
}

impl<R: RunProgram> NativeContract for Executor<R> {
    fn address(&self) -> Address {
        EXECUTOR_ADDRESS
    }

    fn name(&self) -> &'static str {
        "JOB_EXECUTOR"
    }

    fn call(&self, call: &NativeCall<'_>) -> Result<NativeReturn, NativeFault> {
        let &NativeCall { caller, is_direct, block_number, input, gas_limit } = call;
        if gas_limit < REFUSED_CALL_GAS {
            return Err(NativeFault::OutOfGas);
        }
        if caller != self.job_manager || !is_direct {
            return Err(refused(
                errors::NotJobManager { got: caller, expected: self.job_manager }.abi_encode(),
            ));
        }
        let call =
            ExecutorCall::from_bytes(input).ok_or_else(|| refused(errors::CallMalformed {}.abi_encode()))?;
        // Before anything is read: a program that has to be admitted again takes a while.
        if gas_limit < EXECUTE_BASE_GAS {
            return Err(NativeFault::OutOfGas);
        }
        let costs = self.fixed_costs(&call)?;
        let affordable = gas_limit.checked_sub(costs.gas(0)).ok_or(NativeFault::OutOfGas)? / CYCLE_GAS;
        let max_cycles = call.max_cycles.min(affordable);
        let without = |reason| NativeFault::Reverted {
            gas_used: costs.gas(max_cycles),
            output: JobManager::NoOutcome { programId: call.program_id, reason: reason as u8 }
                .abi_encode()
                .into(),
        };
        let execution = match self.run(block_number, &call, max_cycles) {
            Ok(execution) => execution,
            Err(RunRefusal::NoOutcome(NoOutcome::OutOfCycles { .. })) if max_cycles < call.max_cycles => {
                return Err(NativeFault::OutOfGas);
            }
            Err(RunRefusal::NoOutcome(reason)) => return Err(without(reason_of(&reason))),
            Err(RunRefusal::TooLarge(_)) => return Err(without(NoOutcomeReason::InputDoesNotFit)),
            Err(RunRefusal::Unavailable(reason)) => return Err(NativeFault::Unavailable(reason)),
        };
        let bytes = execution.outcome.bytes();
        let gas_used = RunCosts { output_bytes: bytes.len() as u64, ..costs }.gas(execution.cycles);
        if gas_used > gas_limit {
            return Err(NativeFault::OutOfGas);
        }
        let status = execution.outcome.status().as_byte();
        let answer = (alloy_primitives::U256::from(status), execution.cycles, bytes.clone());
        Ok(NativeReturn { gas_used, output: answer.abi_encode_params().into() })
    }
}

#[cfg(test)]
mod tests;
