//! The accounts that genesis holds so that jobs can be asked for in block 1.

use alloy_primitives::{Address, B256, Bytes, U256};

use crate::{JOB_MANAGER_ADDRESS, JobManager, PROGRAM_REGISTRY_ADDRESS, ProgramRegistry};

/// 10,000: the whole, in basis points.
const ALL_BPS: u16 = 10_000;

/// Storage slot of `JobManager` that holds its parameters.
const PARAMETERS_SLOT: B256 = B256::ZERO;

/// Prices and bounds of jobs: `IJobManager.Parameters`, valid by construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobParameters {
    cycle_price_wei: u64,
    callback_gas_price_wei: u64,
    max_deadline_blocks: u64,
    retained_bps: u16,
}

/// Why parameters are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobParametersError {
    /// More than the whole fee would be retained.
    RetainedOverAll {
        /// What was given, in basis points.
        got: u16,
    },
    /// No deadline would be allowed, so no job either.
    MaxDeadlineZero,
}

impl core::fmt::Display for JobParametersError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::RetainedOverAll { got } => {
                write!(f, "retained part is {got} basis points, the whole is {ALL_BPS}")
            }
            Self::MaxDeadlineZero => write!(f, "deadlines may lie 0 blocks ahead: no job could be asked for"),
        }
    }
}

impl core::error::Error for JobParametersError {}

impl JobParameters {
    /// Takes parameters; see `IJobManager.Parameters` for their meaning.
    ///
    /// # Errors
    /// [`JobParametersError`] when no job could be asked for or refunded under them.
    pub const fn new(
        cycle_price_wei: u64,
        callback_gas_price_wei: u64,
        max_deadline_blocks: u64,
        retained_bps: u16,
    ) -> Result<Self, JobParametersError> {
        if retained_bps > ALL_BPS {
            return Err(JobParametersError::RetainedOverAll { got: retained_bps });
        }
        if max_deadline_blocks == 0 {
            return Err(JobParametersError::MaxDeadlineZero);
        }
        Ok(Self { cycle_price_wei, callback_gas_price_wei, max_deadline_blocks, retained_bps })
    }

    /// The storage word of the Solidity struct: its fields from the lowest bits up.
    fn to_word(self) -> B256 {
        let word: U256 = U256::from(self.cycle_price_wei)
            | U256::from(self.callback_gas_price_wei) << 64
            | U256::from(self.max_deadline_blocks) << 128
            | U256::from(self.retained_bps) << 192;
        word.into()
    }
}

impl Default for JobParameters {
    /// 1 gwei for 1,000 cycles, 1 gwei for a unit of callback gas, deadlines up to 100,000 blocks ahead, 5 % retained.
    fn default() -> Self {
        Self {
            cycle_price_wei: 1_000_000,
            callback_gas_price_wei: 1_000_000_000,
            max_deadline_blocks: 100_000,
            retained_bps: 500,
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
    vec![
        GenesisAccount {
            address: JOB_MANAGER_ADDRESS,
            code: JobManager::DEPLOYED_BYTECODE.clone(),
            storage: vec![(PARAMETERS_SLOT, parameters.to_word())],
        },
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

    #[test]
    fn parameters_under_which_no_job_is_possible_are_refused() {
        assert_eq!(
            JobParameters::new(1, 1, 1, 10_001),
            Err(JobParametersError::RetainedOverAll { got: 10_001 })
        );
        assert_eq!(JobParameters::new(1, 1, 0, 0), Err(JobParametersError::MaxDeadlineZero));
        assert!(JobParameters::new(0, 0, 1, 10_000).is_ok());
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
