//! Transactions with the client's key, and calls that read.

use std::sync::atomic::Ordering;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, Bytes, TxHash, TxKind, U64, U256};
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_signer::SignerSync;
use alloy_sol_types::SolCall;
use jsonrpsee::rpc_params;
use serde_json::json;

use crate::{Client, ClientError, WaitOptions, wait::poll};

/// A fee cap far above the base fee of a development chain, in wei.
const MAX_FEE_WEI: u128 = 1_000_000_000_000;

/// Tip of every transaction, in wei.
const TIP_WEI: u128 = 1_000_000_000;

impl Client {
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

    /// The receipt of a transaction, once it is in a block.
    ///
    /// # Errors
    /// [`ClientError::Call`] or [`ClientError::Timeout`].
    pub async fn receipt(&self, hash: TxHash) -> Result<TransactionReceipt, ClientError> {
        poll(&format!("receipt of transaction {hash}"), WaitOptions::default(), async || {
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
}
