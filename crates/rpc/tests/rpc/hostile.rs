//! Clients that are broken or mean, over raw sockets.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::Node;

const SOON: Duration = Duration::from_secs(20);

/// Everything the server says until it closes the connection, which must be soon.
async fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut said)).await;
    // A reset says as much as an end.
    let _ = read.expect("the server closes the connection");
    String::from_utf8_lossy(&said).into_owned()
}

async fn works(node: &Node) {
    assert_eq!(node.call("eth_chainId", json!([])).await, "0x135c");
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let node = Node::start_with(|config| config.limits.body_timeout = Duration::from_millis(200)).await;
    let mut stream = TcpStream::connect(node.server.local_addr()).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\
                Connection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let write = async {
        // One more opening bracket every few milliseconds, for ever.
        while writer.write_all(b"1\r\n[\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let read = async {
        let mut said = vec![0; 1024];
        let length = tokio::time::timeout(SOON, reader.read(&mut said)).await.expect("an answer").unwrap();
        String::from_utf8_lossy(&said[..length]).into_owned()
    };
    let said = tokio::select! {
        said = read => said,
        () = write => panic!("closed without an answer"),
    };
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    works(&node).await;
}

#[tokio::test]
async fn a_head_that_never_ends_and_a_silent_connection_are_closed() {
    let node = Node::start_with(|config| config.limits.idle_timeout = Duration::from_millis(200)).await;
    let mut slow = TcpStream::connect(node.server.local_addr()).await.unwrap();
    slow.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nX: ").await.unwrap();
    let mut silent = TcpStream::connect(node.server.local_addr()).await.unwrap();
    let started = Instant::now();
    rest(&mut slow).await;
    rest(&mut silent).await;
    assert!(started.elapsed() < SOON);

    // A connection that was used and is kept open is closed as well, but not before.
    let mut kept = TcpStream::connect(node.server.local_addr()).await.unwrap();
    for _ in 0..3 {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
        let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ";
        kept.write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
        let mut said = vec![0; 4096];
        let length = kept.read(&mut said).await.unwrap();
        assert!(String::from_utf8_lossy(&said[..length]).contains("0x135c"));
    }
    assert_eq!(rest(&mut kept).await, "");
    works(&node).await;
}

#[tokio::test]
async fn too_many_connections_are_refused_in_words() {
    let node = Node::start_with(|config| config.limits.max_connections = 3).await;
    let held: Vec<_> = futures_all((0..3).map(|_| TcpStream::connect(node.server.local_addr()))).await;
    let mut refused = TcpStream::connect(node.server.local_addr()).await.unwrap();
    let said = rest(&mut refused).await;
    assert!(said.starts_with("HTTP/1.1 429"), "{said}");
    assert!(said.ends_with("too many connections\n"), "{said}");
    drop(held);
    // Their places are free once the server has seen that they are closed.
    let deadline = Instant::now() + SOON;
    while node.post(r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#).await.0 != 200 {
        assert!(Instant::now() < deadline, "places are given back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn futures_all<F: Future<Output = std::io::Result<TcpStream>>>(
    connecting: impl Iterator<Item = F>,
) -> Vec<TcpStream> {
    let mut connected = Vec::new();
    for one in connecting {
        connected.push(one.await.unwrap());
    }
    connected
}

/// As many as the system lets this process have, at most 10,000. Server and client are one process here, so each connection
/// takes two file descriptors.
#[tokio::test]
async fn ten_thousand_idle_connections_leave_room_for_others() {
    const MOST: usize = 10_000;
    let limit = std::fs::read_to_string("/proc/self/limits").ok().and_then(|limits| {
        let line = limits.lines().find(|line| line.starts_with("Max open files"))?.to_owned();
        line.split_whitespace().nth(3)?.parse::<usize>().ok()
    });
    let count = limit.map_or(256, |limit| limit.saturating_sub(128) / 2).min(MOST);
    let node = Node::start_with(|config| {
        config.limits.max_connections = u32::try_from(count / 2).unwrap();
        config.limits.idle_timeout = Duration::from_secs(2);
    })
    .await;
    let mut idle = Vec::with_capacity(count);
    for _ in 0..count {
        match tokio::time::timeout(SOON, TcpStream::connect(node.server.local_addr())).await {
            Ok(Ok(stream)) => idle.push(stream),
            other => panic!("connection {} of {count}: {other:?}", idle.len()),
        }
    }
    // Half of them were refused, the others are closed for saying nothing; then the server serves again.
    let deadline = Instant::now() + 3 * SOON;
    loop {
        let (status, _) = node.post(r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#).await;
        if status == 200 {
            break;
        }
        assert_eq!(status, 429);
        assert!(Instant::now() < deadline, "idle connections are closed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(idle);
    works(&node).await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_dropped() {
    let node = Node::start_with(|config| {
        config.limits.write_timeout = Duration::from_millis(300);
        config.limits.max_request_size_bytes = 8 << 20;
    })
    .await;
    let mut stream = TcpStream::connect(node.server.local_addr()).await.unwrap();
    // Asks for the same large answers again and again, and takes none.
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}"#;
    let body = format!("[{}]", vec![call; 900].join(","));
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ";
    let request = format!("{head}{}\r\n\r\n{body}", body.len());
    let pushing = async {
        loop {
            if stream.write_all(request.as_bytes()).await.is_err() {
                return;
            }
        }
    };
    tokio::time::timeout(SOON, pushing).await.expect("the server gives the connection up");
    works(&node).await;
}

#[tokio::test]
async fn calls_of_one_connection_have_a_limit() {
    let node = Node::start_with(|config| {
        config.limits.max_calls_per_connection = 1;
        config.limits.max_running_calls = 1;
    })
    .await;
    use jsonrpsee::core::client::ClientT;
    let client = node.ws().await;
    // Loops until its gas is gone.
    let endless = json!({"data": "0x5b600056"});
    let call = || client.request::<Value, _>("eth_call", [endless.clone()]);
    let (first, second, third) = tokio::join!(call(), call(), call());
    let said: Vec<String> = [first, second, third].map(|answer| answer.unwrap_err().to_string()).into();
    let refused = said.iter().filter(|error| error.contains("too many calls under way")).count();
    assert!((1..3).contains(&refused), "{said:?}");
    assert!(said.iter().any(|error| error.contains("out of gas")), "{said:?}");
}

#[tokio::test]
async fn json_a_thousand_deep_is_refused() {
    let node = Node::start().await;
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    for params in [format!("[{deep}]"), format!("[{{\"to\":{deep}}}]"), format!("[\"0x00\",{deep}]")] {
        for method in ["eth_call", "eth_getLogs", "eth_getBalance", "eth_simulateV1", "debug_traceCall"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
            let answer: Value = serde_json::from_str(&node.post(&body).await.1).unwrap();
            assert_eq!(answer["error"]["code"], -32602, "{method}: {answer}");
        }
    }
    works(&node).await;
}

/// Requests that are nearly right, and bytes that are not at all.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let methods: Vec<&'static str> = vec![
        "eth_call",
        "eth_estimateGas",
        "eth_getLogs",
        "eth_getProof",
        "eth_feeHistory",
        "eth_simulateV1",
        "eth_getStorageAt",
        "eth_sendRawTransaction",
        "eth_newFilter",
        "eth_getBlockByNumber",
        "eth_createAccessList",
        "debug_traceCall",
        "debug_traceBlockByNumber",
        "debug_getRawReceipts",
        "rpc.discover",
        "eth_subscribe",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "0x[0-9a-f]{0,70}".prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["latest", "pending", "earliest", "callTracer", "prestateTracer"])
            .prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec![
        "to",
        "from",
        "data",
        "input",
        "gas",
        "gasPrice",
        "value",
        "nonce",
        "accessList",
        "fromBlock",
        "toBlock",
        "blockHash",
        "address",
        "topics",
        "tracer",
        "tracerConfig",
        "timeout",
        "blockStateCalls",
        "calls",
        "stateOverrides",
        "blockOverrides",
        "number",
        "time",
        "validation",
        "code",
        "state",
        "stateDiff",
        "txIndex",
        "maxFeePerGas",
        "blobVersionedHashes",
        "authorizationList",
        "0x0000000000000000000000000000000000000001",
    ]);
    let value = leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(keys.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    let call =
        (prop::sample::select(methods), prop::collection::vec(value, 0..4)).prop_map(|(method, params)| {
            json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string().into_bytes()
        });
    let damaged =
        (call.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut body, at, byte)| {
            let at = at.index(body.len());
            body[at] = byte;
            body
        });
    prop_oneof![4 => call, 2 => damaged, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

#[test]
fn no_bytes_make_the_server_panic_or_hang() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let node = runtime.block_on(Node::start_with(|config| {
        config.limits.max_call_time = Duration::from_millis(500);
        config.limits.max_trace_time = Duration::from_millis(500);
    }));
    let mut runner = TestRunner::new(Config { cases: 600, failure_persistence: None, ..Config::default() });
    runner
        .run(&bodies(), |body| {
            let said = runtime.block_on(async {
                tokio::time::timeout(SOON, node.post_bytes(&body)).await.expect("an answer in time")
            });
            // A call that panicked is answered as one that was not finished.
            prop_assert!(!said.contains("call was not finished"), "{said}");
            prop_assert!(said.starts_with("HTTP/1.1 "), "{said}");
            Ok(())
        })
        .unwrap();
    runtime.block_on(works(&node));
}
