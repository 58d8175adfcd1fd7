//! When each fork of an Ethereum chain takes effect.

use std::collections::{BTreeMap, BTreeSet};

use alloy_eips::eip7840::BlobParams;
use alloy_genesis::ChainConfig;
use alloy_hardforks::{EthereumHardfork, ForkCondition};
use alloy_primitives::{Address, U256};

/// What a chain did about the DAO (EIP-779).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaoFork {
    /// From this block on it took the ether back; ten blocks carry the mark.
    Supported(u64),
    /// At this block it did not; ten blocks must not carry the mark.
    Opposed(u64),
}

/// Why a fork schedule is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// A fork comes before one that it builds on.
    #[error("fork schedule: {fork} is at {got}, expected {previous_at} or later, where {previous} is")]
    Order {
        /// The fork.
        fork: &'static str,
        /// Its block or timestamp.
        got: u64,
        /// The fork it builds on.
        previous: &'static str,
        /// That fork's block or timestamp.
        previous_at: u64,
    },
    /// A fork is scheduled and one that it builds on is not.
    #[error("fork schedule: {later} is at {at}, but {missing} has no activation")]
    Missing {
        /// The fork that is scheduled.
        later: &'static str,
        /// Its block or timestamp.
        at: u64,
        /// The one that is not.
        missing: &'static str,
    },
    /// The chain needs something that this node does not have.
    #[error("fork schedule: {what} is not supported")]
    Unsupported {
        /// What it needs.
        what: &'static str,
    },
    /// Blob parameters contradict themselves.
    #[error("fork schedule: blob parameters of {fork} have {reason}")]
    BlobParameters {
        /// The fork that sets them.
        fork: String,
        /// What is wrong.
        reason: &'static str,
    },
}

/// When each fork of an Ethereum chain takes effect, and what else its rules depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForkSchedule {
    /// Forks by block and by timestamp. Paris and the DAO are not among them.
    activations: BTreeMap<EthereumHardfork, ForkCondition>,
    dao: Option<DaoFork>,
    terminal_total_difficulty: Option<U256>,
    /// Blob parameters and the timestamps from which they hold, rising.
    blobs: Vec<(u64, BlobParams)>,
    deposit_contract: Option<Address>,
    /// Where a chain that merged tells its forks apart from those that did not: no rule changes there.
    merge_netsplit_block: Option<u64>,
}

/// A fork of a genesis file: its name there, the fork, where it is, and whether chains may be without it.
type Entry = (&'static str, EthereumHardfork, Option<u64>, Needed);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needed {
    /// Every later fork builds on it.
    Yes,
    /// It changes one thing, which later forks change again.
    No,
}

impl ForkSchedule {
    /// The schedule of a geth-style genesis file.
    ///
    /// # Errors
    /// When forks are out of order or have gaps, or when the chain needs an engine or a fork that is not here.
    pub fn from_genesis(config: &ChainConfig) -> Result<Self, ScheduleError> {
        check_supported(config)?;
        let mut activations = BTreeMap::from([(EthereumHardfork::Frontier, ForkCondition::ZERO_BLOCK)]);
        for (_, fork, at, _) in check_order(&block_forks(config))? {
            activations.insert(fork, ForkCondition::Block(at));
        }
        let by_time = check_order(&time_forks(config))?;
        if let (Some((name, _, at, _)), None) = (by_time.first(), config.london_block) {
            return Err(ScheduleError::Missing { later: name, at: *at, missing: "londonBlock" });
        }
        for (_, fork, at, _) in by_time {
            activations.insert(fork, ForkCondition::Timestamp(at));
        }
        let dao = config.dao_fork_block.map(|block| match config.dao_fork_support {
            true => DaoFork::Supported(block),
            false => DaoFork::Opposed(block),
        });
        let merged_from_start = config.terminal_total_difficulty_passed.then_some(U256::ZERO);
        Ok(Self {
            blobs: blob_schedule(config)?,
            activations,
            dao,
            terminal_total_difficulty: config.terminal_total_difficulty.or(merged_from_start),
            deposit_contract: config.deposit_contract_address,
            merge_netsplit_block: config.merge_netsplit_block,
        })
    }

