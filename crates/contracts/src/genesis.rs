//! The accounts that genesis holds so that jobs can be asked for in block 1.

use alloy_primitives::{Address, B256, Bytes, U256, address};

use crate::{
    JOB_MANAGER_ADDRESS, JobManager, PROGRAM_REGISTRY_ADDRESS, ProgramRegistry, load::MAX_CYCLE_PRICE_WEI,
};

/// 10,000: the whole, in basis points.
const ALL_BPS: u16 = 10_000;

/// Most that a field of 40 bits holds.
const MAX_UINT40: u64 = (1 << 40) - 1;

/// Storage slot of `JobManager` that holds prices and bounds. From the lowest bits up: minimum price of a cycle (64 bits),
/// price of callback gas (64), most blocks to a deadline (32), retained part (16), target of cycles (40), budget of
/// synchronous cycles (40).
pub const TERMS_SLOT: B256 = B256::ZERO;

/// Storage slot of `JobManager` that holds the prover's account (160 bits), and above it its share (16).
pub const PROVER_SHARE_SLOT: B256 = B256::with_last_byte(1);

/// The prover of development chains: its key is the hash of `infinityvm development prover`.
pub const DEFAULT_PROVER_ACCOUNT: Address = address!("2d24547a4a499c6d2a6955b370c8bd90af761268");

/// Prices and bounds of jobs: `IJobManager.Parameters`, valid by construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobParameters {
    fields: JobParameterFields,
}

/// The fields of [`JobParameters`], not checked yet. The default is that of a development chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobParameterFields {
    /// Price of one cycle at the start, and its floor, in wei. Jobs are free only when it is 0.
    pub min_cycle_price_wei: u64,
    /// Price of one unit of callback gas, in wei.
    pub callback_gas_price_wei: u64,
    /// Most blocks that a deadline may lie ahead.
    pub max_deadline_blocks: u32,
    /// Part of the fee, in basis points, that stays with the proposer when a job ends without an outcome.
    pub retained_bps: u16,
    /// Claimed cycles per block at which the price stays as it is; has 40 bits.
    pub target_cycles_per_block: u64,
    /// Most cycles that a block's transactions may run by `execute`; has 40 bits. 0: none.
    pub max_sync_cycles_per_block: u64,
    /// Part of the price of used cycles, in basis points, that is the prover's.
    pub prover_share_bps: u16,
    /// The account that part goes to.
    pub prover_account: Address,
}

/// Why parameters are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobParametersError {
    /// More than the whole fee would be retained.
    RetainedOverAll {
        /// What was given, in basis points.
        got: u16,
    },
    /// More than the whole price would be the prover's.
    ProverShareOverAll {
        /// What was given, in basis points.
        got: u16,
    },
    /// The prover's share would go to the zero address.
    ProverAccountZero,
    /// No deadline would be allowed, so no job either.
    MaxDeadlineZero,
    /// The price would have nothing to follow.
    TargetZero,
    /// The field that holds it is too small.
    CyclesPerBlockTooHigh {
        /// What was given.
        got: u64,
        /// The most that fits.
        limit: u64,
    },
    /// The floor of the price would be above its ceiling.
    MinPriceTooHigh {
        /// What was given, in wei.
        got: u64,
        /// The ceiling, in wei.
        limit: u64,
    },
}

impl core::fmt::Display for JobParametersError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::RetainedOverAll { got } => {
                write!(f, "retained part is {got} basis points, the whole is {ALL_BPS}")
            }
            Self::ProverShareOverAll { got } => {
                write!(f, "the prover's share is {got} basis points, the whole is {ALL_BPS}")
            }
            Self::ProverAccountZero => {
                write!(f, "the prover has a share, and its account is the zero address")
            }
            Self::MaxDeadlineZero => write!(f, "deadlines may lie 0 blocks ahead: no job could be asked for"),
            Self::TargetZero => {
                write!(f, "the target of cycles per block is 0: the price has nothing to follow")
            }
            Self::CyclesPerBlockTooHigh { got, limit } => {
                write!(f, "target or budget of cycles per block is {got}, at most {limit} can be kept")
            }
            Self::MinPriceTooHigh { got, limit } => {
                write!(
                    f,
                    "the least price of a cycle is {got} wei, the most that one may cost is {limit} wei"
                )
            }
        }
    }
}

