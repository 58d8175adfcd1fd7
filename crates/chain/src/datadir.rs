//! The folder of an Ethereum chain: its genesis file, and its data.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use alloy_primitives::B256;

use crate::chain::Chain;
use crate::config::{ChainConfig, Storage};
use crate::error::ChainError;
use crate::genesis::GenesisError;

/// Most bytes of a genesis file: enough for some millions of accounts.
pub const MAX_GENESIS_SIZE_BYTES: u64 = 512 * 1024 * 1024;

/// The genesis file in a data folder.
const GENESIS_FILE: &str = "genesis.json";
/// The genesis file while it is written.
const NEW_GENESIS_FILE: &str = "genesis.json.new";
/// The chain's data in a data folder.
const CHAIN_FOLDER: &str = "chain";

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A genesis file is too large.
    #[error("{path} is over {limit} bytes")]
    OversizedGenesis {
        /// The file.
        path: PathBuf,
        /// Greatest length, in bytes.
        limit: u64,
    },
    /// A genesis file is not one.
    #[error("{path} is not a genesis file: {source}")]
    NotAGenesis {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A genesis file describes no chain.
    #[error("{path}: {source}")]
    Genesis {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: GenesisError,
    },
    /// The folder has no chain in it, and none was described.
    #[error("{path} holds no Ethereum chain: import one with its genesis file first")]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds something else.
    #[error(
        "{path} holds the data of something else: expected an empty folder, or one that has {GENESIS_FILE}"
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds another chain.
    #[error("{path} holds the chain with genesis {got}, expected {expected}")]
    OtherChain {
        /// The folder.
        path: PathBuf,
        /// Genesis hash of its chain.
        got: B256,
        /// Genesis hash of the chain that was described.
        expected: B256,
    },
    /// The folder holds a chain with this genesis block but other rules.
    #[error("{path} holds this chain with another fork schedule or chain id than the genesis file has")]
    OtherRules {
        /// The folder.
        path: PathBuf,
    },
    /// The chain does not open.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// An Ethereum chain's data folder. It keeps the genesis file it was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// The folder at this path. Nothing is looked at.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Opens the chain in the folder.
    ///
    /// # Errors
    /// When there is none, or it does not open.
    pub fn open(&self) -> Result<Chain, DataDirError> {
        let file = self.path.join(GENESIS_FILE);
        if !file.try_exists().map_err(failed(&file))? {
            return Err(DataDirError::Empty { path: self.path.clone() });
        }
        let (config, _) = read_genesis(&file)?;
        Ok(Chain::open(config, Storage::Path(self.path.join(CHAIN_FOLDER)))?)
    }

    /// Opens the chain that this genesis file describes, and begins it when the folder is empty or not there.
    ///
    /// # Errors
    /// When the folder holds another chain or something else, or the chain does not open.
    pub fn open_or_create(&self, genesis: &Path) -> Result<Chain, DataDirError> {
        let (config, text) = read_genesis(genesis)?;
        let kept = self.path.join(GENESIS_FILE);
        if kept.try_exists().map_err(failed(&kept))? {
            self.check_same(&config, &read_genesis(&kept)?.0)?;
        } else {
            self.check_empty()?;
            self.keep_genesis(&text)?;
        }
        Ok(Chain::open(config, Storage::Path(self.path.join(CHAIN_FOLDER)))?)
    }

    /// Begins the chain that this genesis file describes with the state of a snapshot, in a folder that is empty or not there.
    ///
    /// # Errors
    /// When the folder holds anything, or the snapshot is damaged or another chain's. The folder is then of no use.
    pub fn create_from_snapshot(&self, genesis: &Path, snapshot: impl Read) -> Result<Chain, DataDirError> {
        let (config, text) = read_genesis(genesis)?;
        self.check_empty()?;
        self.keep_genesis(&text)?;
        let storage = Storage::Path(self.path.join(CHAIN_FOLDER));
        Ok(Chain::import_snapshot(config, &storage, snapshot)?)
    }

    fn check_same(&self, described: &ChainConfig, kept: &ChainConfig) -> Result<(), DataDirError> {
        let path = self.path.clone();
        let (got, expected) = (kept.genesis_header().hash_slow(), described.genesis_header().hash_slow());
        if got != expected {
            return Err(DataDirError::OtherChain { path, got, expected });
        }
        if (kept.chain_id, &kept.rules) != (described.chain_id, &described.rules) {
            return Err(DataDirError::OtherRules { path });
        }
        Ok(())
    }

    /// Nothing but a genesis file that was not written to its end is in the folder.
    fn check_empty(&self) -> Result<(), DataDirError> {
        fs::create_dir_all(&self.path).map_err(failed(&self.path))?;
        for entry in fs::read_dir(&self.path).map_err(failed(&self.path))? {
            if entry.map_err(failed(&self.path))?.file_name() != NEW_GENESIS_FILE {
                return Err(DataDirError::NotOurs { path: self.path.clone() });
            }
        }
        Ok(())
    }

    /// Writes the genesis file so that it is there whole or not at all, before any data is.
    fn keep_genesis(&self, text: &[u8]) -> Result<(), DataDirError> {
        let (new, kept) = (self.path.join(NEW_GENESIS_FILE), self.path.join(GENESIS_FILE));
        let mut file = File::create(&new).map_err(failed(&new))?;
        file.write_all(text).map_err(failed(&new))?;
        file.sync_all().map_err(failed(&new))?;
        fs::rename(&new, &kept).map_err(failed(&kept))?;
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(failed(&self.path))
    }
}

/// Reads a genesis file: the chain it describes, and its text.
fn read_genesis(path: &Path) -> Result<(ChainConfig, Vec<u8>), DataDirError> {
    let file = File::open(path).map_err(failed(path))?;
    let mut text = Vec::new();
    file.take(MAX_GENESIS_SIZE_BYTES + 1).read_to_end(&mut text).map_err(failed(path))?;
    if text.len() as u64 > MAX_GENESIS_SIZE_BYTES {
        return Err(DataDirError::OversizedGenesis { path: path.to_owned(), limit: MAX_GENESIS_SIZE_BYTES });
    }
    let genesis = serde_json::from_slice(&text)
        .map_err(|source| DataDirError::NotAGenesis { path: path.to_owned(), source })?;
    let config = ChainConfig::ethereum(genesis)
        .map_err(|source| DataDirError::Genesis { path: path.to_owned(), source })?;
    Ok((config, text))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> DataDirError {
    move |source| DataDirError::File { path: path.to_owned(), source }
}
