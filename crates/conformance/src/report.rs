//! What a run comes to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Failures that a report names; of the rest it has the number.
pub const MAX_FAILURES_KEPT: usize = 1000;

/// Why a test was not run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// Its fields are those of no kind that is known.
    UnknownKind,
    /// It feeds blocks to the Engine API, of which this node has none.
    EngineApi,
    /// It walks a trie's keys in order, which this node never does.
    TrieOrder,
    /// A key of the trie is the beginning of another, which is so in none of Ethereum's tries.
    TriePrefix,
    /// Its state has an account with storage and neither code nor nonce, at whose address nothing can be created by EIP-7610:
    /// revm does not have that rule. No such account can come to be since Spurious Dragon.
    StorageOnlyAccount,
    /// Its transaction is valid at a price per gas of more than 128 bits, which no balance in reality pays and this node
    /// refuses to decode.
    PriceOver128Bits,
    /// It has no signed transaction, only its parts.
    NoSignedTransaction,
    /// It has no encoded genesis block.
    NoGenesis,
    /// Its network is not known here.
    UnknownNetwork(String),
    /// The file is larger than [`MAX_FILE_SIZE_BYTES`](crate::MAX_FILE_SIZE_BYTES).
    OversizedFile,
    /// The folder is deeper than [`MAX_FOLDER_DEPTH`](crate::MAX_FOLDER_DEPTH).
    DeepFolder,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKind => f.write_str("unknown kind of test"),
            Self::EngineApi => f.write_str("needs the Engine API"),
            Self::TrieOrder => f.write_str("walks a trie in order"),
            Self::TriePrefix => f.write_str("a key is the beginning of another"),
            Self::StorageOnlyAccount => f.write_str("EIP-7610: an account with storage alone"),
            Self::PriceOver128Bits => f.write_str("a gas price over 128 bits"),
            Self::NoSignedTransaction => f.write_str("no signed transaction"),
            Self::NoGenesis => f.write_str("no encoded genesis block"),
            Self::UnknownNetwork(name) => write!(f, "unknown network {name}"),
            Self::OversizedFile => write!(f, "file over {} bytes", crate::MAX_FILE_SIZE_BYTES),
            Self::DeepFolder => write!(f, "folder deeper than {}", crate::MAX_FOLDER_DEPTH),
        }
    }
}

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As its vector says.
    Passed,
    /// Otherwise, and how.
    Failed(String),
    /// It was not run.
    Skipped(Skip),
}

impl Outcome {
    /// Passed when there is no complaint.
    pub(crate) fn of(result: Result<(), String>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(complaint) => Self::Failed(complaint),
        }
    }
}

/// A test that was run or skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its file, relative to the folder.
    pub file: PathBuf,
    /// Its name in the file, with fork and index where it has several; empty when it is about the file itself.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// Is told of every test as it ends.
pub trait Sink {
    /// A test ended.
    fn case(&mut self, case: &Case);
}

impl<F: FnMut(&Case)> Sink for F {
    fn case(&mut self, case: &Case) {
        self(case);
    }
}

/// What a run comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were not run, by reason.
    pub skipped: BTreeMap<Skip, u64>,
    /// The first [`MAX_FAILURES_KEPT`] that failed.
    pub failures: Vec<Case>,
}

impl Report {
    /// Tests that were not run, for whatever reason.
    pub fn skipped_total(&self) -> u64 {
        self.skipped.values().sum()
    }

    pub(crate) fn add(&mut self, case: Case) {
        match &case.outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed(_) => {
                self.failed += 1;
                if self.failures.len() < MAX_FAILURES_KEPT {
                    self.failures.push(case);
                }
            }
            Outcome::Skipped(reason) => *self.skipped.entry(reason.clone()).or_default() += 1,
        }
    }
}
