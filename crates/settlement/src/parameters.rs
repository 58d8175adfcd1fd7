//! The rules of the settlement contract, as its constructor takes them.

use ivm_contracts::ISettlement;

/// The whole, in basis points.
pub const WHOLE_BPS: u16 = 10_000;
/// Longest period, in blocks.
pub const MAX_PERIOD_BLOCKS: u64 = u32::MAX as u64;
/// Most seconds that a header may be ahead.
pub const MAX_TIMESTAMP_DRIFT_SECONDS: u64 = 24 * 60 * 60;

const ETHER_WEI: u128 = 1_000_000_000_000_000_000;

/// The rules of arbitration: `ISettlement.Parameters`. Reasons for the defaults are in the book's page on arbitration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlementParameters {
    /// A claim may be challenged up to so many settlement blocks after its block was proposed.
    pub challenge_period_blocks: u64,
    /// A challenge is to be answered within so many settlement blocks.
    pub prover_period_blocks: u64,
    /// What a proposer stakes, in wei, and loses for one false claim.
    pub proposer_bond_wei: u128,
    /// What a refute costs, in wei, unless it is right.
    pub refute_bond_wei: u128,
    /// What a demand costs, in wei, unless it is right.
    pub demand_bond_wei: u128,
    /// Part of a slashed bond for the challenger, in basis points.
    pub challenger_share_bps: u16,
    /// Part of a slashed bond for who proved the claim false. What both leave is burned.
    pub prover_share_bps: u16,
    /// Part of a lost challenger's bond for who proved the claim true; the proposer gets the rest.
    pub prover_share_of_bond_bps: u16,
    /// How far a header's timestamp may be ahead of the settlement chain's, in seconds.
    pub max_timestamp_drift_seconds: u64,
}

/// Why rules are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// A number is out of its range.
    #[error("settlement parameter {name} is {got}, expected {least} to {most}")]
    OutOfRange {
        /// Which.
        name: &'static str,
        /// Its value.
        got: u128,
        /// The least that is allowed.
        least: u128,
        /// The most that is allowed.
        most: u128,
    },
    /// The shares leave nothing to burn, so that challenging oneself would cost nothing.
    #[error(
        "shares of challenger and prover are {got} basis points together, expected less than {WHOLE_BPS}"
    )]
    SharesTooHigh {
        /// Their sum.
        got: u32,
    },
}

impl SettlementParameters {
    /// Those of a development chain, for settlement blocks of a second: a fraud is over within a minute or two.
    pub const fn development() -> Self {
        Self {
            challenge_period_blocks: 30,
            prover_period_blocks: 60,
            proposer_bond_wei: 32 * ETHER_WEI,
            refute_bond_wei: ETHER_WEI / 10,
            demand_bond_wei: ETHER_WEI,
            challenger_share_bps: 2_500,
            prover_share_bps: 2_500,
            prover_share_of_bond_bps: 8_000,
            max_timestamp_drift_seconds: 15,
        }
    }

    /// Those proposed for a production chain, for settlement blocks of two seconds: a day to challenge, six hours to prove.
    pub const fn production() -> Self {
        Self { challenge_period_blocks: 43_200, prover_period_blocks: 10_800, ..Self::development() }
    }

    /// Checks what the contract's constructor checks.
    ///
    /// # Errors
    /// [`ParametersError`] names the first that is wrong.
    pub fn check(&self) -> Result<(), ParametersError> {
        let period = u128::from(MAX_PERIOD_BLOCKS);
        let drift = u128::from(MAX_TIMESTAMP_DRIFT_SECONDS);
        let ranges = [
            ("challengePeriodBlocks", u128::from(self.challenge_period_blocks), 1, period),
            ("proverPeriodBlocks", u128::from(self.prover_period_blocks), 1, period),
            ("proposerBondWei", self.proposer_bond_wei, 1, u128::MAX),
            ("refuteBondWei", self.refute_bond_wei, 1, u128::MAX),
            ("demandBondWei", self.demand_bond_wei, 1, u128::MAX),
            ("proverShareOfBondBps", u128::from(self.prover_share_of_bond_bps), 0, u128::from(WHOLE_BPS)),
            ("maxTimestampDriftSeconds", u128::from(self.max_timestamp_drift_seconds), 0, drift),
        ];
        for (name, got, least, most) in ranges {
            if got < least || got > most {
                return Err(ParametersError::OutOfRange { name, got, least, most });
            }
        }
        let got = u32::from(self.challenger_share_bps) + u32::from(self.prover_share_bps);
        if got >= u32::from(WHOLE_BPS) {
            return Err(ParametersError::SharesTooHigh { got });
        }
        Ok(())
    }
}

impl Default for SettlementParameters {
    fn default() -> Self {
        Self::development()
    }
}

impl From<SettlementParameters> for ISettlement::Parameters {
    fn from(parameters: SettlementParameters) -> Self {
        Self {
            challengePeriodBlocks: parameters.challenge_period_blocks,
            proverPeriodBlocks: parameters.prover_period_blocks,
            proposerBondWei: parameters.proposer_bond_wei,
            refuteBondWei: parameters.refute_bond_wei,
            demandBondWei: parameters.demand_bond_wei,
            challengerShareBps: parameters.challenger_share_bps,
            proverShareBps: parameters.prover_share_bps,
            proverShareOfBondBps: parameters.prover_share_of_bond_bps,
            maxTimestampDriftSeconds: parameters.max_timestamp_drift_seconds,
        }
    }
}

impl From<ISettlement::Parameters> for SettlementParameters {
    fn from(parameters: ISettlement::Parameters) -> Self {
        Self {
            challenge_period_blocks: parameters.challengePeriodBlocks,
            prover_period_blocks: parameters.proverPeriodBlocks,
            proposer_bond_wei: parameters.proposerBondWei,
            refute_bond_wei: parameters.refuteBondWei,
            demand_bond_wei: parameters.demandBondWei,
            challenger_share_bps: parameters.challengerShareBps,
            prover_share_bps: parameters.proverShareBps,
            prover_share_of_bond_bps: parameters.proverShareOfBondBps,
            max_timestamp_drift_seconds: parameters.maxTimestampDriftSeconds,
        }
    }
}
