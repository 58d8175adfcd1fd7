//! What jobs cost.

use alloy_primitives::{U64, U256};
use ivm_contracts::{JOB_MANAGER_ADDRESS, JobManager};
use ivm_rpc_types::{CycleFeeHistory, EstimateRequest, JobEstimate};
use jsonrpsee::rpc_params;

use crate::{Client, ClientError};

impl Client {
    /// The fee that a job asked for in a transaction escrows now, in wei.
    ///
    /// # Errors
    /// [`ClientError::Call`] or [`ClientError::Abi`].
    pub async fn quote(&self, max_cycles: u64, callback_gas_limit: u64) -> Result<U256, ClientError> {
        let call = JobManager::quoteCall { maxCycles: max_cycles, callbackGasLimit: callback_gas_limit };
        self.call(JOB_MANAGER_ADDRESS, call).await
    }

    /// Runs a job without asking for it: its cycles, its outcome, and what it would cost now.
    ///
    /// # Errors
    /// [`ClientError::Call`].
    pub async fn estimate_job(&self, job: &EstimateRequest) -> Result<JobEstimate, ClientError> {
        self.request("ivm_estimateJob", rpc_params![job]).await
    }

    /// Prices of cycles and load of the newest `block_count` blocks.
    ///
    /// # Errors
    /// [`ClientError::Call`].
    pub async fn cycle_fee_history(&self, block_count: u64) -> Result<CycleFeeHistory, ClientError> {
        self.request("ivm_feeHistory", rpc_params![U64::from(block_count), "latest"]).await
    }
}
