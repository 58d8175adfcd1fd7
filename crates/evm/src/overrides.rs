//! What a call pretends, applied as geth does.

use alloy_evm::overrides::apply_state_overrides;
use alloy_evm::precompiles::PrecompilesMap;
use alloy_primitives::Address;
use alloy_rpc_types_eth::state::StateOverride;
use revm::database::State;

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
    apply_state_overrides(overrides, state).map_err(|error| CallError::Request(error.to_string()))
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
