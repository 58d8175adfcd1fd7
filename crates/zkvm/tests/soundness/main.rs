//! What proofs show and what they do not: real ones, held against everything they must not verify for.
//!
//! A proof takes many seconds, and a test runner may give each test a process of its own: so there is one test for each
//! kind of proof, and what is checked of it has a function with a name.

#![allow(clippy::unwrap_used)]

mod aggregated;
mod forgeries;
mod guest;
mod outcomes;
mod segments;
