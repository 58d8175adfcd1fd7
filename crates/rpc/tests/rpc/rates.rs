//! How often jobs may be asked for and estimated, by one connection and for one consumer.

use std::time::Duration;

use alloy_primitives::Address;
use ivm_rpc::{IvmError, RateLimit, RpcConfig};
use jsonrpsee::core::client::ClientT;
use serde_json::{Value, json};

use crate::common::KNOWN;
use crate::common::http::{Connection, SOON};
use crate::common::jobs::{Changes, Jobs, request};

/// So long that none comes back while a test runs.
const fn hourly(burst: u32) -> RateLimit {
    RateLimit { count: 1, window: Duration::from_secs(3600), burst }
}

async fn serve(change: impl FnOnce(&mut RpcConfig)) -> (crate::common::Node, std::sync::Arc<Jobs>) {
    Jobs::serve(Changes::Untold, change).await
}

fn params(consumer: u8, nonce: u64) -> Value {
    json!([request(Address::repeat_byte(consumer), nonce)])
}

#[tokio::test]
async fn a_connection_has_one_count_for_json_rpc_and_rest() {
    let (node, jobs) = serve(|config| config.limits.submissions_per_connection = hourly(3)).await;
    let mut connection = Connection::open(&node).await;
    assert_eq!(connection.call("ivm_submitJob", params(1, 1)).await["result"]["state"], "pending");
    assert_eq!(connection.post("/v1/jobs", &params(2, 1)[0]).await.status, 202);
    assert_eq!(connection.call("ivm_submitJob", params(3, 1)).await["result"]["state"], "pending");

    let message = "too many calls: submissions of this connection, limit 1 in 3600000 ms";
    let refused = connection.call("ivm_submitJob", params(4, 1)).await;
    let error = json!({"code": -32030, "message": message, "data": {"retryAfterMs": 3_600_000}});
    assert_eq!(refused["error"], error);
    let refused = connection.post("/v1/jobs", &params(5, 1)[0]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("3600")));
    assert_eq!(refused.json(), json!({ "error": error }));
    assert_eq!(jobs.submissions(), 3);

    // Other things it may ask, and others may ask this.
    assert_eq!(connection.call("eth_chainId", json!([])).await["result"], "0x135c");
    assert_eq!(Connection::open(&node).await.post("/v1/jobs", &params(6, 1)[0]).await.status, 202);
}

#[tokio::test]
async fn websockets_and_batches_are_counted_by_call() {
    let (node, jobs) = serve(|config| config.limits.submissions_per_connection = hourly(2)).await;
    let client = node.ws().await;
    let submit =
        async |consumer| client.request::<Value, _>("ivm_submitJob", [&params(consumer, 1)[0]]).await;
    submit(1).await.unwrap();
    submit(2).await.unwrap();
    assert!(submit(3).await.unwrap_err().to_string().contains("submissions of this connection"));

    let batch: Vec<Value> = (0..5)
        .map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "ivm_submitJob", "params": params(9, id)}))
        .collect();
    let answers = Connection::open(&node).await.post("/", &json!(batch)).await.json();
    let codes: Vec<_> =
        answers.as_array().unwrap().iter().map(|answer| answer["error"]["code"].clone()).collect();
    assert_eq!(codes[..2], [Value::Null, Value::Null]);
    assert_eq!(codes[2..], [json!(-32030), json!(-32030), json!(-32030)]);
    assert_eq!(jobs.submissions(), 4);
}

#[tokio::test]
async fn a_consumer_has_one_count_for_all_connections() {
    let (node, _) = serve(|config| config.limits.submissions_per_consumer = hourly(2)).await;
    for nonce in 0..2 {
        node.call("ivm_submitJob", params(1, nonce)).await;
    }
    let refused = node.fails("ivm_submitJob", params(1, 2)).await;
    let message = "too many calls: submissions for this consumer, limit 1 in 3600000 ms";
    assert_eq!((refused.code(), refused.message()), (-32030, message));
    node.call("ivm_submitJob", params(2, 0)).await;
}

#[tokio::test]
async fn requests_that_are_refused_use_up_nothing_of_their_consumer() {
    let (node, jobs) = serve(|config| config.limits.submissions_per_consumer = hourly(2)).await;
    // Anybody can name a consumer; who has not signed for it is refused by the node.
    let fault = IvmError::RequestRefused { fault: "BadSignature", reason: "not taken".to_owned() };
    jobs.refuse(Some(fault));
    for nonce in 0..10 {
        assert_eq!(node.fails("ivm_submitJob", params(1, nonce)).await.code(), -32029);
    }
    jobs.refuse(None);
    let mut other = request(Address::repeat_byte(1), 0);
    other.offchain_input = Some(vec![0].into());
    assert_eq!(node.fails("ivm_submitJob", json!([other])).await.code(), -32031);
    for nonce in 0..2 {
        node.call("ivm_submitJob", params(1, nonce)).await;
    }
    assert_eq!(node.fails("ivm_submitJob", params(1, 2)).await.code(), -32030);
}

#[tokio::test]
async fn estimates_of_one_connection_are_counted_and_few_at_once() {
    let (node, jobs) = serve(|config| config.limits.estimates_per_connection = hourly(3)).await;
    let client = node.ws().await;
    let what = json!({"programId": KNOWN});
    let estimate = || client.request::<Value, _>("ivm_estimateJob", [&what]);
    let (one, two) = (estimate(), estimate());
    let rest = async {
        jobs.estimating(2).await;
        let refused = estimate().await.unwrap_err().to_string();
        assert!(refused.contains("-32026") && refused.contains("limit 2"), "{refused}");
        jobs.estimates.add_permits(2);
    };
    let (one, two, ()) = tokio::join!(one, two, rest);
    assert_eq!((one.unwrap(), two.unwrap()["cycles"].clone()).1, "0x3e8");
    jobs.estimates.add_permits(1);
    estimate().await.unwrap();
    let refused = estimate().await.unwrap_err().to_string();
    assert!(refused.contains("estimates of this connection, limit 1 in 3600000 ms"), "{refused}");
}

#[tokio::test]
async fn estimates_of_all_are_few_at_once_and_those_of_clients_that_left_count() {
    let (node, jobs) = serve(|config| config.limits.max_running_estimates = 1).await;
    let what = json!([{"programId": KNOWN}]);
    let mut left = Connection::open(&node).await;
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "ivm_estimateJob", "params": what}).to_string();
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ";
    left.send(format!("{head}{}\r\n\r\n{call}", call.len()).as_bytes()).await;
    jobs.estimating(1).await;
    let busy = async || {
        let asked = node.fails("ivm_estimateJob", what.clone());
        let refused = tokio::time::timeout(SOON, asked).await.expect("none but the first is made");
        assert_eq!(refused.message(), "node is busy: estimates are under way, limit 1");
    };
    busy().await;
    drop(left);
    // Until the server has seen that: the only connection is the one that asks for this.
    while !node.get("/metrics").await.1.contains("ivm_rpc_connections 1\n") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    busy().await;
    jobs.estimates.add_permits(100);
    // The run is over at some moment soon, and makes room.
    let mut connection = Connection::open(&node).await;
    loop {
        let answer = connection.call("ivm_estimateJob", what.clone()).await;
        if answer["result"]["cycles"] == "0x3e8" {
            return;
        }
        assert_eq!(answer["error"]["code"], -32026);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
