//! What a call pretends, applied as geth does.

use std::borrow::Cow;

use alloy_evm::precompiles::PrecompilesMap;
use alloy_primitives::{Address, keccak256};
use alloy_rpc_types_eth::state::{AccountOverride, StateOverride};
use revm::bytecode::Bytecode;
use revm::database::State;
use revm::state::{Account, EvmStorageSlot, TransactionId};

use crate::call::CallError;
use crate::database::ChainDatabase;

/// Changes accounts, and takes the precompiles away whose accounts are changed, or moves them.
pub(crate) fn apply(
    overrides: StateOverride,
    state: &mut State<ChainDatabase>,
    precompiles: &mut PrecompilesMap,
) -> Result<(), CallError> {
    change_precompiles(&overrides, precompiles)?;
    for (address, account) in &overrides {
        if account.state.is_some() && account.state_diff.is_some() {
            return Err(CallError::Request(format!("account {address} has both 'state' and 'stateDiff'")));
        }
    }
    overrides.into_iter().try_for_each(|(address, account)| change_account(address, account, state))
}

/// Changes an account, which is there from then on even if nothing is in it: no transaction touched it, so that what clears
/// empty accounts away (EIP-161) does not reach it, nor its storage.
fn change_account(
    address: Address,
    change: AccountOverride,
    state: &mut State<ChainDatabase>,
) -> Result<(), CallError> {
    let account = state.load_cache_account(address)?;
    let mut info = account.account_info().unwrap_or_default();
    info.nonce = change.nonce.unwrap_or(info.nonce);
    info.balance = change.balance.unwrap_or(info.balance);
    let mut code = None;
    if let Some(bytes) = change.code {
        info.code_hash = keccak256(&bytes);
        let bytecode =
            Bytecode::new_raw_checked(bytes).map_err(|error| CallError::Request(error.to_string()))?;
        info.code = Some(bytecode.clone());
        code = Some((info.code_hash, bytecode));
    }
    let mut changed = Account::from(info);
    let replaces_storage = change.state.is_some();
    for (slot, value) in change.state.or(change.state_diff).into_iter().flatten() {
        // The inverse for the value before: so that it counts as changed, whatever it was.
        let slot_change = EvmStorageSlot::new_changed((!value).into(), value.into(), TransactionId::ZERO);
        changed.storage.insert(slot.into(), slot_change);
    }
    let transitions = if replaces_storage {
        let destroyed = account.selfdestruct();
        let created = account.newly_created(Cow::Owned(changed));
        destroyed.into_iter().chain([created]).collect()
    } else {
        vec![account.change(Cow::Owned(changed))]
    };
    state.apply_transition(transitions.into_iter().map(|transition| (address, transition)));
    state.cache.contracts.extend(code);
    Ok(())
}

fn change_precompiles(overrides: &StateOverride, precompiles: &mut PrecompilesMap) -> Result<(), CallError> {
    // In order of address, so that the same request gives the same error.
    let mut addresses: Vec<&Address> = overrides.keys().collect();
    addresses.sort_unstable();
    let mut moved = Vec::new();
    for address in addresses {
        let is_precompile = precompiles.addresses().any(|precompile| precompile == address);
        let target = overrides.get(address).and_then(|account| account.move_precompile_to);
        if let Some(target) = target {
            if !is_precompile {
                return Err(CallError::Request(format!("account {address} is not a precompile")));
            }
            if overrides.contains_key(&target) {
                return Err(CallError::Request(format!("account {target} is already overridden")));
            }
        }
        if !is_precompile {
            continue;
        }
        precompiles.apply_precompile(address, |precompile| {
            moved.extend(target.zip(precompile));
            None
        });
    }
    for (target, precompile) in moved {
        precompiles.apply_precompile(&target, |_| Some(precompile));
    }
    Ok(())
}
