//! `ivm demo job --json`, the whole story with its real proof, and `ivm demo amm --json`.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use serde_json::Value;

#[test]
fn the_main_job_is_delivered_in_the_next_block_and_proven() {
    let output = Command::new(env!("CARGO_BIN_EXE_ivm")).args(["demo", "job", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number =
        |field: &str| report[field].as_f64().unwrap_or_else(|| panic!("{field} is missing: {report}"));

    assert_eq!(report["callback_ok"], true);
    assert_eq!(report["proof_verified"], true);
    assert_eq!(report["outcome"]["status"], "success");
    assert_eq!(number("observations"), 5104.0);
    // 19.9 % a year: what floating point gives for the same series.
    let volatility: u128 =
        u128::from_str_radix(&report["volatility_e18"].as_str().unwrap()[2..], 16).unwrap();
    assert!((199_000_000_000_000_000..200_000_000_000_000_000).contains(&volatility), "{volatility}");
    assert!(number("result_block") > number("requested_block"));
    assert!(
        number("cycles") > 1_000_000.0 && number("prove_seconds") > 0.0 && number("proof_bytes") > 100_000.0
    );
    assert!(report["job_id"].is_string() && report["program_id"].is_string());
}

#[test]
fn volume_that_is_proven_lowers_the_fee_of_a_swap() {
    let output = Command::new(env!("CARGO_BIN_EXE_ivm"))
        .args(["demo", "amm", "--json", "--closes", "200"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let fee = |trade: &str| report[trade]["fee_millionths"].as_u64().unwrap_or_else(|| panic!("{report}"));
    let number = |trade: &str, field: &str| report[trade][field].as_u64().unwrap();
    assert_eq!(
        (fee("newcomer"), fee("newcomer_with_proof"), fee("trader_without_proof")),
        (3000, 3000, 3000)
    );
    assert!(
        fee("trader_with_proof") < 3000 && fee("trader_with_tier") == fee("trader_with_proof"),
        "{report}"
    );
    assert!(number("trader_with_proof", "cycles") > 0 && number("trader_without_proof", "cycles") == 0);
    assert!(number("trader_with_proof", "gas") > number("trader_without_proof", "gas"));
    assert!(report["forged_proof"].as_str().is_some_and(|refusal| !refusal.is_empty()));
}
