//! The development chain: known keys with money.

use alloy_primitives::{Address, U256, keccak256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use ivm_chain::ChainConfig;
use ivm_contracts::{JobParameters, genesis_accounts};

use crate::SettlementConfig;

/// The mnemonic every Ethereum development node uses. Everyone knows its keys: never send anything of value to them.
pub const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Accounts a development chain funds.
const DEV_ACCOUNTS: u32 = 10;

/// Half a minute to challenge and a minute to prove, at five blocks a second.
const DEV_CHALLENGE_PERIOD_BLOCKS: u64 = 150;
const DEV_PROVER_PERIOD_BLOCKS: u64 = 300;

/// 10,000 ether each, and 1,000,000 for each role.
const DEV_BALANCE_ETHER: u64 = 10_000;
const ROLE_BALANCE_ETHER: u64 = 1_000_000;
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

/// A party of a development chain that acts by itself. Their keys are known too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevRole {
    /// The first of two proposers; the one that lies where one does.
    Proposer,
    /// The second, who takes over when the first is jailed.
    SecondProposer,
    /// Who challenges claims.
    Challenger,
    /// Who proves claims.
    Prover,
    /// Who admits proposers.
    Owner,
}

impl DevRole {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Proposer, Self::SecondProposer, Self::Challenger, Self::Prover, Self::Owner];

    /// Its key.
    ///
    /// # Errors
    /// The deriver's; the keys are valid, so there are none.
    pub fn signer(self) -> Result<PrivateKeySigner, alloy_signer_local::LocalSignerError> {
        let seed = match self {
            Self::Proposer => "infinityvm development proposer",
            Self::SecondProposer => "infinityvm development proposer 2",
            Self::Challenger => "infinityvm development challenger",
            Self::Prover => "infinityvm development prover",
            Self::Owner => "infinityvm development owner",
        };
        Ok(PrivateKeySigner::from_bytes(&keccak256(seed))?)
    }
}

/// Both proposers of a development chain.
///
/// # Errors
/// As [`DevRole::signer`].
pub fn dev_proposers() -> Result<Vec<PrivateKeySigner>, alloy_signer_local::LocalSignerError> {
    [DevRole::Proposer, DevRole::SecondProposer].into_iter().map(DevRole::signer).collect()
}

/// The settlement of a development chain: money for all roles and known accounts.
///
/// # Errors
/// As [`DevRole::signer`].
pub fn dev_settlement_config(
    accounts: &[DevAccount],
) -> Result<SettlementConfig, alloy_signer_local::LocalSignerError> {
    let mut config = SettlementConfig::development(DevRole::Owner.signer()?.address());
    config.parameters.challenge_period_blocks = DEV_CHALLENGE_PERIOD_BLOCKS;
    config.parameters.prover_period_blocks = DEV_PROVER_PERIOD_BLOCKS;
    for account in accounts {
        config.funds.insert(account.address, ether(DEV_BALANCE_ETHER));
    }
    for role in DevRole::ALL {
        config.funds.insert(role.signer()?.address(), ether(ROLE_BALANCE_ETHER));
    }
    Ok(config)
}

fn ether(amount: u64) -> U256 {
    U256::from(amount) * U256::from(WEI_PER_ETHER)
}

/// A development chain: job contracts at their addresses, money in known accounts.
pub fn dev_chain_config(accounts: &[DevAccount], proposers: &[PrivateKeySigner]) -> ChainConfig {
    let mut config = ChainConfig::default();
    for contract in genesis_accounts(JobParameters::default()) {
        let account = config.alloc.entry(contract.address).or_default();
        account.nonce = Some(1);
        account.code = Some(contract.code);
        account.storage = Some(contract.storage.into_iter().collect());
    }
    for account in accounts {
        config.alloc.entry(account.address).or_default().balance = ether(DEV_BALANCE_ETHER);
    }
    for proposer in proposers {
        config.alloc.entry(proposer.address()).or_default().balance = ether(ROLE_BALANCE_ETHER);
    }
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

    #[test]
    fn the_provers_share_goes_to_the_prover() {
        assert_eq!(DevRole::Prover.signer().unwrap().address(), ivm_contracts::DEFAULT_PROVER_ACCOUNT);
    }
}
