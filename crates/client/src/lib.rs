//! The Rust SDK: submit programs, ask for jobs in transactions and by signature, wait for their results, read them as types.
//!
//! A [`Client`] has a key and speaks to a node over a real socket; it knows nothing of the node's insides. Demos,
//! benchmarks and end-to-end tests use it as an app's server would.
//!
//! | to | use |
//! | --- | --- |
//! | ask in a transaction | [`Client::request_job`] |
//! | ask by signature | [`JobDraft`], then [`Client::request_offchain_job`] |
//! | wait for a result | [`Client::wait_for_job`] with a [`Certainty`]; it survives reorgs |
//! | follow a job | [`Client::watch_job`], [`Client::watch_job_until`] |
//! | read a result | [`JobResult::decode`] |

#![forbid(unsafe_code)]

mod client;
mod error;
mod fees;
mod jobs;
mod offchain;
mod request;
mod result;
mod sse;
mod transactions;
mod wait;
mod watch;

pub use client::Client;
pub use error::ClientError;
pub use ivm_contracts::JobNonce;
pub use ivm_rpc_types::{CycleFeeHistory, EstimateRequest, JobEstimate, SubmittedJob};
pub use jsonrpsee::rpc_params;
pub use offchain::{JobDraft, Numbering};
pub use request::{JobRequest, SignedJobRequest, digest};
pub use result::JobResult;
pub use wait::{Certainty, WaitOptions};
pub use watch::{JobChange, JobWatch};

// What an app's server needs beside, in the versions that this crate has.
pub use alloy_primitives;
pub use alloy_signer_local::PrivateKeySigner;
pub use alloy_sol_types;
