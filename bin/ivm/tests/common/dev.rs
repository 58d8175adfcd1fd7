//! A development node as a process of its own.
#![allow(dead_code, reason = "each test file uses a part")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// A process that does not outlive its test.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Kills it and waits for its end.
    pub(crate) fn kill(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A node and where it serves.
pub(crate) struct Dev {
    pub(crate) process: Running,
    pub(crate) rpc: String,
    pub(crate) settlement_rpc: String,
}

impl Dev {
    /// Starts `ivm dev` with one worker on free ports, and waits until it serves.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_ivm"))
            .args(["dev", "--http-port", "0", "--quiet", "--workers", "1"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("ivm starts");
        let (mut rpc, mut settlement_rpc) = (None, None);
        let output = process.stdout.take().expect("it is piped");
        // To the last line: the node would fail at printing to a pipe that nobody reads.
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("JSON-RPC"), Some(address)) => rpc = Some(address.to_owned()),
                (Some("Settlement"), Some(address)) => settlement_rpc = Some(address.to_owned()),
                (Some("WebSocket"), _) => break,
                _ => {}
            }
        }
        Self {
            process: Running(process),
            rpc: rpc.expect("ivm dev prints where it serves"),
            settlement_rpc: settlement_rpc.expect("ivm dev prints where it serves the settlement chain"),
        }
    }
}
