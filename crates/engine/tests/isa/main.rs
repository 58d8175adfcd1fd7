//! Conformance to RV32IM: every instruction, on operands at the corners of its domain, in every constellation of
//! registers, as riscv-tests does it, on every path that runs programs.
//!
//! What is expected comes from [`model`], which says what the specification says in wider arithmetic than the engine
//! uses, and from tables written by hand.

#![allow(clippy::unwrap_used)]

mod control;
mod cycles;
mod integer;
mod memory;
mod model;
mod sheet;

use ivm_engine::{Program, Report, interpreter};
use ivm_recompiler::{Code, Space};

/// What runs a program in a space for at most as many cycles.
pub(crate) type Runner = fn(&Program, &mut Space, u64) -> Report;

/// The paths under test.
pub(crate) fn runners() -> Vec<(&'static str, Runner)> {
    let mut runners: Vec<(&str, Runner)> = vec![("interpreter", |program, space, max_cycles| {
        interpreter::report(program, &mut space.view(), &[], max_cycles).unwrap()
    })];
    if ivm_recompiler::is_supported() {
        runners.push(("recompiler", |program, space, max_cycles| {
            Code::compile(program.clone().into()).unwrap().run(space, &[], max_cycles).unwrap()
        }));
    }
    runners
}
