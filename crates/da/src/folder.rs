//! A folder of files named by hash.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, Bytes, hex, keccak256};
use tempfile::NamedTempFile;

use crate::{DaError, MAX_PAYLOAD_SIZE_BYTES};

/// How names of files begin that are not finished.
const UNFINISHED_PREFIX: &str = ".tmp-";

#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// A payload that is on the disk, but not under its name yet. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct Unnamed(NamedTempFile);

fn at(path: &Path) -> impl FnOnce(io::Error) -> DaError {
    let path = path.to_owned();
    move |source| DaError::Io { path, source }
}

impl Folder {
    /// Opens a folder, which is made when it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self, DaError> {
        fs::create_dir_all(path).map_err(at(path))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Removes what was not finished, and lists what was, in order. No other process may write to the folder.
    pub(crate) fn clean_and_list(&self) -> Result<Vec<B256>, DaError> {
        let mut hashes = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(at(&self.path))? {
            let entry = entry.map_err(at(&self.path))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(UNFINISHED_PREFIX) {
                fs::remove_file(entry.path()).map_err(at(&entry.path()))?;
            } else if let Some(hash) = hash_of_name(&name) {
                hashes.push(hash);
            }
        }
        hashes.sort_unstable();
        Ok(hashes)
    }

    fn file_of(&self, hash: B256) -> PathBuf {
        self.path.join(hex::encode(hash))
    }

    /// Size of a payload's file, in bytes.
    pub(crate) fn size_bytes_of(&self, hash: B256) -> Result<u64, DaError> {
        let path = self.file_of(hash);
        Ok(fs::metadata(&path).map_err(at(&path))?.len())
    }

    /// Writes a payload so that it can be named.
    pub(crate) fn write(&self, payload: &Bytes) -> Result<Unnamed, DaError> {
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED_PREFIX)
            .tempfile_in(&self.path)
            .map_err(at(&self.path))?;
        file.write_all(payload).map_err(at(file.path()))?;
        file.as_file().sync_all().map_err(at(file.path()))?;
        Ok(Unnamed(file))
    }

    /// Gives a payload its name. It survives a crash from then on.
    pub(crate) fn name(&self, payload: Unnamed, hash: B256) -> Result<(), DaError> {
        let file = self.file_of(hash);
        payload.0.persist(&file).map_err(|error| at(&file)(error.error))?;
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(at(&self.path))
    }

    /// Removes a payload; one that is not there is removed already.
    pub(crate) fn remove(&self, hash: B256) -> Result<(), DaError> {
        let path = self.file_of(hash);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&path)(error)),
            _ => Ok(()),
        }
    }

    pub(crate) fn get(&self, hash: B256) -> Result<Option<Bytes>, DaError> {
        let path = self.file_of(hash);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(&path)(error)),
        };
        let mut payload = Vec::new();
        // One byte more than allowed, so that an overlong file is seen as damaged without reading all of it.
        file.take(MAX_PAYLOAD_SIZE_BYTES as u64 + 1).read_to_end(&mut payload).map_err(at(&path))?;
        let got = keccak256(&payload);
        if got != hash {
            return Err(DaError::Damaged { path, got, expected: hash });
        }
        Ok(Some(payload.into()))
    }
}

/// The hash that a file or an object is named by: 64 lower-case hexadecimal digits.
pub(crate) fn hash_of_name(name: &str) -> Option<B256> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if name.len() != 64 || !name.bytes().all(is_digit) {
        return None;
    }
    hex::decode_to_array(name).ok().map(B256::new)
}
