//! Errors of `eth_simulateV1`, with the codes that the method's specification gives them.

use ivm_chain::{CallError, MAX_UNDONE_BLOCKS, SimulationError};
use revm::context::result::InvalidTransaction;

use crate::error::{INTERNAL_ERROR, INVALID_PARAMS, SERVER_ERROR};

/// Code of a call that reverted, within its result.
pub(super) const CALL_REVERTED: i32 = 3;
/// Code of a call that halted, within its result.
pub(super) const CALL_HALTED: i32 = -32015;

const NONCE_TOO_LOW: i32 = -38010;
const NONCE_TOO_HIGH: i32 = -38011;
const FEE_CAP_TOO_LOW: i32 = -38012;
const INTRINSIC_GAS: i32 = -38013;
const INSUFFICIENT_FUNDS: i32 = -38014;
const BLOCK_GAS_LIMIT: i32 = -38015;
const BLOCK_NUMBER: i32 = -38020;
const BLOCK_TIMESTAMP: i32 = -38021;
const SENDER_HAS_CODE: i32 = -38024;
const INITCODE_TOO_LARGE: i32 = -38025;
const CLIENT_LIMIT: i32 = -38026;

/// Why a simulation is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SimulateError {
    #[error("empty input")]
    Empty,
    #[error("too many blocks")]
    TooManyBlocks,
    #[error("block numbers must be in order: {number} <= {before}")]
    NumberOrder { number: u64, before: u64 },
    #[error("block timestamps must be in order: {timestamp} <= {before}")]
    TimestampOrder { timestamp: u64, before: u64 },
    #[error(
        "state of block {number} cannot be changed: simulate on one of the latest {MAX_UNDONE_BLOCKS} blocks"
    )]
    OldBase { number: u64 },
    #[error(transparent)]
    Run(#[from] SimulationError),
}

impl SimulateError {
    /// Its JSON-RPC code.
    pub(crate) fn code(&self) -> i32 {
        match self {
            Self::Empty => INVALID_PARAMS,
            Self::TooManyBlocks => CLIENT_LIMIT,
            Self::NumberOrder { .. } => BLOCK_NUMBER,
            Self::TimestampOrder { .. } => BLOCK_TIMESTAMP,
            Self::OldBase { .. } => SERVER_ERROR,
            Self::Run(SimulationError::BlockGasLimit { .. }) => BLOCK_GAS_LIMIT,
            Self::Run(SimulationError::Call(error)) => call_code(error),
        }
    }
}

fn call_code(error: &CallError) -> i32 {
    let CallError::Invalid(refusal) = error else {
        return match error {
            CallError::State(_) | CallError::Internal(_) => INTERNAL_ERROR,
            _ => SERVER_ERROR,
        };
    };
    match refusal.reason {
        InvalidTransaction::NonceTooLow { .. } => NONCE_TOO_LOW,
        InvalidTransaction::NonceTooHigh { .. } => NONCE_TOO_HIGH,
        InvalidTransaction::GasPriceLessThanBasefee => FEE_CAP_TOO_LOW,
        InvalidTransaction::PriorityFeeGreaterThanMaxFee => INVALID_PARAMS,
        InvalidTransaction::CallGasCostMoreThanGasLimit { .. } => INTRINSIC_GAS,
        InvalidTransaction::LackOfFundForMaxFee { .. } | InvalidTransaction::OverflowPaymentInTransaction => {
            INSUFFICIENT_FUNDS
        }
        InvalidTransaction::RejectCallerWithCode => SENDER_HAS_CODE,
        InvalidTransaction::CreateInitCodeSizeLimit => INITCODE_TOO_LARGE,
        _ => INTERNAL_ERROR,
    }
}
