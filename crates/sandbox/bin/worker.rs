//! A worker process alone.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).and_then(|argument| argument.parse().ok()) {
        Some(node_process_id) => ivm_sandbox::worker_main(node_process_id),
        None => {
            eprintln!("error: expected the node's process id; workers are started by a node");
            ExitCode::FAILURE
        }
    }
}
