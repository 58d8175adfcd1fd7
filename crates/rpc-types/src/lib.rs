//! What `ivm_*` methods take and give, in JSON-RPC and REST. Quantities are hex strings, as everywhere in Ethereum's JSON.

#![forbid(unsafe_code)]

mod proposing;

use alloy_primitives::{Address, B256, Bytes, TxHash, U256};
use ivm_primitives::{Outcome, OutcomeStatus, ProgramId};
pub use proposing::{
    AssembleRequest, AssembledBlock, BlockDuty, BlockOffer, ClaimedJob, LeadingCall, NewProgram,
    OrderedBlock, ProposerSession,
};
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

/// How a job was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobKind {
    /// By a transaction; a later block has its result.
    Onchain,
    /// Inside a transaction, which has its result.
    Sync,
    /// By a signature.
    Offchain,
    /// By a signature, to be delivered in order.
    OffchainOrdered,
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
    /// It was asked for by a signature, and the node has given it up: nothing of it is on chain.
    Refused,
}

impl JobState {
    /// Whether nothing more happens to the job on the chain as it is.
    pub const fn is_last(self) -> bool {
        matches!(
            self,
            Self::Delivered | Self::CallbackFailed | Self::Cancelled | Self::Expired | Self::Refused
        )
    }
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
    /// How it was asked for.
    pub kind: JobKind,
    /// Its nonce: the kind in the two top bits, and a number that tells its consumer's jobs of that kind apart.
    #[serde(with = "alloy_serde::quantity")]
    pub nonce: u64,
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
    /// Price of a cycle that is charged for it; not known before a block has the job.
    #[serde(with = "alloy_serde::quantity::opt")]
    pub cycle_price_wei: Option<u64>,
    /// Block that has the request; `None` until then for one that was signed.
    #[serde(with = "alloy_serde::quantity::opt")]
    pub requested_block: Option<u64>,
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

/// What is signed to ask for a job outside of any transaction: `IOffchainJobs.JobRequest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobRequest {
    /// Contract that asks and is called back.
    pub consumer: Address,
    /// The job's number, below 2^62.
    #[serde(with = "alloy_serde::quantity")]
    pub nonce: u64,
    /// Whether it is delivered only after all ordered jobs with smaller numbers.
    pub ordered: bool,
    /// Program it runs.
    pub program_id: ProgramId,
    /// Bytes the program reads, which the chain will carry.
    pub onchain_input: Bytes,
    /// keccak256 of the bytes held by data availability.
    pub offchain_input_hash: B256,
    /// Most cycles it may use.
    #[serde(with = "alloy_serde::quantity")]
    pub max_cycles: u64,
    /// Gas its callback has.
    #[serde(with = "alloy_serde::quantity")]
    pub callback_gas_limit: u64,
    /// Last block that may carry it.
    #[serde(with = "alloy_serde::quantity")]
    pub deadline_block: u64,
    /// Who pays.
    pub fee_payer: Address,
    /// Most that may be charged.
    pub max_fee_wei: U256,
}

impl From<JobRequest> for ivm_contracts::JobRequest {
    fn from(request: JobRequest) -> Self {
        Self {
            consumer: request.consumer,
            nonce: request.nonce,
            ordered: request.ordered,
            programId: request.program_id,
            onchainInput: request.onchain_input,
            offchainInputHash: request.offchain_input_hash,
            maxCycles: request.max_cycles,
            callbackGasLimit: request.callback_gas_limit,
            deadlineBlock: request.deadline_block,
            feePayer: request.fee_payer,
            maxFeeWei: request.max_fee_wei,
        }
    }
}

impl From<ivm_contracts::JobRequest> for JobRequest {
    fn from(request: ivm_contracts::JobRequest) -> Self {
        Self {
            consumer: request.consumer,
            nonce: request.nonce,
            ordered: request.ordered,
            program_id: request.programId,
            onchain_input: request.onchainInput,
            offchain_input_hash: request.offchainInputHash,
            max_cycles: request.maxCycles,
            callback_gas_limit: request.callbackGasLimit,
            deadline_block: request.deadlineBlock,
            fee_payer: request.feePayer,
            max_fee_wei: request.maxFeeWei,
        }
    }
}

/// A signed request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedJobRequest {
    /// The request.
    pub request: JobRequest,
    /// What the consumer takes for its signature (EIP-1271).
    pub signature: Bytes,
    /// The offchain input, unless the node holds it or gets it apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offchain_input: Option<Bytes>,
}

/// A request that the node has taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubmittedJob {
    /// The job, once it is in a block; `ivm_getJob` knows it from now on.
    pub job_id: B256,
    /// How far it has come.
    pub state: JobState,
}

/// What to try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EstimateRequest {
    /// Program to run.
    pub program_id: ProgramId,
    /// Onchain input.
    #[serde(default)]
    pub onchain_input: Bytes,
    /// Offchain input.
    #[serde(default)]
    pub offchain_input: Bytes,
    /// Most cycles to try; the node has a limit of its own, which is taken without it.
    #[serde(default, with = "alloy_serde::quantity::opt")]
    pub max_cycles: Option<u64>,
    /// Gas of the callback; none without it.
    #[serde(default, with = "alloy_serde::quantity::opt")]
    pub callback_gas_limit: Option<u64>,
}

/// What a job would take. It was run to find out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobEstimate {
    /// Cycles it took.
    #[serde(with = "alloy_serde::quantity")]
    pub cycles: u64,
    /// Cycles to allow: a tenth more, for inputs that differ a little.
    #[serde(with = "alloy_serde::quantity")]
    pub max_cycles: u64,
    /// Its outcome.
    pub outcome: JobOutcome,
    /// Price of a cycle in the next block.
    #[serde(with = "alloy_serde::quantity")]
    pub cycle_price_wei: u64,
    /// What a request of `maxCycles` puts in escrow then; what it does not use comes back.
    pub fee_wei: U256,
    /// Gas of the run inside a transaction, beside that of `JobManager.execute` itself; `None` when it has no outcome there,
    /// as it has an offchain input or needs more memory than a run inside a transaction has.
    #[serde(default, with = "alloy_serde::quantity::opt")]
    pub sync_gas: Option<u64>,
}

/// Prices of cycles in past blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CycleFeeHistory {
    /// Number of the first block.
    #[serde(with = "alloy_serde::quantity")]
    pub oldest_block: u64,
    /// Price of a cycle in each block, and in the one after the last.
    #[serde(with = "alloy_serde::quantity::vec")]
    pub cycle_price_wei: Vec<u64>,
    /// Cycles that each block posted.
    #[serde(with = "alloy_serde::quantity::vec")]
    pub cycles_used: Vec<u64>,
    /// The same, as a part of what the price aims at. For people: nothing is derived from it.
    pub cycles_used_ratio: Vec<f64>,
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
