//! Blocks that a proposer signed, on disk: what keeps it from signing two on one parent, over crashes too.
//!
//! A block is written durably before its signature leaves. As long as it may still be ordered it is kept whole: when its
//! parent is the tip again, it is offered again, and no other is signed there. One that was ordered can be forgotten: its
//! parent is the tip again only when the block was invalidated, which has jailed its proposer.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use alloy_consensus::{Block, TxEnvelope};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};

/// Largest file that is read, in bytes.
const MAX_FILE_SIZE_BYTES: u64 = 64 * 1024 * 1024;

/// Most blocks that were signed and not ordered: each lost a race against another proposer's.
const MAX_BLOCKS: usize = 1024;

/// Why a signed block cannot be kept or had.
#[derive(Debug, thiserror::Error)]
pub enum SignedBlocksError {
    /// Another proposer works with the folder.
    #[error("{} is used by another proposer: two with one key are slashed for equivocation", .0.display())]
    InUse(PathBuf),
    /// The folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// Why it fails.
        source: io::Error,
    },
    /// A file is not what was written.
    #[error("{} is damaged: {reason}; no block can be signed in its place", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another block was signed on the same parent.
    #[error("block {signed} was signed on parent {parent}: signing {got} too would be an equivocation")]
    Equivocation {
        /// The parent.
        parent: B256,
        /// The block that was signed.
        signed: B256,
        /// The one that is not signed.
        got: B256,
    },
    /// Too many wait.
    #[error("{MAX_BLOCKS} blocks were signed and not ordered: none is signed before some are final")]
    Full,
}

/// A block with its proposer's signature.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct SignedBlock {
    /// Signature of the header: r, s, v.
    pub signature: Bytes,
    /// The block, RLP.
    pub block: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    number: u64,
    hash: B256,
}

/// The folder of a proposer's signed blocks. One process has it at a time.
#[derive(Debug)]
pub struct SignedBlocks {
    folder: PathBuf,
    /// By their parents.
    entries: BTreeMap<B256, Entry>,
    _lock: File,
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> SignedBlocksError + '_ {
    move |source| SignedBlocksError::Io { path: path.into(), source }
}

impl SignedBlocks {
    /// Opens a folder; makes it when there is none.
    ///
    /// # Errors
    /// [`SignedBlocksError`], also when another process has it.
    pub fn open(folder: &Path) -> Result<Self, SignedBlocksError> {
        fs::create_dir_all(folder).map_err(io_error(folder))?;
        let path = folder.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(io_error(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SignedBlocksError::InUse(folder.into())),
            Err(TryLockError::Error(error)) => return Err(io_error(&path)(error)),
        }
        let mut entries = BTreeMap::new();
        for file in fs::read_dir(folder).map_err(io_error(folder))? {
            let name = file.map_err(io_error(folder))?.file_name();
            let Some((parent, entry)) = name.to_str().and_then(read_name) else { continue };
            if let Some(other) = entries.insert(parent, entry) {
                let reason = format!("it has blocks {} and {} on parent {parent}", other.hash, entry.hash);
                return Err(SignedBlocksError::Damaged { path: folder.into(), reason });
            }
        }
        Ok(Self { folder: folder.into(), entries, _lock: lock })
    }

    /// The block that was signed on a parent.
    ///
    /// # Errors
    /// [`SignedBlocksError`] when there is one that cannot be had: none may be signed then.
    pub fn on_parent(&self, parent: B256) -> Result<Option<SignedBlock>, SignedBlocksError> {
        let Some(entry) = self.entries.get(&parent) else { return Ok(None) };
        let path = self.path(parent, entry);
        let damaged = |reason: String| SignedBlocksError::Damaged { path: path.clone(), reason };
        let size_bytes = fs::metadata(&path).map_err(io_error(&path))?.len();
        if size_bytes > MAX_FILE_SIZE_BYTES {
            return Err(damaged(format!("{size_bytes} bytes, the limit is {MAX_FILE_SIZE_BYTES}")));
        }
        let bytes = fs::read(&path).map_err(io_error(&path))?;
        let signed: SignedBlock =
            alloy_rlp::decode_exact(&bytes).map_err(|error| damaged(error.to_string()))?;
        let block = Block::<TxEnvelope>::decode(&mut &signed.block[..])
            .map_err(|error| damaged(error.to_string()))?;
        let got = block.header.hash_slow();
        if got != entry.hash {
            return Err(damaged(format!("it holds block {got}, expected {}", entry.hash)));
        }
        Ok(Some(signed))
    }

