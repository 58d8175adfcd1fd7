//! What jobs cost.

use alloy_primitives::{B256, Bytes, U64, U256};
use ivm_contracts::{JOB_MANAGER_ADDRESS, JobManager};
use ivm_rpc::JobOutcome;
use jsonrpsee::rpc_params;
use serde::{Deserialize, Serialize};

use crate::{Client, ClientError, JobDraft};

/// A job to run without asking for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobToEstimate {
    /// Program to run.
    pub program_id: B256,
    /// Input that the chain carries.
    pub onchain_input: Bytes,
    /// Input beside the chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offchain_input: Option<Bytes>,
    /// Most cycles; as many as the node allows.
    #[serde(skip_serializing_if = "Option::is_none", with = "alloy_serde::quantity::opt")]
    pub max_cycles: Option<u64>,
    /// Gas of the callback.
    #[serde(with = "alloy_serde::quantity")]
    pub callback_gas_limit: u64,
}

impl From<&JobDraft> for JobToEstimate {
    fn from(draft: &JobDraft) -> Self {
        Self {
            program_id: draft.program_id,
            onchain_input: draft.onchain_input.clone(),
            offchain_input: draft.offchain_input.clone(),
            max_cycles: draft.max_cycles,
            callback_gas_limit: draft.callback_gas_limit,
        }
    }
}

/// What a job would cost, from running it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobEstimate {
    /// Cycles that the run used.
    #[serde(with = "alloy_serde::quantity")]
    pub cycles: u64,
    /// Cycles to ask for.
    #[serde(with = "alloy_serde::quantity")]
    pub max_cycles: u64,
    /// What came of it.
    pub outcome: Option<JobOutcome>,
    /// Price of one cycle now, in wei.
    #[serde(with = "alloy_serde::quantity")]
    pub cycle_price_wei: u64,
    /// Fee for `max_cycles` and the callback, in wei.
    pub fee_wei: U256,
    /// Gas that running it synchronously takes.
    #[serde(with = "alloy_serde::quantity")]
    pub sync_gas: u64,
}

/// Prices and load of a range of blocks.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CycleFeeHistory {
    /// First of the blocks.
    #[serde(with = "alloy_serde::quantity")]
    pub oldest_block: u64,
    /// Price of one cycle in each block, in wei, and in the one after them.
    #[serde(with = "alloy_serde::quantity::vec")]
    pub cycle_price_wei: Vec<u64>,
    /// Cycles posted in each block.
    #[serde(with = "alloy_serde::quantity::vec")]
    pub cycles_used: Vec<u64>,
    /// The same as a part of what a block is meant to have.
    pub cycles_used_ratio: Vec<f64>,
}

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
    pub async fn estimate_job(&self, job: &JobToEstimate) -> Result<JobEstimate, ClientError> {
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
