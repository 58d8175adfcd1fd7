//! Runs Ethereum's public test vectors against this node: those of `ethereum/tests` and of execution-spec-tests.
//!
//! [`run_directory`] reads every JSON file below a folder and tells what kind each test in it is by its fields:
//!
//! | kind | what must come out right |
//! | --- | --- |
//! | trie | the root |
//! | RLP | encodings both ways; what is malformed is refused |
//! | transaction | hash, sender and intrinsic gas at every fork, or a refusal |
//! | state | state root and hash of the logs after one transaction, at every fork |
//! | blockchain | every block accepted or refused, the last block's hash, the accounts at the end |
//!
//! A test that cannot be run is skipped with a [`Skip`] reason, and counted. Files are bounded in size and nesting, folders in
//! depth; nothing in a file makes a run fail but by name.

#![forbid(unsafe_code)]

mod blockchain;
mod files;
mod hex;
mod network;
mod report;
mod rlp;
mod run;
mod state;
mod transaction;
mod trie;

pub use files::{DirectoryError, MAX_FILE_SIZE_BYTES, MAX_FOLDER_DEPTH};
pub use network::{Network, NetworkError};
pub use report::{Case, MAX_FAILURES_KEPT, Outcome, Report, Sink, Skip};
pub use run::run_directory;
