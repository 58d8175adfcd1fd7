//! The `ivm_*` methods, and what a node implements to serve them.

mod error;
mod jobs;
mod methods;
mod proposing;
mod watch;

use alloy_primitives::{B256, Bytes};
use async_trait::async_trait;
use ivm_primitives::ProgramId;
use tokio::sync::broadcast;

pub use error::IvmError;
pub use ivm_rpc_types::{
    AssembleRequest, AssembledBlock, BlockDuty, BlockOffer, ClaimedJob, CycleFeeHistory, EstimateRequest,
    JobEstimate, JobInfo, JobKind, JobOutcome, JobOutcomeStatus, JobRequest, JobState, LeadingCall,
    NewProgram, NodeInfo, NodeLimits, OrderedBlock, ProgramInfo, ProofInfo, ProofState, ProposalInfo,
    ProposalStatus, ProposerSession, RefusedBlock, SettlementInfo, SignedHeaderInfo, SignedJobRequest,
    SubmittedJob, SubmittedProgram,
};
pub(crate) use jobs::{MAX_SIGNATURE_SIZE_BYTES, submit_job};
pub(crate) use methods::{register, submit_payload};
pub(crate) use watch::{JobWatch, Watcher};

/// What a node answers that takes no jobs.
const NO_OFFCHAIN_JOBS: IvmError = IvmError::Unavailable { what: "jobs asked for by signature" };

/// What a node without a settlement chain answers.
const NOT_SETTLED: IvmError = IvmError::Unavailable { what: "settlement" };

/// What a node answers that builds no blocks for others.
const NO_PROPOSING: IvmError = IvmError::Unavailable { what: "proposing from outside" };

/// Largest payload that is served, in bytes: an offchain input, or a proof that fits a settlement block.
pub const MAX_SERVED_PAYLOAD_SIZE_BYTES: usize = 16 * 1024 * 1024;

/// What a node does for the `ivm_*` methods; one that settles nowhere leaves out those from [`IvmBackend::payload`] on. This crate has checked sizes against [`ivm_primitives::limits`] before.
#[async_trait]
pub trait IvmBackend: Send + Sync + 'static {
    /// Admits an ELF, keeps it, and sees to its registration. Submitting one again is not an error.
    async fn submit_program(&self, elf: Bytes) -> Result<SubmittedProgram, IvmError>;

    /// A program the node holds.
    async fn program(&self, program_id: ProgramId) -> Result<Option<ProgramInfo>, IvmError>;

    /// Keeps an offchain input; gives its keccak256, under which a job names it.
    async fn submit_payload(&self, payload: Bytes) -> Result<B256, IvmError>;

    /// A job of the chain.
    async fn job(&self, job_id: B256) -> Result<Option<JobInfo>, IvmError>;

    /// Checks a signed request, and runs its job when it is good. Submitting one again is not an error.
    async fn submit_job(&self, request: SignedJobRequest) -> Result<SubmittedJob, IvmError> {
        let _ = request;
        Err(NO_OFFCHAIN_JOBS)
    }

    /// Jobs, as they change: a receiver that lags has to ask for all it cares about. `None` when the node does not tell.
    fn job_changes(&self) -> Option<broadcast::Receiver<B256>> {
        None
    }

    /// Runs a job for nothing, to see what it takes.
    async fn estimate_job(&self, request: EstimateRequest) -> Result<JobEstimate, IvmError> {
        let _ = request;
        Err(IvmError::Unavailable { what: "estimates" })
    }

    /// Prices of cycles in `block_count` blocks up to the one with number `newest`. Both have been bounded.
    async fn fee_history(&self, block_count: u64, newest: u64) -> Result<CycleFeeHistory, IvmError> {
        let _ = (block_count, newest);
        Err(IvmError::Unavailable { what: "prices of cycles" })
    }

    /// The proof of a job's outcome; starts proving when there is none.
    async fn proof(&self, job_id: B256) -> Result<ProofInfo, IvmError>;

    /// The payload with this keccak256, up to [`MAX_SERVED_PAYLOAD_SIZE_BYTES`].
    async fn payload(&self, hash: B256) -> Result<Option<Bytes>, IvmError> {
        let _ = hash;
        Err(NOT_SETTLED)
    }

    /// A block that was proposed, by its hash.
    async fn proposal(&self, block_hash: B256) -> Result<Option<ProposalInfo>, IvmError> {
        let _ = block_hash;
        Err(NOT_SETTLED)
    }

    /// Headers that proposers signed for this height, as far as the node has seen any lately.
    async fn signed_headers(&self, number: u64) -> Result<Vec<SignedHeaderInfo>, IvmError> {
        let _ = number;
        Err(NOT_SETTLED)
    }

    /// Takes note of a header that a proposer signed.
    async fn submit_signed_header(&self, header: SignedHeaderInfo) -> Result<B256, IvmError> {
        let _ = header;
        Err(NOT_SETTLED)
    }

    /// What a proposer has to sign for the next block, once one is due; `None` when none is for a while.
    async fn prepare_block(&self, session: ProposerSession) -> Result<Option<BlockDuty>, IvmError> {
        let _ = session;
        Err(NO_PROPOSING)
    }

    /// Builds the next block.
    async fn assemble_block(
        &self,
        session: ProposerSession,
        request: AssembleRequest,
    ) -> Result<AssembledBlock, IvmError> {
        let _ = (session, request);
        Err(NO_PROPOSING)
    }

    /// Checks a block, and has it ordered.
    async fn propose_block(&self, offer: BlockOffer) -> Result<OrderedBlock, IvmError> {
        let _ = offer;
        Err(NO_PROPOSING)
    }

    /// Where the chain is settled.
    async fn settlement(&self) -> Result<SettlementInfo, IvmError> {
        Err(NOT_SETTLED)
    }
}
