//! `programs.lock`: what programs were built from, with what, and what came out.

use std::{fmt::Write, fs, io::ErrorKind, path::Path};

use alloy_primitives::B256;
use eyre::{Result, WrapErr};
use serde::{Deserialize, Serialize};

use super::toolchain::ToolchainId;

/// Name of the file.
pub(crate) const LOCK_FILE: &str = "programs.lock";

const HEADER: &str =
    "# Written by `ivm build`, compared by `ivm build --check`. Commit it beside the ELFs.\n\n";

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lock {
    /// The VM that program ids belong to.
    pub(crate) vm_config_id: String,
    /// What built the programs.
    pub(crate) toolchain: ToolchainId,
    /// The programs, by name.
    #[serde(rename = "program", default)]
    pub(crate) programs: Vec<LockedProgram>,
}

/// One program of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LockedProgram {
    /// Its name.
    pub(crate) name: String,
    /// Hash of its sources.
    pub(crate) source_hash: B256,
    /// keccak256 of its ELF.
    pub(crate) elf_hash: B256,
    /// Size of its ELF.
    pub(crate) elf_size_bytes: usize,
    /// Its id.
    pub(crate) program_id: B256,
}

impl Lock {
    /// Reads the lock in a folder; `None` when there is none yet.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(LOCK_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text)
                .map(Some)
                .wrap_err_with(|| format!("{} is not a lock; delete it and run `ivm build`", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).wrap_err_with(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes the lock into a folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(LOCK_FILE);
        let text = HEADER.to_owned() + &toml::to_string(self)?;
        fs::write(&path, text).wrap_err_with(|| format!("cannot write {}", path.display()))
    }

    /// The program of that name.
    pub(crate) fn program(&self, name: &str) -> Option<&LockedProgram> {
        self.programs.iter().find(|program| program.name == name)
    }

    /// Takes over the programs of `previous` that are not built anew but still there, when the same toolchain and VM
    /// made them: a lock has one of each.
    pub(crate) fn keep_from(&mut self, previous: Self, still_there: impl Fn(&str) -> bool) {
        if previous.toolchain == self.toolchain && previous.vm_config_id == self.vm_config_id {
            let kept = previous.programs.into_iter().filter(|program| still_there(&program.name));
            let kept: Vec<_> = kept.filter(|program| self.program(&program.name).is_none()).collect();
            self.programs.extend(kept);
            self.programs.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }
}

impl LockedProgram {
    /// What differs between what is locked and what was built, a line each; empty when nothing does.
    pub(crate) fn difference(&self, built: &Self) -> String {
        let fields = [
            ("source_hash", self.source_hash.to_string(), built.source_hash.to_string()),
            ("elf_hash", self.elf_hash.to_string(), built.elf_hash.to_string()),
            ("elf_size_bytes", self.elf_size_bytes.to_string(), built.elf_size_bytes.to_string()),
            ("program_id", self.program_id.to_string(), built.program_id.to_string()),
        ];
        let mut lines = String::new();
        for (field, locked, built) in fields.into_iter().filter(|(_, locked, built)| locked != built) {
            // Writing to a string does not fail.
            let _ = write!(lines, "\n  {} {field}\n    locked {locked}\n    built  {built}", self.name);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(names: &[&str]) -> Lock {
        let program = |name: &&str| LockedProgram {
            name: (*name).into(),
            source_hash: B256::repeat_byte(1),
            elf_hash: B256::repeat_byte(2),
            elf_size_bytes: 3,
            program_id: B256::repeat_byte(4),
        };
        Lock {
            vm_config_id: "vm".into(),
            toolchain: ToolchainId {
                rustc: "rustc 1".into(),
                linker: "lld 1".into(),
                target: "riscv".into(),
                flags_version: 1,
            },
            programs: names.iter().map(program).collect(),
        }
    }

    #[test]
    fn survives_being_written() {
        let folder = tempfile::tempdir().expect("temporary folder");
        assert_eq!(Lock::read(folder.path()).expect("no lock is fine"), None);
        let lock = lock(&["a", "b"]);
        lock.write(folder.path()).expect("temporary file");
        assert_eq!(Lock::read(folder.path()).expect("a lock"), Some(lock));
    }

    #[test]
    fn keeps_other_programs_of_the_same_toolchain() {
        let mut new = lock(&["b"]);
        new.keep_from(lock(&["a", "b", "gone"]), |name| name != "gone");
        assert_eq!(new, lock(&["a", "b"]));
        let mut other = lock(&["a"]);
        other.toolchain.flags_version = 2;
        new = lock(&["b"]);
        new.keep_from(other, |_| true);
        assert_eq!(new, lock(&["b"]));
    }

    #[test]
    fn says_what_differs() {
        let locked = lock(&["a"]).programs.remove(0);
        assert_eq!(locked.difference(&locked), "");
        let built = LockedProgram { program_id: B256::repeat_byte(5), ..locked.clone() };
        let difference = locked.difference(&built);
        assert!(difference.starts_with("\n  a program_id\n    locked 0x0404"), "{difference}");
    }
}
