//! What agents need to know of the execution chain.

use alloy_consensus::{Header, ReceiptEnvelope};
use alloy_primitives::{B256, Bytes};
use async_trait::async_trait;
use ivm_settlement::SignedHeader;

use crate::error::SourceError;

/// A block that was proposed.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Its header.
    pub header: Header,
    /// Its receipts; `None` when the node has not executed it. Whether they are the header's is for the reader to check.
    pub receipts: Option<Vec<ReceiptEnvelope>>,
    /// Why the node does not follow it, when it found a fault.
    pub refusal: Option<String>,
}

/// A job, as far as its run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobInfo {
    /// The program.
    pub program_id: B256,
    /// keccak256 of the onchain input.
    pub onchain_input_hash: B256,
    /// keccak256 of the offchain input.
    pub offchain_input_hash: B256,
}

/// A program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramInfo {
    /// keccak256 of its ELF.
    pub elf_hash: B256,
}

/// Where agents learn of the execution chain. What is named by a hash has been checked against it.
#[async_trait]
pub trait ExecutionSource: Send + Sync {
    /// A proposed block by its hash; `None` when the node does not know it.
    ///
    /// # Errors
    /// [`SourceError`].
    async fn proposal(&self, block_hash: B256) -> Result<Option<Proposal>, SourceError>;

    /// A job; `None` when the node does not know it.
    ///
    /// # Errors
    /// [`SourceError`].
    async fn job(&self, job_id: B256) -> Result<Option<JobInfo>, SourceError>;

    /// A program; `None` when the node does not hold it.
    ///
    /// # Errors
    /// [`SourceError`].
    async fn program(&self, program_id: B256) -> Result<Option<ProgramInfo>, SourceError>;

    /// The payload with this keccak256; `None` when the node does not hold it.
    ///
    /// # Errors
    /// [`SourceError`].
    async fn payload(&self, hash: B256) -> Result<Option<Bytes>, SourceError>;

    /// Has the node hold a payload, for the settlement chain to verify with. Gives its hash.
    ///
    /// # Errors
    /// [`SourceError`].
    async fn submit_payload(&self, payload: Bytes) -> Result<B256, SourceError>;

    /// Headers that proposers signed for a height, as far as the node has seen any.
    ///
    /// # Errors
    /// [`SourceError`].
    async fn signed_headers(&self, number: u64) -> Result<Vec<SignedHeader>, SourceError>;
}
