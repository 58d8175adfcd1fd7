//! A service that speaks as much S3 as a replica needs, and that does what it is told to do wrong.

use std::{
    collections::BTreeMap,
    fmt::Write,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy_primitives::{B256, hex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What a client that speaks TLS says first.
const TLS_HANDSHAKE: u8 = 22;

/// Objects in a page of a list.
const PAGE: usize = 1_000;

/// What it does wrong, to requests whose path contains a text.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing.
    None,
    /// Answers with a status and a body.
    Status(u16, Vec<u8>),
    /// Takes the request and never answers.
    Stall,
    /// Sends exactly these bytes and closes.
    Raw(Vec<u8>),
    /// Sends these bytes, then zeros for as long as somebody reads.
    RawThenZeros(Vec<u8>),
    /// Has always one more page.
    EndlessList,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Vec<u8>>,
    fault: Option<(String, Fault)>,
    /// Requests so far.
    requests: Vec<String>,
    most_at_once: usize,
    at_once: usize,
}

/// The service; gone when dropped.
pub struct Service {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Request {
    method: String,
    /// Path and query.
    target: String,
    body: Vec<u8>,
}

impl Service {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { address, state, task }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, requests whose path contains the text meet this.
    pub fn fail(&self, target: &str, fault: Fault) {
        self.state.lock().unwrap().fault = Some((target.to_owned(), fault));
    }

    pub fn mend(&self) {
        self.state.lock().unwrap().fault = None;
    }

    pub fn key(hash: B256) -> String {
        format!("/bucket/test/payloads/{}", hex::encode(hash))
    }

    pub fn set(&self, key: &str, bytes: Vec<u8>) {
        self.state.lock().unwrap().objects.insert(key.to_owned(), bytes);
    }

    pub fn delete(&self, key: &str) {
        self.state.lock().unwrap().objects.remove(key).unwrap();
    }

    pub fn objects(&self) -> usize {
        self.state.lock().unwrap().objects.len()
    }

    pub fn get(&self, hash: B256) -> Option<Vec<u8>> {
        self.state.lock().unwrap().objects.get(&Self::key(hash)).cloned()
    }

    /// How many requests began with this method.
    pub fn requests(&self, method: &str) -> usize {
        let is_one = |request: &&String| request.starts_with(method);
        self.state.lock().unwrap().requests.iter().filter(is_one).count()
    }

    pub fn most_at_once(&self) -> usize {
        self.state.lock().unwrap().most_at_once
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        let fault = {
            let mut state = state.lock().unwrap();
            state.requests.push(format!("{} {}", request.method, request.target));
            if request.method == "TLS" {
                return;
            }
            state.at_once += 1;
            state.most_at_once = state.most_at_once.max(state.at_once);
            let hit = state.fault.as_ref().filter(|(target, _)| request.target.contains(target));
            hit.map_or(Fault::None, |(_, fault)| fault.clone())
        };
        // Long enough for others to be under way as well.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let goes_on = answer(&mut stream, &request, fault, &state).await;
        state.lock().unwrap().at_once -= 1;
        if !goes_on {
            return;
        }
    }
}

async fn answer(stream: &mut TcpStream, request: &Request, fault: Fault, state: &Mutex<State>) -> bool {
    let (status, body) = match fault {
        Fault::None => respond(request, state, None),
        Fault::EndlessList => {
            let page = state.lock().unwrap().requests.len();
            respond(request, state, Some(page))
        }
        Fault::Status(status, body) => (status, body),
        Fault::Stall => {
            // Until the client goes.
            let _ = stream.read(&mut [0; 1]).await;
            return false;
        }
        Fault::Raw(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            return false;
        }
        Fault::RawThenZeros(bytes) => {
            let mut written = stream.write_all(&bytes).await;
            let zeros = vec![0; 1 << 20];
            while written.is_ok() {
                written = stream.write_all(&zeros).await;
            }
            return false;
        }
    };
    let head = format!(
        "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nLast-Modified: Sun, 01 Nov 2026 00:00:00 GMT\r\nETag: \"e\"\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.into_bytes(), body].concat()).await.is_ok()
}

fn respond(request: &Request, state: &Mutex<State>, endless: Option<usize>) -> (u16, Vec<u8>) {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut state = state.lock().unwrap();
    match request.method.as_str() {
        "PUT" => {
            state.objects.insert(path.to_owned(), request.body.clone());
            (200, Vec::new())
        }
        "GET" if query.contains("list-type") => (200, list(&state.objects, query, endless).into_bytes()),
        "GET" => match state.objects.get(path) {
            Some(object) => (200, object.clone()),
            None => (404, b"<Error><Code>NoSuchKey</Code></Error>".to_vec()),
        },
        _ => (405, Vec::new()),
    }
}

fn list(objects: &BTreeMap<String, Vec<u8>>, query: &str, endless: Option<usize>) -> String {
    let keys: Vec<(String, usize)> = match endless {
        Some(page) => (0..PAGE).map(|object| (format!("test/payloads/{page}-{object}"), 1)).collect(),
        None => {
            let after =
                query.split('&').find_map(|part| part.strip_prefix("continuation-token=")).unwrap_or("");
            let keys =
                objects.iter().map(|(path, object)| (path["/bucket/".len()..].to_owned(), object.len()));
            keys.filter(|(key, _)| key.starts_with("test/payloads/") && token(key).as_str() > after)
                .take(PAGE)
                .collect()
        }
    };
    let mut list = String::from("<?xml version=\"1.0\"?><ListBucketResult>");
    for (key, size) in &keys {
        let date = "2026-11-01T00:00:00.000Z";
        write!(
            list,
            "<Contents><Key>{key}</Key><LastModified>{date}</LastModified><Size>{size}</Size></Contents>"
        )
        .unwrap();
    }
    if keys.len() == PAGE {
        let next = token(&keys[PAGE - 1].0);
        write!(list, "<IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>")
            .unwrap();
    }
    list + "</ListBucketResult>"
}

/// A key's name: it goes through a query as it is, and is in the same order.
fn token(key: &str) -> String {
    key.rsplit('/').next().unwrap().to_owned()
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let head_end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
        // A handshake: it is not spoken here.
        if buffer[0] == TLS_HANDSHAKE {
            return Some(Request { method: "TLS".into(), target: String::new(), body: Vec::new() });
        }
    };
    let head = String::from_utf8(buffer[..head_end].to_vec()).ok()?;
    let mut words = head.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    let end = head_end + length.unwrap_or(0);
    while buffer.len() < end {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = buffer[head_end..end].to_vec();
    buffer.drain(..end);
    Some(Request { method, target, body })
}
