//! What `ivm_*` methods answer with. Quantities are hex strings, as everywhere in Ethereum's JSON.

use alloy_primitives::{Address, B256, Bytes, TxHash};
use ivm_primitives::{Outcome, OutcomeStatus, ProgramId};
use serde::{Deserialize, Serialize};

/// A program the node admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubmittedProgram {
    /// The zkVM's commitment to the program.
    pub program_id: ProgramId,
    /// keccak256 of the ELF.
    pub elf_hash: B256,
    /// Length of the ELF.
    #[serde(with = "alloy_serde::quantity")]
    pub elf_size_bytes: u64,
    /// Instructions of its code.
    #[serde(with = "alloy_serde::quantity")]
    pub instructions: u64,
    /// Whether the `ProgramRegistry` has it, so that jobs may name it.
    pub registered: bool,
}

/// A program the node holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgramInfo {
    /// What was said when it was submitted, but for `registered`, which is as of now.
    #[serde(flatten)]
    pub program: SubmittedProgram,
    /// Block that registered it.
    #[serde(with = "alloy_serde::quantity::opt")]
    pub registered_block: Option<u64>,
}

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobState {
    /// Requested; nothing runs it yet.
    Pending,
    /// It runs.
    Executing,
    /// It has an outcome that is in no block yet.
    Executed,
    /// Its run ended without a provable outcome: nothing is posted, and it expires at its deadline.
    NoOutcome,
    /// Its outcome is in a block and the callback succeeded.
    Delivered,
    /// Its outcome is in a block and the callback failed. Anyone can retry it.
    CallbackFailed,
    /// Its requester cancelled it.
    Cancelled,
    /// Its deadline passed without an outcome.
    Expired,
}

/// A job's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobOutcome {
    /// How the program ended.
    pub status: JobOutcomeStatus,
    /// Its output, or its panic message.
    pub data: Bytes,
    /// `keccak256(status ‖ data)`: what a claim carries.
    pub hash: B256,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobOutcomeStatus {
    /// It gave an output.
    Success,
    /// It panicked.
    Panicked,
}

impl From<Outcome> for JobOutcome {
    fn from(outcome: Outcome) -> Self {
        Self {
            status: match outcome.status() {
                OutcomeStatus::Success => JobOutcomeStatus::Success,
                OutcomeStatus::Panicked => JobOutcomeStatus::Panicked,
            },
            hash: outcome.hash(),
            data: outcome.bytes().clone(),
        }
    }
}

/// A job: what was asked, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobInfo {
    /// The job.
    pub job_id: B256,
    /// Contract that asked and is called back.
    pub consumer: Address,
    /// Program it runs.
    pub program_id: ProgramId,
    /// keccak256 of the onchain input.
    pub onchain_input_hash: B256,
    /// keccak256 of the offchain input.
    pub offchain_input_hash: B256,
    /// Commitment to both inputs.
    pub input_commitment: B256,
    /// Most cycles it may use.
    #[serde(with = "alloy_serde::quantity")]
    pub max_cycles: u64,
    /// Gas its callback has.
    #[serde(with = "alloy_serde::quantity")]
    pub callback_gas_limit: u64,
    /// Last block that may carry its result.
    #[serde(with = "alloy_serde::quantity")]
    pub deadline_block: u64,
    /// Block that requested it.
    #[serde(with = "alloy_serde::quantity")]
    pub requested_block: u64,
    /// How far it has come.
    pub state: JobState,
    /// Block that carries its result.
    #[serde(with = "alloy_serde::quantity::opt")]
    pub result_block: Option<u64>,
    /// Transaction that carries its result.
    pub result_transaction: Option<TxHash>,
    /// Its outcome, from `executed` on.
    pub outcome: Option<JobOutcome>,
    /// Cycles it used.
    #[serde(with = "alloy_serde::quantity::opt")]
    pub cycles: Option<u64>,
    /// Why it has no outcome.
    pub no_outcome_reason: Option<String>,
}

/// How far a proof has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProofState {
    /// It waits for the prover.
    Queued,
    /// The prover works on it.
    Proving,
    /// It is there.
    Ready,
    /// The prover failed.
    Failed,
}

