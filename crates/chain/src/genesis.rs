//! The first block and the state under it.

use std::collections::BTreeMap;

use alloy_consensus::Header;
use alloy_consensus::constants::EMPTY_WITHDRAWALS;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_eips::{eip2935, eip4788, eip7002, eip7251};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, U256};
use alloy_trie::root::state_root_unhashed;
use ivm_evm::{BundleState, genesis_state};

use crate::config::ChainConfig;

/// Nonce of a deployed contract (EIP-161).
const CONTRACT_NONCE: u64 = 1;

impl ChainConfig {
    /// A chain from a geth-style genesis file. Its fork schedule is not read: every fork up to Prague is active.
    pub fn from_genesis(genesis: Genesis) -> Self {
        let defaults = Self::default();
        Self {
            chain_id: genesis.config.chain_id,
            block_gas_limit: genesis.gas_limit,
            genesis_base_fee_wei: genesis
                .base_fee_per_gas
                .and_then(|fee| u64::try_from(fee).ok())
                .unwrap_or(defaults.genesis_base_fee_wei),
            genesis_timestamp: genesis.timestamp,
            genesis_extra_data: genesis.extra_data,
            alloc: genesis.alloc,
            ..defaults
        }
    }

    /// The genesis block's header. Its hash identifies the chain.
    pub fn genesis_header(&self) -> Header {
        Header {
            state_root: state_root_unhashed(self.genesis_accounts()),
            gas_limit: self.block_gas_limit,
            timestamp: self.genesis_timestamp,
            extra_data: self.genesis_extra_data.clone(),
            base_fee_per_gas: Some(self.genesis_base_fee_wei),
            withdrawals_root: Some(EMPTY_WITHDRAWALS),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::ZERO),
            requests_hash: Some(EMPTY_REQUESTS_HASH),
            ..Header::default()
        }
    }

    /// The changes that make the genesis state out of the empty state.
    pub(crate) fn genesis_changes(&self) -> BundleState {
        genesis_state(self.genesis_accounts())
    }

    /// The configured accounts and the system contracts of Prague, which the configuration may replace.
    fn genesis_accounts(&self) -> BTreeMap<Address, GenesisAccount> {
        let system = [
            (eip2935::HISTORY_STORAGE_ADDRESS, &eip2935::HISTORY_STORAGE_CODE),
            (eip4788::BEACON_ROOTS_ADDRESS, &eip4788::BEACON_ROOTS_CODE),
            (eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, &eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE),
            (
                eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
                &eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE,
            ),
        ];
        let mut accounts: BTreeMap<_, _> = system
            .into_iter()
            .map(|(address, code)| {
                let account = GenesisAccount {
                    nonce: Some(CONTRACT_NONCE),
                    balance: U256::ZERO,
                    code: Some(code.clone()),
                    ..GenesisAccount::default()
                };
                (address, account)
            })
            .collect();
        accounts.extend(self.alloc.clone());
        accounts
    }
}
