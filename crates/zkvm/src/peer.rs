//! OpenVM's own ways of running a program, to measure ours against. They take runs that the circuit cannot prove (see
//! `ivm-engine`'s `fault`), so nothing but a benchmark may use them.

use std::time::{Duration, Instant};

use ivm_primitives::JobInput;
use openvm_circuit::arch::instructions::{exe::VmExe, riscv::RV32_MEMORY_AS};
use openvm_sdk::{F, StdIn};

use crate::{AdmittedProgram, OpenVm};

/// How OpenVM runs a program, without metering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// By its interpreter.
    Interpreter,
    /// Compiled ahead of time by way of assembly and gcc. OpenVM has it by a feature that replaces its interpreter
    /// where it proves, so it is there in builds for this comparison only (`openvm-aot`).
    #[cfg(feature = "openvm-aot")]
    AheadOfTime,
}

/// Time that OpenVM took for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerRun {
    /// For translating the program.
    pub prepare: Duration,
    /// For the fastest of the runs, its memory set up before.
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

/// Prepares an instance and runs it; a macro because OpenVM's two kinds of instances share no trait.
macro_rules! timed_runs {
    ($instance:expr, $runs:expr) => {{
        let started = Instant::now();
        let instance = $instance.map_err(|error| error.to_string())?;
        let prepare = started.elapsed();
        let mut fastest = Duration::MAX;
        for _ in 0..$runs.max(1) {
            let state = instance.create_initial_vm_state(StdIn::default());
            let started = Instant::now();
            instance.execute_from_state(state, None).map_err(|error| error.to_string())?;
            fastest = fastest.min(started.elapsed());
        }
        Ok(PeerRun { prepare, run: fastest })
    }};
}

impl OpenVm {
    /// Runs a program to its end some times on OpenVM and takes the time.
    ///
    /// # Errors
    /// What OpenVM says when the program does not terminate with exit code 0.
    pub fn run_on_openvm(
        &self,
        program: &AdmittedProgram,
        input: &JobInput,
        peer: Peer,
        runs: u32,
    ) -> Result<PeerRun, String> {
        let machine = self.machine()?;
        let exe = with_memory(program, &input.memory_image());
        match peer {
            #[cfg(not(feature = "openvm-aot"))]
            Peer::Interpreter => timed_runs!(machine.interpreter(&exe), runs),
            #[cfg(feature = "openvm-aot")]
            Peer::Interpreter => timed_runs!(machine.naive_interpreter(&exe), runs),
            #[cfg(feature = "openvm-aot")]
            Peer::AheadOfTime => timed_runs!(machine.get_aot_instance(&exe), runs),
        }
    }
}
