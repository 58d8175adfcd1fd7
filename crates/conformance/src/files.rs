//! Finding and reading files of vectors.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Most bytes of a file of vectors: the largest that are published are under a fifth of it.
pub const MAX_FILE_SIZE_BYTES: u64 = 256 * 1024 * 1024;
/// Most folders within folders.
pub const MAX_FOLDER_DEPTH: usize = 32;

/// The folder itself cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {source}")]
pub struct DirectoryError {
    /// The folder.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// What is found below a folder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A file of vectors.
    File(PathBuf),
    /// A folder that was not entered.
    TooDeep(PathBuf),
}

/// The JSON files below a folder, by name. Links are not followed.
pub(crate) fn find(root: &Path) -> Result<Vec<Found>, DirectoryError> {
    let mut found = Vec::new();
    if fs::symlink_metadata(root).is_ok_and(|metadata| metadata.is_file()) {
        return Ok(vec![Found::File(root.to_owned())]);
    }
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let failed = |source| DirectoryError { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            if kind.is_dir() && depth < MAX_FOLDER_DEPTH {
                folders.push((path, depth + 1));
            } else if kind.is_dir() {
                found.push(Found::TooDeep(path));
            } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "json") {
                found.push(Found::File(path));
            }
        }
    }
    found.sort_by(|left, right| left.path().cmp(right.path()));
    Ok(found)
}

impl Found {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::TooDeep(path) => path,
        }
    }
}

/// Why a file gives no tests.
#[derive(Debug)]
pub(crate) enum FileError {
    Oversized,
    Unreadable(String),
}

/// Reads a file of vectors. The parser refuses what is nested more than 128 deep.
pub(crate) fn read(path: &Path) -> Result<Value, FileError> {
    let unreadable = |error: io::Error| FileError::Unreadable(error.to_string());
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut text = Vec::new();
    // One byte more than allowed tells a file that is too large, or that grows as it is read.
    file.take(MAX_FILE_SIZE_BYTES + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_SIZE_BYTES {
        return Err(FileError::Oversized);
    }
    serde_json::from_slice(&text).map_err(|error| FileError::Unreadable(error.to_string()))
}
