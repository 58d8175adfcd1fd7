//! `ivm` as Cargo's `RUSTC_WRAPPER`, so that an ELF does not depend on the machine and folder it was built in.
//!
//! For crates of the zkVM, and only those, it changes two things of what Cargo tells rustc:
//!
//! * `-C metadata`, by which crates of one name are told apart, is a hash over, among other things, the absolute path
//!   of a crate outside of the workspace, as the SDK is. It ends up in symbol names, whose order may decide the order
//!   of code. Here it becomes a hash of what the crate is.
//! * Folders of this machine, which panics name, are renamed ([`Renames`]). As Cargo does not see this, what it has
//!   compiled serves every workspace that shares its target folder.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::{Command, ExitCode},
};

use alloy_primitives::{Keccak256, hex};

use super::toolchain::TARGET;

/// Set for the compiler's processes, and only there: the renames, separated by [`SEPARATOR`].
const REQUEST: &str = "IVM_RUSTC_WRAPPER";

/// Cargo's own separator of flags; no path has it.
const SEPARATOR: &str = "\u{1f}";

/// Folders of this machine, and what each is called in an ELF.
#[derive(Debug, Default)]
pub(crate) struct Renames(Vec<(PathBuf, String)>);

impl Renames {
    /// Orders them as rustc wants: the last that matches counts, so longer ones come later.
    pub(crate) fn new(mut renames: Vec<(PathBuf, String)>) -> Self {
        renames.sort_by_key(|(path, _)| path.as_os_str().len());
        Self(renames)
    }

    /// The folders.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.iter().map(|(path, _)| path)
    }

    /// Makes the `cargo` that is about to be called run this binary in rustc's place.
    ///
    /// # Errors
    /// When the system does not tell where this binary is.
    pub(crate) fn request(&self, cargo: &mut Command) -> std::io::Result<()> {
        let mut request = OsString::new();
        for (path, name) in &self.0 {
            request.push("--remap-path-prefix=");
            request.push(path);
            request.push("=");
            request.push(name);
            request.push(SEPARATOR);
        }
        cargo.env("RUSTC_WRAPPER", env::current_exe()?).env(REQUEST, request);
        Ok(())
    }
}

/// Whether this process is called in rustc's place.
pub(crate) fn is_requested() -> bool {
    env::var_os(REQUEST).is_some()
}

/// Calls rustc, as `ivm RUSTC ARGS...`.
pub(crate) fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let Some(rustc) = arguments.next() else {
        eprintln!("error: {REQUEST} is set, but no compiler was named; unset it");
        return ExitCode::FAILURE;
    };
    let variable = |name| env::var(name).unwrap_or_default();
    let package = format!("{} {}", variable("CARGO_PKG_NAME"), variable("CARGO_PKG_VERSION"));
    let mut arguments: Vec<OsString> = arguments.collect();
    if arguments.iter().any(|argument| argument == TARGET) {
        stabilise_metadata(&mut arguments, &package);
        let renames = variable(REQUEST);
        arguments.extend(renames.split_terminator(SEPARATOR).map(OsString::from));
    }
    match Command::new(&rustc).args(arguments).status() {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            code.map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("error: cannot run {}: {error}", rustc.display());
            ExitCode::FAILURE
        }
    }
}

/// Replaces `-C metadata=` by a hash of package, crate name, crate type and features.
fn stabilise_metadata(arguments: &mut [OsString], package: &str) {
    let mut identity: Vec<String> = arguments
        .windows(2)
        .filter(|pair| ["--crate-name", "--crate-type", "--cfg"].iter().any(|option| pair[0] == *option))
        .map(|pair| pair[1].to_string_lossy().into_owned())
        .collect();
    identity.sort();
    let mut hasher = Keccak256::new();
    for part in [package].into_iter().chain(identity.iter().map(String::as_str)) {
        hasher.update(part);
        hasher.update([0]);
    }
    let stable = format!("metadata={}", hex::encode(&hasher.finalize()[..8]));
    let is_metadata = |argument: &OsStr| argument.to_string_lossy().starts_with("metadata=");
    for index in 1..arguments.len() {
        if arguments[index - 1] == "-C" && is_metadata(&arguments[index]) {
            arguments[index] = OsString::from(&stable);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata_of(hash: &str, feature: &str, package: &str) -> String {
        let line = format!("--crate-name a --crate-type lib --cfg {feature} -C metadata={hash}");
        let mut arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
        stabilise_metadata(&mut arguments, package);
        arguments.iter().filter_map(|argument| argument.to_str()?.strip_prefix("metadata=")).collect()
    }

    #[test]
    fn metadata_depends_on_what_a_crate_is() {
        let here = metadata_of("1111", "std", "a 1.0.0");
        assert_eq!(here, metadata_of("2222", "std", "a 1.0.0"));
        assert_ne!(here, metadata_of("1111", "std", "a 1.0.1"));
        assert_ne!(here, metadata_of("1111", "alloc", "a 1.0.0"));
    }

    #[test]
    fn the_longest_rename_counts() {
        let renames = Renames::new(vec![("/a/b".into(), "b".into()), ("/a".into(), "a".into())]);
        let mut cargo = Command::new("cargo");
        renames.request(&mut cargo).expect("a test binary knows where it is");
        let request = cargo.get_envs().find(|(name, _)| *name == REQUEST).and_then(|(_, value)| value);
        let expected = "--remap-path-prefix=/a=a\u{1f}--remap-path-prefix=/a/b=b\u{1f}";
        assert_eq!(request.and_then(OsStr::to_str), Some(expected));
    }
}
