//! `ivm demo fraud --json`: every way to lie, and what stops it, on real chains with real proofs.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::process::Command;

use serde_json::Value;

fn demo(mode: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_ivm"))
        .args(["demo", "fraud", "--json", "--mode", mode])
        .output()
        .unwrap();
    assert!(output.status.success(), "{mode}: {}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["mode"], mode);
    report
}

/// Wei, as JSON has them.
fn wei(report: &Value, field: &str) -> u128 {
    let text = report[field].as_str().unwrap_or_else(|| panic!("{field} is missing: {report}"));
    u128::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
}

fn number(report: &Value, field: &str) -> u64 {
    report[field].as_u64().unwrap_or_else(|| panic!("{field} is missing: {report}"))
}

/// A false claim that was ordered: challenged, decided, undone.
fn arbitrated(mode: &str, kind: &str) -> Value {
    let report = demo(mode);
    assert_eq!(report["stopped_by"], "arbitration");
    assert_eq!(report["challenge_kind"], kind);
    let (slashed, reward, burned) =
        (wei(&report, "slashed_wei"), wei(&report, "challenger_reward_wei"), wei(&report, "burned_wei"));
    assert!(slashed > 0 && reward > 0 && burned > 0, "{report}");
    assert!(reward + burned <= slashed, "{report}");
    assert!(number(&report, "reorg_depth") >= 1, "{report}");
    assert!(number(&report, "verdict_block") > 0, "{report}");
    let fraudulent = number(&report, "fraudulent_block");
    let old_head = &report["old_head"];
    assert_eq!(old_head["number"].as_u64().unwrap() + 1, fraudulent + number(&report, "reorg_depth"));
    assert_ne!(old_head["hash"], report["new_head"]["hash"]);
    let lie = &report["built_on_the_lie"];
    assert_eq!((lie["before"].as_str(), lie["after"].as_str()), (Some("0x64"), Some("0x0")), "{report}");
    assert_eq!(report["kept"]["before"], report["kept"]["after"]);
    assert_ne!(report["kept"]["after"], "0x0");
    report
}

/// A lie that validators refuse: it is never ordered.
fn refused(mode: &str, why: &str) {
    let report = demo(mode);
    assert_eq!(report["stopped_by"], "validators");
    let refusal = report["refusal"].as_str().unwrap();
    assert!(refusal.contains(why), "{mode}: {refusal}");
    assert!(report["challenge_kind"].is_null() && report["slashed_wei"].is_null());
    assert_eq!(number(&report, "reorg_depth"), 0);
}

#[test]
fn a_wrong_output_is_refuted_by_a_proof() {
    let report = arbitrated("wrong-output", "refute");
    assert!(report["prove_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(report["final_outcome"]["status"], "success");
    assert_eq!(report["false_outcome"]["status"], "success");
}

#[test]
fn a_wrong_status_is_refuted_by_a_proof() {
    let report = arbitrated("wrong-status", "refute");
    assert_eq!(report["final_outcome"]["status"], "success");
    assert_eq!(report["false_outcome"]["status"], "panicked");
}

#[test]
fn an_outcome_of_a_run_that_never_ends_cannot_be_proven_on_demand() {
    let report = arbitrated("never-ends", "demand");
    assert!(report["final_outcome"].is_null() && report["prove_seconds"].is_null());
}

#[test]
fn an_outcome_of_a_run_that_traps_cannot_be_proven_on_demand() {
    let report = arbitrated("traps", "demand");
    assert!(report["final_outcome"].is_null());
}

#[test]
fn a_wrong_output_of_a_run_inside_a_transaction_is_refuted_by_a_proof() {
    let report = arbitrated("sync-output", "refute");
    assert!(report["prove_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(report["final_outcome"]["status"], "success");
}

#[test]
fn an_equivocation_is_shown_by_two_signatures() {
    let report = demo("equivocation");
    assert_eq!(report["stopped_by"], "evidence");
    assert!(wei(&report, "slashed_wei") > wei(&report, "burned_wei"));
    assert_eq!(number(&report, "reorg_depth"), 0);
    assert_eq!(report["final_outcome"]["status"], "success");
}

#[test]
fn blocks_with_other_lies_are_never_ordered() {
    refused("wrong-input", "receiptsRoot");
    refused("unknown-job", "receiptsRoot");
    refused("state-root", "stateRoot");
    refused("header", "gasUsed");
    refused("over-limit", "100 cycles");
}

#[test]
fn an_unknown_mode_is_refused_with_those_there_are() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_ivm")).args(["demo", "fraud", "--mode", "truth"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("\"truth\"") && message.contains("wrong-output"), "{message}");
}
