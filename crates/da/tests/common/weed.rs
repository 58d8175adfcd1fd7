//! A real S3 service: SeaweedFS, as `scripts/seaweedfs` installs it.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use alloy_primitives::{B256, hex};

use super::{ACCESS_KEY, PATIENCE, SECRET_KEY};

/// Attempts at starting: between finding free ports and taking them, somebody else may take one.
const ATTEMPTS: usize = 3;

/// What the services listen on, in the order of [`Weed::command`].
type Ports = [u16; 8];

/// A running server; killed when dropped.
pub struct Weed {
    binary: PathBuf,
    folder: tempfile::TempDir,
    ports: Ports,
    child: Option<Child>,
    more: Vec<String>,
    scheme: &'static str,
}

impl Drop for Weed {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where the server is that `IVM_WEED` names. Without it tests are skipped, but not in CI.
pub fn binary() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("IVM_WEED") {
        return Some(path.into());
    }
    assert!(std::env::var_os("CI").is_none(), "IVM_WEED is not set: export IVM_WEED=$(scripts/seaweedfs)");
    eprintln!("skipped: IVM_WEED is not set: export IVM_WEED=$(scripts/seaweedfs)");
    None
}

impl Weed {
    /// Starts a server that has a bucket, with more options.
    pub fn start(binary: PathBuf, more: &[&str]) -> Self {
        Self::start_at("http", binary, more)
    }

    /// Starts one that speaks TLS and nothing else to those who want S3, with a certificate and its key in PEM.
    pub fn start_encrypted(binary: PathBuf, certificate: &Path, key: &Path) -> Self {
        let option = |name: &str, file: &Path| format!("-s3.{name}.file={}", file.display());
        let more = [option("cert", certificate), option("key", key)];
        Self::start_at("https", binary, &more.each_ref().map(String::as_str))
    }

    fn start_at(scheme: &'static str, binary: PathBuf, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = format!(
            r#"{{"identities":[{{"name":"ivm","actions":["Admin","Read","Write","List"],"credentials":[{{"accessKey":"{ACCESS_KEY}","secretKey":"{SECRET_KEY}"}}]}}]}}"#
        );
        std::fs::write(folder.path().join("s3.json"), identity).unwrap();
        let more = more.iter().map(|&option| option.to_owned()).collect();
        let mut weed = Self { binary, folder, ports: [0; 8], child: None, more, scheme };
        for _ in 0..ATTEMPTS {
            weed.ports = free_ports();
            weed.child = Some(weed.command().spawn().unwrap());
            if weed.wait() {
                // A bucket is a folder of its file system.
                let answer = http(weed.ports[4], "POST /buckets/bucket/", &[]);
                assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
                return weed;
            }
            weed.stop();
        }
        panic!("SeaweedFS did not start");
    }

    fn command(&self) -> Command {
        let folder = self.folder.path();
        let names = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc"];
        let names = names.into_iter().chain(["filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc"]);
        let mut command = Command::new(&self.binary);
        command.arg("server").arg(format!("-dir={}", folder.display()));
        command.args(names.zip(self.ports).map(|(name, port)| format!("-{name}={port}")));
        command.arg(format!("-s3.config={}", folder.join("s3.json").display()));
        command.args([
            "-s3",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ]);
        command.args(["-s3.iam=false", "-s3.autoCreateBucket=false", "-master.telemetry=false"]);
        command.args(["-master.volumeSizeLimitMB=64", "-volume.max=20", "-volume.preStopSeconds=0"]);
        command.args(&self.more).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Waits until it answers; returns whether it does.
    fn wait(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let child = self.child.as_mut().unwrap();
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            // The S3 service begins last, when the others answer; the file system answers when it can be written to.
            let answers = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
            if answers(self.ports[4]) && answers(self.ports[6]) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    pub fn endpoint(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.ports[6])
    }

    /// Puts bytes under a payload's key past S3, whatever they are.
    pub fn put_raw(&self, hash: B256, bytes: &[u8]) {
        let file = format!("PUT /buckets/bucket/test/payloads/{}", hex::encode(hash));
        let answer = http(self.ports[4], &file, bytes);
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }

    /// Kills it. What it has on the disk stays.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again after [`Self::stop`], with what it has on the disk.
    pub fn restart(&mut self) {
        self.child = Some(self.command().spawn().unwrap());
        assert!(self.wait(), "SeaweedFS did not start again");
    }
}

/// Ports that nobody listens on now.
fn free_ports() -> Ports {
    let listeners = [(); 8].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn http(port: u16, request: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
