//! Gas a transaction costs before any code of it runs.

use alloy_consensus::TxEnvelope;
use alloy_consensus::transaction::Recovered;
use alloy_evm::ToTxEnv;
use revm::context::TxEnv;
use revm::context_interface::cfg::gas_params::GasParams;
use revm::primitives::hardfork::SpecId;

/// Gas a transaction costs before any code of it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntrinsicGas {
    /// Charged before execution.
    pub initial: u64,
    /// Least gas charged in all, for the calldata carried (EIP-7623).
    pub floor: u64,
}

/// The intrinsic gas of a transaction. Its gas limit must cover both parts.
pub fn intrinsic_gas(transaction: &Recovered<TxEnvelope>) -> IntrinsicGas {
    let environment: TxEnv = transaction.to_tx_env();
    let gas = GasParams::new_spec(SpecId::PRAGUE).initial_tx_gas_for_tx(&environment, None);
    IntrinsicGas { initial: gas.initial_regular_gas, floor: gas.floor_gas }
}
