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
use crate::native::{self, NativeContract};
use crate::schedule::ForkSchedule;

/// Blob parameters of an InfinityVM chain's headers. No block carries a blob; `excessBlobGas` is still derived by them.
pub const BLOB_PARAMS: BlobParams = BlobParams::prague();

/// The rules of a chain.
#[derive(Clone, Debug, Default)]
pub enum Rules {
    /// InfinityVM's own: every fork up to Prague from genesis, no blobs, no ommers, no withdrawals.
    #[default]
    InfinityVm,
    /// As [`Rules::InfinityVm`], with a contract that is part of the node: its address and what it answers are rules too.
    InfinityVmWith(Arc<dyn NativeContract>),
    /// Ethereum's, by this schedule.
    Ethereum(Arc<ForkSchedule>),
}

/// Rules are equal when blocks are valid by both: of native contracts only the address is looked at.
impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::InfinityVm, Self::InfinityVm) => true,
            (Self::InfinityVmWith(one), Self::InfinityVmWith(other)) => one.address() == other.address(),
            (Self::Ethereum(one), Self::Ethereum(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for Rules {}

impl Rules {
    /// The fork schedule of an Ethereum chain; `None` on chains of InfinityVM, which have every fork up to Prague from
    /// genesis.
    pub fn schedule(&self) -> Option<&Arc<ForkSchedule>> {
        match self {
            Self::InfinityVm | Self::InfinityVmWith(_) => None,
            Self::Ethereum(schedule) => Some(schedule),
        }
    }

    /// The contract that is part of the node.
    pub fn native_contract(&self) -> Option<&Arc<dyn NativeContract>> {
        match self {
            Self::InfinityVmWith(contract) => Some(contract),
            Self::InfinityVm | Self::Ethereum(_) => None,
        }
    }

    /// The forks that are active in the block with this header.
    pub fn forks(&self, header: &Header) -> BlockForks {
        // Only blocks of proof of work have a difficulty; the importer holds them to it.
        let merged = self.schedule().is_none() || header.difficulty.is_zero();
        BlockForks { rules: self.clone(), merged, number: header.number, timestamp: header.timestamp }
    }

    /// Blob parameters at a timestamp; `None` before Cancun.
    pub fn blob_params(&self, timestamp: u64) -> Option<BlobParams> {
        self.schedule().map_or(Some(BLOB_PARAMS), |schedule| schedule.blob_params(timestamp))
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
        match (self.rules.schedule(), fork) {
            // An irregular change of state, which `BlockExecution` makes itself, where Ethereum has it: before transactions.
            (_, EthereumHardfork::Dao) => ForkCondition::Never,
            (_, EthereumHardfork::Paris) if self.merged => ForkCondition::ZERO_BLOCK,
            (_, EthereumHardfork::Paris) => ForkCondition::Never,
            (None, fork) if fork < EthereumHardfork::Paris => ForkCondition::ZERO_BLOCK,
            (None, EthereumHardfork::Shanghai | EthereumHardfork::Cancun | EthereumHardfork::Prague) => {
                ForkCondition::ZERO_TIMESTAMP
            }
            (None, _) => ForkCondition::Never,
            // Forks after the merge are in effect after the merge only.
            (Some(_), fork) if fork > EthereumHardfork::Paris && !self.merged => ForkCondition::Never,
            (Some(schedule), fork) => schedule.activation(fork),
        }
    }
}

impl EthExecutorSpec for BlockForks {
    /// An InfinityVM chain has no beacon chain to deposit to.
    fn deposit_contract_address(&self) -> Option<Address> {
        self.rules.schedule().and_then(|schedule| schedule.deposit_contract())
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
            let mut evm = EthEvmFactory::default().create_evm_with_inspector(state, evm, inspector);
            if let Some(contract) = forks.rules.native_contract() {
                native::install(&mut evm, contract.clone());
            }
            return evm;
        }
        constantinople::set_gas(&mut evm.cfg_env.gas_params);
        let mut inner =
            EthEvmFactory::default().create_evm_with_inspector(state, evm, inspector).into_inner();
        constantinople::set_instructions(&mut inner.instruction);
        EthEvm::new(inner, true)
    }
}
