//! Calls that are over in some microseconds, told from others by starting them.

use alloy_primitives::Bytes;
use revm::Inspector;
use revm::context_interface::ContextTr;
use revm::context_interface::context::ContextError;
use revm::interpreter::interpreter_types::LoopControl;
use revm::interpreter::{
    CallInputs, CallOutcome, CreateInputs, CreateOutcome, Gas, InstructionResult, Interpreter,
    InterpreterResult,
};

/// Most instructions of a short call.
const MAX_STEPS: u32 = 4096;
/// Most gas that a frame of it has used before another instruction: what one instruction can do is bounded by its gas.
const MAX_FRAME_GAS: u64 = 300_000;

/// Ends a run that is not short: one with many instructions, with expensive ones, with contracts to make, or with calls of
/// what is no code, as precompiled and native contracts are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ShortRun {
    steps: u32,
    is_long: bool,
}

impl ShortRun {
    /// Whether the run was ended, and says nothing.
    pub(super) const fn is_long(&self) -> bool {
        self.is_long
    }

    /// Has the EVM fail, at the next instruction or instead of the call.
    fn end<CTX: ContextTr>(&mut self, context: &mut CTX) {
        self.is_long = true;
        if context.error().is_ok() {
            *context.error() = Err(ContextError::Custom("the call is not short".to_owned()));
        }
    }
}

impl<CTX: ContextTr> Inspector<CTX> for ShortRun {
    fn step(&mut self, interpreter: &mut Interpreter, context: &mut CTX) {
        self.steps += 1;
        if self.steps > MAX_STEPS || interpreter.gas.total_gas_spent() > MAX_FRAME_GAS {
            self.end(context);
        }
        if self.is_long {
            interpreter.bytecode.action().take();
            interpreter.bytecode.reset_action();
            interpreter.halt_fatal();
        }
    }

    fn call(&mut self, context: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        let (_, code) = &inputs.known_bytecode;
        if self.is_long || !code.is_empty() {
            return None;
        }
        self.end(context);
        let gas = Gas::new(inputs.gas_limit);
        let result = InterpreterResult::new(InstructionResult::Revert, Bytes::new(), gas);
        Some(CallOutcome::new(result, inputs.return_memory_offset.clone()))
    }

    fn create(&mut self, context: &mut CTX, _: &mut CreateInputs) -> Option<CreateOutcome> {
        // It ends at its first instruction.
        self.end(context);
        None
    }
}
