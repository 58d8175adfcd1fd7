//! The verifier stays light: nothing that proves is among what it is built from.

#![allow(clippy::unwrap_used)]

use std::process::Command;

/// Crates that are a prover, or bring one along.
const NOT_LIGHT: [&str; 9] = [
    "-circuit",
    "-continuations",
    "-cpu-backend",
    "-cuda",
    "-sdk",
    "-transpiler",
    "-guest",
    "-build",
    "-verify-stark-host",
];

/// Most crates it may be built from; there are 93.
const MAX_CRATES: usize = 110;

#[test]
fn no_prover_is_among_the_dependencies() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "ivm-verifier", "--edges", "normal", "--prefix", "none"])
        .args(["--locked", "--offline", "--no-dedupe", "--features", "parallel"])
        .current_dir(std::env::var("CARGO_MANIFEST_DIR").unwrap())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let mut crates: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    crates.sort_unstable();
    crates.dedup();
    assert!(crates.contains(&"openvm-stark-backend"), "the proof system's verifier is there: {crates:?}");
    let is_heavy = |name: &&str| {
        name.starts_with("openvm-") && NOT_LIGHT.iter().any(|part| name.contains(part)) || *name == "ivm-zkvm"
    };
    let heavy: Vec<_> = crates.iter().copied().filter(is_heavy).collect();
    assert!(heavy.is_empty(), "the verifier is built from {heavy:?}");
    assert!(crates.len() <= MAX_CRATES, "the verifier is built from {} crates", crates.len());
}
