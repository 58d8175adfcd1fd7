//! Clients of REST that are broken or mean.

use std::time::Duration;

use alloy_primitives::{Address, B256};
use ivm_primitives::limits::MAX_OFFCHAIN_INPUT_SIZE_BYTES;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::common::Node;
use crate::common::http::{Connection, SOON};
use crate::common::jobs::{Changes, JOB, Jobs, request};

const JSON: &str = "Content-Type: application/json\r\n";

fn good() -> Value {
    json!(request(Address::repeat_byte(0xc3), 1))
}

async fn works(node: &Node) {
    let answer = Connection::open(node).await.get(&format!("/v1/jobs/{JOB}")).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_body_that_is_no_request_is_refused_by_its_field() {
    let (node, jobs) = Jobs::start().await;
    let mut connection = Connection::open(&node).await;
    let mut unknown = good();
    unknown["request"]["colour"] = json!(1);
    let mut wrong = good();
    wrong["request"]["maxFeeWei"] = json!("much");
    let whole = good().to_string();
    let cases = [
        ("".to_owned(), -32700, "the body is not JSON: EOF"),
        ("{".to_owned(), -32700, "the body is not JSON: EOF"),
        (whole[..whole.len() - 1].to_owned(), -32700, "the body is not JSON: EOF"),
        (format!("{whole}{whole}"), -32700, "the body is not JSON: trailing characters"),
        ("\u{0}".to_owned(), -32700, "the body is not JSON: "),
        ("null".to_owned(), -32602, "invalid body: invalid type: null, expected an object"),
        ("[]".to_owned(), -32602, "invalid body: invalid type: sequence, expected an object"),
        ("{}".to_owned(), -32602, "invalid body: missing field `request`"),
        (unknown.to_string(), -32602, "invalid body: request.colour: unknown field `colour`"),
        (wrong.to_string(), -32602, "invalid body: request.maxFeeWei: "),
    ];
    for (body, code, message) in cases {
        let answer = connection.ask("POST", "/v1/jobs", JSON, body.as_bytes()).await;
        let error = answer.error();
        assert_eq!((answer.status, error.0), (400, code), "{body}");
        assert!(error.1.starts_with(message), "{body}: {}", error.1);
    }
    assert_eq!(jobs.submissions(), 0);
}

#[tokio::test]
async fn json_a_thousand_deep_is_refused() {
    let (node, jobs) = Jobs::start().await;
    let mut connection = Connection::open(&node).await;
    for (open, close) in [("[", "]"), ("{\"request\":", "}"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(1000), close.repeat(1000));
        let whole = good().to_string();
        for body in [deep.clone(), format!("{{\"request\":{deep}}}"), whole.replace("\"0x0102\"", &deep)] {
            let answer = connection.ask("POST", "/v1/jobs", JSON, body.as_bytes()).await;
            assert_eq!(answer.status, 400, "{}", answer.error().1);
        }
    }
    assert_eq!(jobs.submissions(), 0);
    works(&node).await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_with_an_answer() {
    let (node, jobs) = Jobs::serve(Changes::Untold, |config| {
        config.limits.max_request_size_bytes = 10_000;
    })
    .await;
    let over = vec![7; MAX_OFFCHAIN_INPUT_SIZE_BYTES + 1];
    // The client sends all of it before it looks at the answer.
    let answer = Connection::open(&node).await.ask("PUT", "/v1/payloads", "", &over).await;
    let message = "payload too large: 10485761 bytes, limit 10485760".to_owned();
    assert_eq!((answer.status, answer.error()), (413, (-32022, message)));

    // It asks first, and sends nothing.
    let mut asking = Connection::open(&node).await;
    let length = over.len();
    let head = format!(
        "PUT /v1/payloads HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    );
    asking.send(head.as_bytes()).await;
    assert_eq!(asking.answer("PUT").await.status, 413);

    // It asks first, and is told to go on.
    let mut asking = Connection::open(&node).await;
    asking
        .send(b"PUT /v1/payloads HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        .await;
    assert_eq!(asking.head().await.status, 100);
    asking.send(b"abc").await;
    assert_eq!(asking.answer("PUT").await.status, 201);

    let body = format!("{}{}", " ".repeat(10_000), good());
    let answer = Connection::open(&node).await.ask("POST", "/v1/jobs", JSON, body.as_bytes()).await;
    assert_eq!((answer.status, answer.error().0), (413, -32007));
    assert_eq!(jobs.submissions(), 0);
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let (node, _) = Jobs::serve(Changes::Untold, |config| {
        config.limits.body_timeout = Duration::from_millis(200);
    })
    .await;
    let chunked = "Transfer-Encoding: chunked\r\n";
    for (method, path) in [("POST", "/v1/jobs"), ("PUT", "/v1/payloads")] {
        // Says that more comes, and sends nothing.
        let mut silent = Connection::open(&node).await;
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{JSON}{chunked}\r\n1\r\n[\r\n");
        silent.send(head.as_bytes()).await;
        let answer = silent.answer(method).await;
        assert_eq!((answer.status, answer.error().0), (408, -32600), "{path}");
        silent.ends().await;
    }
    // Sends as fast as it can, for ever: it is cut off after as much again as may be.
    let (node, _) =
        Jobs::serve(Changes::Untold, |config| config.limits.max_request_size_bytes = 100_000).await;
    let mut pushing = Connection::open(&node).await;
    let head = format!("POST /v1/jobs HTTP/1.1\r\nHost: x\r\n{JSON}{chunked}\r\n");
    pushing.send(head.as_bytes()).await;
    let piece = format!("1000\r\n{}\r\n", "[".repeat(0x1000));
    let pushed = tokio::time::timeout(SOON, pushing.push_for_ever(piece.as_bytes())).await;
    pushed.expect("the server gives the connection up");
    works(&node).await;
}

#[tokio::test]
async fn a_request_that_breaks_off_does_nothing() {
    let (node, jobs) = Jobs::start().await;
    let whole = good().to_string();
    for sent in [0, 1, whole.len() / 2, whole.len() - 1] {
        let mut leaving = Connection::open(&node).await;
        let length = whole.len();
        let head = format!("POST /v1/jobs HTTP/1.1\r\nHost: x\r\n{JSON}Content-Length: {length}\r\n\r\n");
        leaving.send(head.as_bytes()).await;
        leaving.send(&whole.as_bytes()[..sent]).await;
        leaving.finish().await;
        let said = leaving.ends().await;
        assert!(!said.contains("202 "), "{said}");
    }
    assert_eq!(jobs.submissions(), 0);
    works(&node).await;
}

/// Paths, methods and bodies that are nearly right, and some that are not at all.
fn requests() -> impl Strategy<Value = (String, String, String)> {
    let segments =
        vec!["v1", "jobs", "payloads", "events", "openapi.json", "0x", "..", "%2f", "{id}", "", "\u{7f}"];
    let id = prop_oneof!["0x[0-9a-f]{62,66}", Just(format!("{JOB}")), Just(format!("{}", B256::ZERO))];
    let segment = prop_oneof![3 => prop::sample::select(segments).prop_map(str::to_owned), 1 => id];
    let path =
        prop::collection::vec(segment, 0..5).prop_map(|segments| format!("/v1/{}", segments.join("/")));
    let method = prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE", "BREW"]);
    let text = good().to_string();
    let damaged = (any::<prop::sample::Index>(), "[ -~]").prop_map(move |(at, replacement)| {
        let mut damaged = text.clone();
        let at = at.index(damaged.len());
        damaged.replace_range(at..=at, &replacement);
        damaged
    });
    let body = prop_oneof![damaged, "[ -~]{0,40}"];
    (method.prop_map(str::to_owned), path, body)
}

#[test]
fn no_request_makes_the_server_panic_or_hang() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (node, jobs) = runtime.block_on(Jobs::serve(Changes::Untold, |_| {}));
    jobs.advance(JOB, |job| job.state = ivm_rpc::JobState::Delivered);
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    runner
        .run(&requests(), |(method, path, body)| {
            let said = runtime.block_on(async {
                let mut connection = Connection::open(&node).await;
                let length = body.len();
                let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{JSON}");
                connection.send(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes()).await;
                connection.ends().await
            });
            prop_assert!(said.starts_with("HTTP/1.1 "), "{method} {path}: {said}");
            prop_assert!(!said.starts_with("HTTP/1.1 500"), "{method} {path}: {said}");
            Ok(())
        })
        .unwrap();
    runtime.block_on(works(&node));
}
