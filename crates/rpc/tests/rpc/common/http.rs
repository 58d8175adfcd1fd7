//! One connection, used for one request after another.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::Node;

/// Longer than anything takes that works.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// What a request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header, by its name in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Code and message of the error that it is.
    pub(crate) fn error(&self) -> (i64, String) {
        let error = &self.json()["error"];
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
    }
}

/// A server-sent event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: Value,
}

pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    /// What came of a stream of events and was not taken yet.
    pending: String,
}

impl Connection {
    pub(crate) async fn open(node: &Node) -> Self {
        let stream = TcpStream::connect(node.server.local_addr()).await.unwrap();
        Self { stream: BufReader::new(stream), pending: String::new() }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).await.unwrap();
    }

    /// Sends the same again and again, until the server takes no more.
    pub(crate) async fn push_for_ever(&mut self, bytes: &[u8]) {
        while self.stream.get_mut().write_all(bytes).await.is_ok() {}
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self) {
        self.stream.get_mut().shutdown().await.unwrap();
    }

    /// Asks, and takes the whole answer.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n");
        self.send(head.as_bytes()).await;
        self.send(body).await;
        self.answer(method).await
    }

    /// A GET.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, "", &[]).await
    }

    /// A POST of JSON.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Answer {
        let content_type = "Content-Type: application/json\r\n";
        self.ask("POST", path, content_type, body.to_string().as_bytes()).await
    }

    /// A call of JSON-RPC: its whole answer.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        let call = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.post("/", &call).await.json()
    }

    pub(crate) async fn answer(&mut self, method: &str) -> Answer {
        let mut answer = self.head().await;
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        if method != "HEAD" {
            answer.body = vec![0; length];
            tokio::time::timeout(SOON, self.stream.read_exact(&mut answer.body)).await.unwrap().unwrap();
        }
        answer
    }

    /// An answer without its body.
    pub(crate) async fn head(&mut self) -> Answer {
        let first = self.line().await.expect("an answer");
        let status = first.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        while let Some(line) = self.line().await.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").unwrap();
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        Answer { status, headers, body: Vec::new() }
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = tokio::time::timeout(SOON, self.stream.read_line(&mut line)).await;
        let length = read.expect("the server says something").unwrap_or(0);
        (length > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Asks for a job's events; gives the head.
    pub(crate) async fn events(&mut self, path: &str, headers: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes()).await;
        self.head().await
    }

    /// The next block of lines of a stream of events; `None` at its end.
    pub(crate) async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.pending.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.pending = rest;
                return Some(block);
            }
            let size = usize::from_str_radix(&self.line().await?, 16).unwrap();
            let mut chunk = vec![0; size];
            tokio::time::timeout(SOON, self.stream.read_exact(&mut chunk)).await.unwrap().unwrap();
            assert_eq!(self.line().await.as_deref(), Some(""));
            if size == 0 {
                return None;
            }
            self.pending.push_str(&String::from_utf8(chunk).unwrap());
        }
    }

    /// The next event; `None` at the end.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                let prefix = format!("{name}: ");
                block.lines().find_map(|line| line.strip_prefix(&prefix)).map(str::to_owned)
            };
            let Some(name) = field("event") else {
                assert_eq!(block, ": alive");
                continue;
            };
            let data = serde_json::from_str(&field("data").unwrap()).unwrap();
            return Some(Event { name, id: field("id").unwrap_or_default(), data });
        }
    }

    /// The state in the next event; `None` at the end.
    pub(crate) async fn state(&mut self) -> Option<String> {
        let event = self.event().await?;
        assert_eq!(event.name, "state", "{event:?}");
        Some(event.data["state"].as_str().unwrap().to_owned())
    }

    /// Whether the server ends the connection, perhaps after saying something.
    pub(crate) async fn ends(mut self) -> String {
        let mut said = Vec::new();
        // A reset says as much as an end.
        let _ = tokio::time::timeout(SOON, self.stream.read_to_end(&mut said)).await.expect("it ends");
        String::from_utf8_lossy(&said).into_owned()
    }
}
