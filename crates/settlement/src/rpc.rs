//! A settlement chain over JSON-RPC: the embedded one of another process, or any EVM chain.

use std::time::Duration;

use alloy_consensus::{BlockHeader, Header, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, Bytes, TxHash, U64, U256};
use alloy_rpc_types_eth::{Block, Filter, Log, TransactionReceipt};
use alloy_signer_local::PrivateKeySigner;
use async_trait::async_trait;
use jsonrpsee::core::client::{ClientT, Error as RpcError};
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee::rpc_params;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Mutex;

use crate::chain::{SettlementChain, SettlementReceipt, Terms};
use crate::error::SettlementError;
use crate::events::{self, SettlementLog};

/// Largest request, in bytes: a claim's evidence.
const MAX_REQUEST_SIZE_BYTES: u32 = 1024 * 1024;
/// Largest answer, in bytes: the logs of [`LOG_STEP_BLOCKS`](crate::chain) blocks, if they are many.
const MAX_RESPONSE_SIZE_BYTES: u32 = 32 * 1024 * 1024;
/// How long a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a call is made before its failure is told.
const ATTEMPTS: u32 = 5;
/// How long is waited after the first failure; after each more it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How often a new block is asked for.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// JSON-RPC error code of a call that reverted.
const REVERTED_CODE: i32 = 3;
/// Most bytes of an error of the contract.
const MAX_REVERT_SIZE_BYTES: usize = 64 * 1024;

/// A settlement chain over JSON-RPC. What comes back is checked; what cannot be checked is the chain's word.
#[derive(Debug)]
pub struct RpcSettlement {
    http: HttpClient,
    contract: Address,
    chain_id: u64,
    /// Held while a nonce is chosen and used.
    sending: Mutex<()>,
}

impl RpcSettlement {
    /// Connects to a chain that has the contract at this address.
    ///
    /// # Errors
    /// [`SettlementError::Url`], [`SettlementError::Unreachable`], or [`SettlementError::Nonsense`] when what is there is not
    /// the contract.
    pub async fn connect(url: &str, contract: Address) -> Result<Self, SettlementError> {
        let http = HttpClientBuilder::default()
            .max_request_size(MAX_REQUEST_SIZE_BYTES)
            .max_response_size(MAX_RESPONSE_SIZE_BYTES)
            .request_timeout(CALL_TIMEOUT)
            .build(url)
            .map_err(|error| SettlementError::Url { url: url.into(), reason: error.to_string() })?;
        let mut chain = Self { http, contract, chain_id: 0, sending: Mutex::default() };
        chain.chain_id = chain.request::<U64>("eth_chainId", rpc_params![]).await?.to();
        let reader: &dyn SettlementChain = &chain;
        let parameters = reader.parameters().await?;
        parameters.check().map_err(|error| SettlementError::nonsense("parameters", error))?;
        Ok(chain)
    }

    /// Calls a method, again when the connection fails.
    async fn request<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: ArrayParams,
    ) -> Result<T, SettlementError> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            match self.http.request(method, params.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error @ (RpcError::Transport(_) | RpcError::RequestTimeout)) if attempt < ATTEMPTS => {
                    tracing::debug!(method, attempt, %error, "settlement chain: trying again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => return Err(failure(method, error)),
            }
        }
        Err(SettlementError::Unreachable(method.into()))
    }

    fn call_object(&self, from: Option<Address>, value: U256, calldata: &Bytes) -> serde_json::Value {
        let mut object = json!({ "to": self.contract, "input": calldata, "value": value });
        if let Some(from) = from {
            object["from"] = json!(from);
        }
        object
    }

    async fn nonce(&self, account: Address, block: &'static str) -> Result<u64, SettlementError> {
        let nonce: U64 = self.request("eth_getTransactionCount", rpc_params![account, block]).await?;
        Ok(nonce.to())
    }

    async fn head(&self) -> Result<Block, SettlementError> {
        let head: Option<Block> = self.request("eth_getBlockByNumber", rpc_params!["latest", false]).await?;
        head.ok_or_else(|| SettlementError::nonsense("eth_getBlockByNumber", "there is no latest block"))
    }

    fn terms(&self, nonce: u64, head: &Block) -> Terms {
        Terms {
            chain_id: self.chain_id,
            contract: self.contract,
            nonce,
            base_fee_wei: head.header.base_fee_per_gas().unwrap_or_default().into(),
            tip_wei: Terms::tip(),
            gas_limit: 0,
        }
    }

    fn check_log(&self, log: &Log, from: u64, to: u64) -> Result<Option<SettlementLog>, SettlementError> {
        let wrong = |reason: String| SettlementError::nonsense("eth_getLogs", reason);
        let (Some(block_number), Some(transaction_hash), Some(log_index)) =
            (log.block_number, log.transaction_hash, log.log_index)
        else {
            return Err(wrong("a log does not say where it is".into()));
        };
        if log.removed {
            return Err(wrong(format!("a log of block {block_number} was removed: this chain reorgs")));
        }
        if log.address() != self.contract || !(from..=to).contains(&block_number) {
            return Err(wrong(format!(
                "a log of {} in block {block_number} was not asked for",
                log.address()
            )));
        }
        let event = events::decode(&log.inner);
        Ok(event.map(|event| SettlementLog { block_number, transaction_hash, log_index, event }))
    }
}

