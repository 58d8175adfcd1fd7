//! `ivm demo job --json`, the whole story with its real proof.

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
