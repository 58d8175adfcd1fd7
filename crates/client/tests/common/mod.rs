//! A node that is none: it answers what a test says, over a real socket.

use std::{collections::VecDeque, sync::Arc, sync::Mutex};

use alloy_primitives::hex;
use alloy_signer_local::PrivateKeySigner;
use ivm_client::Client;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the node answers, in this order; the last of each is given again and again.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// To `ivm_getJob`.
    pub(crate) jobs: VecDeque<Value>,
    /// Numbers of the block with whatever tag.
    pub(crate) blocks: VecDeque<u64>,
    /// Bodies of streams; without any, there is no REST interface.
    pub(crate) streams: VecDeque<String>,
    /// Paths and methods that it was asked for.
    pub(crate) asked: Vec<String>,
}

fn next<T: Clone>(answers: &mut VecDeque<T>) -> Option<T> {
    if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
}

impl Answers {
    fn rpc(&mut self, call: &Value) -> Value {
        let method = call["method"].as_str().expect("a method").to_owned();
        let result = match method.as_str() {
            "eth_chainId" => json!("0x135c"),
            "eth_getTransactionCount" => json!("0x0"),
            "ivm_getJob" => next(&mut self.jobs).expect("the test has an answer"),
            "eth_getBlockByNumber" => {
                json!({ "number": format!("{:#x}", next(&mut self.blocks).unwrap_or(0)) })
            }
            "ivm_submitJob" => json!({ "jobId": hex::encode_prefixed([7; 32]), "state": "pending" }),
            _ => panic!("unexpected call: {method}"),
        };
        self.asked.push(method);
        json!({ "jsonrpc": "2.0", "id": call["id"], "result": result })
    }

    fn respond(&mut self, path: &str, body: &[u8]) -> String {
        let (status, kind, body) = if path == "/" {
            let call = serde_json::from_slice(body).expect("JSON");
            ("200 OK", "application/json", self.rpc(&call).to_string())
        } else {
            self.asked.push(path.into());
            match next(&mut self.streams) {
                Some(stream) => ("200 OK", "text/event-stream", stream),
                None => ("405 Method Not Allowed", "text/plain", "POST is required".into()),
            }
        };
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}

async fn serve(mut socket: TcpStream, answers: Arc<Mutex<Answers>>) {
    let mut received = Vec::new();
    let head_size = loop {
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if socket.read_buf(&mut received).await.unwrap_or(0) == 0 {
            return;
        }
    };
    let head = String::from_utf8(received[..head_size].to_vec()).expect("a head is text");
    let path = head.split(' ').nth(1).expect("a path").to_owned();
    let header = |name: &str| {
        head.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    let body_size: usize = header("content-length").map_or(0, |(_, size)| size.parse().expect("a number"));
    while received.len() < head_size + body_size {
        if socket.read_buf(&mut received).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let response = answers.lock().expect("no test failed").respond(&path, &received[head_size..]);
    socket.write_all(response.as_bytes()).await.expect("the client reads");
}

/// A client of a node that answers so, and the answers that are left.
pub(crate) async fn client_of(answers: Answers) -> (Client, Arc<Mutex<Answers>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let answers = Arc::new(Mutex::new(answers));
    let shared = answers.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, shared.clone()));
        }
    });
    (Client::connect(&url, PrivateKeySigner::random()).await.expect("the node answers"), answers)
}

/// A job as a node tells it.
pub(crate) fn job(state: &str) -> Value {
    json!({
        "jobId": hex::encode_prefixed([1; 32]),
        "kind": "onchain",
        "nonce": "0x0",
        "consumer": hex::encode_prefixed([2; 20]),
        "programId": hex::encode_prefixed([3; 32]),
        "onchainInputHash": hex::encode_prefixed([4; 32]),
        "offchainInputHash": hex::encode_prefixed([5; 32]),
        "inputCommitment": hex::encode_prefixed([6; 32]),
        "maxCycles": "0xf4240",
        "callbackGasLimit": "0x186a0",
        "deadlineBlock": "0x12c",
        "cyclePriceWei": "0xf4240",
        "requestedBlock": "0x5",
        "state": state,
        "resultBlock": null,
        "resultTransaction": null,
        "outcome": null,
        "cycles": null,
        "noOutcomeReason": null,
    })
}

/// A job whose result, the number 42, is in a block.
pub(crate) fn delivered(block: u64) -> Value {
    let mut output = [0; 32];
    output[31] = 42;
    let mut job = job("delivered");
    job["resultBlock"] = json!(format!("{block:#x}"));
    job["resultTransaction"] = json!(hex::encode_prefixed([7; 32]));
    job["outcome"] = json!({
        "status": "success",
        "data": hex::encode_prefixed(output),
        "hash": hex::encode_prefixed([8; 32]),
    });
    job["cycles"] = json!("0x3e8");
    job
}
