//! What a failed call says, in geth's words.

use alloy_primitives::Bytes;
use alloy_sol_types::{Panic, PanicKind, Revert, SolError};
use ivm_chain::{ExecutionResult, LastStep};

use crate::error::{RpcError, RpcResult};

/// The output of a call that succeeded; the error of one that did not, and ended with this step.
pub(crate) fn output(result: ExecutionResult, last: LastStep) -> RpcResult<Bytes> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(RpcError::Reverted { output }),
        ExecutionResult::Halt { reason, .. } => Err(RpcError::Halted { reason: last.halt_message(&reason) }),
    }
}

/// Why a call failed, without the reason a revert gives; `None` when it succeeded.
pub(crate) fn failure(result: &ExecutionResult, last: LastStep) -> Option<String> {
    match result {
        ExecutionResult::Success { .. } => None,
        ExecutionResult::Revert { .. } => Some("execution reverted".to_owned()),
        ExecutionResult::Halt { reason, .. } => Some(last.halt_message(reason)),
    }
}

/// `execution reverted`, and the reason where the output is one of Solidity's.
pub(crate) fn revert_message(output: &[u8]) -> String {
    let reason = Revert::abi_decode(output)
        .ok()
        .map(|revert| revert.reason)
        .or_else(|| Panic::abi_decode(output).ok().map(|panic| panic_message(&panic)));
    match reason {
        Some(reason) => format!("execution reverted: {reason}"),
        None => "execution reverted".to_owned(),
    }
}

fn panic_message(panic: &Panic) -> String {
    let reason = match panic.kind() {
        Some(PanicKind::Generic) => "generic panic",
        Some(PanicKind::Assert) => "assert(false)",
        Some(PanicKind::UnderOverflow) => "arithmetic underflow or overflow",
        Some(PanicKind::DivisionByZero) => "division or modulo by zero",
        Some(PanicKind::EnumConversionError) => "enum overflow",
        Some(PanicKind::StorageEncodingError) => "invalid encoded storage byte array accessed",
        Some(PanicKind::EmptyArrayPop) => "out-of-bounds array access; popping on an empty array",
        Some(PanicKind::ArrayOutOfBounds) => "out-of-bounds access of an array or bytesN",
        Some(PanicKind::ResourceError) => "out of memory",
        Some(PanicKind::InvalidInternalFunction) => "uninitialized function",
        _ => return format!("unknown panic code: {:#x}", panic.code),
    };
    reason.to_owned()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U256;

    use super::*;

    #[test]
    fn reverts_say_their_reason() {
        let revert = Revert::from("no way").abi_encode();
        assert_eq!(revert_message(&revert), "execution reverted: no way");
        let panic = Panic { code: U256::from(0x11) }.abi_encode();
        assert_eq!(revert_message(&panic), "execution reverted: arithmetic underflow or overflow");
        let panic = Panic { code: U256::from(0x99) }.abi_encode();
        assert_eq!(revert_message(&panic), "execution reverted: unknown panic code: 0x99");
        assert_eq!(revert_message(&[1, 2, 3, 4]), "execution reverted");
        assert_eq!(revert_message(&[]), "execution reverted");
    }
}
