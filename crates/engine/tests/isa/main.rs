//! Conformance to RV32IM: every instruction, on operands at the corners of its domain, in every constellation of
//! registers, as riscv-tests does it, on every path that runs programs.
//!
//! What is expected comes from [`model`], which says what the specification says in wider arithmetic than the engine
//! uses, and from tables written by hand.

#![allow(clippy::unwrap_used)]

mod control;
mod integer;
mod memory;
mod model;
mod sheet;

use ivm_engine::{Program, Run, run};

/// What runs a program for at most as many instructions.
pub(crate) type Runner = fn(&Program, u64) -> Run;

/// The paths under test.
pub(crate) fn runners() -> Vec<(&'static str, Runner)> {
    vec![("interpreter", |program, max_cycles| run(program, &[], max_cycles).unwrap())]
}
