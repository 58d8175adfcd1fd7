//! The vectors kept here pass, every kind of them; vectors that are wrong are found out.

use std::path::{Path, PathBuf};
use std::{fs, iter};

use ivm_conformance::{Case, Outcome, Report, Skip, run_directory};
use serde_json::{Value, json};

fn vectors(folder: &str) -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("vectors").join(folder)
}

fn run(path: &Path) -> Report {
    run_directory(path, &mut |_: &Case| {}).expect("the folder is there")
}

#[track_caller]
fn passes(folder: &str, at_least: u64) -> Report {
    let report = run(&vectors(folder));
    assert_eq!(report.failures, []);
    assert!(report.passed >= at_least, "{} passed, expected {at_least} at least", report.passed);
    report
}

#[test]
fn tries_have_their_roots() {
    let report = passes("TrieTests", 17);
    assert_eq!(report.skipped.get(&Skip::TrieOrder), Some(&1));
    assert_eq!(report.skipped.get(&Skip::TriePrefix), Some(&8));
}

#[test]
fn rlp_is_encoded_decoded_and_refused() {
    assert_eq!(passes("RLPTests", 55).skipped_total(), 0);
}

#[test]
fn transactions_are_what_they_are_at_every_fork() {
    passes("TransactionTests", 846);
}

#[test]
fn state_transitions_have_their_roots_and_logs() {
    passes("GeneralStateTests", 272);
}

#[test]
fn valid_blocks_are_imported() {
    passes("BlockchainTests/ValidBlocks", 19);
}

#[test]
fn invalid_blocks_are_refused() {
    passes("BlockchainTests/InvalidBlocks", 49);
}

/// Changes one vector and gives what becomes of it.
fn tampered(file: &str, tamper: impl Fn(&mut Value)) -> Report {
    let mut tests: Value = serde_json::from_slice(&fs::read(vectors(file)).expect("reads")).expect("is JSON");
    for test in tests.as_object_mut().expect("holds tests").values_mut() {
        tamper(test);
    }
    run_text(&tests.to_string())
}

fn run_text(text: &str) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("test.json"), text).expect("writes");
    run(folder.path())
}

#[test]
fn a_wrong_expectation_is_a_failure() {
    let zero = json!("0x0000000000000000000000000000000000000000000000000000000000000000");
    let state = tampered("GeneralStateTests/stExample/add11.json", |test| {
        test["post"]["Cancun"][0]["hash"] = zero.clone();
    });
    assert_eq!((state.passed, state.failed), (0, 1));
    assert!(
        matches!(&state.failures[0].outcome, Outcome::Failed(reason) if reason.starts_with("state root is"))
    );

    let logs = tampered("GeneralStateTests/stExample/add11.json", |test| {
        test["post"]["Cancun"][0]["logs"] = zero.clone();
    });
    assert_eq!((logs.passed, logs.failed), (0, 1));

    let chain = "BlockchainTests/InvalidBlocks/bc4895-withdrawals/accountInteractions.json";
    for field in ["lastblockhash", "postStateHash"] {
        let report = tampered(chain, |test| test[field] = zero.clone());
        assert_eq!((report.passed, report.failed > 0), (0, true), "{field}");
    }
    let report = tampered(chain, |test| {
        let account = test["postState"].as_object_mut().expect("accounts").values_mut().next();
        account.expect("one")["balance"] = json!("0x01");
    });
    assert_eq!((report.passed, report.failed > 0), (0, true));
    let report = tampered(chain, |test| test["blocks"][0]["expectException"] = json!("any"));
    assert_eq!((report.passed, report.failed > 0), (0, true));

    let rlp = json!({ "wrong": { "in": "dog", "out": "0x83646f66" } });
    assert_eq!(run_text(&rlp.to_string()).failed, 1);
    let trie = json!({ "wrong": { "in": { "A": "B" }, "root": zero } });
    assert_eq!(run_text(&trie.to_string()).failed, 1);
}

#[test]
fn nothing_is_skipped_in_silence() {
    let tests = json!({
        "engine": { "engineNewPayloads": [], "genesisBlockHeader": {} },
        "unknown": { "field": 1 },
        "number": 5,
        "future": {
            "env": {
                "currentCoinbase": "0x0000000000000000000000000000000000000000",
                "currentGasLimit": "0x01", "currentNumber": "0x01", "currentTimestamp": "0x01",
            },
            "pre": {}, "transaction": {},
            "post": { "Futurama": [{ "hash": format!("0x{:064}", 0), "logs": format!("0x{:064}", 0) }] },
        },
    });
    let report = run_text(&tests.to_string());
    assert_eq!((report.passed, report.failed), (0, 0));
    let reasons: Vec<_> = report.skipped.into_iter().collect();
    let future = Skip::UnknownNetwork("Futurama".to_owned());
    assert_eq!(reasons, [(Skip::UnknownKind, 2), (Skip::EngineApi, 1), (future, 1)]);
}

#[test]
fn bad_files_fail_by_name_and_others_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let deep: String = iter::repeat_n('[', 100_000).collect();
    for (name, text) in [("broken.json", "{"), ("deep.json", &deep), ("note.txt", "no vectors")] {
        fs::write(folder.path().join(name), text).expect("writes");
    }
    let good = json!({ "dog": { "in": "dog", "out": "0x83646f67" } }).to_string();
    fs::write(folder.path().join("good.json"), good).expect("writes");
    let mut deepest = folder.path().to_owned();
    for _ in 0..=ivm_conformance::MAX_FOLDER_DEPTH {
        deepest.push("d");
    }
    fs::create_dir_all(&deepest).expect("makes folders");

    let mut seen = Vec::new();
    let mut sink = |case: &Case| seen.push(case.file.clone());
    let report = run_directory(folder.path(), &mut sink).expect("runs");
    assert_eq!((report.passed, report.failed), (1, 2));
    assert_eq!(report.skipped.get(&Skip::DeepFolder), Some(&1));
    assert!(seen.contains(&PathBuf::from("broken.json")) && seen.contains(&PathBuf::from("deep.json")));

    let error = run_directory(&folder.path().join("missing"), &mut |_: &Case| {});
    assert!(error.expect_err("is not there").to_string().contains("missing"));
}

#[test]
fn settings_of_newer_vectors_are_read() {
    // As execution-spec-tests writes it: a `config` with chain id and blob schedule, whose maximum here is too low.
    let file = "GeneralStateTests/Cancun/stEIP4844-blobtransactions/opcodeBlobhashOutOfRange.json";
    let with = |max: &str| {
        let config = json!({
            "chainid": "0x01",
            "blobSchedule": { "Cancun": { "target": "0x01", "max": max, "baseFeeUpdateFraction": "0x32f0ed" } },
        });
        tampered(file, move |test| test["config"] = config.clone())
    };
    assert_eq!((with("0x06").passed, with("0x06").failed), (1, 0));
    assert_eq!((with("0x01").passed, with("0x01").failed), (0, 1));
}
