//! The rules in force: every Ethereum fork up to Prague, from genesis.

use alloy_consensus::Header;
use alloy_eips::eip7840::BlobParams;
use alloy_evm::EvmEnv;
use alloy_evm::eth::spec::EthExecutorSpec;
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::{Address, U256};

/// Blob parameters of the headers. No block carries a blob; `excessBlobGas` is still derived by them.
pub const BLOB_PARAMS: BlobParams = BlobParams::prague();

/// The fork schedule of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainForks;

impl EthereumHardforks for ChainForks {
    fn ethereum_fork_activation(&self, fork: EthereumHardfork) -> ForkCondition {
        match fork {
            // An irregular change of Ethereum's own state.
            EthereumHardfork::Dao => ForkCondition::Never,
            EthereumHardfork::Paris => ForkCondition::TTD {
                activation_block_number: 0,
                fork_block: None,
                total_difficulty: U256::ZERO,
            },
            EthereumHardfork::Shanghai | EthereumHardfork::Cancun | EthereumHardfork::Prague => {
                ForkCondition::ZERO_TIMESTAMP
            }
            fork if fork < EthereumHardfork::Paris => ForkCondition::ZERO_BLOCK,
            _ => ForkCondition::Never,
        }
    }
}

impl EthExecutorSpec for ChainForks {
    /// There is no beacon chain to deposit to.
    fn deposit_contract_address(&self) -> Option<Address> {
        None
    }
}

/// The environment in which a block's transactions run.
pub(crate) fn environment(header: &Header, chain_id: u64) -> EvmEnv {
    EvmEnv::for_eth_block(header, ChainForks, chain_id, Some(BLOB_PARAMS))
}