    /// Keeps a block, durably, before its signature is shown to anybody.
    ///
    /// # Errors
    /// [`SignedBlocksError`]: then the signature must not be shown.
    pub fn keep(&mut self, block: &Block<TxEnvelope>, signed: &SignedBlock) -> Result<(), SignedBlocksError> {
        let (parent, number, hash) =
            (block.header.parent_hash, block.header.number, block.header.hash_slow());
        match self.entries.get(&parent) {
            Some(entry) if entry.hash == hash => return Ok(()),
            Some(entry) => {
                return Err(SignedBlocksError::Equivocation { parent, signed: entry.hash, got: hash });
            }
            None if self.entries.len() >= MAX_BLOCKS => return Err(SignedBlocksError::Full),
            None => {}
        }
        let entry = Entry { number, hash };
        let path = self.path(parent, &entry);
        let unfinished = self.folder.join("unfinished");
        let mut file = File::create(&unfinished).map_err(io_error(&unfinished))?;
        file.write_all(&alloy_rlp::encode(signed)).map_err(io_error(&unfinished))?;
        file.sync_all().map_err(io_error(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(io_error(&path))?;
        // From here on it may be found after a restart: it stands, whether or not it is durable yet.
        self.entries.insert(parent, entry);
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(io_error(&self.folder))
    }

    /// Blocks that are kept: number and hash.
    pub fn blocks(&self) -> impl Iterator<Item = (u64, B256)> + '_ {
        self.entries.values().map(|entry| (entry.number, entry.hash))
    }

    /// Forgets blocks: those that were ordered, and those that no longer can be.
    ///
    /// # Errors
    /// [`SignedBlocksError::Io`].
    pub fn forget(&mut self, is_over: impl Fn(u64, B256) -> bool) -> Result<(), SignedBlocksError> {
        let over = self.entries.iter().filter(|(_, entry)| is_over(entry.number, entry.hash));
        let over: Vec<(B256, Entry)> = over.map(|(parent, entry)| (*parent, *entry)).collect();
        for (parent, entry) in over {
            let path = self.path(parent, &entry);
            fs::remove_file(&path).map_err(io_error(&path))?;
            self.entries.remove(&parent);
        }
        Ok(())
    }

    fn path(&self, parent: B256, entry: &Entry) -> PathBuf {
        self.folder.join(format!("{:020}-{parent:x}-{:x}.block", entry.number, entry.hash))
    }
}

/// Parent and entry by a file's name; `None` when the file is none of these.
fn read_name(name: &str) -> Option<(B256, Entry)> {
    let mut parts = name.strip_suffix(".block")?.split('-');
    let (number, parent, hash) = (parts.next()?, parts.next()?, parts.next()?);
    let entry = Entry { number: number.parse().ok()?, hash: hash.parse().ok()? };
    Some((parent.parse().ok()?, entry))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use alloy_consensus::Header;

    use super::*;

    fn block(number: u64, parent: u8, gas_used: u64) -> Block<TxEnvelope> {
        let header =
            Header { number, parent_hash: B256::repeat_byte(parent), gas_used, ..Default::default() };
        Block { header, body: Default::default() }
    }

    fn signed(block: &Block<TxEnvelope>) -> SignedBlock {
        SignedBlock { signature: Bytes::from_static(&[7; 65]), block: alloy_rlp::encode(block).into() }
    }

    fn keep(blocks: &mut SignedBlocks, block: &Block<TxEnvelope>) -> Result<(), SignedBlocksError> {
        blocks.keep(block, &signed(block))
    }

    #[test]
    fn no_second_block_is_signed_on_a_parent_after_a_restart_either() {
        let folder = tempfile::tempdir().unwrap();
        let mut blocks = SignedBlocks::open(folder.path()).unwrap();
        let (one, other) = (block(5, 1, 0), block(5, 1, 1));
        keep(&mut blocks, &one).unwrap();
        keep(&mut blocks, &one).unwrap();
        keep(&mut blocks, &block(6, 2, 0)).unwrap();
        assert!(matches!(keep(&mut blocks, &other), Err(SignedBlocksError::Equivocation { .. })));
        drop(blocks);
        let mut blocks = SignedBlocks::open(folder.path()).unwrap();
        assert_eq!(blocks.on_parent(B256::repeat_byte(1)).unwrap(), Some(signed(&one)));
        assert_eq!(blocks.on_parent(B256::repeat_byte(9)).unwrap(), None);
        assert!(matches!(keep(&mut blocks, &other), Err(SignedBlocksError::Equivocation { .. })));
        blocks.forget(|number, _| number <= 5).unwrap();
        assert_eq!(blocks.blocks().count(), 1);
        keep(&mut blocks, &other).unwrap();
    }

    #[test]
    fn a_folder_has_one_proposer() {
        let folder = tempfile::tempdir().unwrap();
        let _one = SignedBlocks::open(folder.path()).unwrap();
        assert!(matches!(SignedBlocks::open(folder.path()), Err(SignedBlocksError::InUse(_))));
    }

    #[test]
    fn a_damaged_file_stands_for_a_block_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let one = block(5, 1, 0);
        keep(&mut SignedBlocks::open(folder.path()).unwrap(), &one).unwrap();
        let file = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        let file = file.into_iter().find(|path| path.extension().is_some()).unwrap();
        for bytes in [&b""[..], b"\xc0", &[0xff; 100]] {
            fs::write(&file, bytes).unwrap();
            let mut blocks = SignedBlocks::open(folder.path()).unwrap();
            let error = blocks.on_parent(B256::repeat_byte(1)).unwrap_err();
            assert!(matches!(error, SignedBlocksError::Damaged { .. }), "{error}");
            assert!(keep(&mut blocks, &block(5, 1, 1)).is_err());
        }
        // Two on one parent are for people to look at.
        fs::write(
            folder.path().join(format!("{:020}-{:x}-{:x}.block", 5, B256::repeat_byte(1), B256::ZERO)),
            b"",
        )
        .unwrap();
        assert!(matches!(SignedBlocks::open(folder.path()), Err(SignedBlocksError::Damaged { .. })));
        fs::remove_file(folder.path().join(format!(
            "{:020}-{:x}-{:x}.block",
            5,
            B256::repeat_byte(1),
            B256::ZERO
        )))
        .unwrap();
        // Half a file that a crash left under its working name is none.
        fs::write(folder.path().join("unfinished"), b"half").unwrap();
        assert_eq!(SignedBlocks::open(folder.path()).unwrap().blocks().count(), 1);
    }

    #[test]
    fn blocks_that_wait_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let mut blocks = SignedBlocks::open(folder.path()).unwrap();
        for number in 0..MAX_BLOCKS as u64 {
            blocks
                .entries
                .insert(B256::from(alloy_primitives::U256::from(number)), Entry { number, hash: B256::ZERO });
        }
        assert!(matches!(keep(&mut blocks, &block(9, 0xee, 0)), Err(SignedBlocksError::Full)));
    }
}
