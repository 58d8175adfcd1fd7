//! Jobs asked for by signature, estimates and prices of cycles, over JSON-RPC.

use alloy_primitives::{Address, B256, Bytes, keccak256};
use ivm_primitives::limits::{MAX_OFFCHAIN_INPUT_SIZE_BYTES, MAX_ONCHAIN_INPUT_SIZE_BYTES};
use ivm_rpc::IvmError;
use serde_json::{Value, json};

use crate::common::KNOWN;
use crate::common::jobs::{Jobs, request};

const CONSUMER: Address = Address::repeat_byte(0xc1);

#[tokio::test]
async fn a_signed_request_becomes_a_job_that_is_known_at_once() {
    let (node, jobs) = Jobs::start().await;
    let submitted = node.call("ivm_submitJob", json!([request(CONSUMER, 7)])).await;
    assert_eq!(submitted["state"], "pending");
    assert_eq!(jobs.submissions(), 1);
    let job = node.call("ivm_getJob", json!([submitted["jobId"]])).await;
    assert_eq!((&job["kind"], &job["consumer"]), (&json!("offchain"), &json!(CONSUMER)));
    assert_eq!((&job["nonce"], &job["requestedBlock"]), (&json!("0x8000000000000007"), &Value::Null));
    assert_eq!(job["cyclePriceWei"], Value::Null);

    let mut apart = request(CONSUMER, 8);
    apart.offchain_input = None;
    node.call("ivm_submitJob", json!([apart])).await;
    assert_eq!(jobs.submissions(), 2, "the input may come apart");
}

#[tokio::test]
async fn sizes_are_checked_before_the_node_sees_a_request() {
    let (node, jobs) = Jobs::start().await;
    let mut largest = request(CONSUMER, 1);
    largest.request.onchain_input = vec![1; MAX_ONCHAIN_INPUT_SIZE_BYTES].into();
    largest.signature = vec![1; 4096].into();
    let input = Bytes::from(vec![1; MAX_OFFCHAIN_INPUT_SIZE_BYTES]);
    largest.request.offchain_input_hash = keccak256(&input);
    largest.offchain_input = Some(input);
    node.call("ivm_submitJob", json!([largest])).await;

    let mut onchain = request(CONSUMER, 2);
    onchain.request.onchain_input = vec![1; MAX_ONCHAIN_INPUT_SIZE_BYTES + 1].into();
    let mut signature = request(CONSUMER, 2);
    signature.signature = vec![1; 4097].into();
    let mut offchain = request(CONSUMER, 2);
    offchain.offchain_input = Some(vec![1; MAX_OFFCHAIN_INPUT_SIZE_BYTES + 1].into());
    for (refused, message) in [
        (onchain, "request.onchainInput too large: 122881 bytes, limit 122880"),
        (signature, "signature too large: 4097 bytes, limit 4096"),
        (offchain, "offchainInput too large: 10485761 bytes, limit 10485760"),
    ] {
        let error = node.fails("ivm_submitJob", json!([refused])).await;
        assert_eq!((error.code(), error.message()), (-32022, message));
    }
    let estimate =
        json!({"programId": KNOWN, "onchainInput": Bytes::from(vec![1; MAX_ONCHAIN_INPUT_SIZE_BYTES + 1])});
    let error = node.fails("ivm_estimateJob", json!([estimate])).await;
    assert_eq!(error.message(), "onchainInput too large: 122881 bytes, limit 122880");
    assert_eq!(jobs.submissions(), 1);
}

#[tokio::test]
async fn an_input_that_is_another_is_refused() {
    let (node, jobs) = Jobs::start().await;
    // Short ones and long ones are hashed in different places.
    for size in [1, 1_000_000] {
        let mut other = request(CONSUMER, 1);
        let input = Bytes::from(vec![8; size]);
        let message = format!(
            "offchain input hashes to {}, the request names {}",
            keccak256(&input),
            other.request.offchain_input_hash
        );
        other.offchain_input = Some(input);
        let error = node.fails("ivm_submitJob", json!([other])).await;
        assert_eq!((error.code(), error.message()), (-32031, message.as_str()));
    }
    assert_eq!(jobs.submissions(), 0);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let (node, jobs) = Jobs::start().await;
    let good = json!(request(CONSUMER, 1));
    let changed = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[name] = value;
        changed
    };
    let mut lacking = good.clone();
    lacking["request"].as_object_mut().unwrap().remove("deadlineBlock");
    let cases = [
        (changed("/colour", json!(1)), "invalid argument 0: colour: unknown field `colour`"),
        (changed("/request/colour", json!(1)), "invalid argument 0: request.colour: unknown field `colour`"),
        (lacking, "invalid argument 0: request: missing field `deadlineBlock`"),
        (
            changed("/request/ordered", json!("yes")),
            "invalid argument 0: request.ordered: invalid type: string",
        ),
        (changed("/request/consumer", json!("0x12")), "invalid argument 0: request.consumer: "),
        (changed("/request/nonce", json!("0x10000000000000000")), "invalid argument 0: request.nonce: "),
        (changed("/request/maxCycles", json!(-1)), "invalid argument 0: request.maxCycles: "),
        (changed("/request/maxFeeWei", json!(1.5)), "invalid argument 0: request.maxFeeWei: "),
        (changed("/signature", json!("0x1")), "invalid argument 0: signature: "),
        (changed("/offchainInput", json!(1)), "invalid argument 0: offchainInput: "),
        (
            json!([good["request"], "0x", null]),
            "invalid argument 0: invalid type: sequence, expected an object",
        ),
        (json!("0x12"), "invalid argument 0: invalid type: string"),
        (Value::Null, "missing value for required argument 0"),
    ];
    for (params, message) in cases {
        let error = node.fails("ivm_submitJob", json!([params])).await;
        assert_eq!(error.code(), -32602, "{params}");
        assert!(error.message().starts_with(message), "{params}: {}", error.message());
    }
    let unknown = json!({"programId": KNOWN, "cycles": "0x1"});
    let error = node.fails("ivm_estimateJob", json!([unknown])).await;
    assert!(error.message().starts_with("invalid argument 0: cycles: unknown field `cycles`"), "{error}");
    assert_eq!(jobs.submissions(), 0);
}