fn failure(method: &'static str, error: RpcError) -> SettlementError {
    match error {
        RpcError::Call(error) => {
            let data = error.data().and_then(|data| serde_json::from_str::<Bytes>(data.get()).ok());
            match data {
                Some(output) if output.len() <= MAX_REVERT_SIZE_BYTES && error.code() == REVERTED_CODE => {
                    SettlementError::reverted(output)
                }
                _ if method == "eth_sendRawTransaction" => SettlementError::Rejected(error.message().into()),
                _ => {
                    SettlementError::Unreachable(format!("{method}: {} ({})", error.message(), error.code()))
                }
            }
        }
        RpcError::ParseError(error) => SettlementError::nonsense(method, error),
        other => SettlementError::Unreachable(format!("{method}: {other}")),
    }
}

#[async_trait]
impl SettlementChain for RpcSettlement {
    fn contract(&self) -> Address {
        self.contract
    }

    fn chain_id(&self) -> u64 {
        self.chain_id
    }

    async fn block_number(&self) -> Result<u64, SettlementError> {
        Ok(self.request::<U64>("eth_blockNumber", rpc_params![]).await?.to())
    }

    async fn call(&self, calldata: Bytes) -> Result<Bytes, SettlementError> {
        let call = self.call_object(None, U256::ZERO, &calldata);
        self.request("eth_call", rpc_params![call, "latest"]).await
    }

    async fn call_after(&self, block: u64, calldata: Bytes) -> Result<Bytes, SettlementError> {
        let call = self.call_object(None, U256::ZERO, &calldata);
        self.request("eth_call", rpc_params![call, U64::from(block)]).await
    }

    async fn logs(&self, from: u64, to: u64) -> Result<Vec<SettlementLog>, SettlementError> {
        let filter = Filter::new().address(self.contract).from_block(from).to_block(to);
        let logs: Vec<Log> = self.request("eth_getLogs", rpc_params![filter]).await?;
        let mut found = Vec::with_capacity(logs.len());
        let mut last = None;
        for log in &logs {
            let place = (log.block_number, log.log_index);
            if last.is_some_and(|last| place <= last) {
                return Err(SettlementError::nonsense("eth_getLogs", "logs are not in order"));
            }
            last = Some(place);
            found.extend(self.check_log(log, from, to)?);
        }
        Ok(found)
    }

    async fn send(
        &self,
        signer: &PrivateKeySigner,
        value: U256,
        calldata: Bytes,
    ) -> Result<TxHash, SettlementError> {
        let from = signer.address();
        let call = self.call_object(Some(from), value, &calldata);
        let estimate: U64 = self.request("eth_estimateGas", rpc_params![call]).await?;
        let _guard = self.sending.lock().await;
        let nonce = self.nonce(from, "pending").await?;
        let head = self.head().await?;
        let gas_limit = Terms::gas_limit(estimate.to(), head.header.gas_limit());
        let signed = Terms { gas_limit, ..self.terms(nonce, &head) }.sign(signer, value, calldata)?;
        let hash = *signed.tx_hash();
        let raw = Bytes::from(signed.encoded_2718());
        match self.request::<TxHash>("eth_sendRawTransaction", rpc_params![raw]).await {
            Ok(_) => Ok(hash),
            // An attempt whose answer was lost.
            Err(SettlementError::Rejected(reason)) if reason.contains("already known") => Ok(hash),
            Err(error) => Err(error),
        }
    }

    async fn propose_transaction(
        &self,
        signer: &PrivateKeySigner,
        header: &Header,
    ) -> Result<TxEnvelope, SettlementError> {
        let nonce = self.nonce(signer.address(), "latest").await?;
        let head = self.head().await?;
        self.terms(nonce, &head).propose(signer, header)
    }

    async fn receipt(&self, hash: TxHash) -> Result<Option<SettlementReceipt>, SettlementError> {
        let receipt: Option<TransactionReceipt> =
            self.request("eth_getTransactionReceipt", rpc_params![hash]).await?;
        let Some(receipt) = receipt else { return Ok(None) };
        if receipt.transaction_hash != hash {
            let reason = format!("it is of {}", receipt.transaction_hash);
            return Err(SettlementError::nonsense("eth_getTransactionReceipt", reason));
        }
        let block_number = receipt
            .block_number
            .ok_or_else(|| SettlementError::nonsense("eth_getTransactionReceipt", "it names no block"))?;
        Ok(Some(SettlementReceipt {
            transaction_hash: hash,
            block_number,
            succeeded: receipt.status(),
            gas_used: receipt.gas_used,
        }))
    }

    async fn has_pending(&self, account: Address) -> Result<bool, SettlementError> {
        Ok(self.nonce(account, "pending").await? > self.nonce(account, "latest").await?)
    }

    async fn wait_for_block(&self, number: u64) -> Result<u64, SettlementError> {
        loop {
            let head = self.block_number().await?;
            if head >= number {
                return Ok(head);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}
