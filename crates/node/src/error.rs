//! Why a node cannot start or go on.

use ivm_chain::ChainError;
use ivm_da::DaError;
use ivm_rpc::ServeError;
use thiserror::Error;

/// Why a node cannot start or go on.
#[derive(Debug, Error)]
pub enum NodeError {
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The payload store.
    #[error(transparent)]
    Payloads(#[from] DaError),
    /// Object storage.
    #[error("replica: {0}")]
    Replica(#[from] ivm_da::replica::ReplicaError),
    /// The JSON-RPC server.
    #[error(transparent)]
    Rpc(#[from] ServeError),
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// A record of the node's own table does not decode.
    #[error("record {key} is damaged: {reason}")]
    Damaged {
        /// Its key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The proposer's key does not sign.
    #[error("the proposer cannot sign: {0}")]
    Sign(#[from] alloy_signer::Error),
    /// This node could not run a job, which says nothing about its outcome.
    #[error("job {job_id} cannot be run by this node: {reason}")]
    CannotRun {
        /// The job.
        job_id: alloy_primitives::B256,
        /// Why.
        reason: String,
    },
    /// There is no such settlement chain.
    #[error("settlement chain: {0}")]
    SettlementGenesis(#[from] ivm_settlement::SettlementGenesisError),
    /// The settlement contract does not answer as it should.
    #[error("settlement contract: {0}")]
    Settlement(#[from] ivm_settlement::SettlementError),
    /// The job manager does not answer as it should.
    #[error("job manager: {reason}")]
    JobManager {
        /// What it answered.
        reason: String,
    },
    /// A payload is not a block.
    #[error("payload of block {block_hash}: {reason}")]
    PayloadMalformed {
        /// The block.
        block_hash: alloy_primitives::B256,
        /// What is wrong with it.
        reason: alloy_rlp::Error,
    },
    /// A header is not signed.
    #[error(transparent)]
    SignedHeader(#[from] ivm_settlement::SignedHeaderError),
    /// The settlement chain settles another chain.
    #[error("the settlement chain's first block follows {expected}, this chain's genesis is {got}")]
    OtherGenesis {
        /// This chain's genesis.
        got: alloy_primitives::B256,
        /// The one that the settlement contract was made for.
        expected: alloy_primitives::B256,
    },
    /// The data was written before the chain was settled.
    #[error(
        "the chain has {blocks} blocks that its settlement chain does not know: start with an empty data folder"
    )]
    Unsettled {
        /// Number of its head.
        blocks: u64,
    },
    /// An ordered block's payload is not held.
    #[error("block {block_hash} was ordered, but its payload is not held")]
    PayloadWithheld {
        /// The block.
        block_hash: alloy_primitives::B256,
    },
    /// Somebody fills the settlement chain's pool with proposals that lack their payloads.
    #[error("the settlement pool holds more than {limit} proposals without payloads in a row")]
    BareProposals {
        /// How many were dropped.
        limit: usize,
    },
    /// A chain needs at least one proposer.
    #[error("no proposer is configured, expected at least one, of this node or elsewhere")]
    NoProposer,
    /// The producer has stopped.
    #[error("block production has stopped")]
    Stopped,
}
