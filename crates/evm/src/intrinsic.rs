//! What can be said of a transaction without any state: whether its block's rules allow it, and what it costs before any
//! code of it runs.

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{Header, Transaction as _, TxEnvelope};
use alloy_evm::ToTxEnv;
use revm::context::result::InvalidTransaction;
use revm::context::{Context, TxEnv};
use revm::context_interface::cfg::gas_params::GasParams;
use revm::handler::MainContext;
use revm::handler::validation::{validate_initial_tx_gas, validate_tx_env};
use revm::primitives::hardfork::SpecId;

use crate::rules::{Environment, Rules};

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

/// Checks a transaction against the rules of the block with this header, as far as that needs no state.
///
/// # Errors
/// The rule that refuses it.
pub fn check_transaction(
    transaction: &Recovered<TxEnvelope>,
    header: &Header,
    rules: &Rules,
    chain_id: u64,
) -> Result<IntrinsicGas, InvalidTransaction> {
    // Nonces end one below (EIP-2681).
    if transaction.nonce() == u64::MAX {
        return Err(InvalidTransaction::NonceOverflowInTransaction);
    }
    let environment = Environment::new(header, rules, chain_id).evm;
    let spec = environment.cfg_env.spec;
    let tx: TxEnv = transaction.to_tx_env();
    let mut context = Context::mainnet()
        .with_cfg(environment.cfg_env)
        .with_block(environment.block_env)
        .with_tx(tx.clone());
    validate_tx_env(&mut context, spec)?;
    // None of the forks that change these arguments is here.
    let gas = validate_initial_tx_gas(&tx, spec, false, false, u64::MAX, None)?;
    Ok(IntrinsicGas { initial: gas.initial_regular_gas, floor: gas.floor_gas })
}
