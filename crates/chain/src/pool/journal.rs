//! The pool's journal: a file from which its transactions come back after a restart.
//!
//! The file is the transactions' encodings (EIP-2718) one after the other, each as an RLP byte string, in the order in which
//! the pool took them. It is only ever appended to, and written anew from the pool's content when it has grown to twice
//! what a pool may hold. Nothing in it is believed: what is read goes through all of the pool's checks again, and reading
//! ends at the first byte that cannot be a record, which is how a write that a crash cut short looks.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use alloy_rlp::Header;

use super::PoolConfig;

/// Most bytes an RLP string header takes.
const MAX_HEADER_SIZE_BYTES: usize = 9;
/// First byte of an RLP string of more than 55 bytes, less one; up to here strings are short or single bytes.
const LONG_STRING_OFFSET: u8 = 0xb7;
const SHORT_STRING_OFFSET: u8 = 0x80;
const LIST_OFFSET: u8 = 0xc0;

/// The open journal of a pool.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    size_bytes: u64,
    /// Where the file is written anew.
    max_size_bytes: u64,
}

impl Journal {
    /// Reads what a journal holds, in order: encodings, not yet checked in any way but for their length.
    ///
    /// # Errors
    /// When the file cannot be read. That there is none is no error.
    pub(crate) fn read(path: &Path, config: &PoolConfig) -> io::Result<Vec<Vec<u8>>> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            file => file?,
        };
        let mut reader = BufReader::new(file.take(max_size_bytes(config)));
        let mut transactions = Vec::new();
        while let Some(transaction) = read_record(&mut reader, config.max_transaction_size_bytes)? {
            transactions.push(transaction);
        }
        Ok(transactions)
    }

    /// Starts a journal with this content in place of any that is there.
    ///
    /// # Errors
    /// When the file cannot be written; a journal that was there before stays as it was.
    pub(crate) fn start<'a>(
        path: &Path,
        config: &PoolConfig,
        content: impl Iterator<Item = &'a [u8]>,
    ) -> io::Result<Self> {
        // Under another name first: a crash leaves one of the two whole.
        let unfinished = path.with_extension("new");
        let mut writer = BufWriter::new(File::create(&unfinished)?);
        let mut size_bytes = 0;
        for transaction in content {
            size_bytes += write_record(&mut writer, transaction)?;
        }
        writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&unfinished, path)?;
        let file = OpenOptions::new().append(true).open(path)?;
        Ok(Self { path: path.to_path_buf(), file, size_bytes, max_size_bytes: max_size_bytes(config) })
    }

    /// Adds a transaction. It survives the end of this process at once, and one of the machine when the system has written
    /// it: a pool promises nothing to its senders.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn append(&mut self, transaction: &[u8]) -> io::Result<()> {
        let mut record = Vec::with_capacity(transaction.len() + MAX_HEADER_SIZE_BYTES);
        write_record(&mut record, transaction)?;
        self.file.write_all(&record)?;
        self.size_bytes += record.len() as u64;
        Ok(())
    }

    /// Whether the file has grown so far that it should be written anew.
    pub(crate) fn is_full(&self) -> bool {
        self.size_bytes >= self.max_size_bytes
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Twice what a pool may hold.
const fn max_size_bytes(config: &PoolConfig) -> u64 {
    let overhead = config.max_transactions.saturating_mul(MAX_HEADER_SIZE_BYTES);
    (config.max_size_bytes.saturating_add(overhead) as u64).saturating_mul(2)
}

fn write_record(writer: &mut impl Write, transaction: &[u8]) -> io::Result<u64> {
    let mut header = Vec::with_capacity(MAX_HEADER_SIZE_BYTES);
    Header { list: false, payload_length: transaction.len() }.encode(&mut header);
    writer.write_all(&header)?;
    writer.write_all(transaction)?;
    Ok((header.len() + transaction.len()) as u64)
}

/// The next record; `None` at the end, and at anything that is none.
fn read_record(reader: &mut impl Read, max_size_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let mut first = [0];
    if !fill(reader, &mut first)? {
        return Ok(None);
    }
    let length = match first[0] {
        // No transaction is a single byte, or a list outside a string.
        ..=SHORT_STRING_OFFSET | LIST_OFFSET.. => return Ok(None),
        short @ ..=LONG_STRING_OFFSET => usize::from(short - SHORT_STRING_OFFSET),
        long => {
            let mut digits = [0; size_of::<u64>()];
            let from = digits.len() - usize::from(long - LONG_STRING_OFFSET);
            if !fill(reader, &mut digits[from..])? {
                return Ok(None);
            }
            usize::try_from(u64::from_be_bytes(digits)).unwrap_or(usize::MAX)
        }
    };
    if length > max_size_bytes {
        return Ok(None);
    }
    let mut transaction = vec![0; length];
    Ok(fill(reader, &mut transaction)?.then_some(transaction))
}

/// Reads as many bytes as asked for; whether there were so many.
fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn journal_file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pool.journal");
        (folder, path)
    }

    fn records() -> Vec<Vec<u8>> {
        vec![vec![1; 2], vec![2; 55], vec![3; 56], vec![4; 300], vec![5; 70_000]]
    }

    #[test]
    fn what_was_written_is_read() {
        let (_folder, path) = journal_file();
        let config = PoolConfig::default();
        assert!(Journal::read(&path, &config).unwrap().is_empty());
        let records = records();
        let (first, rest) = records.split_at(2);
        let mut journal = Journal::start(&path, &config, first.iter().map(Vec::as_slice)).unwrap();
        for record in rest {
            journal.append(record).unwrap();
        }
        assert_eq!(Journal::read(&path, &config).unwrap(), records);
        assert_eq!(journal.size_bytes, fs::metadata(&path).unwrap().len());
        drop(Journal::start(&path, &config, first.iter().map(Vec::as_slice)).unwrap());
        assert_eq!(Journal::read(&path, &config).unwrap(), first);
    }

    #[test]
    fn what_a_crash_cut_short_ends_it() {
        let (_folder, path) = journal_file();
        let config = PoolConfig::default();
        let records = records();
        drop(Journal::start(&path, &config, records.iter().map(Vec::as_slice)).unwrap());
        let whole = fs::read(&path).unwrap();
        let cut = whole.len() - 70_000;
        for length in (0..cut).chain([cut + 1, whole.len() - 1]) {
            fs::write(&path, &whole[..length]).unwrap();
            let read = Journal::read(&path, &config).unwrap();
            assert!(read.len() < records.len());
            assert_eq!(read, records[..read.len()]);
        }
    }

    #[test]
    fn too_long_a_record_is_not_allocated() {
        let (_folder, path) = journal_file();
        fs::write(&path, [&[0xbf][..], &[0xff; 100]].concat()).unwrap();
        assert!(Journal::read(&path, &PoolConfig::default()).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_some_end(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let (_folder, path) = journal_file();
            fs::write(&path, &bytes).unwrap();
            let read = Journal::read(&path, &PoolConfig::default()).unwrap();
            prop_assert!(read.iter().map(Vec::len).sum::<usize>() <= bytes.len());
        }
    }
}
