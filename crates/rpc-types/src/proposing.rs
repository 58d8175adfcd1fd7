//! How a proposer that is a process of its own has a node build and order its blocks.

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

/// A proposer's statement that it wants blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProposerSession {
    /// The proposer.
    pub proposer: Address,
    /// Last settlement block for which it is good; at most 1,024 ahead.
    #[serde(with = "alloy_serde::quantity")]
    pub until_block: u64,
    /// The proposer's signature (EIP-712 `ProposerSession(address proposer,uint64 untilBlock)`).
    pub signature: Bytes,
}

/// A block to be proposed: what its proposer has to sign before it can be built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockDuty {
    /// The block that it follows.
    pub parent_hash: B256,
    /// Its number.
    #[serde(with = "alloy_serde::quantity")]
    pub number: u64,
    /// Its timestamp, in seconds.
    #[serde(with = "alloy_serde::quantity")]
    pub timestamp: u64,
    /// The proposer's nonce, of the first call; the others' rise.
    #[serde(with = "alloy_serde::quantity")]
    pub nonce: u64,
    /// What a unit of gas costs in it, in wei.
    #[serde(with = "alloy_serde::quantity")]
    pub base_fee_per_gas: u64,
    /// What the proposer posts, in order: registrations, results, expiries.
    pub calls: Vec<LeadingCall>,
}

/// A call at the head of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeadingCall {
    /// The contract.
    pub to: Address,
    /// What is asked of it.
    pub input: Bytes,
    /// Most gas it may use.
    #[serde(with = "alloy_serde::quantity")]
    pub gas_limit: u64,
}

/// What a block is to be built of, beside the pool's transactions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssembleRequest {
    /// The block that it follows.
    pub parent_hash: B256,
    /// Its timestamp, in seconds.
    #[serde(with = "alloy_serde::quantity")]
    pub timestamp: u64,
    /// The duty's calls, signed by the proposer (EIP-2718).
    pub transactions: Vec<Bytes>,
}

/// A block that was built and waits for its proposer's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssembledBlock {
    /// The block, RLP.
    pub block: Bytes,
    /// Its receipts (EIP-2718): they hold the claims that the proposer answers for.
    pub receipts: Vec<Bytes>,
    /// Jobs that the claims are about.
    pub jobs: Vec<ClaimedJob>,
    /// Programs that the block registers.
    pub programs: Vec<NewProgram>,
}

/// What a claim is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedJob {
    /// The job.
    pub job_id: B256,
    /// Its program.
    pub program_id: B256,
    /// keccak256 of the onchain input; the node has it as a payload.
    pub onchain_input_hash: B256,
    /// keccak256 of the offchain input; the node has it as a payload.
    pub offchain_input_hash: B256,
}

/// A program that a block registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewProgram {
    /// The program.
    pub program_id: B256,
    /// keccak256 of its ELF; the node has it as a payload.
    pub elf_hash: B256,
}

/// A block with all that ordering it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlockOffer {
    /// The block, RLP.
    pub block: Bytes,
    /// The proposer's signature of its header (EIP-712 `ProposedHeader`).
    pub signature: Bytes,
    /// The transaction that proposes it on the settlement chain (EIP-2718).
    pub transaction: Bytes,
}

/// A block that was ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderedBlock {
    /// The block.
    pub block_hash: B256,
    /// Number of the settlement block that orders it.
    #[serde(with = "alloy_serde::quantity")]
    pub settlement_block: u64,
}
