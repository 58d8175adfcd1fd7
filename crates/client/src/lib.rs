//! A JSON-RPC client with a key: submit programs, send transactions, ask for jobs, wait for their results.
//!
//! It speaks to a node over a real socket and knows nothing of the node's insides; demos, benchmarks and end-to-end
//! tests use it as an app's server would.

#![forbid(unsafe_code)]

mod error;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxHash, TxKind, U64, U256};
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent};
pub use error::ClientError;
use ivm_contracts::JobManager;
use ivm_rpc::{JobInfo, ProofInfo, ProofState, SubmittedProgram};
pub use jsonrpsee::rpc_params;
use jsonrpsee::{
    core::{client::ClientT, params::ArrayParams},
    http_client::{HttpClient, HttpClientBuilder},
};
use serde::de::DeserializeOwned;
use serde_json::json;

/// Largest request and answer, in bytes: a proof, or a program of 4 MiB, in hex.
const MAX_MESSAGE_SIZE_BYTES: u32 = 160 * 1024 * 1024;

/// How often the client asks again for what is not there yet.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How long a call may take, and how long the client asks for a block or a job.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the client asks for a proof.
const PROOF_TIMEOUT: Duration = Duration::from_secs(900);

/// A fee cap far above the base fee of a development chain, in wei.
const MAX_FEE_WEI: u128 = 1_000_000_000_000;

/// Tip of every transaction, in wei.
const TIP_WEI: u128 = 1_000_000_000;

/// A client that signs with one key and counts its own nonces.
#[derive(Debug)]
pub struct Client {
    http: HttpClient,
    signer: PrivateKeySigner,
    chain_id: u64,
    nonce: AtomicU64,
}

impl Client {
    /// Connects to a node.
    ///
    /// # Errors
    /// [`ClientError::Url`] or [`ClientError::NoNode`].
    pub async fn connect(url: &str, signer: PrivateKeySigner) -> Result<Self, ClientError> {
        let http = HttpClientBuilder::default()
            .max_request_size(MAX_MESSAGE_SIZE_BYTES)
            .max_response_size(MAX_MESSAGE_SIZE_BYTES)
            .request_timeout(WAIT_TIMEOUT)
            .build(url)
            .map_err(|error| ClientError::Url { url: url.into(), reason: error.to_string() })?;
        let no_node = |source| ClientError::NoNode { url: url.into(), source };
        let chain_id: U64 = http.request("eth_chainId", rpc_params![]).await.map_err(no_node)?;
        let count = rpc_params![signer.address(), "pending"];
        let nonce: U64 = http.request("eth_getTransactionCount", count).await.map_err(no_node)?;
        Ok(Self { http, signer, chain_id: chain_id.to(), nonce: AtomicU64::new(nonce.to()) })
    }

    /// The account it signs for.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Chain id of the node.
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Calls any method.
    ///
    /// # Errors
    /// [`ClientError::Call`].
    pub async fn request<T: DeserializeOwned>(
        &self,
        method: &str,
        params: ArrayParams,
    ) -> Result<T, ClientError> {
        let failed = |source| ClientError::Call { method: method.into(), source };
        self.http.request(method, params).await.map_err(failed)
    }

    /// Has the node admit a program and register it.
    ///
    /// # Errors
    /// [`ClientError::Call`] or [`ClientError::NotRegistered`].
    pub async fn submit_program(&self, elf: &[u8]) -> Result<SubmittedProgram, ClientError> {
        let program: SubmittedProgram =
            self.request("ivm_submitProgram", rpc_params![Bytes::copy_from_slice(elf)]).await?;
        if program.registered { Ok(program) } else { Err(ClientError::NotRegistered(program.program_id)) }
    }

