//! Programs, payloads, jobs that transactions ask for, and proofs.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_sol_types::SolEvent;
use ivm_contracts::{JOB_MANAGER_ADDRESS, JobManager};
use ivm_rpc_types::{JobInfo, ProgramInfo, ProofInfo, ProofState, SettlementInfo, SubmittedProgram};
use jsonrpsee::rpc_params;

use crate::{Client, ClientError, WaitOptions, wait::poll};

/// How long the client asks for a proof.
const PROOF_TIMEOUT: Duration = Duration::from_secs(900);

impl Client {
    /// Has the node admit a program and register it.
    ///
    /// # Errors
    /// [`ClientError::Call`] or [`ClientError::NotRegistered`].
    pub async fn submit_program(&self, elf: &[u8]) -> Result<SubmittedProgram, ClientError> {
        let program: SubmittedProgram =
            self.request("ivm_submitProgram", rpc_params![Bytes::copy_from_slice(elf)]).await?;
        if program.registered { Ok(program) } else { Err(ClientError::NotRegistered(program.program_id)) }
    }

    /// A program, when the node holds it.
    ///
    /// # Errors
    /// [`ClientError::Call`].
    pub async fn program(&self, program_id: B256) -> Result<Option<ProgramInfo>, ClientError> {
        self.request("ivm_getProgram", rpc_params![program_id]).await
    }

    /// Has the node keep an offchain input; gives its keccak256, by which jobs name it.
    ///
    /// # Errors
    /// [`ClientError::Call`].
    pub async fn submit_payload(&self, payload: &[u8]) -> Result<B256, ClientError> {
        self.request("ivm_submitPayload", rpc_params![Bytes::copy_from_slice(payload)]).await
    }

    /// The payload with this keccak256, when the node holds it.
    ///
    /// # Errors
    /// [`ClientError::Call`].
    pub async fn payload(&self, hash: B256) -> Result<Option<Bytes>, ClientError> {
        self.request("ivm_getPayload", rpc_params![hash]).await
    }

    /// Sends a transaction that asks for a job; returns the job's id and the receipt. Of several jobs, the first.
    ///
    /// # Errors
    /// As [`Client::transact`]; [`ClientError::NoJob`].
    pub async fn request_job(
        &self,
        to: Address,
        input: Vec<u8>,
        value: U256,
    ) -> Result<(B256, TransactionReceipt), ClientError> {
        let receipt = self.transact(TxKind::Call(to), input, value).await?;
        let mut logs = receipt.logs().iter().filter(|log| log.address() == JOB_MANAGER_ADDRESS);
        let requested = logs.find_map(|log| JobManager::JobRequested::decode_log(&log.inner).ok());
        let job_id = requested.ok_or(ClientError::NoJob(receipt.transaction_hash))?.jobId;
        Ok((job_id, receipt))
    }

    /// A job as it is now, when the node knows it.
    ///
    /// # Errors
    /// [`ClientError::Call`].
    pub async fn find_job(&self, job_id: B256) -> Result<Option<JobInfo>, ClientError> {
        self.request("ivm_getJob", rpc_params![job_id]).await
    }

    /// The node's proof of a job's outcome, once it is ready or has failed. This is long work.
    ///
    /// # Errors
    /// [`ClientError::Call`] or [`ClientError::Timeout`].
    pub async fn proof(&self, job_id: B256) -> Result<ProofInfo, ClientError> {
        poll(&format!("proof of job {job_id}"), WaitOptions::with_timeout(PROOF_TIMEOUT), async || {
            let proof: ProofInfo = self.request("ivm_getProof", rpc_params![job_id]).await?;
            Ok(matches!(proof.state, ProofState::Ready | ProofState::Failed).then_some(proof))
        })
        .await
    }

    /// Where the chain is settled, and what the node refuses.
    ///
    /// # Errors
    /// [`ClientError::Call`].
    pub async fn settlement(&self) -> Result<SettlementInfo, ClientError> {
        self.request("ivm_settlementInfo", rpc_params![]).await
    }
}
