//! What geth says when code stops without a result.

use std::fmt;

use revm::Inspector;
use revm::bytecode::opcode::OpCode;
use revm::context::result::HaltReason;
use revm::interpreter::Interpreter;
use revm::interpreter::interpreter_types::Jumps;

/// The instruction that ran last, or was about to when it failed: geth's messages name it, revm's reasons do not. Give it
/// to the run as an inspector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastStep {
    opcode: u8,
    /// Words on the stack before it.
    stack_words: usize,
}

impl<CTX> Inspector<CTX> for LastStep {
    fn step(&mut self, interpreter: &mut Interpreter, _: &mut CTX) {
        *self = Self { opcode: interpreter.bytecode.opcode(), stack_words: interpreter.stack.len() };
    }
}

impl LastStep {
    /// Geth's message for a halt of the run that this was the last step of.
    pub fn halt_message(self, reason: &HaltReason) -> String {
        match reason {
            HaltReason::OpcodeNotFound | HaltReason::NotActivated => {
                format!("invalid opcode: {}", Name(self.opcode))
            }
            HaltReason::StackUnderflow => {
                let needed = OpCode::new(self.opcode).map_or(0, |opcode| opcode.inputs());
                format!("stack underflow ({} <=> {needed})", self.stack_words)
            }
            other => halt_message(other),
        }
    }
}

/// An opcode as geth writes it.
struct Name(u8);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match OpCode::new(self.0) {
            Some(opcode) => f.write_str(opcode.as_str()),
            None => write!(f, "opcode {:#x} not defined", self.0),
        }
    }
}

/// Geth's message for a halt. Where geth names the opcode or the height of the stack, it ends before them: those are for
/// [`LastStep::halt_message`].
pub fn halt_message(reason: &HaltReason) -> String {
    let message = match reason {
        HaltReason::OutOfGas(_) => "out of gas",
        HaltReason::InvalidFEOpcode => "invalid opcode: INVALID",
        HaltReason::OpcodeNotFound | HaltReason::NotActivated => "invalid opcode",
        HaltReason::InvalidJump => "invalid jump destination",
        HaltReason::StackUnderflow => "stack underflow",
        HaltReason::StackOverflow => "stack limit reached 1024 (1023)",
        HaltReason::OutOfOffset => "return data out of bounds",
        HaltReason::CreateCollision => "contract address collision",
        HaltReason::NonceOverflow => "nonce uint64 overflow",
        HaltReason::CreateContractSizeLimit => "max code size exceeded",
        HaltReason::CreateContractStartingWithEF => "invalid code: must not begin with 0xef",
        HaltReason::CreateInitCodeSizeLimit => "max initcode size exceeded",
        HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => {
            "write protection"
        }
        HaltReason::OutOfFunds | HaltReason::OverflowPayment => "insufficient balance for transfer",
        HaltReason::CallTooDeep => "max call depth exceeded",
        HaltReason::PrecompileErrorWithContext(message) => return message.clone(),
        HaltReason::PrecompileError => "precompile error",
    };
    message.to_owned()
}
