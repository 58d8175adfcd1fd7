//! Proving a run: metered once to cut it into segments, then proven segment by segment.
//!
//! OpenVM's own loop (`VmInstance::prove_continuations`) does the same, but meters on its own, takes initial memory as a
//! map of single bytes, cannot be stopped, and keeps all proofs decoded until the end. Here each is encoded as it is
//! made, so a long run needs the memory of one segment, and its proof's bytes.

use std::ops::ControlFlow;

use alloy_primitives::Bytes;
use ivm_verifier::codec::header;
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
use openvm_sdk::{F, SC, prover::AggProver};
use openvm_stark_backend::{StarkEngine, codec::Encode, proof::Proof as StarkProof};

use crate::{
    AdmittedProgram, MAX_PROOF_SIZE_BYTES, Proof, ProofKind, ProveError, ProveProgress,
    aggregate::{Tree, aggregations},
    openvm::Machine,
};

type State = VmState<F, GuestMemory>;
type PublicValuesProof = UserPublicValuesProof<8, F>;
/// Takes the proof of a segment, which has this index.
type TakeSegment<'a> = &'a mut dyn FnMut(usize, StarkProof<SC>, Report<'_>) -> Result<(), ProveError>;
pub(crate) type Report<'a> = &'a mut dyn FnMut(ProveProgress) -> ControlFlow<()>;

/// A run that terminates with exit code 0, to be proven.
pub(crate) struct ProvableRun<'a> {
    pub(crate) program: &'a AdmittedProgram,
    pub(crate) input_image: &'a [u8],
    /// Instructions that the engine executed, whatever they cost: the circuit counts each as one.
    pub(crate) instructions: u64,
}

/// Proves a run segment by segment.
pub(crate) fn prove_segments(
    machine: Machine,
    run: &ProvableRun<'_>,
    progress: Report<'_>,
) -> Result<Proof, ProveError> {
    let segments = plan(&machine, run)?;
    let (count, instructions) = (segments.len(), run.instructions);
    report(progress, ProveProgress::Planned { segments: count, aggregations: 0, instructions })?;
    let mut bytes = header(ProofKind::Segments);
    bytes.extend(u32::try_from(count).map_err(prover_error)?.to_le_bytes());
    let values = for_each_segment(machine, run, &segments, progress, &mut |index, proof, _| {
        let before = bytes.len();
        proof.encode(&mut bytes).map_err(prover_error)?;
        // All segments but the last are of one size: better to give up now than at the end.
        let rest = if index == 0 { count.saturating_sub(2) } else { 0 };
        limit_size(bytes.len().saturating_add((bytes.len() - before).saturating_mul(rest)))
    })?;
    finish(bytes, &values, progress)
}

/// Proves a run, and aggregates its segments' proofs as they come.
pub(crate) fn prove_aggregated(
    machine: Machine,
    run: &ProvableRun<'_>,
    prover: &AggProver,
    progress: Report<'_>,
) -> Result<Proof, ProveError> {
    let segments = plan(&machine, run)?;
    let (count, instructions) = (segments.len(), run.instructions);
    let aggregations = aggregations(count);
    report(progress, ProveProgress::Planned { segments: count, aggregations, instructions })?;
    let mut tree = Tree::new(prover);
    let values = for_each_segment(machine, run, &segments, progress, &mut |_, proof, progress| {
        tree.add(proof, &mut |index| report(progress, ProveProgress::AggregationStarted { index }))
    })?;
    let root = tree.finish(&mut |index| report(progress, ProveProgress::AggregationStarted { index }))?;
    let mut bytes = header(ProofKind::Aggregated);
    root.encode(&mut bytes).map_err(prover_error)?;
    finish(bytes, &values, progress)
}

/// Ends an encoded proof with the public values.
fn finish(mut bytes: Vec<u8>, values: &PublicValuesProof, progress: Report<'_>) -> Result<Proof, ProveError> {
    values.encode::<SC, _>(&mut bytes).map_err(prover_error)?;
    limit_size(bytes.len())?;
    report(progress, ProveProgress::Finished)?;
    Ok(Proof::from_bytes(Bytes::from(bytes)))
}

/// Cuts the run into segments.
fn plan(machine: &Machine, run: &ProvableRun<'_>) -> Result<Vec<Segment>, ProveError> {
    let exe = run.program.exe();
    let interpreter = machine.metered_interpreter(exe).map_err(prover_error)?;
    let metering = machine.build_metered_ctx(exe);
    let state = initial_state(machine, run)?;
    let (segments, _) = interpreter.execute_metered_from_state(state, metering).map_err(prover_error)?;
    let metered: u64 = segments.iter().map(|segment| segment.num_insns).sum();
    if metered != run.instructions {
        return Err(ProveError::Prover(format!(
            "the circuit ran {metered} instructions, the engine {}",
            run.instructions
        )));
    }
    Ok(segments)
}

/// Proves one segment after the other, handing each proof on, and then the public values.
fn for_each_segment(
    mut machine: Machine,
    run: &ProvableRun<'_>,
    segments: &[Segment],
    progress: Report<'_>,
    take: TakeSegment<'_>,
) -> Result<PublicValuesProof, ProveError> {
    let exe = run.program.exe();
    let code = machine.commit_program_on_device(&exe.program);
    machine.load_program(code);
    let mut interpreter = machine.preflight_interpreter(exe).map_err(prover_error)?;
    let mut state = initial_state(&machine, run)?;
    for (index, segment) in segments.iter().enumerate() {
        report(progress, ProveProgress::SegmentStarted { index })?;
        machine.transport_init_memory_to_device(&state.memory);
        let PreflightExecutionOutput { system_records, record_arenas, to_state } = machine
            .execute_preflight(&mut interpreter, state, Some(segment.num_insns), &segment.trace_heights)
            .map_err(prover_error)?;
        state = to_state;
        let context = machine.generate_proving_ctx(system_records, record_arenas).map_err(prover_error)?;
        let proof = machine.engine.prove(machine.pk(), context).map_err(prover_error)?;
        take(index, proof, progress)?;
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

fn initial_state(machine: &Machine, run: &ProvableRun<'_>) -> Result<State, ProveError> {
    let mut state = machine.create_initial_state(run.program.exe(), Vec::<Vec<F>>::new());
    let memory = state.memory.memory.get_memory_mut()[RV32_MEMORY_AS as usize].as_mut_slice();
    for (address, bytes) in run.program.initial_memory(run.input_image) {
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

pub(crate) fn prover_error(error: impl std::fmt::Display) -> ProveError {
    ProveError::Prover(error.to_string())
}
