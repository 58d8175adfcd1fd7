//! The server, asked over real sockets. One binary, so that it is linked once.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod common;
mod discover;
mod ethereum;
mod events;
mod explorer;
mod follow;
mod hostile;
mod ivm;
mod jobs;
mod observe;
mod openapi;
mod protocol;
mod rates;
mod reorg;
mod rest;
mod rest_hostile;
mod sign;
mod simulate;
mod trace;
