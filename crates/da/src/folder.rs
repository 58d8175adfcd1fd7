//! A folder of files named by hash.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, Bytes, hex, keccak256};
use parking_lot::Mutex;

use crate::{DaError, MAX_PAYLOAD_SIZE_BYTES, room};

/// How names of files begin that are not finished.
const UNFINISHED_PREFIX: &str = ".tmp-";

#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Bytes held; locked while a file is added.
    size_bytes: Mutex<u64>,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DaError {
    let path = path.to_owned();
    move |source| DaError::Io { path, source }
}

impl Folder {
    pub(crate) fn open(path: &Path) -> Result<Self, DaError> {
        fs::create_dir_all(path).map_err(at(path))?;
        let mut size_bytes = 0;
        for entry in fs::read_dir(path).map_err(at(path))? {
            let entry = entry.map_err(at(path))?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED_PREFIX) {
                fs::remove_file(entry.path()).map_err(at(&entry.path()))?;
            } else {
                size_bytes += entry.metadata().map_err(at(&entry.path()))?.len();
            }
        }
        Ok(Self { path: path.to_owned(), size_bytes: Mutex::new(size_bytes) })
    }

    fn file_of(&self, hash: B256) -> PathBuf {
        self.path.join(hex::encode(hash))
    }

    pub(crate) fn put(&self, hash: B256, payload: &Bytes, limit_bytes: u64) -> Result<(), DaError> {
        let file = self.file_of(hash);
        let mut size_bytes = self.size_bytes.lock();
        if file.exists() {
            return Ok(());
        }
        let size_after = room(*size_bytes, payload.len(), limit_bytes)?;
        let mut unfinished = tempfile::Builder::new()
            .prefix(UNFINISHED_PREFIX)
            .tempfile_in(&self.path)
            .map_err(at(&self.path))?;
        unfinished.write_all(payload).map_err(at(&file))?;
        unfinished.as_file().sync_all().map_err(at(&file))?;
        unfinished.persist(&file).map_err(|error| at(&file)(error.error))?;
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(at(&self.path))?;
        *size_bytes = size_after;
        Ok(())
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

    pub(crate) fn size_bytes(&self) -> u64 {
        *self.size_bytes.lock()
    }
}