impl core::error::Error for JobParametersError {}

impl JobParameters {
    /// Takes parameters.
    ///
    /// # Errors
    /// [`JobParametersError`] when no job could be asked for, priced, paid for or refunded under them.
    pub fn new(fields: JobParameterFields) -> Result<Self, JobParametersError> {
        if fields.retained_bps > ALL_BPS {
            return Err(JobParametersError::RetainedOverAll { got: fields.retained_bps });
        }
        if fields.prover_share_bps > ALL_BPS {
            return Err(JobParametersError::ProverShareOverAll { got: fields.prover_share_bps });
        }
        if fields.prover_share_bps != 0 && fields.prover_account.is_zero() {
            return Err(JobParametersError::ProverAccountZero);
        }
        if fields.max_deadline_blocks == 0 {
            return Err(JobParametersError::MaxDeadlineZero);
        }
        if fields.target_cycles_per_block == 0 {
            return Err(JobParametersError::TargetZero);
        }
        for got in [fields.target_cycles_per_block, fields.max_sync_cycles_per_block] {
            if got > MAX_UINT40 {
                return Err(JobParametersError::CyclesPerBlockTooHigh { got, limit: MAX_UINT40 });
            }
        }
        if fields.min_cycle_price_wei > MAX_CYCLE_PRICE_WEI {
            return Err(JobParametersError::MinPriceTooHigh {
                got: fields.min_cycle_price_wei,
                limit: MAX_CYCLE_PRICE_WEI,
            });
        }
        Ok(Self { fields })
    }

    /// What they are.
    pub const fn fields(&self) -> &JobParameterFields {
        &self.fields
    }

    /// Price of one cycle at the start, and its floor, in wei.
    pub const fn min_cycle_price_wei(&self) -> u64 {
        self.fields.min_cycle_price_wei
    }

    /// Claimed cycles per block at which the price stays as it is. Not zero.
    pub const fn target_cycles_per_block(&self) -> u64 {
        self.fields.target_cycles_per_block
    }

    /// The words of [`TERMS_SLOT`] and [`PROVER_SHARE_SLOT`].
    fn to_words(self) -> [B256; 2] {
        let fields = self.fields;
        let terms: U256 = U256::from(fields.min_cycle_price_wei)
            | U256::from(fields.callback_gas_price_wei) << 64
            | U256::from(fields.max_deadline_blocks) << 128
            | U256::from(fields.retained_bps) << 160
            | U256::from(fields.target_cycles_per_block) << 176
            | U256::from(fields.max_sync_cycles_per_block) << 216;
        let account = U256::from_be_bytes(fields.prover_account.into_word().0);
        let prover_share: U256 = account | U256::from(fields.prover_share_bps) << 160;
        [terms.into(), prover_share.into()]
    }
}

impl Default for JobParameters {
    /// Those of a development chain.
    fn default() -> Self {
        Self { fields: JobParameterFields::default() }
    }
}

impl Default for JobParameterFields {
    /// Those of a development chain: 1 gwei for 1,000 cycles at least, 1 gwei for a unit of callback gas, deadlines up to
    /// 100,000 blocks ahead, 5 % retained, a target of 100 million cycles per block, 10 million of them synchronous at
    /// most (0.14 s at worst), a tenth of the price of cycles for [`DEFAULT_PROVER_ACCOUNT`].
    fn default() -> Self {
        Self {
            min_cycle_price_wei: 1_000_000,
            callback_gas_price_wei: 1_000_000_000,
            max_deadline_blocks: 100_000,
            retained_bps: 500,
            target_cycles_per_block: 100_000_000,
            max_sync_cycles_per_block: 10_000_000,
            prover_share_bps: 1000,
            prover_account: DEFAULT_PROVER_ACCOUNT,
        }
    }
}

