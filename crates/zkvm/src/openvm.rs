//! [`Zkvm`] on OpenVM.

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use alloy_primitives::{B256, keccak256};
use ivm_engine::{Executor, InProcess, Reach, interpreter};
use ivm_primitives::{JobInput, limits::MAX_ELF_SIZE_BYTES};
use openvm_circuit::arch::VirtualMachine;
use openvm_sdk::{DefaultStarkEngine, prover::AggProver};
use openvm_sdk_config::SdkVmBuilder;
use openvm_stark_backend::{StarkEngine, prover::DeviceDataTransporter};

use crate::{
    Admission, AdmitError, AdmittedProgram, CheckError, ExecuteError, Execution, KeyError, Proof, ProofKind,
    ProveError, ProveProgress, VerifyError, VerifyingProgram, Zkvm,
    config::{SEGMENT_MEMORY_SIZE_BYTES, vm_config},
    exe::executable,
    execute::{check, execute, provable_run},
    keys::{VmKey, aggregation_prover, vm_key},
    prove::{ProvableRun, prove_aggregated, prove_segments},
};

pub(crate) type Machine = VirtualMachine<DefaultStarkEngine, SdkVmBuilder>;

/// OpenVM 2.0 with our VM configuration, keys generated when they are first needed.
pub struct OpenVm {
    vm_key: OnceLock<VmKey>,
    aggregation: OnceLock<AggProver>,
    key_cache: Option<PathBuf>,
    segment_memory_size_bytes: usize,
    executor: Arc<dyn Executor>,
}

impl Default for OpenVm {
    fn default() -> Self {
        Self {
            vm_key: OnceLock::new(),
            aggregation: OnceLock::new(),
            key_cache: None,
            segment_memory_size_bytes: SEGMENT_MEMORY_SIZE_BYTES,
            executor: Arc::new(InProcess),
        }
    }
}

impl OpenVm {
    /// A zkVM whose keys are generated on first use: a tenth of a second, and seconds for those that aggregate. Programs
    /// run in this process.
    pub fn new() -> Self {
        Self::default()
    }

    /// A zkVM that keeps its proving keys in a folder.
    pub fn with_key_cache(folder: impl Into<PathBuf>) -> Self {
        Self { key_cache: Some(folder.into()), ..Self::default() }
    }

    /// Runs programs by another executor.
    #[must_use]
    pub fn with_executor(self, executor: Arc<dyn Executor>) -> Self {
        Self { executor, ..self }
    }

    /// Sets about how much memory proving one segment may need, in bytes: less makes more segments. Any number gives
    /// valid proofs; below what the circuit's fixed tables take, segments are of a thousand instructions.
    #[must_use]
    pub fn with_segment_memory(mut self, size_bytes: usize) -> Self {
        self.segment_memory_size_bytes = size_bytes;
        self
    }

    /// Has the keys for a kind of proof ready, so that the first proof does not wait for them.
    ///
    /// # Errors
    /// [`KeyError`] when they cannot be generated.
    pub fn prepare(&self, kind: ProofKind) -> Result<(), KeyError> {
        match kind {
            ProofKind::Segments => self.vm_key().map(drop),
            ProofKind::Aggregated => self.aggregation().map(drop),
        }
    }

    pub(crate) fn vm_key(&self) -> Result<&VmKey, KeyError> {
        if let Some(key) = self.vm_key.get() {
            return Ok(key);
        }
        let key = vm_key(self.key_cache.as_deref())?;
        Ok(self.vm_key.get_or_init(|| key))
    }

    pub(crate) fn aggregation(&self) -> Result<&AggProver, KeyError> {
        let vm_key = self.vm_key()?;
        Ok(self.aggregation.get_or_init(|| aggregation_prover(vm_key, self.key_cache.as_deref())))
    }

    pub(crate) fn machine(&self) -> Result<Machine, String> {
        let key = self.vm_key().map_err(|error| error.to_string())?;
        let engine = DefaultStarkEngine::new(key.params.clone());
        let device_key = engine.device().transport_pk_to_device(&**key);
        // Not from the key's file: OpenVM leaves the segments' size out when it writes a config.
        let mut config = vm_config();
        config.system.config.set_segmentation_max_memory(self.segment_memory_size_bytes);
        VirtualMachine::new(engine, SdkVmBuilder, config, device_key).map_err(|error| error.to_string())
    }
}

impl Zkvm for OpenVm {
    fn admit(&self, elf: &[u8]) -> Result<AdmittedProgram, AdmitError> {
        if elf.len() > MAX_ELF_SIZE_BYTES {
            return Err(AdmitError::TooLarge { got: elf.len() });
        }
        let engine = ivm_engine::Program::from_elf(elf)?;
        let exe = executable(&engine)?;
        let machine = self.machine().map_err(AdmitError::Circuit)?;
        let code_commitment = catch(|| machine.commit_program_on_device(&exe.program).commitment)
            .map_err(AdmitError::Circuit)?;
        let id = VerifyingProgram::new(&engine, code_commitment).id();
        Ok(AdmittedProgram::new(id, keccak256(elf), engine, exe, code_commitment))
    }

    fn readmit(&self, elf: &[u8], admission: &Admission) -> Result<AdmittedProgram, AdmitError> {
        let elf_hash = keccak256(elf);
        if elf_hash != admission.elf_hash {
            return Err(AdmitError::OtherElf { got: elf_hash, expected: admission.elf_hash });
        }
        let engine = ivm_engine::Program::from_elf(elf)?;
        let exe = executable(&engine)?;
        Ok(AdmittedProgram::new(admission.id, elf_hash, engine, exe, admission.code_commitment))
    }

    fn execute_within(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        max_cycles: u64,
        reach: Reach,
    ) -> Result<Execution, ExecuteError> {
        execute(&*self.executor, program, input, max_cycles, reach)
    }

    fn check(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        max_cycles: u64,
        claimed_hash: B256,
    ) -> Result<u64, CheckError> {
        check(&*self.executor, program, input, max_cycles, claimed_hash)
    }

    fn prove(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        max_cycles: u64,
        kind: ProofKind,
        progress: &mut dyn FnMut(ProveProgress) -> ControlFlow<()>,
    ) -> Result<Proof, ProveError> {
        let input_image = input.memory_image();
        provable_run(&*self.executor, program, &input_image, max_cycles, Reach::Whole)?;
        let key_error = |error: KeyError| ProveError::Prover(error.to_string());
        catch(|| {
            let instructions = interpreter::count_instructions(program.engine(), &input_image, max_cycles)
                .map_err(|error| ProveError::NoOutcome(error.into()))?;
            let run = ProvableRun { program, input_image: &input_image, instructions };
            let machine = self.machine().map_err(ProveError::Prover)?;
            match kind {
                ProofKind::Segments => prove_segments(machine, &run, progress),
                ProofKind::Aggregated => {
                    prove_aggregated(machine, &run, self.aggregation().map_err(key_error)?, progress)
                }
            }
        })
        .unwrap_or_else(|panic| Err(ProveError::Prover(panic)))
    }

    fn verify(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        outcome_hash: B256,
        proof: &Proof,
    ) -> Result<(), VerifyError> {
        ivm_verifier::verify(&program.verifying(), input, outcome_hash, proof)
    }
}

/// Runs `work`, turning a panic of the proof system into an error: a prover or a node must not fall over a program.
fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        format!("the proof system panicked: {message}")
    })
}
