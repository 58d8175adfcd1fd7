//! A node: one execution chain, the jobs its contracts ask for, and what makes blocks of both.
//!
//! * [`Node::start`] opens everything and serves JSON-RPC; [`Node::stop`] ends in good order.
//! * [`records`] is what a node remembers of jobs and programs, as a pure function of blocks.
//! * The *producer* makes blocks: results and registrations first, signed by the proposer, then users' transactions.
//! * The *coprocessor* runs jobs beside it; the *prover* proves outcomes on request.
//!
//! **Nothing is lost and nothing is posted twice.** Records are written in the same atomic commit as the block they are
//! derived from. Whatever else a node holds (queue, outcomes not yet posted) is recomputed from the open jobs when it
//! starts. Whether a job still awaits its result is the contract's to say, so a result posted again is passed over.

#![forbid(unsafe_code)]

mod backend;
mod config;
mod delivery;
mod dev;
mod error;
mod node;
mod producer;
mod progress;
mod proposer;
mod prover;
pub mod records;

pub use config::{BlockMode, NodeConfig, Storage};
pub use dev::{DEV_MNEMONIC, DevAccount, dev_accounts, dev_chain_config, dev_proposer};
pub use error::NodeError;
pub use node::Node;
