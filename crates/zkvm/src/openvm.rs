//! [`Zkvm`] on OpenVM.

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::OnceLock,
};

use alloy_primitives::{B256, keccak256};
use ivm_primitives::{JobInput, limits::MAX_ELF_SIZE_BYTES};
use openvm_circuit::arch::{SystemConfig, VirtualMachine};
use openvm_sdk::{DefaultStarkEngine, prover::verify_app_proof};
use openvm_sdk_config::SdkVmBuilder;
use openvm_stark_backend::{StarkEngine, p3_field::PrimeField32, prover::DeviceDataTransporter};

use crate::{
    AdmitError, AdmittedProgram, CheckError, Execution, KeyError, NoOutcome, Proof, ProveError,
    ProveProgress, VerifyError, Zkvm, codec,
    exe::{commitment, digest_to_b256, executable},
    execute::{check, execute, provable_run},
    keys::Keys,
    prove::prove_segments,
};

pub(crate) type Machine = VirtualMachine<DefaultStarkEngine, SdkVmBuilder>;

/// OpenVM 2.0 with our VM configuration, keys generated when they are first needed.
#[derive(Default)]
pub struct OpenVm {
    keys: OnceLock<Keys>,
    key_cache: Option<PathBuf>,
}

impl OpenVm {
    /// A zkVM whose keys are generated on first use (a tenth of a second).
    pub fn new() -> Self {
        Self::default()
    }

    /// A zkVM that keeps its keys in a folder, which must be as safe as the node's data.
    pub fn with_key_cache(folder: impl Into<PathBuf>) -> Self {
        Self { keys: OnceLock::new(), key_cache: Some(folder.into()) }
    }

    fn keys(&self) -> Result<&Keys, KeyError> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let keys = match &self.key_cache {
            Some(folder) => Keys::cached(folder)?,
            None => Keys::generate()?,
        };
        Ok(self.keys.get_or_init(|| keys))
    }

    pub(crate) fn machine(&self) -> Result<Machine, String> {
        let proving_key = &self.keys().map_err(|error| error.to_string())?.proving.app_vm_pk;
        let engine = DefaultStarkEngine::new(proving_key.get_params());
        let device_key = engine.device().transport_pk_to_device(&*proving_key.vm_pk);
        VirtualMachine::new(engine, SdkVmBuilder, proving_key.vm_config.clone(), device_key)
            .map_err(|error| error.to_string())
    }

    pub(crate) fn system_config(&self) -> Result<&SystemConfig, KeyError> {
        Ok(self.keys()?.proving.app_vm_pk.vm_config.as_ref())
    }

    /// Checks the proof itself and returns what it is about: (execution commitment, outcome hash).
    fn check(&self, bytes: &[u8]) -> Result<(B256, B256), VerifyError> {
        let keys = self.keys().map_err(|error| VerifyError::Invalid(error.to_string()))?;
        let proof = codec::decode(bytes)?;
        let execution = verify_app_proof::<DefaultStarkEngine>(&keys.verifying, &proof)
            .map_err(|error| VerifyError::Invalid(error.to_string()))?;
        let revealed = &proof.user_public_values.public_values;
        let mut outcome_hash = B256::ZERO;
        // The verifier checked that there are 32; each stands for a byte.
        for (byte, element) in outcome_hash.iter_mut().zip(revealed) {
            *byte = u8::try_from(element.as_canonical_u32())
                .map_err(|_| VerifyError::Invalid("a public value is not a byte".into()))?;
        }
        Ok((digest_to_b256(&execution), outcome_hash))
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
        let memory =
            &self.system_config().map_err(|error| AdmitError::Circuit(error.to_string()))?.memory_config;
        let id = commitment(&code_commitment, &engine, None, memory);
        Ok(AdmittedProgram::new(id, keccak256(elf), engine, exe, code_commitment))
    }

    fn execute(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        max_cycles: u64,
    ) -> Result<Execution, NoOutcome> {
        execute(program, input, max_cycles)
    }

    fn check(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        max_cycles: u64,
        claimed_hash: B256,
    ) -> Result<u64, CheckError> {
        check(program, input, max_cycles, claimed_hash)
    }

    fn prove(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        max_cycles: u64,
        progress: &mut dyn FnMut(ProveProgress) -> ControlFlow<()>,
    ) -> Result<Proof, ProveError> {
        let image = input.memory_image();
        let cycles = provable_run(program, &image, max_cycles)?.cycles;
        let machine = self.machine().map_err(ProveError::Prover)?;
        catch(|| prove_segments(machine, program, &image, cycles, progress))
            .unwrap_or_else(|panic| Err(ProveError::Prover(panic)))
    }

    fn verify(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        outcome_hash: B256,
        proof: &Proof,
    ) -> Result<(), VerifyError> {
        let (execution, shown) = catch(|| self.check(proof.bytes())).map_err(VerifyError::Invalid)??;
        let memory =
            &self.system_config().map_err(|error| VerifyError::Invalid(error.to_string()))?.memory_config;
        let image = input.memory_image();
        let expected = commitment(program.code_commitment(), program.engine(), Some(&image), memory);
        if execution != expected {
            return Err(VerifyError::WrongExecution { got: execution, expected });
        }
        if shown != outcome_hash {
            return Err(VerifyError::WrongOutcome { got: shown, expected: outcome_hash });
        }
        Ok(())
    }
}

/// Runs `work`, turning a panic of the proof system into an error: its code asserts on data that hostile proofs can
/// choose, and a node must not fall over one.
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
