//! Proposer, challenger and prover: each one loop over public interfaces, in a node's process or in one of its own.
//!
//! * [`Proposer`] signs blocks that a node builds for it, when it finds their claims true.
//! * [`Challenger`] re-runs every claim of every block that can still be challenged. A wrong one it refutes, with a proof of
//!   the right outcome; one of a run without an outcome it demands a proof of, which nobody can give.
//! * [`Prover`] proves what is disputed, and if asked everything, and sees to finality.
//!
//! All know the settlement chain by [`SettlementChain`](ivm_settlement::SettlementChain), the execution chain by
//! [`ExecutionSource`], and run and prove by a [`Judge`]. Challenger and prover keep nothing: what they did is on the
//! settlement chain, where they look before they act. A proposer keeps what it signed ([`SignedBlocks`]). So one that is
//! killed, at whatever point, goes on where it was.

#![forbid(unsafe_code)]

mod assembled;
mod bench;
mod blocks;
mod challenger;
mod decide;
mod early;
mod error;
mod judge;
pub mod keys;
mod proposer;
mod proposer_node;
mod prover;
mod rpc_source;
mod sender;
mod signed_blocks;
mod source;
mod watch;

pub use assembled::Fault;
pub use challenger::{Challenger, ChallengerConfig};
pub use decide::{Decision, NextStep, Situation, decide, next_step};
pub use error::{AgentError, SourceError};
pub use judge::{Judge, ProgressSink, ProveProgress, ProvenRun, Run};
pub use proposer::{Proposer, ProposerConfig, Step};
pub use proposer_node::ProposerNode;
pub use prover::{Prover, ProverConfig};
pub use rpc_source::RpcExecution;
pub use signed_blocks::{SignedBlock, SignedBlocks, SignedBlocksError};
pub use source::{ExecutionSource, JobInfo, ProgramInfo, Proposal};
pub use watch::{Dispute, OpenChallenge, Watch};
