//! Estimating gas: the least gas limit with which a transaction succeeds, found as geth finds it.

use alloy_eips::eip7825::MAX_TX_GAS_LIMIT_OSAKA;
use alloy_evm::eth::EthEvmContext;
use alloy_evm::{Evm, EvmEnv};
use alloy_hardforks::EthereumHardfork;
use alloy_rpc_types_eth::TransactionRequest;
use revm::Inspector;
use revm::context::TxEnv;
use revm::context::result::{EVMError, HaltReason, InvalidTransaction};
use revm::database::State;

use crate::ExecutionResult;
use crate::call::{CallContext, CallError, ChainEvm, Overrides, affordable_gas};
use crate::database::ChainDatabase;
use crate::halt::LastStep;
use crate::refusal::Refusal;

/// Gas of a transfer: the least any transaction uses.
const TRANSFER_GAS: u64 = 21_000;
/// Gas handed to a call that carries value, which the caller does not see as used.
const CALL_STIPEND: u64 = 2_300;
/// The search ends when its range is under this many thousandths of its upper end.
const TOLERANCE_PER_MILLE: u128 = 15;

/// What one gas limit leads to.
enum Attempt {
    /// The transaction succeeds.
    Enough(ExecutionResult),
    /// It fails, and might with more gas succeed.
    TooLittle(Option<ExecutionResult>),
}

impl CallContext {
    /// Estimates the gas a transaction request needs (`eth_estimateGas`), at most 1.5 % over the least that works.
    ///
    /// # Errors
    /// When it fails with all the gas it may have, or is not valid on this state.
    pub fn estimate_gas<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(
        &self,
        request: TransactionRequest,
        overrides: Overrides,
        inspector: I,
    ) -> Result<u64, CallError> {
        let asked = request.gas.filter(|gas| *gas >= TRANSFER_GAS);
        let inspector = (inspector, LastStep::default());
        let (mut evm, transaction) = self.call_evm(request, overrides, inspector)?;
        let mut high = asked.unwrap_or(evm.block().gas_limit).min(self.gas_cap);
        if self.rules.forks(&self.header).is_active(EthereumHardfork::Osaka) {
            high = high.min(MAX_TX_GAS_LIMIT_OSAKA);
        }
        if transaction.gas_price > 0 {
            high = high.min(affordable_gas(evm.db_mut(), &transaction)?);
        }
        let allowance = high;

        let first = match attempt(&mut evm, &transaction, high)? {
            Attempt::Enough(result) => result,
            Attempt::TooLittle(result) => return Err(failure(result, evm.inspector().1, allowance)),
        };
        // What a transaction without inner calls used is exactly what it needs.
        let used = first.tx_gas_used();
        if let Attempt::Enough(_) = attempt(&mut evm, &transaction, used)? {
            return Ok(if self.rules.schedule().is_some() { used } else { with_margin(used).min(high) });
        }
        let mut low = used;

        // All but 1/64 of the gas is handed to inner calls, so this much usually suffices.
        let likely = (first.gas().total_gas_spent().max(used) + CALL_STIPEND).saturating_mul(64) / 63;
        if likely < high {
            match attempt(&mut evm, &transaction, likely)? {
                Attempt::Enough(_) => high = likely,
                Attempt::TooLittle(_) => low = likely,
            }
        }
        while low + 1 < high {
            if u128::from(high - low) * 1000 < u128::from(high) * TOLERANCE_PER_MILLE {
                break;
            }
            // Most transactions need little: do not start from the middle of a wide range.
            let middle = (low + (high - low) / 2).min(low.saturating_mul(2));
            match attempt(&mut evm, &transaction, middle)? {
                Attempt::Enough(_) => high = middle,
                Attempt::TooLittle(_) => low = middle,
            }
        }
        Ok(high)
    }
}

/// What a transaction is given that used so much, and is in the next block at the earliest: the tolerance more. The job
/// manager's prices follow blocks, and the first request or run of a block takes another way than those after it.
fn with_margin(used: u64) -> u64 {
    let margin = u128::from(used) * TOLERANCE_PER_MILLE / 1000;
    if used == TRANSFER_GAS { used } else { used.saturating_add(u64::try_from(margin).unwrap_or(u64::MAX)) }
}

/// Runs the transaction with a gas limit. Nothing is kept of what it changes.
fn attempt<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(
    evm: &mut ChainEvm<I>,
    transaction: &TxEnv,
    gas_limit: u64,
) -> Result<Attempt, CallError> {
    let transaction = TxEnv { gas_limit, ..transaction.clone() };
    match evm.transact_raw(transaction.clone()) {
        Ok(outcome) if outcome.result.is_success() => Ok(Attempt::Enough(outcome.result)),
        Ok(outcome) => Ok(Attempt::TooLittle(Some(outcome.result))),
        Err(EVMError::Transaction(
            InvalidTransaction::CallGasCostMoreThanGasLimit { .. }
            | InvalidTransaction::GasFloorMoreThanGasLimit { .. },
        )) => Ok(Attempt::TooLittle(None)),
        Err(EVMError::Transaction(reason)) => {
            let environment = EvmEnv::new(evm.cfg_env().clone(), evm.block().clone());
            Err(CallError::Estimate(Box::new(Refusal::new(reason, &transaction, &environment))))
        }
        Err(error) => Err(error.into()),
    }
}

/// Why the transaction fails even with all the gas it may have.
fn failure(result: Option<ExecutionResult>, last: LastStep, allowance: u64) -> CallError {
    match result {
        Some(ExecutionResult::Revert { output, .. }) => CallError::Reverted { output },
        Some(ExecutionResult::Halt { reason, .. }) if !matches!(reason, HaltReason::OutOfGas(_)) => {
            CallError::Halted { reason: last.halt_message(&reason) }
        }
        _ => CallError::GasAllowance { allowance },
    }
}
