//! The server, asked over real sockets. One binary, so that it is linked once.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod common;
mod ethereum;
mod explorer;
mod follow;
mod hostile;
mod ivm;
mod observe;
mod protocol;
mod reorg;
mod sign;
mod simulate;
mod trace;