#[tokio::test]
async fn each_refusal_of_a_request_has_its_code_and_names_its_fault() {
    let (node, jobs) = Jobs::start().await;
    let fault = IvmError::RequestRefused {
        fault: "AllowanceTooLow",
        reason: "allowance of 5 wei, needed 9".to_owned(),
    };
    jobs.refuse(Some(fault));
    let error = node.fails("ivm_submitJob", json!([request(CONSUMER, 1)])).await;
    assert_eq!(error.code(), -32029);
    assert_eq!(error.message(), "request refused: AllowanceTooLow: allowance of 5 wei, needed 9");
    assert_eq!(error.data().map(|data| data.get()), Some(r#"{"fault":"AllowanceTooLow"}"#));

    jobs.refuse(Some(IvmError::NoOutcome { reason: "it traps".to_owned() }));
    let error = node.fails("ivm_estimateJob", json!([{"programId": KNOWN}])).await;
    assert_eq!((error.code(), error.message()), (-32032, "the run has no outcome: it traps"));
    assert!(error.data().is_none());
}

#[tokio::test]
async fn a_node_that_takes_no_such_jobs_says_so() {
    let node = crate::common::Node::start().await;
    let error = node.fails("ivm_submitJob", json!([request(CONSUMER, 1)])).await;
    assert_eq!(error.code(), -32027);
    assert_eq!(node.fails("ivm_estimateJob", json!([{"programId": KNOWN}])).await.code(), -32027);
    assert_eq!(node.fails("ivm_feeHistory", json!(["0x1", "latest"])).await.code(), -32027);
}

#[tokio::test]
async fn an_estimate_tells_what_a_job_takes() {
    let (node, jobs) = Jobs::start().await;
    jobs.estimates.add_permits(2);
    let estimate =
        node.call("ivm_estimateJob", json!([{"programId": KNOWN, "onchainInput": "0x0102"}])).await;
    assert_eq!((&estimate["cycles"], &estimate["maxCycles"]), (&json!("0x3e8"), &json!("0x44c")));
    assert_eq!(estimate["outcome"]["data"], "0x0102");
    assert_eq!((&estimate["feeWei"], &estimate["syncGas"]), (&json!("0x898"), &json!("0x7530")));
    let bounded = json!({"programId": KNOWN, "maxCycles": "0x10", "callbackGasLimit": null});
    assert_eq!(node.call("ivm_estimateJob", json!([bounded])).await["maxCycles"], "0x10");
}

#[tokio::test]
async fn a_history_of_prices_is_bounded_as_that_of_fees_is() {
    let (node, _) = Jobs::start().await;
    for _ in 0..3 {
        node.mine();
    }
    let history = node.call("ivm_feeHistory", json!(["0x2", "latest"])).await;
    let two = json!({"oldestBlock": "0x2", "cyclePriceWei": ["0x5", "0x5", "0x5"], "cyclesUsed": ["0x9", "0x9"],
        "cyclesUsedRatio": [0.5, 0.5]});
    assert_eq!(history, two);
    let oldest = async |count: &str, newest: &str| {
        let history = node.call("ivm_feeHistory", json!([count, newest])).await;
        (history["oldestBlock"].clone(), history["cyclesUsed"].as_array().unwrap().len())
    };
    assert_eq!(oldest("0xffffffff", "latest").await, (json!("0x0"), 4), "not more than there are");
    assert_eq!(oldest("0x5", "0x1").await, (json!("0x0"), 2));
    assert_eq!(oldest("0x1", "earliest").await, (json!("0x0"), 1));
    assert_eq!(oldest("0x1", "pending").await, (json!("0x3"), 1));
    assert_eq!(oldest("0x0", "latest").await, (json!("0x0"), 0));
    let error = node.fails("ivm_feeHistory", json!(["0x1", "0x4"])).await;
    let message = "request beyond head block: requested 4, head 3";
    assert_eq!((error.code(), error.message()), (-32000, message));
    assert_eq!(node.fails("ivm_feeHistory", json!(["0x1"])).await.code(), -32602);
    assert_eq!(node.fails("ivm_feeHistory", json!(["0x1", B256::ZERO])).await.code(), -32602);
}
