//! What a run is made of: the machine's state outside memory, how it ends, and what it leaves.

use ivm_primitives::limits::MAX_OUTPUT_SIZE_BYTES;
use thiserror::Error;

use crate::{MemoryView, PUBLIC_VALUES_SIZE_BYTES, Program, fault::Fault};

/// Registers that say where the outcome's bytes are, beside the status in `a0`.
const REGISTER_A1: usize = 11;
const REGISTER_A2: usize = 12;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The program terminated. Only exit code 0 is provable as an outcome.
    Terminated {
        /// Its exit code.
        exit_code: u8,
    },
    /// It did something the circuit has no proof for.
    Faulted(Fault),
    /// The cost of the next instruction would exceed the limit.
    OutOfCycles,
}

impl From<Fault> for RunEnd {
    fn from(fault: Fault) -> Self {
        Self::Faulted(fault)
    }
}

/// The input image does not fit in the address space behind the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an input image of {size_bytes} bytes does not fit behind the program")]
pub struct InputDoesNotFit {
    /// Size of the image, in bytes.
    pub size_bytes: usize,
}

/// The machine between two instructions, but for its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Registers `x0..x31`; the first is always 0.
    pub registers: [u32; 32],
    /// Program counter.
    pub pc: u32,
    /// Cost of the instructions executed.
    pub cycles: u64,
    /// Public values.
    pub public_values: [u8; PUBLIC_VALUES_SIZE_BYTES],
}

impl State {
    /// The state every run of a program starts in, with its memory set up in `memory`, which must be all zero.
    ///
    /// # Errors
    /// [`InputDoesNotFit`], which inputs within the protocol's limits never cause.
    pub fn start(
        program: &Program,
        input_image: &[u8],
        memory: &mut MemoryView<'_>,
    ) -> Result<Self, InputDoesNotFit> {
        let does_not_fit = |_| InputDoesNotFit { size_bytes: input_image.len() };
        for segment in &program.segments {
            memory.write_image(segment.address, &segment.bytes).map_err(does_not_fit)?;
        }
        memory.write_image(program.input_address, input_image).map_err(does_not_fit)?;
        Ok(Self {
            registers: [0; 32],
            pc: program.pc_start,
            cycles: 0,
            public_values: [0; PUBLIC_VALUES_SIZE_BYTES],
        })
    }
}

/// What a run left, without its memory: the same on every path, to the last register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub end: RunEnd,
    /// The machine at the end. On a fault, as it was before the faulting instruction, whose cost is
    /// counted.
    pub state: State,
    /// The `a2` bytes at `a1`, when the run terminated with exit code 0 and they are in the address space and within
    /// the limit on outputs: where a program that has an outcome leaves its bytes.
    pub outcome_bytes: Option<Vec<u8>>,
}

impl Report {
    /// Takes what is to be kept of a run that has ended.
    pub fn new(end: RunEnd, state: State, memory: &MemoryView<'_>) -> Self {
        let size = state.registers[REGISTER_A2] as usize;
        let outcome_bytes = match end {
            RunEnd::Terminated { exit_code: 0 } if size <= MAX_OUTPUT_SIZE_BYTES => {
                memory.slice(state.registers[REGISTER_A1], size).map(<[u8]>::to_vec)
            }
            _ => None,
        };
        Self { end, state, outcome_bytes }
    }
}
