//! The development chain: known keys with money, no stake.

use alloy_primitives::{Address, U256, keccak256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use ivm_chain::ChainConfig;
use ivm_contracts::{JobParameters, genesis_accounts};

/// The mnemonic every Ethereum development node uses. Everyone knows its keys: never send anything of value to them.
pub const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Accounts a development chain funds.
const DEV_ACCOUNTS: u32 = 10;

/// 10,000 ether each, and 1,000,000 for the proposer, in wei.
const DEV_BALANCE_ETHER: u64 = 10_000;
const PROPOSER_BALANCE_ETHER: u64 = 1_000_000;
const WEI_PER_ETHER: u64 = 1_000_000_000_000_000_000;

/// A funded account.
#[derive(Clone, Debug)]
pub struct DevAccount {
    /// Its address.
    pub address: Address,
    /// Its key.
    pub signer: PrivateKeySigner,
}

/// The funded accounts: the first ten of [`DEV_MNEMONIC`].
///
/// # Errors
/// The deriver's; the mnemonic is valid, so there are none.
pub fn dev_accounts() -> Result<Vec<DevAccount>, alloy_signer_local::LocalSignerError> {
    (0..DEV_ACCOUNTS)
        .map(|index| {
            let signer = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC).index(index)?.build()?;
            Ok(DevAccount { address: signer.address(), signer })
        })
        .collect()
}

/// The proposer of a development chain. Its key is known too.
///
/// # Errors
/// The deriver's; the key is valid, so there are none.
pub fn dev_proposer() -> Result<PrivateKeySigner, alloy_signer_local::LocalSignerError> {
    Ok(PrivateKeySigner::from_bytes(&keccak256("infinityvm development proposer"))?)
}

/// A development chain: job contracts at their addresses, money in known accounts.
pub fn dev_chain_config(accounts: &[DevAccount], proposer: Address) -> ChainConfig {
    let mut config = ChainConfig::default();
    for contract in genesis_accounts(JobParameters::default()) {
        let account = config.alloc.entry(contract.address).or_default();
        account.nonce = Some(1);
        account.code = Some(contract.code);
        account.storage = Some(contract.storage.into_iter().collect());
    }
    let ether = |amount: u64| U256::from(amount) * U256::from(WEI_PER_ETHER);
    for account in accounts {
        config.alloc.entry(account.address).or_default().balance = ether(DEV_BALANCE_ETHER);
    }
    config.alloc.entry(proposer).or_default().balance = ether(PROPOSER_BALANCE_ETHER);
    config
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use alloy_primitives::address;

    #[test]
    fn accounts_are_the_usual_ones() {
        let accounts = dev_accounts().unwrap();
        assert_eq!(accounts.len(), 10);
        assert_eq!(accounts[0].address, address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"));
        assert_eq!(accounts[9].address, address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720"));
    }
}
