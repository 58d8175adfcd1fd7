#![allow(clippy::unwrap_used)]

mod admission;
mod corpus;
mod differential;
mod hostile;
mod keys;
mod memory;
mod provable_set;
mod reference;
mod timings;

use std::sync::OnceLock;

use ivm_engine::testing;
use ivm_primitives::JobInput;

use crate::{AdmittedProgram, OpenVm, Zkvm};

fn zkvm() -> &'static OpenVm {
    static ZKVM: OnceLock<OpenVm> = OnceLock::new();
    ZKVM.get_or_init(OpenVm::new)
}

fn admit(words: &[u32]) -> AdmittedProgram {
    zkvm().admit(&testing::elf(words)).unwrap()
}

/// A program that is run, not proven: committing to its code would take a second.
fn uncommitted(words: &[u32]) -> AdmittedProgram {
    let program = ivm_engine::Program::from_elf(&testing::elf(words)).unwrap();
    let exe = crate::exe::executable(&program).unwrap();
    AdmittedProgram::new(Default::default(), Default::default(), program, exe, Default::default())
}

fn no_input() -> JobInput {
    JobInput::default()
}

/// The bundled guests, where they have been built.
fn bundled(name: &str) -> Option<Vec<u8>> {
    let path = format!("{}/../../programs/elf/{name}.elf", std::env::var("CARGO_MANIFEST_DIR").unwrap());
    std::fs::read(path).ok()
}
