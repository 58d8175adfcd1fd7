//! What is not a proper call is refused with the right code, and limits hold.

use crate::common::Node;
use ivm_rpc::Cors;
use serde_json::{Value, json};

fn error(body: &str) -> (i64, String) {
    let answer: Value = serde_json::from_str(body).unwrap();
    let error = &answer["error"];
    (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn malformed_json_is_a_parse_error() {
    let node = Node::start().await;
    for body in ["{", "nonsense", "{\"jsonrpc\":\"2.0\",", "", "\u{0}"] {
        assert_eq!(error(&node.post(body).await.1).0, -32700, "{body:?}");
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let answer: Value = serde_json::from_str(&node.post(&deep).await.1).unwrap();
    assert_eq!(answer[0]["error"]["code"], -32600, "a batch of one that is no request");
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"web3_sha3","params":{}{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    assert_eq!(error(&node.post(&deep).await.1).0, -32602);
}

#[tokio::test]
async fn json_that_is_no_request_is_an_invalid_request() {
    let node = Node::start().await;
    for body in [r#"{"id":1}"#, r#"{"jsonrpc":"2.0","id":1,"method":5}"#, r#"{"jsonrpc":"2.0","method":"#] {
        let code = error(&node.post(body).await.1).0;
        assert!(code == -32600 || code == -32700, "{body}: {code}");
    }
    assert_eq!(error(&node.post("[]").await.1).0, -32600);
}

#[tokio::test]
async fn unknown_methods_are_named() {
    let node = Node::start().await;
    let refused = node.fails("eth_fooBar", json!([])).await;
    assert_eq!(refused.code(), -32601);
    assert_eq!(refused.message(), "the method eth_fooBar does not exist/is not available");
    // The development methods are not there unless the node gives them.
    assert_eq!(node.fails("evm_mine", json!([])).await.code(), -32601);
    let over_http = node.fails("eth_subscribe", json!(["newHeads"])).await;
    assert_eq!((over_http.code(), over_http.message()), (-32601, "notifications not supported"));
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let node = Node::start().await;
    let address = format!("0x{}", "11".repeat(20));
    let cases = [
        ("eth_getBalance", json!([]), "missing value for required argument 0"),
        ("eth_getBalance", json!([address, "latest", 1]), "too many arguments, want at most 2"),
        ("eth_getBalance", json!(["0x12"]), "invalid argument 0: "),
        ("eth_getBalance", json!(["0xzz"]), "invalid argument 0: "),
        ("eth_getBalance", json!([address, "newest"]), "invalid argument 1: "),
        ("eth_getBalance", json!([address, "0xfffffffffffffffff"]), "invalid argument 1: "),
        ("eth_getBlockByNumber", json!(["latest", "yes"]), "invalid argument 1: "),
        ("eth_getTransactionByHash", json!(["0x00"]), "invalid argument 0: "),
        ("eth_sendRawTransaction", json!(["0xabc"]), "invalid argument 0: "),
        ("eth_call", json!([{"to": 7}]), "invalid argument 0: "),
        ("eth_feeHistory", json!(["0x1", "latest", [50, 20]]), "invalid argument 2: "),
        ("web3_sha3", json!([null]), "missing value for required argument 0"),
        ("eth_chainId", json!([1]), "too many arguments, want at most 0"),
    ];
    for (method, params, message) in cases {
        let refused = node.fails(method, params.clone()).await;
        assert_eq!(refused.code(), -32602, "{method} {params}");
        assert!(refused.message().starts_with(message), "{method} {params}: {}", refused.message());
    }
    let named = node.post(r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":{"a":1}}"#).await.1;
    assert_eq!(error(&named), (-32602, "non-array args".to_owned()));
}

#[tokio::test]
async fn bodies_have_a_limit() {
    let node = Node::start_with(|config| config.limits.max_request_size_bytes = 1000).await;
    let (status, body) = node.post(&" ".repeat(1001)).await;
    assert_eq!(status, 413);
    assert_eq!(error(&body), (-32007, "Request is too big".to_owned()));
    assert!(body.contains("1000"), "{body}");
}

#[tokio::test]
async fn answers_have_a_limit() {
    let node = Node::start_with(|config| config.limits.max_response_size_bytes = 300).await;
    let refused = node.fails("eth_getBlockByNumber", json!(["latest"])).await;
    assert_eq!((refused.code(), refused.message()), (-32008, "Response is too big"));
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let (_, body) = node.post(&format!("[{}]", [call; 20].join(","))).await;
    assert_eq!(error(&body).0, -32011);
}

#[tokio::test]
async fn batches_mix_answers_and_errors_and_have_a_limit() {
    let node = Node::start_with(|config| config.limits.max_batch_length = 4).await;
    let (status, body) = node
        .post(
            r#"[{"jsonrpc":"2.0","id":1,"method":"eth_chainId"},
                {"jsonrpc":"2.0","id":2,"method":"eth_nope"},
                {"jsonrpc":"2.0","method":"eth_chainId"},
                {"id":"x"}]"#,
        )
        .await;
    assert_eq!(status, 200);
    let answers: Vec<Value> = serde_json::from_str(&body).unwrap();
    assert_eq!(answers.len(), 3, "{body}");
    assert_eq!(answers[0]["result"], "0x135c");
    assert_eq!(answers[1]["error"]["message"], "the method eth_nope does not exist/is not available");
    assert_eq!(answers[2]["error"]["code"], -32600);

    let call = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let (_, body) = node.post(&format!("[{}]", [call; 5].join(","))).await;
    assert_eq!(error(&body), (-32010, "The batch request was too large".to_owned()));
    assert!(body.contains('4'), "{body}");
}

#[tokio::test]
async fn connections_have_a_limit() {
    let node = Node::start_with(|config| config.limits.max_connections = 2).await;
    let _first = node.ws().await;
    let _second = node.ws().await;
    let (status, _) = node.post(r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#).await;
    assert_eq!(status, 429);
}

#[tokio::test]
async fn waiting_calls_have_a_limit() {
    let node = Node::start_with(|config| {
        config.limits.max_running_calls = 1;
        config.limits.max_waiting_calls = 1;
    })
    .await;
    // Loops until its gas is gone.
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"data": "0x5b600056"}]})
        .to_string();
    let answers: Vec<_> = {
        let calls = (0..8).map(|_| node.post(&call));
        let mut tasks = Vec::new();
        for call in calls {
            tasks.push(call);
        }
        futures(tasks).await
    };
    let codes: Vec<_> = answers.iter().map(|(_, body)| error(body).0).collect();
    assert!(codes.contains(&-32005), "{codes:?}");
    assert!(codes.contains(&-32000), "{codes:?}");
}

/// Waits for all of them, all at once.
async fn futures<F: Future>(tasks: Vec<F>) -> Vec<F::Output> {
    let mut tasks: Vec<_> = tasks.into_iter().map(|task| (Box::pin(task), None)).collect();
    std::future::poll_fn(|context| {
        for (task, done) in &mut tasks {
            if done.is_none()
                && let std::task::Poll::Ready(output) = task.as_mut().poll(context)
            {
                *done = Some(output);
            }
        }
        let ready = tasks.iter().all(|(_, done)| done.is_some());
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    tasks.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn web_pages_are_let_in_as_configured() {
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let origin = "Origin: https://app.example\r\n";
    let closed = Node::start().await;
    assert!(!closed.exchange(call, origin).await.0.contains("access-control-allow-origin"));
    let open = Node::start_with(|config| config.cors = Cors::Any).await;
    assert!(open.exchange(call, origin).await.0.contains("access-control-allow-origin: *"));
    let listed =
        Node::start_with(|config| config.cors = Cors::Origins(vec!["https://app.example".to_owned()])).await;
    let head = listed.exchange(call, origin).await.0;
    assert!(head.contains("access-control-allow-origin: https://app.example"), "{head}");
    assert!(!listed.exchange(call, "Origin: https://evil.example\r\n").await.0.contains("evil"));
}

#[tokio::test]
async fn stopping_frees_the_port() {
    let node = Node::start().await;
    let address = node.server.local_addr();
    let _idle = node.ws().await;
    let started = std::time::Instant::now();
    node.server.stop().await;
    assert!(started.elapsed().as_secs() < 5);
    tokio::net::TcpListener::bind(address).await.unwrap();
}
