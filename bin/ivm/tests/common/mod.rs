//! What the tests of the binary share.
#![allow(dead_code, reason = "each test file uses a part")]

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// Runs `ivm` to its end.
pub(crate) fn ivm<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    command(args).output().expect("ivm starts")
}

/// `ivm`, to be run.
pub(crate) fn command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ivm"));
    command.args(args);
    command
}

/// What it printed, when it ended well.
pub(crate) fn succeed<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> String {
    let output = ivm(args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// The JSON object it printed.
pub(crate) fn json<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Value {
    serde_json::from_str(&succeed(args)).expect("one JSON object")
}

/// Checks that it ended badly, with `message` on stderr, nothing on stdout, and no panic.
pub(crate) fn fail<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>, message: &str) {
    let output = ivm(args);
    let stderr = text(&output.stderr);
    assert!(!output.status.success(), "succeeded: {}", text(&output.stdout));
    assert!(
        stderr.starts_with("error: ") && stderr.contains(message),
        "expected {message:?}, got {stderr:?}"
    );
    assert!(output.stdout.is_empty() && !stderr.contains("panicked at"), "{stderr}");
}

/// Bytes as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../..")
}
