//! A node: an execution chain and the settlement chain that orders it, the jobs its contracts ask for, and what makes
//! blocks of all of them.
//!
//! * [`Node::start`] opens everything and serves JSON-RPC; [`Node::stop`] ends in good order.
//! * [`records`] is what a node remembers of jobs and programs, as a pure function of blocks.
//! * The *producer* makes blocks, a settlement block at each turn: it proposes an execution block (results and
//!   registrations first, signed by the proposer, then users' transactions), checks it, has it ordered, and follows it.
//! * [`ZkvmJudge`] lends the node's zkVM to agents (challenger and prover), which are elsewhere.
//! * What is *followed* is a function of the settlement chain alone; a block found wrong is not.
//! * The *coprocessor* runs jobs beside it; the *prover* proves outcomes on request.
//!
//! **Nothing is lost and nothing is posted twice.** A block is ordered, durably and with its payload, before it is
//! followed. Records are written in the same atomic commit as the execution block they are derived from. Whatever else a node holds (queue, outcomes not yet posted) is recomputed from the open jobs when it
//! starts. Whether a job still awaits its result is the contract's to say, so a result posted again is passed over.

#![forbid(unsafe_code)]

mod backend;
mod byzantine;
mod claims;
mod config;
mod delivery;
mod dev;
mod error;
mod following;
mod jobs;
mod judge;
mod node;
mod offering;
mod payload;
mod producer;
mod progress;
mod proposing;
mod prover;
pub mod records;
mod refusals;
mod remote_proposers;
mod requests;
mod retention;
mod settlement;
mod settlement_views;
mod signed;
mod signed_headers;
mod timings;
mod told;

pub use byzantine::{Byzantine, LieMode, UnknownLieMode};
pub use claims::{MAX_CLAIM_RECEIPT_SIZE_BYTES, Objection};
pub use config::{BlockMode, Diligence, NodeConfig, SettlementConfig, Storage};
pub use dev::{
    DEV_MNEMONIC, DevAccount, DevRole, dev_accounts, dev_chain_config, dev_proposers, dev_settlement_config,
};
pub use error::NodeError;
pub use ivm_settlement::{FollowMode, SettlementParameters};
pub use judge::ZkvmJudge;
pub use node::Node;
pub use timings::TurnTimings;