/// A proof of a job's outcome, or how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProofInfo {
    /// How far it has come.
    pub state: ProofState,
    /// The proof, when it is ready.
    pub proof: Option<Bytes>,
    /// Its length.
    #[serde(with = "alloy_serde::quantity::opt")]
    pub proof_size_bytes: Option<u64>,
    /// Milliseconds the prover took.
    #[serde(with = "alloy_serde::quantity::opt")]
    pub prove_ms: Option<u64>,
    /// Why the prover failed.
    pub error: Option<String>,
}

/// What a node makes of a proposed block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProposalStatus {
    /// It is on the node's chain.
    Followed,
    /// The node found it wrong and does not follow it.
    Refused,
    /// The node has not executed it, or has left it.
    NotFollowed,
}

/// A block that was proposed on the settlement chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposalInfo {
    /// Hash of the block.
    pub block_hash: B256,
    /// Its header, RLP.
    pub header: Bytes,
    /// The proposer's signature of the header (EIP-712 `ProposedHeader`).
    pub signature: Bytes,
    /// Its receipts as consensus encodes them (EIP-2718), where the node has executed it.
    pub receipts: Option<Vec<Bytes>>,
    /// What the node makes of it.
    pub status: ProposalStatus,
    /// Why the node refuses it.
    pub refusal: Option<String>,
}

/// A header with its proposer's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedHeaderInfo {
    /// The header, RLP.
    pub header: Bytes,
    /// The proposer's signature (EIP-712 `ProposedHeader`).
    pub signature: Bytes,
}

/// Where the chain is settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettlementInfo {
    /// Chain id of the settlement chain.
    #[serde(with = "alloy_serde::quantity")]
    pub chain_id: u64,
    /// The settlement contract there.
    pub contract: Address,
    /// Port of this node at which it serves the settlement chain's JSON-RPC.
    #[serde(with = "alloy_serde::quantity::opt")]
    pub rpc_port: Option<u64>,
    /// Number of the settlement chain's newest block.
    #[serde(with = "alloy_serde::quantity")]
    pub head_block: u64,
    /// Whether the node checks blocks before it follows them.
    pub validating: bool,
    /// Blocks of the settled chain that the node refuses to follow, with why.
    pub refused: Vec<RefusedBlock>,
}

/// A block that the node refuses to follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedBlock {
    /// Hash of the block.
    pub block_hash: B256,
    /// Its number.
    #[serde(with = "alloy_serde::quantity")]
    pub number: u64,
    /// What the node found wrong.
    pub reason: String,
    /// Whether it was ordered all the same; else the node kept it from being ordered.
    pub ordered: bool,
}

/// What this node is and what it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeInfo {
    /// As of `web3_clientVersion`.
    pub client_version: String,
    /// Chain id.
    #[serde(with = "alloy_serde::quantity")]
    pub chain_id: u64,
    /// Hash of the genesis block.
    pub genesis_hash: B256,
    /// Number of the head.
    #[serde(with = "alloy_serde::quantity")]
    pub head_block: u64,
    /// The protocol's bounds and this server's.
    pub limits: NodeLimits,
}

/// Bounds a client meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeLimits {
    /// Largest program.
    #[serde(with = "alloy_serde::quantity")]
    pub max_elf_size_bytes: u64,
    /// Largest onchain input.
    #[serde(with = "alloy_serde::quantity")]
    pub max_onchain_input_size_bytes: u64,
    /// Largest offchain input.
    #[serde(with = "alloy_serde::quantity")]
    pub max_offchain_input_size_bytes: u64,
    /// Largest output.
    #[serde(with = "alloy_serde::quantity")]
    pub max_output_size_bytes: u64,
    /// Most cycles of a job.
    #[serde(with = "alloy_serde::quantity")]
    pub max_cycles_per_job: u64,
    /// Most gas of a callback.
    #[serde(with = "alloy_serde::quantity")]
    pub max_callback_gas: u64,
    /// Gas limit of a block.
    #[serde(with = "alloy_serde::quantity")]
    pub block_gas_limit: u64,
    /// Largest request to this server.
    #[serde(with = "alloy_serde::quantity")]
    pub max_request_size_bytes: u64,
    /// Largest answer of this server.
    #[serde(with = "alloy_serde::quantity")]
    pub max_response_size_bytes: u64,
    /// Longest batch.
    #[serde(with = "alloy_serde::quantity")]
    pub max_batch_length: u64,
    /// Blocks a log query may span.
    #[serde(with = "alloy_serde::quantity")]
    pub max_log_blocks: u64,
}