/// One account that genesis holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisAccount {
    /// Where.
    pub address: Address,
    /// The code that runs there.
    pub code: Bytes,
    /// Storage slots that are not zero.
    pub storage: Vec<(B256, B256)>,
}

/// The predeployed contracts under these parameters.
pub fn genesis_accounts(parameters: JobParameters) -> Vec<GenesisAccount> {
    let [terms, prover_share] = parameters.to_words();
    let mut storage = vec![(TERMS_SLOT, terms), (PROVER_SHARE_SLOT, prover_share)];
    storage.retain(|(_, word)| !word.is_zero());
    vec![
        GenesisAccount { address: JOB_MANAGER_ADDRESS, code: JobManager::DEPLOYED_BYTECODE.clone(), storage },
        GenesisAccount {
            address: PROGRAM_REGISTRY_ADDRESS,
            code: ProgramRegistry::DEPLOYED_BYTECODE.clone(),
            storage: Vec::new(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut JobParameterFields)) -> Option<JobParametersError> {
        let mut fields = JobParameterFields::default();
        change(&mut fields);
        JobParameters::new(fields).err()
    }

    #[test]
    fn parameters_under_which_no_job_is_possible_are_refused() {
        use JobParametersError::*;
        assert_eq!(refusal(|fields| fields.retained_bps = 10_001), Some(RetainedOverAll { got: 10_001 }));
        assert_eq!(
            refusal(|fields| fields.prover_share_bps = 10_001),
            Some(ProverShareOverAll { got: 10_001 })
        );
        assert_eq!(refusal(|fields| fields.prover_account = Address::ZERO), Some(ProverAccountZero));
        assert_eq!(refusal(|fields| fields.max_deadline_blocks = 0), Some(MaxDeadlineZero));
        assert_eq!(refusal(|fields| fields.target_cycles_per_block = 0), Some(TargetZero));
        let too_high = CyclesPerBlockTooHigh { got: 1 << 40, limit: MAX_UINT40 };
        assert_eq!(refusal(|fields| fields.target_cycles_per_block = 1 << 40), Some(too_high));
        assert_eq!(refusal(|fields| fields.max_sync_cycles_per_block = 1 << 40), Some(too_high));
        let price = MAX_CYCLE_PRICE_WEI + 1;
        assert_eq!(
            refusal(|fields| fields.min_cycle_price_wei = price),
            Some(MinPriceTooHigh { got: price, limit: MAX_CYCLE_PRICE_WEI })
        );
    }

    #[test]
    fn extreme_parameters_are_taken() {
        let free = JobParameterFields {
            min_cycle_price_wei: 0,
            callback_gas_price_wei: 0,
            max_deadline_blocks: 1,
            retained_bps: ALL_BPS,
            target_cycles_per_block: 1,
            max_sync_cycles_per_block: 0,
            prover_share_bps: 0,
            prover_account: Address::ZERO,
        };
        let dear = JobParameterFields {
            min_cycle_price_wei: MAX_CYCLE_PRICE_WEI,
            callback_gas_price_wei: u64::MAX,
            max_deadline_blocks: u32::MAX,
            retained_bps: 0,
            target_cycles_per_block: MAX_UINT40,
            max_sync_cycles_per_block: MAX_UINT40,
            prover_share_bps: ALL_BPS,
            prover_account: Address::repeat_byte(0xff),
        };
        for fields in [free, dear, JobParameterFields::default()] {
            assert_eq!(JobParameters::new(fields).map(|parameters| *parameters.fields()), Ok(fields));
        }
    }

    #[test]
    fn every_predeploy_has_code() {
        let accounts = genesis_accounts(JobParameters::default());
        assert_eq!(
            accounts.iter().map(|account| account.address).collect::<Vec<_>>(),
            [JOB_MANAGER_ADDRESS, PROGRAM_REGISTRY_ADDRESS]
        );
        assert!(accounts.iter().all(|account| !account.code.is_empty()));
    }
}
