//! Running all there is below a folder.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde_json::Value;

use crate::files::{self, DirectoryError, FileError, Found};
use crate::report::{Case, Outcome, Report, Sink, Skip};
use crate::trie::Keys;
use crate::{blockchain, rlp, state, transaction, trie};

/// Runs every vector in the JSON files below a folder (or in one file), by name, and tells `sink` of each as it ends.
///
/// # Errors
/// When the folder cannot be read. A file that cannot be is a test that failed.
pub fn run_directory(path: &Path, sink: &mut dyn Sink) -> Result<Report, DirectoryError> {
    let mut report = Report::default();
    for found in files::find(path)? {
        let file = found.path().strip_prefix(path).unwrap_or(found.path());
        let file = if file.as_os_str().is_empty() { found.path() } else { file };
        let mut tell = |name: String, outcome: Outcome| {
            let case = Case { file: file.to_owned(), name, outcome };
            sink.case(&case);
            report.add(case);
        };
        match found {
            Found::TooDeep(_) => tell(String::new(), Outcome::Skipped(Skip::DeepFolder)),
            Found::File(ref path) => run_file(path, &mut tell),
        }
    }
    Ok(report)
}

fn run_file(path: &Path, tell: &mut dyn FnMut(String, Outcome)) {
    let tests = match files::read(path) {
        Ok(Value::Object(tests)) => tests,
        Ok(_) => return tell(String::new(), Outcome::Skipped(Skip::UnknownKind)),
        Err(FileError::Oversized) => return tell(String::new(), Outcome::Skipped(Skip::OversizedFile)),
        Err(FileError::Unreadable(reason)) => return tell(String::new(), Outcome::Failed(reason)),
    };
    let file_name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let keys = if file_name.contains("secure") { Keys::Hashed } else { Keys::Plain };
    // Some files begin with a word about themselves.
    for (name, test) in tests.into_iter().filter(|(name, _)| !name.starts_with('_')) {
        // A panic is a fault of the node, and of this test alone.
        let outcomes = catch_unwind(AssertUnwindSafe(|| run_test(test, keys)))
            .unwrap_or_else(|_| vec![(String::new(), Outcome::Failed("the node panicked".into()))]);
        for (part, outcome) in outcomes {
            let name = if part.is_empty() { name.clone() } else { format!("{name}/{part}") };
            tell(name, outcome);
        }
    }
}

fn run_test(test: Value, keys: Keys) -> Vec<(String, Outcome)> {
    let has = |field: &str| test.get(field).is_some();
    let single = |outcome| vec![(String::new(), outcome)];
    if has("engineNewPayloads") {
        single(Outcome::Skipped(Skip::EngineApi))
    } else if has("blocks") && has("genesisBlockHeader") {
        single(blockchain::run(test))
    } else if has("transaction") && has("post") && has("pre") {
        state::run(test)
    } else if has("txbytes") && has("result") {
        transaction::run(test)
    } else if has("in") && has("root") {
        single(trie::run(test, keys))
    } else if has("in") && has("tests") {
        single(Outcome::Skipped(Skip::TrieOrder))
    } else if has("in") && has("out") {
        single(rlp::run(test))
    } else {
        single(Outcome::Skipped(Skip::UnknownKind))
    }
}
