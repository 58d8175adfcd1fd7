//! Inputs and limits that no job may have, and runs without an outcome.

mod common;

use std::fs;

use common::fail;

#[test]
fn inputs_over_their_limits() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (option, limit) in [("--onchain-input", 120 * 1024), ("--offchain-input", 10 * 1024 * 1024)] {
        let file = folder.path().join("input");
        fs::write(&file, vec![7; limit + 1]).expect("temporary file");
        let argument = format!("@{}", file.display());
        let message = format!("is {} bytes, the limit is {limit}", limit + 1);
        fail(["program", "run", "echo", option, &argument], &message);
    }
}

#[test]
fn inputs_that_cannot_be_read() {
    fail(["program", "run", "echo", "--onchain-input", "0xhi"], "not hex");
    fail(["program", "run", "echo", "--onchain-input", "@/no/such/file"], "cannot read /no/such/file");
}

#[test]
fn max_cycles_out_of_range() {
    let expected = "expected 1 to 1000000000";
    for cycles in ["0", "1000000001", "99999999999999999999", "many"] {
        fail(["program", "run", "echo", "--max-cycles", cycles], expected);
        fail(["program", "prove", "echo", "--out", "never", "--max-cycles", cycles], expected);
    }
}

#[test]
fn runs_out_of_cycles() {
    let message = "did not end within 10 cycles; raise --max-cycles";
    fail(["program", "run", "echo", "--max-cycles", "10"], message);
    fail(["program", "prove", "echo", "--max-cycles", "10", "--out", "never"], message);
}

#[test]
fn proofs_that_could_not_be_written() {
    fail(
        ["program", "prove", "echo", "--out", "/no/such/folder/proof"],
        "there is no folder /no/such/folder",
    );
    fail(["program", "prove", "echo", "--out", "/"], "it is a folder");
}

#[test]
fn proofs_that_are_none() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("proof");
    let verify = |bytes: &[u8], message: &str| {
        fs::write(&file, bytes).expect("temporary file");
        let path = file.to_str().expect("a path in UTF-8");
        fail(["program", "verify", "echo", "--proof", path, "--success", "0x"], message);
    };
    verify(b"", "proof does not decode");
    verify(b"\x03abc", "proof is for VM \"abc\"");
    verify(&[0xff; 300], "proof is for VM");
    fail(["program", "verify", "echo", "--proof", "/", "--success", "0x"], "it is not a file");
    fail(["program", "verify", "echo", "--proof", "/"], "--outcome-hash");
}
