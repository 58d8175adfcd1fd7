//! OpenVM's own executions of a program, to hold ours against: the metered interpreter, which plans proofs, and the
//! preflight, which is the prover's own execution of each segment.

use ivm_primitives::JobInput;
use openvm_circuit::{
    arch::{
        ExecutionError, VmState,
        instructions::riscv::{RV32_MEMORY_AS, RV32_REGISTER_AS},
    },
    system::memory::online::GuestMemory,
};
use openvm_sdk::{F, StdIn};

use crate::{AdmittedProgram, OpenVm, peer::with_memory};

/// Where OpenVM keeps public values.
const PUBLIC_VALUES_AS: u32 = 3;

/// What an execution left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) registers: [u32; 32],
    pub(super) public_values: [u8; 32],
    pub(super) pc: u32,
}

/// How OpenVM's executions went.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) instructions: u64,
    pub(super) metered: Left,
    pub(super) preflight: Left,
    /// Address and bytes of the memory asked for.
    pub(super) memory: Vec<u8>,
}

/// Runs a program to its end with both; the memory range is read from the metered run.
pub(super) fn execute(
    zkvm: &OpenVm,
    program: &AdmittedProgram,
    input: &JobInput,
    (address, size): (u32, usize),
) -> Result<Reference, ExecutionError> {
    let vm = zkvm.machine().unwrap();
    let exe = with_memory(program, &input.memory_image());
    let interpreter = vm.metered_interpreter(&exe)?;
    let (segments, state) = interpreter.execute_metered(StdIn::default(), vm.build_metered_ctx(&exe))?;
    let memory = read_bytes(&state, RV32_MEMORY_AS, address, size);

    let mut preflight = vm.preflight_interpreter(&exe)?;
    let mut at = interpreter.create_initial_vm_state(StdIn::default());
    for segment in &segments {
        let output =
            vm.execute_preflight(&mut preflight, at, Some(segment.num_insns), &segment.trace_heights)?;
        at = output.to_state;
    }
    Ok(Reference {
        instructions: segments.iter().map(|segment| segment.num_insns).sum(),
        metered: left(&state),
        preflight: left(&at),
        memory,
    })
}

fn left(state: &VmState<F, GuestMemory>) -> Left {
    let registers = read_bytes(state, RV32_REGISTER_AS, 0, 128);
    let mut words = registers.as_chunks::<4>().0.iter();
    Left {
        registers: std::array::from_fn(|_| u32::from_le_bytes(*words.next().unwrap())),
        public_values: read_bytes(state, PUBLIC_VALUES_AS, 0, 32).try_into().unwrap(),
        pc: state.pc(),
    }
}

fn read_bytes(state: &VmState<F, GuestMemory>, space: u32, address: u32, size: usize) -> Vec<u8> {
    let memory = openvm_circuit::system::memory::online::LinearMemory::as_slice(
        &state.memory.memory.get_memory()[space as usize],
    );
    memory[address as usize..address as usize + size].to_vec()
}
