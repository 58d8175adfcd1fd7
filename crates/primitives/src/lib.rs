//! The words every part of InfinityVM shares, natively and inside a zkVM guest.
//!
//! This crate is `no_std` and free of I/O. It states three rules of the protocol, one module each:
//!
//! * [`outcome`]: what running a program on an input yields, and how it is committed to;
//! * [`input`]: how a job's two inputs are committed to and laid out in a guest's initial memory;
//! * [`limits`]: every size and count bound that consensus depends on.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod input;
pub mod limits;
pub mod outcome;

pub use input::{InputError, JobInput, input_commitment};
pub use outcome::{Outcome, OutcomeStatus};

/// Identifies a program: the zkVM's own commitment to its code, data image and start pc, without input.
pub type ProgramId = alloy_primitives::B256;
