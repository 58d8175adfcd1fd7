//! Jobs and payloads over REST.

use alloy_primitives::{Address, B256, keccak256};
use ivm_primitives::limits::MAX_OFFCHAIN_INPUT_SIZE_BYTES;
use ivm_rpc::{Cors, IvmError};
use serde_json::{Value, json};

use crate::common::http::Connection;
use crate::common::jobs::{JOB, Jobs, request};
use crate::common::{KNOWN, Node};

const CONSUMER: Address = Address::repeat_byte(0xc2);

#[tokio::test]
async fn a_job_is_asked_for_and_looked_at() {
    let (node, jobs) = Jobs::start().await;
    let mut connection = Connection::open(&node).await;
    let taken = connection.post("/v1/jobs", &json!(request(CONSUMER, 5))).await;
    assert_eq!((taken.status, taken.header("content-type")), (202, Some("application/json")));
    let id = taken.json()["jobId"].as_str().unwrap().to_owned();
    assert_eq!(taken.json(), json!({"jobId": id, "state": "pending"}));
    assert_eq!(taken.header("location"), Some(format!("/v1/jobs/{id}").as_str()));
    let job = connection.get(&format!("/v1/jobs/{id}?as=is")).await;
    assert_eq!((job.status, job.header("cache-control")), (200, Some("no-store")));
    assert_eq!(job.header("x-content-type-options"), Some("nosniff"));
    // Both interfaces say the same.
    assert_eq!(job.json(), connection.call("ivm_getJob", json!([id])).await["result"]);
    assert_eq!(jobs.submissions(), 1);
}

#[tokio::test]
async fn a_payload_is_kept_and_given_back_as_it_was() {
    let (node, _) = Jobs::start().await;
    let mut connection = Connection::open(&node).await;
    for payload in [vec![], vec![0, 255, 10, 13, 10], vec![7; MAX_OFFCHAIN_INPUT_SIZE_BYTES]] {
        let hash = keccak256(&payload);
        // Any type will do.
        let kept = connection.ask("PUT", "/v1/payloads", "", &payload).await;
        assert_eq!((kept.status, kept.json()), (201, json!({"hash": hash})));
        let location = format!("/v1/payloads/{hash}");
        assert_eq!(kept.header("location"), Some(location.as_str()));
        let given = connection.get(&location).await;
        assert_eq!((given.status, given.header("content-type")), (200, Some("application/octet-stream")));
        assert!(given.body == payload, "{} bytes", given.body.len());
        assert_eq!(given.header("cache-control"), Some("public, max-age=31536000, immutable"));
        // Whatever it is, a browser shows nothing of it.
        assert_eq!(given.header("content-disposition"), Some("attachment"));
        assert!(given.header("content-security-policy").unwrap().contains("default-src 'none'"));
        let tag = given.header("etag").unwrap().to_owned();
        let known = connection.ask("GET", &location, &format!("If-None-Match: {tag}\r\n"), &[]).await;
        assert_eq!((known.status, known.header("etag")), (304, Some(tag.as_str())));
        let head = connection.ask("HEAD", &location, "", &[]).await;
        assert_eq!(head.header("content-length").unwrap_or("0"), payload.len().to_string());
    }
    let unknown = connection.get(&format!("/v1/payloads/{}", B256::ZERO)).await;
    assert_eq!(
        (unknown.status, unknown.error()),
        (404, (-32033, format!("unknown payload: {}", B256::ZERO)))
    );
}

