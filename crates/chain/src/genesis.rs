//! The first block and the state under it.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_consensus::Header;
use alloy_consensus::constants::EMPTY_WITHDRAWALS;
use alloy_eips::eip1559::INITIAL_BASE_FEE;
use alloy_eips::eip4895::Withdrawals;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_eips::{eip2935, eip4788, eip7002, eip7251};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_hardforks::EthereumHardfork as Fork;
use alloy_primitives::{Address, B256, U256};
use alloy_trie::root::state_root_unhashed;
use ivm_evm::{BundleState, ForkSchedule, Rules, ScheduleError, genesis_state};

use crate::block::{Content, SealedBlock};
use crate::config::{ChainConfig, GenesisSeal};

/// Nonce of a deployed contract (EIP-161).
const CONTRACT_NONCE: u64 = 1;

/// Gas limit of a genesis block whose file names none, as geth has it.
const DEFAULT_GENESIS_GAS_LIMIT: u64 = 4_712_388;
/// Most excess blob gas of a genesis block. From here on a blob costs more than all ether there is, under any parameters
/// that were in use; the fee, an exponential of it, takes long to work out.
const MAX_EXCESS_BLOB_GAS: u64 = 1 << 32;

/// Why a genesis file is refused.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// Its forks are.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A field is.
    #[error("genesis: {field} is {got}, expected {expected}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        got: String,
        /// What it can be.
        expected: String,
    },
}

impl ChainConfig {
    /// An Ethereum chain, from a geth-style genesis file. Nothing is added to its accounts.
    ///
    /// # Errors
    /// When its fork schedule is contradictory or not supported, or a field cannot be that of a first block.
    pub fn ethereum(genesis: Genesis) -> Result<Self, GenesisError> {
        check_genesis(&genesis)?;
        let schedule = ForkSchedule::from_genesis(&genesis.config)?;
        let base_fee = genesis.base_fee_per_gas.map_or(Ok(INITIAL_BASE_FEE), |got| {
            let expected = || format!("at most {}", u64::MAX);
            u64::try_from(got).map_err(|_| field("baseFeePerGas", got, expected()))
        })?;
        Ok(Self {
            chain_id: genesis.config.chain_id,
            rules: Rules::Ethereum(Arc::new(schedule)),
            block_gas_limit: match genesis.gas_limit {
                0 => DEFAULT_GENESIS_GAS_LIMIT,
                limit => limit,
            },
            genesis_base_fee_wei: base_fee,
            genesis_timestamp: genesis.timestamp,
            genesis_extra_data: genesis.extra_data,
            genesis_seal: GenesisSeal {
                difficulty: genesis.difficulty,
                nonce: genesis.nonce,
                mix_hash: genesis.mix_hash,
                beneficiary: genesis.coinbase,
                blob_gas_used: genesis.blob_gas_used.unwrap_or_default(),
                excess_blob_gas: genesis.excess_blob_gas.unwrap_or_default(),
            },
            alloc: genesis.alloc,
            ..Self::default()
        })
    }

    /// The genesis block's header. Its hash identifies the chain.
    pub fn genesis_header(&self) -> Header {
        let forks = GenesisForks::of(self);
        let seal = &self.genesis_seal;
        Header {
            state_root: state_root_unhashed(self.genesis_accounts()),
            gas_limit: self.block_gas_limit,
            timestamp: self.genesis_timestamp,
            extra_data: self.genesis_extra_data.clone(),
            beneficiary: seal.beneficiary,
            difficulty: seal.difficulty,
            nonce: seal.nonce.into(),
            mix_hash: seal.mix_hash,
            base_fee_per_gas: forks.london.then_some(self.genesis_base_fee_wei),
            withdrawals_root: forks.shanghai.then_some(EMPTY_WITHDRAWALS),
            blob_gas_used: forks.cancun.then_some(seal.blob_gas_used),
            excess_blob_gas: forks.cancun.then_some(seal.excess_blob_gas),
            parent_beacon_block_root: forks.cancun.then_some(B256::ZERO),
            requests_hash: forks.prague.then_some(EMPTY_REQUESTS_HASH),
            ..Header::default()
        }
    }

    /// The genesis block.
    pub(crate) fn genesis_block(&self) -> SealedBlock {
        let header = self.genesis_header();
        let withdrawals = header.withdrawals_root.map(|_| Withdrawals::default());
        SealedBlock::new(header, Content { withdrawals, ..Content::default() }, None)
    }

    /// The changes that make the genesis state out of the empty state.
    pub(crate) fn genesis_changes(&self) -> BundleState {
        genesis_state(self.genesis_accounts())
    }

    /// The configured accounts; on an InfinityVM chain also the system contracts of Prague, which the configuration may
    /// replace.
    fn genesis_accounts(&self) -> BTreeMap<Address, GenesisAccount> {
        if self.rules.schedule().is_some() {
            return self.alloc.clone();
        }
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

/// The forks that add a field to the genesis header. By geth's rule those of time do so before the merge as well.
struct GenesisForks {
    london: bool,
    shanghai: bool,
    cancun: bool,
    prague: bool,
}

impl GenesisForks {
    fn of(config: &ChainConfig) -> Self {
        let Some(schedule) = config.rules.schedule() else {
            return Self { london: true, shanghai: true, cancun: true, prague: true };
        };
        let london = schedule.is_active_at_block(Fork::London, 0);
        let active = |fork| london && schedule.is_active_at_time(fork, config.genesis_timestamp);
        Self {
            london,
            shanghai: active(Fork::Shanghai),
            cancun: active(Fork::Cancun),
            prague: active(Fork::Prague),
        }
    }
}

fn check_genesis(genesis: &Genesis) -> Result<(), GenesisError> {
    let number = genesis.number.unwrap_or_default();
    if number != 0 {
        return Err(field("number", number, "0".into()));
    }
    let parent = genesis.parent_hash.unwrap_or_default();
    if !parent.is_zero() {
        return Err(field("parentHash", parent, B256::ZERO.to_string()));
    }
    let excess = genesis.excess_blob_gas.unwrap_or_default();
    if excess > MAX_EXCESS_BLOB_GAS {
        return Err(field("excessBlobGas", excess, format!("at most {MAX_EXCESS_BLOB_GAS}")));
    }
    let used = genesis.blob_gas_used.unwrap_or_default();
    if used > MAX_EXCESS_BLOB_GAS {
        return Err(field("blobGasUsed", used, format!("at most {MAX_EXCESS_BLOB_GAS}")));
    }
    Ok(())
}

fn field(field: &'static str, got: impl ToString, expected: String) -> GenesisError {
    GenesisError::Field { field, got: got.to_string(), expected }
}
