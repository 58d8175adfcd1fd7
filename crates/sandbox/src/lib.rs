//! Runs programs in confined worker processes.
//!
//! A node runs strangers' programs all day, with generated machine code. A bug in that code, in the engine, or a program
//! that eats memory must end one run with a typed error and nothing else. So runs happen in *worker processes*: started
//! once, reused for every run, with no files, no network, no other process and little memory within reach.
//!
//! * [`Sandbox`] is the executor that a node uses: a pool of workers and the policy over them.
//! * [`worker_main`] is what a worker process runs; [`serve`] is the same around another [`Engine`].
//!
//! **What is trusted.** The worker trusts the node. The node trusts no byte from a worker, which a program may have
//! taken over: an answer is one message of bounded size, checked before it is believed, and a worker that gives
//! another is killed. What a worker that was taken over can still do is to lie about runs, which is what the spot
//! checks are for: some runs are made again by the interpreter, in a worker as well, and a program about which the two
//! disagree is suspended.
//!
//! **What breaks.** A worker that crashes or does not answer in time is killed and replaced, and its run is made again
//! by the interpreter. Its program stays with the interpreter from then on. Time never decides an outcome: a run that
//! takes too long is broken, not without outcome.

#![cfg(target_os = "linux")]
#![deny(unsafe_code)]

mod area;
mod cache;
mod config;
mod confine;
mod engine;
mod keeper;
mod measure;
mod policy;
mod pool;
mod process;
mod records;
mod sandbox;
mod system;
mod wire;
mod worker;

pub use config::{Checks, Deadline, SandboxConfig, WorkerCommand};
pub use engine::{Engine, NativeEngine, RunRefused};
pub use measure::{CallOverhead, measure_call_overhead};
pub use sandbox::{Sandbox, StartError};
pub use wire::Path;
pub use worker::{serve, worker_main};