    /// When a fork takes effect, by block or by timestamp. The merge is told by difficulty, so Paris is never here.
    pub fn activation(&self, fork: EthereumHardfork) -> ForkCondition {
        self.activations.get(&fork).copied().unwrap_or(ForkCondition::Never)
    }

    /// Whether a fork that is scheduled by block is active in this block.
    pub fn is_active_at_block(&self, fork: EthereumHardfork, number: u64) -> bool {
        self.activation(fork).active_at_block(number)
    }

    /// Whether a fork that is scheduled by time is active at this timestamp.
    pub fn is_active_at_time(&self, fork: EthereumHardfork, timestamp: u64) -> bool {
        self.activation(fork).active_at_timestamp(timestamp)
    }

    /// What the chain did about the DAO.
    pub const fn dao(&self) -> Option<DaoFork> {
        self.dao
    }

    /// Total difficulty from which blocks come from proof of stake; `None` when the chain never merges.
    pub const fn terminal_total_difficulty(&self) -> Option<U256> {
        self.terminal_total_difficulty
    }

    /// Whether the block after one with this total difficulty is of proof of stake.
    pub fn is_merged_after(&self, total_difficulty: U256) -> bool {
        self.terminal_total_difficulty.is_some_and(|terminal| total_difficulty >= terminal)
    }

    /// Blob parameters at a timestamp; `None` before Cancun.
    pub fn blob_params(&self, timestamp: u64) -> Option<BlobParams> {
        self.blobs.iter().rev().find(|(from, _)| timestamp >= *from).map(|(_, params)| *params)
    }

    /// Blocks at which rules change, rising, each once, without genesis: what a fork id (EIP-2124) is made from.
    pub fn fork_blocks(&self) -> Vec<u64> {
        let dao = self.dao.map(|dao| match dao {
            DaoFork::Supported(block) | DaoFork::Opposed(block) => block,
        });
        let scheduled = self.activations.values().filter_map(|condition| match condition {
            ForkCondition::Block(block) => Some(*block),
            _ => None,
        });
        let blocks: BTreeSet<u64> = scheduled.chain(dao).chain(self.merge_netsplit_block).collect();
        blocks.into_iter().filter(|block| *block > 0).collect()
    }

    /// Timestamps at which rules change, rising, each once.
    pub fn fork_times(&self) -> Vec<u64> {
        let scheduled = self.activations.values().filter_map(|condition| match condition {
            ForkCondition::Timestamp(time) => Some(*time),
            _ => None,
        });
        scheduled.collect::<BTreeSet<u64>>().into_iter().collect()
    }

    /// The contract whose logs are deposits (EIP-6110).
    pub const fn deposit_contract(&self) -> Option<Address> {
        self.deposit_contract
    }
}

fn check_supported(config: &ChainConfig) -> Result<(), ScheduleError> {
    let merged = config.terminal_total_difficulty == Some(U256::ZERO);
    let what = match config {
        _ if config.amsterdam_time.is_some() => "amsterdamTime",
        _ if config.bogota_time.is_some() => "bogotaTime",
        _ if config.clique.is_some() && !merged => "clique",
        _ if config.parlia.is_some() => "parlia",
        _ if config.eip155_block != config.eip158_block => "an eip155Block other than eip158Block",
        _ => return Ok(()),
    };
    Err(ScheduleError::Unsupported { what })
}

