//! Engine programs to circuit executables, and the commitment to one.

use alloy_primitives::B256;
use ivm_engine::{Program as EngineProgram, decode::OPCODE_SYSTEM};
use openvm_circuit::{
    arch::{
        MemoryConfig,
        hasher::poseidon2::vm_poseidon2_hasher,
        instructions::{exe::VmExe, program::Program},
    },
    system::program::trace::compute_exe_commit,
};
use openvm_keccak256_transpiler::Keccak256TranspilerExtension;
use openvm_rv32im_transpiler::{
    Rv32ITranspilerExtension, Rv32IoTranspilerExtension, Rv32MTranspilerExtension,
};
use openvm_sdk::F;
use openvm_sha2_transpiler::Sha2TranspilerExtension;
use openvm_stark_backend::p3_field::{PrimeCharacteristicRing, PrimeField32};
use openvm_stark_sdk::config::baby_bear_poseidon2::Digest;
use openvm_transpiler::transpiler::Transpiler;

use crate::{AdmitError, memory_root::memory_root};

/// `terminate` with exit code 2: what a system instruction becomes in the circuit too. OpenVM's own translation makes a
/// no-op of `unimp` (`csrrw x0, cycle, x0`), so a run would go on past an abort.
const SYSTEM_TERMINATE_WORD: u32 = (ivm_engine::SYSTEM_INSTRUCTION_EXIT_CODE as u32) << 20 | 0x0b;

/// Translates a program's code for the circuit. Initial memory is not in it: OpenVM's map of single bytes would take a
/// hundred times the memory of an input, so [`crate::prove`] writes it where the prover reads it.
pub(crate) fn executable(program: &EngineProgram) -> Result<VmExe<F>, AdmitError> {
    // The `io` extension of the *translation* knows reveal and terminate. The hint instructions it knows as well were
    // refused by the engine's decoder, and the circuit has none.
    let transpiler = Transpiler::<F>::default()
        .with_extension(Rv32ITranspilerExtension)
        .with_extension(Rv32MTranspilerExtension)
        .with_extension(Rv32IoTranspilerExtension)
        .with_extension(Keccak256TranspilerExtension)
        .with_extension(Sha2TranspilerExtension);
    let words: Vec<u32> = program
        .words
        .iter()
        .map(|&word| if word & 0x7f == OPCODE_SYSTEM { SYSTEM_TERMINATE_WORD } else { word })
        .collect();
    let instructions =
        transpiler.transpile(&words).map_err(|error| AdmitError::Circuit(error.to_string()))?;
    Ok(VmExe::new(Program::new_without_debug_infos_with_option(&instructions, program.pc_base))
        .with_pc_start(program.pc_start))
}

/// Commitment to a program's code, initial memory with `input_image` in it (or without an input), and start pc: what
/// OpenVM's `compute_exe_commit_from_mem_config` gives for the executable.
pub(crate) fn commitment(
    code_commitment: &Digest,
    program: &EngineProgram,
    input_image: Option<&[u8]>,
    memory: &MemoryConfig,
) -> B256 {
    let segments = program.segments.iter().map(|segment| (segment.address, segment.bytes.as_slice()));
    let regions: Vec<_> = segments.chain(input_image.map(|image| (program.input_address, image))).collect();
    let root = memory_root(&regions, &memory.memory_dimensions());
    let hasher = vm_poseidon2_hasher::<F>();
    digest_to_b256(&compute_exe_commit(&hasher, code_commitment, &root, F::from_u32(program.pc_start)))
}

/// Eight field elements as eight big-endian words.
pub(crate) fn digest_to_b256(digest: &Digest) -> B256 {
    let mut bytes = [0; 32];
    for (element, bytes) in digest.iter().zip(bytes.as_chunks_mut::<4>().0) {
        *bytes = element.as_canonical_u32().to_be_bytes();
    }
    B256::from(bytes)
}
