//! JSON-RPC over HTTP and WebSocket, both on one port.
//!
//! * `eth`, `net`, `web3`, `txpool`, `debug`: Ethereum's methods, served from a [`Chain`](ivm_chain::Chain) with geth's meanings,
//!   error codes and messages;
//! * `ivm`: programs, jobs and proofs, served from an [`IvmBackend`], which the node implements;
//! * `evm`: block production by hand on a development chain, where the node gives a [`DevControl`].
//!
//! Everything a client can ask for has a bound, in [`RpcLimits`] or in the chain's own limits. Calls that read the store
//! or run the EVM do so on blocking threads, a bounded number at once.

#![forbid(unsafe_code)]

mod api;
mod args;
mod capabilities;
mod config;
mod connection;
mod debug;
mod dev;
mod discover;
mod error;
mod eth;
mod fees;
mod filters;
mod forks;
mod http;
mod ivm;
mod methods;
mod metrics;
mod middleware;
mod params;
mod pending;
mod rate;
mod render;
mod revert;
mod server;
mod signers;
mod simulate;
mod trace;
mod txpool;
mod web3;

pub use config::{Cors, DEFAULT_PORT, RateLimit, RpcConfig, RpcLimits};
pub use dev::{DevControl, DevError};
pub use ivm::{
    AssembleRequest, AssembledBlock, BlockDuty, BlockOffer, ClaimedJob, CycleFeeHistory, EstimateRequest,
    IvmBackend, IvmError, JobEstimate, JobInfo, JobKind, JobOutcome, JobOutcomeStatus, JobRequest, JobState,
    LeadingCall, MAX_SERVED_PAYLOAD_SIZE_BYTES, NewProgram, NodeInfo, NodeLimits, OrderedBlock, ProgramInfo,
    ProofInfo, ProofState, ProposalInfo, ProposalStatus, ProposerSession, RefusedBlock, SettlementInfo,
    SignedHeaderInfo, SignedJobRequest, SubmittedJob, SubmittedProgram,
};
pub use server::{RpcServer, ServeError, serve};
pub use signers::DevSigners;

/// What `web3_clientVersion` says: name, version, platform.
pub fn client_version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("infinityvm/v{version}/{}-{}/rust", std::env::consts::OS, std::env::consts::ARCH)
}
