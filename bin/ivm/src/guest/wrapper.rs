//! `ivm` as Cargo's `RUSTC_WRAPPER`, so that an ELF does not depend on the folder it was built in.
//!
//! Cargo tells crates of one name apart by `-C metadata`, a hash over, among other things, the absolute path of a crate
//! that lies outside of the workspace, as the SDK does. It ends up in symbol names, whose order may decide the
//! order of code. Here it is replaced, for the zkVM's crates, by a hash of what the crate is.

use std::{
    env,
    ffi::{OsStr, OsString},
    process::{Command, ExitCode},
};

use alloy_primitives::{Keccak256, hex};

use super::toolchain::TARGET;

/// Set for the compiler's processes, and only there.
const REQUEST: &str = "IVM_RUSTC_WRAPPER";

/// Makes the `cargo` that is about to be called run this binary in rustc's place.
pub(crate) fn request(cargo: &mut Command) -> std::io::Result<()> {
    cargo.env("RUSTC_WRAPPER", env::current_exe()?).env(REQUEST, "1");
    Ok(())
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
    let arguments = with_stable_metadata(arguments.collect(), &package);
    match Command::new(&rustc).args(arguments).status() {
        Ok(status) => {
            status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, Into::into)
        }
        Err(error) => {
            eprintln!("error: cannot run {}: {error}", rustc.display());
            ExitCode::FAILURE
        }
    }
}

/// Replaces the metadata of a crate for the zkVM; everything else passes as it is.
fn with_stable_metadata(mut arguments: Vec<OsString>, package: &str) -> Vec<OsString> {
    if !arguments.iter().any(|argument| argument == TARGET) {
        return arguments;
    }
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
    for index in 1..arguments.len() {
        let is_metadata = |argument: &OsStr| argument.to_string_lossy().starts_with("metadata=");
        if arguments[index - 1] == "-C" && is_metadata(&arguments[index]) {
            arguments[index] = OsString::from(&stable);
        }
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata_of(line: &str, package: &str) -> String {
        let arguments = with_stable_metadata(line.split(' ').map(OsString::from).collect(), package);
        let metadata = arguments.iter().filter_map(|argument| argument.to_str()?.strip_prefix("metadata="));
        metadata.collect()
    }

    #[test]
    fn a_crate_for_the_zkvm_has_the_same_metadata_everywhere() {
        let line = |hash, feature| {
            format!("--crate-name a --crate-type lib --cfg {feature} -C metadata={hash} --target {TARGET}")
        };
        let here = metadata_of(&line("1111", "std"), "a 1.0.0");
        assert_eq!(here, metadata_of(&line("2222", "std"), "a 1.0.0"));
        assert_ne!(here, metadata_of(&line("1111", "std"), "a 1.0.1"));
        assert_ne!(here, metadata_of(&line("1111", "alloc"), "a 1.0.0"));
    }

    #[test]
    fn a_crate_for_the_host_is_left_alone() {
        assert_eq!(metadata_of("--crate-name a --crate-type lib -C metadata=1111", "a 1.0.0"), "1111");
    }
}
