//! The networks that vectors name: forks from the start, and changes from one to another.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_eips::eip7840::BlobParams;
use alloy_genesis::ChainConfig;
use alloy_primitives::U256;
use ivm_chain::{ForkSchedule, Rules, ScheduleError};
use serde::Deserialize;

use crate::hex::Number;

/// Where no block of a test comes.
const FAR_AWAY_BLOCK: u64 = u64::MAX / 2;

/// A fork as vectors name it, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fork {
    Frontier,
    Homestead,
    Dao,
    TangerineWhistle,
    SpuriousDragon,
    Byzantium,
    Constantinople,
    Petersburg,
    Istanbul,
    MuirGlacier,
    Berlin,
    London,
    ArrowGlacier,
    GrayGlacier,
    Paris,
    Shanghai,
    Cancun,
    Prague,
    Osaka,
    Bpo(u8),
}

impl Fork {
    const ORDER: [Self; 22] = [
        Self::Homestead,
        Self::TangerineWhistle,
        Self::SpuriousDragon,
        Self::Byzantium,
        Self::Constantinople,
        Self::Petersburg,
        Self::Istanbul,
        Self::MuirGlacier,
        Self::Berlin,
        Self::London,
        Self::ArrowGlacier,
        Self::GrayGlacier,
        Self::Paris,
        Self::Shanghai,
        Self::Cancun,
        Self::Prague,
        Self::Osaka,
        Self::Bpo(1),
        Self::Bpo(2),
        Self::Bpo(3),
        Self::Bpo(4),
        Self::Bpo(5),
    ];

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "Frontier" => Self::Frontier,
            "Homestead" => Self::Homestead,
            "Dao" => Self::Dao,
            "EIP150" | "TangerineWhistle" => Self::TangerineWhistle,
            "EIP158" | "SpuriousDragon" => Self::SpuriousDragon,
            "Byzantium" => Self::Byzantium,
            "Constantinople" => Self::Constantinople,
            "ConstantinopleFix" | "Petersburg" => Self::Petersburg,
            "Istanbul" => Self::Istanbul,
            "MuirGlacier" => Self::MuirGlacier,
            "Berlin" => Self::Berlin,
            "London" => Self::London,
            "ArrowGlacier" => Self::ArrowGlacier,
            "GrayGlacier" => Self::GrayGlacier,
            "Merge" | "Paris" => Self::Paris,
            "Shanghai" => Self::Shanghai,
            "Cancun" => Self::Cancun,
            "Prague" => Self::Prague,
            "Osaka" => Self::Osaka,
            "BPO1" => Self::Bpo(1),
            "BPO2" => Self::Bpo(2),
            "BPO3" => Self::Bpo(3),
            "BPO4" => Self::Bpo(4),
            "BPO5" => Self::Bpo(5),
            _ => return None,
        })
    }
}

/// Where a network changes from one fork to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Block(u64),
    Time(u64),
    TotalDifficulty(U256),
}

/// Why a network cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// There is none of this name.
    #[error("unknown network {0}")]
    Unknown(String),
    /// Its forks contradict each other.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
}

/// Settings of a test that belong to its network.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TestConfig {
    #[serde(alias = "chainId")]
    chainid: Option<Number>,
    #[serde(rename = "blobSchedule")]
    blob_schedule: BTreeMap<String, TestBlobParams>,
}

/// Blob parameters of a fork.
#[derive(Clone, Copy, Debug, Deserialize)]
struct TestBlobParams {
    target: Number,
    max: Number,
    #[serde(rename = "baseFeeUpdateFraction")]
    base_fee_update_fraction: Number,
}

/// A network of test vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The chain as a genesis file would describe it.
    pub(crate) config: ChainConfig,
    /// Whether all of it is of proof of stake.
    pub(crate) merged: bool,
}

impl Network {
    /// The network of this name, like `Cancun` or `ShanghaiToCancunAtTime15k`.
    ///
    /// # Errors
    /// [`NetworkError::Unknown`].
    pub fn named(name: &str) -> Result<Self, NetworkError> {
        let unknown = || NetworkError::Unknown(name.to_owned());
        let mut config = ChainConfig { chain_id: 1, ..ChainConfig::default() };
        let Some((base, change)) = parse(name) else {
            return Err(unknown());
        };
        for fork in Fork::ORDER.into_iter().filter(|fork| *fork <= base) {
            activate(&mut config, fork, None);
        }
        if let Some((next, place)) = change {
            for fork in Fork::ORDER.into_iter().filter(|fork| base < *fork && *fork <= next) {
                activate(&mut config, fork, Some(place));
            }
            if next == Fork::Dao {
                activate(&mut config, next, Some(place));
            }
        }
        if config.constantinople_block.is_some() && config.petersburg_block.is_none() {
            // Left out it would come with Constantinople.
            config.petersburg_block = Some(FAR_AWAY_BLOCK);
        }
        Ok(Self { config, merged: base >= Fork::Paris })
    }

