//! The `ivm_*` methods, and what a node implements to serve them.

mod error;
mod methods;
mod types;

use alloy_primitives::{B256, Bytes};
use async_trait::async_trait;
use ivm_primitives::ProgramId;

pub use error::IvmError;
pub(crate) use methods::register;
pub use types::{
    JobInfo, JobOutcome, JobOutcomeStatus, JobState, NodeInfo, NodeLimits, ProgramInfo, ProofInfo,
    ProofState, SubmittedProgram,
};

/// What a node does for the `ivm_*` methods. This crate has checked sizes against [`ivm_primitives::limits`] before.
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

    /// The proof of a job's outcome; starts proving when there is none.
    async fn proof(&self, job_id: B256) -> Result<ProofInfo, IvmError>;
}