#[tokio::test]
async fn each_error_has_its_status_its_code_and_its_words() {
    let refused = |fault| IvmError::RequestRefused { fault, reason: "because".to_owned() };
    let cases = [
        (refused("NonceUsed"), 409, -32029, None),
        (refused("NotNextInOrder"), 409, -32029, None),
        (refused("BadSignature"), 422, -32029, None),
        (IvmError::UnknownProgram { program_id: KNOWN }, 422, -32023, None),
        (IvmError::UnknownJob { job_id: KNOWN }, 404, -32024, None),
        (IvmError::OtherInput { got: KNOWN, expected: B256::ZERO }, 400, -32031, None),
        (IvmError::PayloadTooLarge { got: 2, limit: 1 }, 413, -32022, None),
        (IvmError::RateLimited { what: "x", limit: 4, window_ms: 10_000 }, 429, -32030, Some("3")),
        (IvmError::Busy { what: "jobs wait", limit: 3 }, 503, -32026, Some("1")),
        (IvmError::Unavailable { what: "jobs" }, 503, -32027, None),
        (IvmError::NoOutcome { reason: "it traps".to_owned() }, 422, -32032, None),
        (IvmError::Internal("disk".to_owned()), 500, -32603, None),
    ];
    let (node, jobs) = Jobs::start().await;
    let mut connection = Connection::open(&node).await;
    for (error, status, code, retry_after) in cases {
        jobs.refuse(Some(error.clone()));
        let answer = connection.post("/v1/jobs", &json!(request(CONSUMER, 5))).await;
        assert_eq!(answer.status, status, "{error}");
        assert_eq!(answer.error(), (code, error.to_string()));
        assert_eq!(answer.header("retry-after"), retry_after, "{error}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        // JSON-RPC says the same.
        let call = connection.call("ivm_submitJob", json!([request(CONSUMER, 5)])).await;
        assert_eq!(call["error"], answer.json()["error"]);
    }
    for path in [format!("/v1/jobs/{JOB}"), format!("/v1/payloads/{JOB}")] {
        assert_eq!(connection.get(&path).await.status, 500);
    }
    assert_eq!(connection.ask("PUT", "/v1/payloads", "", &[1]).await.status, 500);
}

#[tokio::test]
async fn paths_that_name_nothing_are_not_found() {
    let (node, _) = Jobs::start().await;
    let mut connection = Connection::open(&node).await;
    for path in
        ["/v1/", "/v1/job", "/v1/jobs/", "/v1/jobs/1/2", "/v1/jobs/1/events/", "/v1//jobs", "/v1/payloads/"]
    {
        let answer = connection.get(path).await;
        assert_eq!((answer.status, answer.error().0), (404, -32601), "{path}");
    }
    let short = &format!("{JOB}")[..64];
    let long = format!("{JOB}00");
    for id in ["1", "0x", short, long.as_str(), "%30x", &format!("0X{}", "11".repeat(32)), &"zz".repeat(33)] {
        let answer = connection.get(&format!("/v1/jobs/{id}")).await;
        let message = "invalid job id in the path: expected 0x and 64 hexadecimal digits";
        assert_eq!((answer.status, answer.error()), (400, (-32602, message.to_owned())), "{id}");
    }
    assert_eq!(connection.get("/v1/payloads/1").await.error().0, -32602);
    let unknown = connection.get(&format!("/v1/jobs/{KNOWN}")).await;
    assert_eq!((unknown.status, unknown.error()), (404, (-32024, format!("unknown job: {KNOWN}"))));
    // Not below it: what the server says of any path that is for JSON-RPC alone.
    assert_eq!(connection.get("/v1x").await.status, 405);
}

#[tokio::test]
async fn a_path_names_the_methods_that_it_has() {
    let (node, jobs) = Jobs::start().await;
    let job = format!("/v1/jobs/{JOB}");
    let events = format!("{job}/events");
    let payload = format!("/v1/payloads/{JOB}");
    let cases = [
        ("/v1", "GET, HEAD, OPTIONS", ["POST", "PUT"]),
        ("/v1/jobs", "POST, OPTIONS", ["GET", "HEAD"]),
        (job.as_str(), "GET, HEAD, OPTIONS", ["DELETE", "PUT"]),
        (events.as_str(), "GET, HEAD, OPTIONS", ["POST", "PATCH"]),
        ("/v1/payloads", "PUT, OPTIONS", ["GET", "POST"]),
        (payload.as_str(), "GET, HEAD, OPTIONS", ["PUT", "BREW"]),
        ("/v1/openapi.json", "GET, HEAD, OPTIONS", ["PUT", "POST"]),
    ];
    let mut connection = Connection::open(&node).await;
    for (path, allowed, others) in cases {
        for method in others {
            let answer = connection.ask(method, path, "", &[]).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{method} {path}");
        }
        let answer = connection.ask("OPTIONS", path, "", &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (204, Some(allowed)), "{path}");
    }
    for path in ["/v1", job.as_str(), "/v1/openapi.json"] {
        let get = connection.get(path).await;
        let head = connection.ask("HEAD", path, "", &[]).await;
        assert_eq!((head.status, head.header("content-length")), (200, get.header("content-length")));
    }
    assert_eq!(jobs.submissions(), 0);
}

#[tokio::test]
async fn a_node_without_jobs_has_no_rest() {
    let node = Node::start_over(None, |_| {}).await;
    let mut connection = Connection::open(&node).await;
    for path in ["/v1", "/v1/openapi.json", "/v1/jobs/1", "/v1/none"] {
        let answer = connection.get(path).await;
        assert_eq!((answer.status, answer.error().0), (404, -32601), "{path}");
    }
    assert_eq!(connection.post("/v1/jobs", &json!({})).await.status, 404);
    assert!(!node.get("/").await.1.contains("/v1"));
    let (with_jobs, _) = Jobs::start().await;
    let page = with_jobs.get("/").await.1;
    assert!(page.contains("href=\"/v1\"") && page.contains("href=\"/v1/openapi.json\""), "{page}");
}

#[tokio::test]
async fn web_pages_are_let_in_as_they_are_to_json_rpc() {
    let origin = "Origin: https://app.example\r\n";
    let path = format!("/v1/jobs/{JOB}");
    let (closed, jobs) = Jobs::start().await;
    let mut connection = Connection::open(&closed).await;
    let answer = connection.ask("GET", &path, origin, &[]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
    // What a page can send without being let in first is not taken as JSON.
    for content_type in ["", "Content-Type: text/plain\r\n", "Content-Type: application/jsonx\r\n"] {
        let body = json!(request(CONSUMER, 1)).to_string();
        let answer = connection.ask("POST", "/v1/jobs", content_type, body.as_bytes()).await;
        assert_eq!((answer.status, answer.error().0), (415, -32600), "{content_type}");
    }
    assert_eq!(jobs.submissions(), 0);
    let body = json!(request(CONSUMER, 1)).to_string();
    let content_type = "Content-Type: Application/JSON; charset=utf-8\r\n";
    assert_eq!(connection.ask("POST", "/v1/jobs", content_type, body.as_bytes()).await.status, 202);

    let listed = ["https://app.example".to_owned()];
    let (open, _) = Jobs::serve(crate::common::jobs::Changes::Untold, |config| {
        config.cors = Cors::Origins(listed.into());
    })
    .await;
    let mut connection = Connection::open(&open).await;
    let asks = format!("{origin}Access-Control-Request-Method: PUT\r\n");
    let preflight = connection.ask("OPTIONS", "/v1/payloads", &asks, &[]).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-methods")), (200, Some("*")));
    let answer = connection.ask("GET", &path, origin, &[]).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(answer.header("access-control-expose-headers"), Some("location,retry-after"));
    let answer = connection.ask("GET", &path, "Origin: https://evil.example\r\n", &[]).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    // The stream too.
    let head = connection.events(&format!("{path}/events"), origin).await;
    assert_eq!(head.header("access-control-allow-origin"), Some("https://app.example"));
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    let (node, _) = Jobs::start().await;
    let mut connection = Connection::open(&node).await;
    connection.post("/v1/jobs", &json!(request(CONSUMER, 1))).await;
    connection.post("/v1/jobs", &Value::Null).await;
    connection.get(&format!("/v1/jobs/{JOB}")).await;
    connection.get(&format!("/v1/jobs/{KNOWN}")).await;
    for number in 0..3 {
        connection.get(&format!("/v1/made/up/{number}")).await;
    }
    let text = node.get("/metrics").await.1;
    let has = |line: &str| assert!(text.contains(line), "{line} in {text}");
    has("ivm_rpc_requests_total{method=\"POST /v1/jobs\",outcome=\"ok\"} 1");
    has("ivm_rpc_requests_total{method=\"POST /v1/jobs\",outcome=\"-32602\"} 1");
    has("ivm_rpc_requests_total{method=\"GET /v1/jobs/{id}\",outcome=\"ok\"} 1");
    has("ivm_rpc_requests_total{method=\"GET /v1/jobs/{id}\",outcome=\"-32024\"} 1");
    has("ivm_rpc_requests_total{method=\"unknown\",outcome=\"-32601\"} 3");
    has("ivm_rpc_request_duration_seconds_count{method=\"GET /v1/jobs/{id}\"} 2");
    assert!(!text.contains("/made/up"));
}
