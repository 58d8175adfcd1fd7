//! A connection to a node, and a key.

use std::{sync::atomic::AtomicU64, time::Duration};

use alloy_primitives::{Address, U64};
use alloy_signer_local::PrivateKeySigner;
use jsonrpsee::{
    core::{client::ClientT, params::ArrayParams},
    http_client::{HttpClient, HttpClientBuilder},
    rpc_params,
};
use serde::de::DeserializeOwned;

use crate::ClientError;

/// Largest request and answer, in bytes: a proof, or a program of 4 MiB, in hex.
const MAX_MESSAGE_SIZE_BYTES: u32 = 160 * 1024 * 1024;

/// How long a call may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A client that signs with one key and counts its own nonces.
#[derive(Debug)]
pub struct Client {
    url: String,
    http: HttpClient,
    pub(crate) signer: PrivateKeySigner,
    pub(crate) chain_id: u64,
    pub(crate) nonce: AtomicU64,
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
            .request_timeout(REQUEST_TIMEOUT)
            .build(url)
            .map_err(|error| ClientError::Url { url: url.into(), reason: error.to_string() })?;
        let no_node = |source| ClientError::NoNode { url: url.into(), source };
        let chain_id: U64 = http.request("eth_chainId", rpc_params![]).await.map_err(no_node)?;
        let count = rpc_params![signer.address(), "pending"];
        let nonce: U64 = http.request("eth_getTransactionCount", count).await.map_err(no_node)?;
        Ok(Self { url: url.into(), http, signer, chain_id: chain_id.to(), nonce: AtomicU64::new(nonce.to()) })
    }

    /// The account it signs for.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Chain id of the node.
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Where the node is, as [`Client::connect`] was told.
    pub(crate) fn url(&self) -> &str {
        &self.url
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
}