fn block_forks(config: &ChainConfig) -> [Entry; 12] {
    use EthereumHardfork as Fork;
    let petersburg = config.petersburg_block.or(config.constantinople_block);
    [
        ("homesteadBlock", Fork::Homestead, config.homestead_block, Needed::Yes),
        ("eip150Block", Fork::Tangerine, config.eip150_block, Needed::Yes),
        ("eip158Block", Fork::SpuriousDragon, config.eip158_block, Needed::Yes),
        ("byzantiumBlock", Fork::Byzantium, config.byzantium_block, Needed::Yes),
        ("constantinopleBlock", Fork::Constantinople, config.constantinople_block, Needed::Yes),
        ("petersburgBlock", Fork::Petersburg, petersburg, Needed::Yes),
        ("istanbulBlock", Fork::Istanbul, config.istanbul_block, Needed::Yes),
        ("muirGlacierBlock", Fork::MuirGlacier, config.muir_glacier_block, Needed::No),
        ("berlinBlock", Fork::Berlin, config.berlin_block, Needed::Yes),
        ("londonBlock", Fork::London, config.london_block, Needed::Yes),
        ("arrowGlacierBlock", Fork::ArrowGlacier, config.arrow_glacier_block, Needed::No),
        ("grayGlacierBlock", Fork::GrayGlacier, config.gray_glacier_block, Needed::No),
    ]
}

fn time_forks(config: &ChainConfig) -> [Entry; 9] {
    use EthereumHardfork as Fork;
    [
        ("shanghaiTime", Fork::Shanghai, config.shanghai_time, Needed::Yes),
        ("cancunTime", Fork::Cancun, config.cancun_time, Needed::Yes),
        ("pragueTime", Fork::Prague, config.prague_time, Needed::Yes),
        ("osakaTime", Fork::Osaka, config.osaka_time, Needed::Yes),
        ("bpo1Time", Fork::Bpo1, config.bpo1_time, Needed::No),
        ("bpo2Time", Fork::Bpo2, config.bpo2_time, Needed::No),
        ("bpo3Time", Fork::Bpo3, config.bpo3_time, Needed::No),
        ("bpo4Time", Fork::Bpo4, config.bpo4_time, Needed::No),
        ("bpo5Time", Fork::Bpo5, config.bpo5_time, Needed::No),
    ]
}

/// Gives the forks that are scheduled, once they are in order and without a gap.
fn check_order(forks: &[Entry]) -> Result<Vec<(&'static str, EthereumHardfork, u64, Needed)>, ScheduleError> {
    let mut missing = None;
    let mut scheduled: Vec<(&'static str, EthereumHardfork, u64, Needed)> = Vec::new();
    for (name, fork, at, needed) in forks.iter().copied() {
        let Some(at) = at else {
            if needed == Needed::Yes {
                missing = missing.or(Some(name));
            }
            continue;
        };
        if let Some(missing) = missing {
            return Err(ScheduleError::Missing { later: name, at, missing });
        }
        if let Some((previous, _, previous_at, _)) = scheduled.last().filter(|last| last.2 > at) {
            return Err(ScheduleError::Order { fork: name, got: at, previous, previous_at: *previous_at });
        }
        scheduled.push((name, fork, at, needed));
    }
    Ok(scheduled)
}

/// The blob parameters of every fork that has any, those of mainnet where the genesis file names none.
fn blob_schedule(config: &ChainConfig) -> Result<Vec<(u64, BlobParams)>, ScheduleError> {
    for (fork, params) in &config.blob_schedule {
        let reason = match params {
            _ if params.update_fraction == 0 => "a baseFeeUpdateFraction of 0",
            _ if params.target_blob_count > params.max_blob_count => "a target above the maximum",
            _ if params.max_blob_count > MAX_BLOBS_PER_BLOCK => "a maximum over 4096",
            _ => continue,
        };
        return Err(ScheduleError::BlobParameters { fork: fork.clone(), reason });
    }
    let named = config.blob_schedule_blob_params();
    let forks = [
        (config.cancun_time, named.cancun),
        (config.prague_time, named.prague),
        (config.osaka_time, named.osaka),
    ];
    let mut blobs: Vec<_> =
        forks.into_iter().filter_map(|(from, params)| from.map(|from| (from, params))).collect();
    blobs.extend(named.scheduled);
    Ok(blobs)
}

/// Most blobs a schedule may allow in a block: above it, gas of blobs would come near to overflowing.
const MAX_BLOBS_PER_BLOCK: u64 = 4096;
