//! Ends calls that take too long, and traces that grow too large.

use std::time::{Duration, Instant};

use alloy_primitives::Log;
use revm::Inspector;
use revm::bytecode::opcode;
use revm::context_interface::ContextTr;
use revm::context_interface::context::ContextError;
use revm::interpreter::interpreter_types::{Jumps, LoopControl};
use revm::interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter};

/// Steps between looks at the clock.
const STEPS_PER_LOOK: u32 = 1024;
/// Bytes a recorded step takes beside its stack, about.
const STEP_SIZE_BYTES: usize = 256;
/// Bytes a recorded call takes beside its data, about.
const CALL_SIZE_BYTES: usize = 1024;
/// Bytes of a word on the stack or of a slot's key or value.
const WORD_SIZE_BYTES: usize = 32;

/// What a tracer keeps of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recording {
    /// Nothing, or what gas bounds.
    Nothing,
    /// Calls with their data.
    Calls,
    /// Every step.
    Steps,
}

/// Why a run was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trip {
    /// It took too long.
    Time,
    /// It recorded too much.
    Size,
}

/// Watches a run.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    deadline: Instant,
    timeout_message: String,
    recording: Recording,
    max_recorded_bytes: usize,
    recorded_bytes: usize,
    storage_steps: usize,
    steps: u32,
    trip: Option<Trip>,
}

impl Guard {
    /// Ends a call after this time, in geth's words.
    pub(crate) fn for_call(timeout: Duration) -> Self {
        Self::new(timeout, format!("execution aborted (timeout = {}s)", timeout.as_secs_f64()))
    }

    /// Ends a trace after this time, or when it records more than this.
    pub(crate) fn for_trace(timeout: Duration, recording: Recording, max_recorded_bytes: usize) -> Self {
        Self { recording, max_recorded_bytes, ..Self::new(timeout, "execution timeout".to_owned()) }
    }

    fn new(timeout: Duration, timeout_message: String) -> Self {
        let now = Instant::now();
        Self {
            deadline: now.checked_add(timeout).unwrap_or(now),
            timeout_message,
            recording: Recording::Nothing,
            max_recorded_bytes: usize::MAX,
            recorded_bytes: 0,
            storage_steps: 0,
            steps: 0,
            trip: None,
        }
    }

    /// Why it ended the run, when it did.
    pub(crate) const fn trip(&self) -> Option<&Trip> {
        self.trip.as_ref()
    }

    fn record(&mut self, bytes: usize) {
        self.recorded_bytes = self.recorded_bytes.saturating_add(bytes);
        if self.recorded_bytes > self.max_recorded_bytes && self.trip.is_none() {
            self.trip = Some(Trip::Size);
        }
    }

    fn look_at_clock(&mut self) {
        if self.trip.is_none() && Instant::now() >= self.deadline {
            self.trip = Some(Trip::Time);
        }
    }

    fn message(&self, trip: &Trip) -> String {
        match trip {
            Trip::Time => self.timeout_message.clone(),
            Trip::Size => format!("trace is too large: limit {} bytes", self.max_recorded_bytes),
        }
    }
}

impl<CTX: ContextTr> Inspector<CTX> for Guard {
    fn step(&mut self, interp: &mut Interpreter, context: &mut CTX) {
        if self.steps.is_multiple_of(STEPS_PER_LOOK) {
            self.look_at_clock();
        }
        self.steps = self.steps.wrapping_add(1);
        if self.recording == Recording::Steps {
            let mut bytes = STEP_SIZE_BYTES + interp.stack.len() * WORD_SIZE_BYTES;
            if matches!(interp.bytecode.opcode(), opcode::SLOAD | opcode::SSTORE) {
                // Such a step shows all slots that were touched before it.
                self.storage_steps += 1;
                bytes += self.storage_steps * 2 * WORD_SIZE_BYTES;
            }
            self.record(bytes);
        }
        if let Some(trip) = &self.trip {
            if context.error().is_ok() {
                *context.error() = Err(ContextError::Custom(self.message(trip)));
            }
            interp.bytecode.action().take();
            interp.bytecode.reset_action();
            interp.halt_fatal();
        }
    }

    fn call(&mut self, _: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        if self.recording != Recording::Nothing {
            self.record(CALL_SIZE_BYTES + inputs.input.len());
        }
        self.look_at_clock();
        None
    }

    fn call_end(&mut self, _: &mut CTX, _: &CallInputs, outcome: &mut CallOutcome) {
        if self.recording != Recording::Nothing {
            self.record(outcome.result.output.len());
        }
    }

    fn create(&mut self, _: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        if self.recording != Recording::Nothing {
            self.record(CALL_SIZE_BYTES + inputs.init_code().len());
        }
        None
    }

    fn log(&mut self, _: &mut CTX, log: Log) {
        if self.recording != Recording::Nothing {
            self.record(CALL_SIZE_BYTES + log.data.data.len());
        }
    }
}
