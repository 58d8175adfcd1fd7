//! What jobs cost: the same as the job manager computes.

use alloy_primitives::U256;

use crate::{JobParameters, JobRequest};

/// Gas that a check of a signature gets, and can use at most (`contracts/src/jobs/IsolatedCall.sol`).
///
/// A transaction that posts a signed request must have so much left when the check begins, and 1/63 more, or all of it
/// reverts.
pub const SIGNATURE_CHECK_GAS: u64 = 200_000;

/// Gas of an entry of `submitOffchainResults` beside callback and bytes, as its payer is charged for it
/// (`contracts/src/jobs/OffchainJobs.sol`).
pub const INCLUSION_GAS: u64 = 350_000;

/// Gas of a byte of a request's onchain input or signature, as its payer is charged for it.
pub const GAS_PER_BYTE: u64 = 40;

impl JobParameters {
    /// What a job asked for onchain has in escrow, in wei.
    pub fn escrow_wei(&self, cycle_price_wei: u64, max_cycles: u64, callback_gas_limit: u64) -> U256 {
        self.fee_wei(cycle_price_wei, max_cycles, U256::from(callback_gas_limit))
    }

    /// What a signed request is charged for so many cycles, in wei, with a signature of so many bytes.
    ///
    /// For its `maxCycles` that is what `quoteRequest` says, and what `checkRequest` holds against `maxFeeWei`.
    pub fn request_fee_wei(
        &self,
        cycle_price_wei: u64,
        request: &JobRequest,
        signature_size_bytes: usize,
        cycles: u64,
    ) -> U256 {
        let size_bytes = U256::from(request.onchainInput.len()) + U256::from(signature_size_bytes);
        let gas = U256::from(request.callbackGasLimit)
            + U256::from(INCLUSION_GAS)
            + U256::from(GAS_PER_BYTE) * size_bytes;
        self.fee_wei(cycle_price_wei, cycles, gas)
    }

    /// Far below 2^256: prices and cycles have 64 bits, gas little more.
    fn fee_wei(&self, cycle_price_wei: u64, cycles: u64, gas: U256) -> U256 {
        U256::from(cycles) * U256::from(cycle_price_wei)
            + gas * U256::from(self.fields().callback_gas_price_wei)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escrow_is_for_all_cycles_and_all_callback_gas() {
        let parameters = JobParameters::default();
        let escrow_wei = parameters.escrow_wei(1_000_000, 1_000_000, 100_000);
        assert_eq!(escrow_wei, U256::from(1_000_000_000_000_u64 + 100_000_000_000_000));
        let most_wei = parameters.escrow_wei(u64::MAX, u64::MAX, u64::MAX);
        assert_eq!(most_wei, U256::from(u64::MAX) * (U256::from(u64::MAX) + U256::from(1_000_000_000_u64)));
    }
}
