//! Proving a run: metered once to cut it into segments, then proven segment by segment.
//!
//! OpenVM's own loop (`VmInstance::prove_continuations`) does the same, but meters on its own, takes initial memory as a
//! map of single bytes, cannot be stopped, and keeps all proofs decoded until the end. Here each is encoded as it is
//! made, so a long run needs the memory of one segment, and its proof's bytes.

use std::ops::ControlFlow;

use alloy_primitives::Bytes;
use openvm_circuit::{
    arch::{
        PreflightExecutionOutput, VmState, execution_mode::Segment, hasher::poseidon2::vm_poseidon2_hasher,
        instructions::riscv::RV32_MEMORY_AS,
    },
    system::memory::{
        merkle::public_values::UserPublicValuesProof,
        online::{GuestMemory, LinearMemory},
    },
};
use openvm_sdk::{F, SC};
use openvm_stark_backend::{StarkEngine, proof::Proof as SegmentProof};

use crate::{
    AdmittedProgram, MAX_PROOF_SIZE_BYTES, Proof, ProveError, ProveProgress, codec::Encoder, openvm::Machine,
};

type State = VmState<F, GuestMemory>;
pub(crate) type PublicValuesProof = UserPublicValuesProof<8, F>;
pub(crate) type Report<'a> = &'a mut dyn FnMut(ProveProgress) -> ControlFlow<()>;

/// Proves a run that terminates with exit code 0 after `cycles` instructions, in segments.
pub(crate) fn prove_segments(
    machine: Machine,
    program: &AdmittedProgram,
    input_image: &[u8],
    cycles: u64,
    progress: Report<'_>,
) -> Result<Proof, ProveError> {
    let segments = plan(&machine, program, input_image, cycles)?;
    report(progress, ProveProgress::Planned { segments: segments.len(), instructions: cycles })?;
    let mut encoder = Encoder::new(segments.len()).map_err(prover_error)?;
    let public_values = for_each_segment(
        machine,
        program,
        input_image,
        &segments,
        |index, proof| {
            encoder.segment(&proof).map_err(prover_error)?;
            // Segments are of one size, but for the last: better to give up now than at the end.
            let rest = if index == 0 { segments.len().saturating_sub(2) } else { 0 };
            limit_size(encoder.size_bytes().saturating_add(encoder.size_bytes().saturating_mul(rest)))
        },
        progress,
    )?;
    let bytes = encoder.finish(&public_values).map_err(prover_error)?;
    limit_size(bytes.len())?;
    report(progress, ProveProgress::Finished)?;
    Ok(Proof::from_bytes(Bytes::from(bytes)))
}

/// Cuts the run into segments.
fn plan(
    machine: &Machine,
    program: &AdmittedProgram,
    input_image: &[u8],
    cycles: u64,
) -> Result<Vec<Segment>, ProveError> {
    let interpreter = machine.metered_interpreter(program.exe()).map_err(prover_error)?;
    let metering = machine.build_metered_ctx(program.exe());
    let state = initial_state(machine, program, input_image)?;
    let (segments, _) = interpreter.execute_metered_from_state(state, metering).map_err(prover_error)?;
    let metered: u64 = segments.iter().map(|segment| segment.num_insns).sum();
    if metered != cycles {
        return Err(ProveError::Prover(format!(
            "the circuit ran {metered} instructions, the engine {cycles}"
        )));
    }
    Ok(segments)
}

/// Proves one segment after the other, handing each proof on, and then the public values.
fn for_each_segment(
    mut machine: Machine,
    program: &AdmittedProgram,
    input_image: &[u8],
    segments: &[Segment],
    mut take: impl FnMut(usize, SegmentProof<SC>) -> Result<(), ProveError>,
    progress: Report<'_>,
) -> Result<PublicValuesProof, ProveError> {
    let code = machine.commit_program_on_device(&program.exe().program);
    machine.load_program(code);
    let mut interpreter = machine.preflight_interpreter(program.exe()).map_err(prover_error)?;
    let mut state = initial_state(&machine, program, input_image)?;
    for (index, segment) in segments.iter().enumerate() {
        report(progress, ProveProgress::SegmentStarted { index })?;
        machine.transport_init_memory_to_device(&state.memory);
        let PreflightExecutionOutput { system_records, record_arenas, to_state } = machine
            .execute_preflight(&mut interpreter, state, Some(segment.num_insns), &segment.trace_heights)
            .map_err(prover_error)?;
        state = to_state;
        let context = machine.generate_proving_ctx(system_records, record_arenas).map_err(prover_error)?;
        let proof = machine.engine.prove(machine.pk(), context).map_err(prover_error)?;
        take(index, proof)?;
    }
    let system = &machine.config().system.config;
    let top_tree = machine
        .memory_top_tree()
        .ok_or_else(|| ProveError::Prover("the prover has no tree of the final memory".into()))?;
    Ok(PublicValuesProof::compute(
        system.memory_config.memory_dimensions(),
        system.num_public_values,
        &vm_poseidon2_hasher(),
        &state.memory.memory,
        top_tree,
    ))
}

fn initial_state(
    machine: &Machine,
    program: &AdmittedProgram,
    input_image: &[u8],
) -> Result<State, ProveError> {
    let mut state = machine.create_initial_state(program.exe(), Vec::<Vec<F>>::new());
    let memory = state.memory.memory.get_memory_mut()[RV32_MEMORY_AS as usize].as_mut_slice();
    for (address, bytes) in program.initial_memory(Some(input_image)) {
        let start = address as usize;
        memory
            .get_mut(start..start + bytes.len())
            .ok_or_else(|| ProveError::Prover("initial memory does not fit the address space".into()))?
            .copy_from_slice(bytes);
    }
    Ok(state)
}

/// Tells what comes next, unless the caller wants no more.
fn report(progress: Report<'_>, event: ProveProgress) -> Result<(), ProveError> {
    match progress(event) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ProveError::Cancelled),
    }
}

fn limit_size(size_bytes: usize) -> Result<(), ProveError> {
    if size_bytes > MAX_PROOF_SIZE_BYTES {
        return Err(ProveError::TooLarge { got: size_bytes });
    }
    Ok(())
}

fn prover_error(error: impl std::fmt::Display) -> ProveError {
    ProveError::Prover(error.to_string())
}
