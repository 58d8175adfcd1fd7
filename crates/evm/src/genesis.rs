//! A genesis allocation as changes of state.

use std::collections::BTreeMap;

use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, KECCAK256_EMPTY, U256, keccak256};
use revm::database::BundleState;
use revm::state::{AccountInfo, Bytecode};

/// The changes that make these accounts out of the empty state.
pub fn genesis_state(accounts: BTreeMap<Address, GenesisAccount>) -> BundleState {
    let mut changes = BundleState::builder(0..=0);
    for (address, account) in accounts {
        let code_hash = match account.code {
            Some(code) if !code.is_empty() => {
                let hash = keccak256(&code);
                changes = changes.contract(hash, Bytecode::new_raw(code));
                hash
            }
            _ => KECCAK256_EMPTY,
        };
        let info = AccountInfo {
            balance: account.balance,
            nonce: account.nonce.unwrap_or_default(),
            code_hash,
            account_id: None,
            code: None,
        };
        let slots = account.storage.unwrap_or_default();
        let storage = slots
            .into_iter()
            .map(|(slot, value)| (U256::from_be_bytes(slot.0), (U256::ZERO, U256::from_be_bytes(value.0))))
            .collect();
        changes = changes.state_present_account_info(address, info).state_storage(address, storage);
    }
    changes.build()
}
