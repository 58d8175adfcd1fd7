//! `ivm program` on the bundled programs, with one real proof.

mod common;

use std::fs;

use common::{fail, json, repository, succeed};
use toml::Table;

#[test]
fn bundled_programs_are_what_the_lock_says() {
    let lock = fs::read_to_string(repository().join("programs/programs.lock")).expect("a committed lock");
    let lock: Table = toml::from_str(&lock).expect("TOML");
    let programs = lock["program"].as_array().expect("programs");
    for name in ["echo", "square-root", "volatility", "workloads"] {
        let program = programs.iter().find(|program| program["name"].as_str() == Some(name)).expect(name);
        let inspection = json(["program", "inspect", name, "--json"]);
        for field in ["program_id", "elf_hash"] {
            assert_eq!(inspection[field].as_str(), program[field].as_str(), "{field} of {}", program["name"]);
        }
        assert_eq!(inspection["elf_size_bytes"].as_i64(), program["elf_size_bytes"].as_integer());
        assert_eq!(inspection["vm_config_id"].as_str(), lock["vm_config_id"].as_str());
    }
}

#[test]
fn runs_give_outcomes() {
    let echo =
        json(["program", "run", "echo", "--onchain-input", "0x6f6e", "--offchain-input", "6f6666", "--json"]);
    assert_eq!((&echo["status"], &echo["output"]), (&"success".into(), &"0x6f6e6f6666".into()));
    let number = |number: u64| format!("0x{number:064x}");
    let root = json(["program", "run", "square-root", "--onchain-input", &number(150), "--json"]);
    assert_eq!(root["output"], number(12));
    let panic = json(["program", "run", "volatility", "--onchain-input", "0x00", "--json"]);
    assert_eq!(panic["status"], "panicked");
    assert_eq!(panic["message"], "input is 1 bytes, expected whole 4-byte prices");
    assert!(panic.get("output").is_none());
}

#[test]
fn a_limit_is_the_cycles_a_run_may_take() {
    let cycles = json(["program", "run", "echo", "--json"])["cycles"].as_u64().expect("a number");
    succeed(["program", "run", "echo", "--max-cycles", &cycles.to_string()]);
    fail(["program", "run", "echo", "--max-cycles", &(cycles - 1).to_string()], "did not end within");
}

#[test]
fn a_proof_shows_one_outcome_of_one_input() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let proof = folder.path().join("proof");
    let proof = proof.to_str().expect("a path in UTF-8");
    let proven = json(["program", "prove", "echo", "--onchain-input", "6869", "--out", proof, "--json"]);
    assert_eq!(proven["output"], "0x6869");
    assert_eq!(proven["proof_size_bytes"], fs::metadata(proof).expect("a proof").len());
    let hash = proven["outcome_hash"].as_str().expect("a hash");

    let verify = ["program", "verify", "echo", "--proof", proof, "--onchain-input"];
    let of = |rest: &[&str]| -> Vec<String> { verify.iter().chain(rest).map(|s| s.to_string()).collect() };
    assert!(succeed(of(&["6869", "--success", "6869"])).starts_with("verified"));
    let verified = json(verify.into_iter().chain(["6869", "--outcome-hash", hash, "--json"]));
    assert_eq!(verified["proof_verified"], true);

    fail(of(&["6868", "--success", "6869"]), "another program, or another input");
    fail(of(&["6869", "--offchain-input", "00", "--success", "6869"]), "another program, or another input");
    fail(of(&["6869", "--success", "6868"]), "proof shows outcome");
    fail(of(&["6869", "--panicked", "hi"]), "proof shows outcome");
    let other = [
        "program",
        "verify",
        "square-root",
        "--proof",
        proof,
        "--onchain-input",
        "6869",
        "--success",
        "6869",
    ];
    fail(other, "another program, or another input");

    let mut bytes = fs::read(proof).expect("a proof");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(proof, bytes).expect("temporary file");
    fail(of(&["6869", "--success", "6869"]), "proof does not");
}
