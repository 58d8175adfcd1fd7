//! The irregular change of state with which Ethereum took the ether of the DAO back (EIP-779).

use alloy_evm::eth::dao_fork::{DAO_HARDFORK_ACCOUNTS, DAO_HARDFORK_BENEFICIARY};
use alloy_primitives::{Address, U256};
use revm::database::State;
use revm::database_interface::bal::EvmDatabaseError;
use revm::database_interface::{Database, DatabaseCommit};
use revm::primitives::AddressMap;
use revm::state::{Account, TransactionId};

use crate::database::ChainDatabase;
use ivm_state::StateError;

/// Moves the balances of the accounts that EIP-779 lists to the contract that gives them back.
pub(crate) fn move_balances(state: &mut State<ChainDatabase>) -> Result<(), EvmDatabaseError<StateError>> {
    let mut changed = AddressMap::default();
    let mut moved = U256::ZERO;
    for address in DAO_HARDFORK_ACCOUNTS {
        let mut account = load(state, address)?;
        if !account.info.balance.is_zero() {
            moved = moved.saturating_add(account.info.balance);
            account.info.balance = U256::ZERO;
            account.mark_touch();
            changed.insert(address, account);
        }
    }
    // Without any of it there is nothing to give, and no account to make.
    if !moved.is_zero() {
        let mut beneficiary = load(state, DAO_HARDFORK_BENEFICIARY)?;
        beneficiary.info.balance = beneficiary.info.balance.saturating_add(moved);
        beneficiary.mark_touch();
        changed.insert(DAO_HARDFORK_BENEFICIARY, beneficiary);
    }
    state.commit(changed);
    Ok(())
}

fn load(state: &mut State<ChainDatabase>, address: Address) -> Result<Account, EvmDatabaseError<StateError>> {
    Ok(match state.basic(address)? {
        Some(info) => Account::from(info),
        None => Account::new_not_existing(TransactionId::ZERO),
    })
}
