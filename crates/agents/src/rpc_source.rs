//! The execution chain over a node's JSON-RPC. Whatever is named by a hash is hashed again here.

use std::time::Duration;

use alloy_consensus::{Header, ReceiptEnvelope};
use alloy_eips::Decodable2718;
use alloy_primitives::{B256, Bytes, U64, keccak256};
use async_trait::async_trait;
use ivm_rpc_types::{AssembleRequest, AssembledBlock, BlockDuty, BlockOffer, OrderedBlock, ProposerSession};
use ivm_settlement::SignedHeader;
use jsonrpsee::core::client::{ClientT, Error as RpcError};
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee::rpc_params;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::SourceError;
use crate::proposer_node::ProposerNode;
use crate::source::{ExecutionSource, JobInfo, ProgramInfo, Proposal};

/// Largest request, in bytes: a payload of 10 MiB in hex.
const MAX_REQUEST_SIZE_BYTES: u32 = 24 * 1024 * 1024;
/// Largest answer, in bytes: a payload of 16 MiB in hex.
const MAX_RESPONSE_SIZE_BYTES: u32 = 40 * 1024 * 1024;
/// How long a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Codes of the node's refusals of a proposer, a parent, or a block.
const REFUSALS: [i32; 3] = [-32034, -32035, -32036];
/// Most headers of one height that are looked at: two of one proposer are enough.
const MAX_SIGNED_HEADERS: usize = 256;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProposalReply {
    header: Bytes,
    receipts: Option<Vec<Bytes>>,
    refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobReply {
    program_id: B256,
    onchain_input_hash: B256,
    offchain_input_hash: B256,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProgramReply {
    elf_hash: B256,
}

#[derive(Debug, Deserialize)]
struct SignedHeaderReply {
    header: Bytes,
    signature: Bytes,
}

/// The execution chain over a node's JSON-RPC.
#[derive(Debug)]
pub struct RpcExecution {
    http: HttpClient,
}

impl RpcExecution {
    /// A client of the node at this address. Nothing is called yet.
    ///
    /// # Errors
    /// [`SourceError::Url`].
    pub fn new(url: &str) -> Result<Self, SourceError> {
        let http = HttpClientBuilder::default()
            .max_request_size(MAX_REQUEST_SIZE_BYTES)
            .max_response_size(MAX_RESPONSE_SIZE_BYTES)
            .request_timeout(CALL_TIMEOUT)
            .build(url)
            .map_err(|error| SourceError::Url { url: url.into(), reason: error.to_string() })?;
        Ok(Self { http })
    }

    /// Chain id of the execution chain.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn chain_id(&self) -> Result<u64, SourceError> {
        Ok(self.request::<U64>("eth_chainId", rpc_params![]).await?.to())
    }

    async fn request<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: ArrayParams,
    ) -> Result<T, SourceError> {
        self.http.request(method, params).await.map_err(|error| match error {
            RpcError::ParseError(error) => SourceError::nonsense(method, error),
            RpcError::Call(error) if REFUSALS.contains(&error.code()) => {
                SourceError::Refused(error.message().into())
            }
            other => SourceError::Unreachable(format!("{method}: {other}")),
        })
    }
}

#[async_trait]
impl ExecutionSource for RpcExecution {
    async fn proposal(&self, block_hash: B256) -> Result<Option<Proposal>, SourceError> {
        let what = "ivm_getProposal";
        let Some(reply) = self.request::<Option<ProposalReply>>(what, rpc_params![block_hash]).await? else {
            return Ok(None);
        };
        let got = keccak256(&reply.header);
        if got != block_hash {
            return Err(SourceError::nonsense(
                what,
                format!("the header hashes to {got}, expected {block_hash}"),
            ));
        }
        let header: Header =
            alloy_rlp::decode_exact(&reply.header).map_err(|error| SourceError::nonsense(what, error))?;
        let receipts = reply.receipts.map(|receipts| {
            let decoded = receipts.iter().map(|receipt| ReceiptEnvelope::decode_2718_exact(receipt));
            decoded.collect::<Result<Vec<_>, _>>().map_err(|error| SourceError::nonsense(what, error))
        });
        Ok(Some(Proposal { header, receipts: receipts.transpose()?, refusal: reply.refusal }))
    }

    async fn job(&self, job_id: B256) -> Result<Option<JobInfo>, SourceError> {
        let reply: Option<JobReply> = self.request("ivm_getJob", rpc_params![job_id]).await?;
        Ok(reply.map(|job| JobInfo {
            program_id: job.program_id,
            onchain_input_hash: job.onchain_input_hash,
            offchain_input_hash: job.offchain_input_hash,
        }))
    }

    async fn program(&self, program_id: B256) -> Result<Option<ProgramInfo>, SourceError> {
        let reply: Option<ProgramReply> = self.request("ivm_getProgram", rpc_params![program_id]).await?;
        Ok(reply.map(|program| ProgramInfo { elf_hash: program.elf_hash }))
    }

    async fn payload(&self, hash: B256) -> Result<Option<Bytes>, SourceError> {
        let what = "ivm_getPayload";
        let payload: Option<Bytes> = self.request(what, rpc_params![hash]).await?;
        match payload.as_ref().map(keccak256) {
            Some(got) if got != hash => {
                Err(SourceError::nonsense(what, format!("the payload hashes to {got}, expected {hash}")))
            }
            _ => Ok(payload),
        }
    }

    async fn submit_payload(&self, payload: Bytes) -> Result<B256, SourceError> {
        let expected = keccak256(&payload);
        let got: B256 = self.request("ivm_submitPayload", rpc_params![payload]).await?;
        if got != expected {
            return Err(SourceError::nonsense(
                "ivm_submitPayload",
                format!("hash {got}, expected {expected}"),
            ));
        }
        Ok(got)
    }

    async fn signed_headers(&self, number: u64) -> Result<Vec<SignedHeader>, SourceError> {
        let params = rpc_params![U64::from(number)];
        let replies: Vec<SignedHeaderReply> = self.request("ivm_getSignedHeaders", params).await?;
        let replies = replies.into_iter().take(MAX_SIGNED_HEADERS);
        replies.map(|reply| Ok(SignedHeader::from_bytes(&reply.header, &reply.signature)?)).collect()
    }
}

#[async_trait]
impl ProposerNode for RpcExecution {
    async fn prepare_block(&self, session: &ProposerSession) -> Result<Option<BlockDuty>, SourceError> {
        self.request("ivm_prepareBlock", rpc_params![session]).await
    }

    async fn assemble_block(
        &self,
        session: &ProposerSession,
        request: AssembleRequest,
    ) -> Result<AssembledBlock, SourceError> {
        self.request("ivm_assembleBlock", rpc_params![session, request]).await
    }

    async fn propose_block(&self, offer: BlockOffer) -> Result<OrderedBlock, SourceError> {
        self.request("ivm_proposeBlock", rpc_params![offer]).await
    }
}
