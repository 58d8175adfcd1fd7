//! Engine programs to circuit executables.

use ivm_engine::{Program as EngineProgram, decode::OPCODE_SYSTEM};
use openvm_circuit::arch::instructions::{exe::VmExe, program::Program};
use openvm_keccak256_transpiler::Keccak256TranspilerExtension;
use openvm_rv32im_transpiler::{
    Rv32ITranspilerExtension, Rv32IoTranspilerExtension, Rv32MTranspilerExtension,
};
use openvm_sdk::F;
use openvm_sha2_transpiler::Sha2TranspilerExtension;
use openvm_transpiler::transpiler::Transpiler;

use crate::AdmitError;

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