    /// Signs and sends a transaction without waiting for it.
    ///
    /// # Errors
    /// [`ClientError::Sign`] or [`ClientError::Call`].
    pub async fn send(
        &self,
        to: TxKind,
        input: Vec<u8>,
        value: U256,
        gas_limit: u64,
    ) -> Result<TxHash, ClientError> {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce.fetch_add(1, Ordering::Relaxed),
            gas_limit,
            max_fee_per_gas: MAX_FEE_WEI,
            max_priority_fee_per_gas: TIP_WEI,
            to,
            value,
            input: input.into(),
            ..Default::default()
        };
        let signature = self.signer.sign_hash_sync(&transaction.signature_hash())?;
        let envelope: TxEnvelope = transaction.into_signed(signature).into();
        self.request("eth_sendRawTransaction", rpc_params![Bytes::from(envelope.encoded_2718())]).await
    }

    /// Estimates gas, sends, and waits for the receipt.
    ///
    /// # Errors
    /// As [`Client::send`]; [`ClientError::Reverted`]; [`ClientError::Timeout`].
    pub async fn transact(
        &self,
        to: TxKind,
        input: Vec<u8>,
        value: U256,
    ) -> Result<TransactionReceipt, ClientError> {
        let call = json!({
            "from": self.signer.address(),
            "to": to.to(),
            "input": Bytes::copy_from_slice(&input),
            "value": value,
        });
        let gas: U64 = self.request("eth_estimateGas", rpc_params![call]).await?;
        let hash = self.send(to, input, value, gas.to()).await?;
        let receipt = self.receipt(hash).await?;
        if receipt.status() {
            Ok(receipt)
        } else {
            Err(ClientError::Reverted { hash, block: receipt.block_number.unwrap_or_default() })
        }
    }

    /// Creates a contract and returns its address.
    ///
    /// # Errors
    /// As [`Client::transact`]; [`ClientError::NotCreated`].
    pub async fn deploy(&self, creation_code: &[u8]) -> Result<Address, ClientError> {
        let receipt = self.transact(TxKind::Create, creation_code.to_vec(), U256::ZERO).await?;
        receipt.contract_address.ok_or(ClientError::NotCreated(receipt.transaction_hash))
    }

    /// Sends a transaction that asks for a job; returns the job's id and the receipt.
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
        let requested =
            receipt.logs().iter().find_map(|log| JobManager::JobRequested::decode_log(&log.inner).ok());
        let job_id = requested.ok_or(ClientError::NoJob(receipt.transaction_hash))?.jobId;
        Ok((job_id, receipt))
    }

    /// The receipt of a transaction, once it is in a block.
    ///
    /// # Errors
    /// [`ClientError::Call`] or [`ClientError::Timeout`].
    pub async fn receipt(&self, hash: TxHash) -> Result<TransactionReceipt, ClientError> {
        self.wait(&format!("receipt of transaction {hash}"), WAIT_TIMEOUT, async || {
            self.request("eth_getTransactionReceipt", rpc_params![hash]).await
        })
        .await
    }

    /// Reads from a contract at the head.
    ///
    /// # Errors
    /// [`ClientError::Call`] or [`ClientError::Abi`].
    pub async fn call<C: SolCall>(&self, to: Address, call: C) -> Result<C::Return, ClientError> {
        let call = json!({ "to": to, "input": Bytes::from(call.abi_encode()) });
        let output: Bytes = self.request("eth_call", rpc_params![call, "latest"]).await?;
        Ok(C::abi_decode_returns(&output)?)
    }

    /// A job, once `wanted` holds for it.
    ///
    /// # Errors
    /// [`ClientError::Call`] or [`ClientError::Timeout`].
    pub async fn job(&self, job_id: B256, wanted: impl Fn(&JobInfo) -> bool) -> Result<JobInfo, ClientError> {
        self.wait(&format!("wanted state of job {job_id}"), WAIT_TIMEOUT, async || {
            let job: Option<JobInfo> = self.request("ivm_getJob", rpc_params![job_id]).await?;
            Ok(job.filter(&wanted))
        })
        .await
    }

    /// The node's proof of a job's outcome, once it is ready or has failed. This is long work.
    ///
    /// # Errors
    /// [`ClientError::Call`] or [`ClientError::Timeout`].
    pub async fn proof(&self, job_id: B256) -> Result<ProofInfo, ClientError> {
        self.wait(&format!("proof of job {job_id}"), PROOF_TIMEOUT, async || {
            let proof: ProofInfo = self.request("ivm_getProof", rpc_params![job_id]).await?;
            Ok(matches!(proof.state, ProofState::Ready | ProofState::Failed).then_some(proof))
        })
        .await
    }

    async fn wait<T>(
        &self,
        what: &str,
        timeout: Duration,
        poll: impl AsyncFn() -> Result<Option<T>, ClientError>,
    ) -> Result<T, ClientError> {
        let polling = async {
            loop {
                if let Some(value) = poll().await? {
                    return Ok(value);
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        let timed_out = |_| ClientError::Timeout { what: what.into(), timeout_ms: timeout.as_millis() };
        tokio::time::timeout(timeout, polling).await.map_err(timed_out)?
    }
}
