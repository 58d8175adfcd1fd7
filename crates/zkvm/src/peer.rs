//! OpenVM's own interpreter, to measure ours against. It takes runs that the circuit cannot prove (see `ivm-engine`'s
//! `fault`), so nothing but a benchmark may use it.

use std::time::{Duration, Instant};

use ivm_primitives::JobInput;
use openvm_circuit::arch::instructions::{exe::VmExe, riscv::RV32_MEMORY_AS};
use openvm_sdk::{F, StdIn};

use crate::{AdmittedProgram, OpenVm};

/// Time that OpenVM's interpreter took for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerRun {
    /// For translating the program.
    pub prepare: Duration,
    /// For the run, its memory set up before.
    pub run: Duration,
}

/// A program's executable with its initial memory in OpenVM's own form.
pub(crate) fn with_memory(program: &AdmittedProgram, input_image: &[u8]) -> VmExe<F> {
    let mut exe = program.exe().clone();
    for (address, bytes) in program.initial_memory(input_image) {
        let cells = (address..).zip(bytes).map(|(at, &byte)| ((RV32_MEMORY_AS, at), byte));
        exe.init_memory.extend(cells.filter(|&(_, byte)| byte != 0));
    }
    exe
}

impl OpenVm {
    /// Runs a program to its end on OpenVM's interpreter, without metering, and takes the time.
    ///
    /// # Errors
    /// What OpenVM says when the program does not terminate with exit code 0.
    pub fn run_on_openvm(&self, program: &AdmittedProgram, input: &JobInput) -> Result<PeerRun, String> {
        let machine = self.machine()?;
        let exe = with_memory(program, &input.memory_image());
        let started = Instant::now();
        let interpreter = machine.interpreter(&exe).map_err(|error| error.to_string())?;
        let prepare = started.elapsed();
        let state = interpreter.create_initial_vm_state(StdIn::default());
        let started = Instant::now();
        interpreter.execute_from_state(state, None).map_err(|error| error.to_string())?;
        Ok(PeerRun { prepare, run: started.elapsed() })
    }
}