    pub(crate) fn with(mut self, settings: &TestConfig) -> Result<Self, String> {
        if let Some(chain_id) = settings.chainid {
            self.config.chain_id = chain_id.to_u64()?;
        }
        for (fork, params) in &settings.blob_schedule {
            let max = params.max.to_u64()?;
            let params = BlobParams {
                target_blob_count: params.target.to_u64()?,
                max_blob_count: max,
                update_fraction: params.base_fee_update_fraction.to_u64()?.into(),
                max_blobs_per_tx: max,
                ..BlobParams::cancun()
            };
            self.config.blob_schedule.insert(fork.to_lowercase(), params);
        }
        Ok(self)
    }

    /// The rules of the network.
    ///
    /// # Errors
    /// When its settings contradict each other.
    pub fn rules(&self) -> Result<Rules, NetworkError> {
        Ok(Rules::Ethereum(Arc::new(ForkSchedule::from_genesis(&self.config)?)))
    }
}

/// The fork a network starts with, and the one it changes to.
fn parse(name: &str) -> Option<(Fork, Option<(Fork, Place)>)> {
    if let Some(fork) = Fork::named(name) {
        return Some((fork, None));
    }
    let (base, rest) = name.split_once("To")?;
    let (next, place) = rest.split_once("At")?;
    let place = if let Some(time) = place.strip_prefix("Time") {
        let (digits, unit) = time.strip_suffix('k').map_or((time, 1), |thousands| (thousands, 1000));
        Place::Time(digits.parse::<u64>().ok()?.checked_mul(unit)?)
    } else if let Some(difficulty) = place.strip_prefix("Diff") {
        Place::TotalDifficulty(U256::from_str_radix(difficulty, 16).ok()?)
    } else {
        Place::Block(place.parse().ok()?)
    };
    Some((Fork::named(base)?, Some((Fork::named(next)?, place))))
}

fn activate(config: &mut ChainConfig, fork: Fork, place: Option<Place>) {
    let block = match place {
        Some(Place::Block(block)) => Some(block),
        _ => Some(0),
    };
    let time = match place {
        Some(Place::Time(time)) => Some(time),
        _ => Some(0),
    };
    match fork {
        Fork::Frontier => {}
        Fork::Homestead => config.homestead_block = block,
        Fork::Dao => {
            config.dao_fork_block = block;
            config.dao_fork_support = true;
        }
        Fork::TangerineWhistle => config.eip150_block = block,
        Fork::SpuriousDragon => (config.eip155_block, config.eip158_block) = (block, block),
        Fork::Byzantium => config.byzantium_block = block,
        Fork::Constantinople => config.constantinople_block = block,
        Fork::Petersburg => config.petersburg_block = block,
        Fork::Istanbul => config.istanbul_block = block,
        Fork::MuirGlacier => config.muir_glacier_block = block,
        Fork::Berlin => config.berlin_block = block,
        Fork::London => config.london_block = block,
        Fork::ArrowGlacier => config.arrow_glacier_block = block,
        Fork::GrayGlacier => config.gray_glacier_block = block,
        Fork::Paris => {
            config.terminal_total_difficulty = Some(match place {
                Some(Place::TotalDifficulty(difficulty)) => difficulty,
                _ => U256::ZERO,
            });
        }
        Fork::Shanghai => config.shanghai_time = time,
        Fork::Cancun => config.cancun_time = time,
        Fork::Prague => config.prague_time = time,
        Fork::Osaka => config.osaka_time = time,
        Fork::Bpo(1) => config.bpo1_time = time,
        Fork::Bpo(2) => config.bpo2_time = time,
        Fork::Bpo(3) => config.bpo3_time = time,
        Fork::Bpo(4) => config.bpo4_time = time,
        Fork::Bpo(_) => config.bpo5_time = time,
    }
}
