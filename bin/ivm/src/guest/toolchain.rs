//! Which compiler builds guests: Debian's `-web` packages, or a rustup nightly with `rust-src`.
//!
//! Building for the zkVM compiles std, so a candidate needs its own std sources, and a linker. What it is goes into
//! the lock: the same sources give the same ELF only with the same toolchain. The committed ELFs, and what CI
//! compares, are of Debian's; the nightly is for programs built elsewhere, and CI does not exercise it.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use eyre::{Result, bail};
use serde::{Deserialize, Serialize};

/// The target whose std knows our system calls; nothing of RISC Zero is run.
pub(crate) const TARGET: &str = "riscv32im-risc0-zkvm-elf";

/// Counts the changes to the flags and renames of a build, as each changes the ELFs.
pub(crate) const FLAGS_VERSION: u32 = 1;

const NONE_FOUND: &str = "no toolchain can build programs; have one of
  Debian, Ubuntu:  apt-get install rustc-web cargo-web rust-web-src lld
  elsewhere:       rustup toolchain install nightly --component rust-src
Bundled programs, and the native tests of yours, need none.";

/// What identifies a toolchain, as the lock holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToolchainId {
    /// What `rustc --version` says.
    pub(crate) rustc: String,
    /// What the linker says of its version.
    pub(crate) linker: String,
    /// The target.
    pub(crate) target: String,
    /// Version of the flags it is called with.
    pub(crate) flags_version: u32,
}

impl fmt::Display for ToolchainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {}, flags {}", self.rustc, self.linker, self.target, self.flags_version)
    }
}

/// A compiler that can build guests.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    /// What identifies it.
    pub(crate) id: ToolchainId,
    /// Its cargo.
    pub(crate) cargo: PathBuf,
    /// Its rustc.
    pub(crate) rustc: PathBuf,
    /// The linker that stands in for `rust-lld`.
    pub(crate) linker: PathBuf,
    /// Where std's sources lie, as it says and as symbolic links say: machine's paths, kept out of ELFs.
    pub(crate) std_sources: [PathBuf; 2],
}

impl Toolchain {
    /// All that this machine has; the first is the one to use when nothing says otherwise.
    pub(crate) fn find_all() -> Vec<Self> {
        let system = || Self::probe("/usr/bin/cargo".into(), "/usr/bin/rustc".into());
        let rustup = |tool| {
            let path = output(Command::new("rustup").args(["which", "--toolchain", "nightly", tool]));
            path.map(PathBuf::from)
        };
        let nightly = || Self::probe(rustup("cargo")?, rustup("rustc")?);
        system().into_iter().chain(nightly()).collect()
    }

    /// The one a lock names, or else the first.
    ///
    /// # Errors
    /// When there is none at all; says what to install.
    pub(crate) fn find(preferred: Option<&ToolchainId>) -> Result<Self> {
        let found = Self::find_all();
        let position = found.iter().position(|toolchain| Some(&toolchain.id) == preferred).unwrap_or(0);
        match found.into_iter().nth(position) {
            Some(toolchain) => Ok(toolchain),
            None => bail!(NONE_FOUND),
        }
    }

    fn probe(cargo: PathBuf, rustc: PathBuf) -> Option<Self> {
        let version = output(Command::new(&rustc).arg("--version"))?;
        let verbose = output(Command::new(&rustc).arg("-vV"))?;
        let sysroot = PathBuf::from(output(Command::new(&rustc).args(["--print", "sysroot"]))?);
        output(Command::new(&cargo).arg("--version"))?;
        if !is_recent(&version) {
            return None;
        }
        let std_source = sysroot.join("lib/rustlib/src/rust/library");
        if !std_source.join("std/Cargo.toml").is_file() {
            return None;
        }
        let host = verbose.lines().find_map(|line| line.strip_prefix("host: "))?;
        let own = sysroot.join("lib/rustlib").join(host).join("bin/rust-lld");
        let linker = if own.is_file() { own } else { system_linker()? };
        Some(Self {
            id: ToolchainId {
                rustc: version,
                linker: output(Command::new(&linker).args(["-flavor", "gnu", "--version"]))
                    .or_else(|| output(Command::new(&linker).arg("--version")))?,
                target: TARGET.into(),
                flags_version: FLAGS_VERSION,
            },
            cargo,
            rustc,
            linker,
            std_sources: [fs::canonicalize(&std_source).ok()?, std_source],
        })
    }
}

/// Whether `rustc 1.96.0 (...)` is what the SDK needs, or newer.
fn is_recent(version: &str) -> bool {
    let minor = |version: &str| version.split('.').nth(1)?.parse::<u32>().ok();
    minor(version) >= minor(env!("CARGO_PKG_RUST_VERSION"))
}

/// LLD as a distribution installs it: `ld.lld`, or with a version behind; the newest.
fn system_linker() -> Option<PathBuf> {
    let version = |path: &Path| path.file_name()?.to_str()?.strip_prefix("ld.lld-")?.parse::<u32>().ok();
    let versioned = fs::read_dir("/usr/bin").ok()?.flatten().map(|entry| entry.path());
    let newest = versioned.filter(|path| version(path).is_some()).max_by_key(|path| version(path));
    newest.or_else(|| Some(PathBuf::from("/usr/bin/ld.lld")).filter(|path| path.exists()))
}

/// What a command prints, when it ends well.
fn output(command: &mut Command) -> Option<String> {
    let output =
        command.env_remove("RUSTUP_TOOLCHAIN").output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::is_recent;

    #[test]
    fn old_compilers_are_passed_over() {
        assert!(is_recent("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"));
        assert!(is_recent("rustc 1.97.0-nightly (e50aa6fba 2026-05-19)"));
        assert!(!is_recent("rustc 1.63.0"));
        assert!(!is_recent("not rustc"));
    }
}
