//! Building programs for the zkVM, the same everywhere.

mod compile;
pub(crate) mod lock;
mod source_hash;
pub(crate) mod toolchain;
pub(crate) mod workspace;
pub(crate) mod wrapper;

use std::path::Path;

use alloy_primitives::keccak256;
use eyre::{Result, WrapErr};
use ivm_zkvm::{OpenVm, Zkvm, config::VM_CONFIG_ID};

use lock::{Lock, LockedProgram};
use toolchain::Toolchain;
use workspace::Workspace;

/// What a build gives.
#[derive(Debug)]
pub(crate) struct Built {
    /// What was built.
    pub(crate) lock: Lock,
    /// The ELFs, in the order of the lock's programs.
    pub(crate) elfs: Vec<Vec<u8>>,
}

/// Builds all programs of `workspace`, and admits them.
///
/// # Errors
/// When Cargo fails, or a program would not be admitted by a node.
pub(crate) fn build(workspace: &Workspace, toolchain: &Toolchain, target_directory: &Path) -> Result<Built> {
    let elfs = compile::compile(workspace, toolchain, target_directory)?;
    let zkvm = OpenVm::new();
    let mut programs = Vec::with_capacity(elfs.len());
    for (program, elf) in workspace.programs.iter().zip(&elfs) {
        let admitted = zkvm
            .admit(elf)
            .wrap_err_with(|| format!("{} was built, but no node would admit it", program.name))?;
        programs.push(LockedProgram {
            name: program.name.clone(),
            source_hash: source_hash::source_hash(workspace, program)?,
            elf_hash: keccak256(elf),
            elf_size_bytes: elf.len(),
            program_id: admitted.id(),
        });
    }
    let lock = Lock { vm_config_id: VM_CONFIG_ID.to_owned(), toolchain: toolchain.id.clone(), programs };
    Ok(Built { lock, elfs })
}
