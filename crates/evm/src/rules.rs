//! The rules a block is executed by.

use std::sync::Arc;

use alloy_consensus::Header;
use alloy_eips::eip7840::BlobParams;
use alloy_evm::eth::EthEvmContext;
use alloy_evm::eth::spec::EthExecutorSpec;
use alloy_evm::{EthEvm, EthEvmFactory, EvmEnv, EvmFactory};
use alloy_hardforks::{EthereumHardfork, EthereumHardforks, ForkCondition};
use alloy_primitives::Address;
use revm::Inspector;
use revm::database::State;
use revm::primitives::hardfork::SpecId;

use crate::call::ChainEvm;
use crate::constantinople;
use crate::database::ChainDatabase;
use crate::schedule::ForkSchedule;

/// Blob parameters of an InfinityVM chain's headers. No block carries a blob; `excessBlobGas` is still derived by them.
pub const BLOB_PARAMS: BlobParams = BlobParams::prague();

/// The rules of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    /// InfinityVM's own: every fork up to Prague from genesis, no blobs, no ommers, no withdrawals.
    #[default]
    InfinityVm,
    /// Ethereum's, by this schedule.
    Ethereum(Arc<ForkSchedule>),
}

impl Rules {
    /// The forks that are active in the block with this header.
    pub fn forks(&self, header: &Header) -> BlockForks {
        // Only blocks of proof of work have a difficulty; the importer holds them to it.
        let merged = matches!(self, Self::InfinityVm) || header.difficulty.is_zero();
        BlockForks { rules: self.clone(), merged, number: header.number, timestamp: header.timestamp }
    }

    /// Blob parameters at a timestamp; `None` before Cancun.
    pub fn blob_params(&self, timestamp: u64) -> Option<BlobParams> {
        match self {
            Self::InfinityVm => Some(BLOB_PARAMS),
            Self::Ethereum(schedule) => schedule.blob_params(timestamp),
        }
    }
}

/// The forks that are active in one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockForks {
    rules: Rules,
    merged: bool,
    number: u64,
    timestamp: u64,
}

impl BlockForks {
    /// Whether a fork is active in the block.
    pub fn is_active(&self, fork: EthereumHardfork) -> bool {
        self.ethereum_fork_activation(fork).active_at_timestamp_or_number(self.timestamp, self.number)
    }

    /// Whether the block has EIP-1283's gas for `SSTORE`: Constantinople had it, Petersburg took it back.
    fn has_eip1283(&self) -> bool {
        self.is_active(EthereumHardfork::Constantinople) && !self.is_active(EthereumHardfork::Petersburg)
    }
}

impl EthereumHardforks for BlockForks {
    fn ethereum_fork_activation(&self, fork: EthereumHardfork) -> ForkCondition {
        match (&self.rules, fork) {
            // An irregular change of state, which `BlockExecution` makes itself, where Ethereum has it: before transactions.
            (_, EthereumHardfork::Dao) => ForkCondition::Never,
            (_, EthereumHardfork::Paris) if self.merged => ForkCondition::ZERO_BLOCK,
            (_, EthereumHardfork::Paris) => ForkCondition::Never,
            (Rules::InfinityVm, fork) if fork < EthereumHardfork::Paris => ForkCondition::ZERO_BLOCK,
            (
                Rules::InfinityVm,
                EthereumHardfork::Shanghai | EthereumHardfork::Cancun | EthereumHardfork::Prague,
            ) => ForkCondition::ZERO_TIMESTAMP,
            (Rules::InfinityVm, _) => ForkCondition::Never,
            // Forks after the merge are in effect after the merge only.
            (Rules::Ethereum(_), fork) if fork > EthereumHardfork::Paris && !self.merged => {
                ForkCondition::Never
            }
            (Rules::Ethereum(schedule), fork) => schedule.activation(fork),
        }
    }
}

impl EthExecutorSpec for BlockForks {
    /// An InfinityVM chain has no beacon chain to deposit to.
    fn deposit_contract_address(&self) -> Option<Address> {
        match &self.rules {
            Rules::InfinityVm => None,
            Rules::Ethereum(schedule) => schedule.deposit_contract(),
        }
    }
}

/// The environment in which a block's transactions run.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// revm's part of it.
    pub(crate) evm: EvmEnv,
    /// The forks in effect.
    pub(crate) forks: BlockForks,
}

impl Environment {
    pub(crate) fn new(header: &Header, rules: &Rules, chain_id: u64) -> Self {
        let forks = rules.forks(header);
        let blob_params = rules.blob_params(header.timestamp);
        let mut evm = EvmEnv::for_eth_block(header, &forks, chain_id, blob_params);
        if forks.has_eip1283() {
            // In all else Constantinople is Petersburg, and for revm there is only the latter.
            evm.cfg_env.set_spec_and_mainnet_gas_params(SpecId::PETERSBURG);
        }
        Self { evm, forks }
    }

    /// The EVM in this environment, with an inspector that is told of every step.
    pub(crate) fn create_evm<I: Inspector<EthEvmContext<State<ChainDatabase>>>>(
        self,
        state: State<ChainDatabase>,
        inspector: I,
    ) -> ChainEvm<I> {
        let Self { mut evm, forks } = self;
        if !forks.has_eip1283() {
            return EthEvmFactory::default().create_evm_with_inspector(state, evm, inspector);
        }
        constantinople::set_gas(&mut evm.cfg_env.gas_params);
        let mut inner =
            EthEvmFactory::default().create_evm_with_inspector(state, evm, inspector).into_inner();
        constantinople::set_instructions(&mut inner.instruction);
        EthEvm::new(inner, true)
    }
}
