//! `ivm snapshot`: an imported chain without its past, as a file.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use clap::{Args, Subcommand};
use eyre::{Result, WrapErr};
use ivm_chain::DataDir;

/// Bytes read from the file at once, and written.
const BUFFER_BYTES: usize = 1024 * 1024;

/// Arguments of `ivm snapshot`.
#[derive(Debug, Args)]
pub(crate) struct SnapshotCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write the newest state, and the blocks that the next one looks back to.
    Export {
        /// The file to write; one that is there is replaced.
        file: PathBuf,
        /// The folder that the chain was imported into.
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
    },
    /// Begin a chain in an empty folder from such a file, checked to the last byte.
    Import {
        /// The file.
        file: PathBuf,
        /// The chain's genesis file, as geth reads it.
        #[arg(long, value_name = "FILE.json")]
        genesis: PathBuf,
        /// The folder, which is empty or not there.
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
    },
}

impl SnapshotCommand {
    /// Writes or reads the file.
    pub(crate) fn run(self) -> Result<()> {
        match self.action {
            Action::Export { file, data_dir } => export(&file, &data_dir),
            Action::Import { file, genesis, data_dir } => import(&file, &genesis, &data_dir),
        }
    }
}

fn export(path: &Path, data_dir: &Path) -> Result<()> {
    let chain = DataDir::new(data_dir).open()?;
    let file = File::create(path).wrap_err_with(|| format!("cannot write {}", path.display()))?;
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, file);
    let header = chain
        .export_snapshot(&mut writer)
        .wrap_err_with(|| format!("the export to {} failed", path.display()))?;
    writer.flush()?;
    writer.get_ref().sync_all()?;
    let size = writer.get_ref().metadata()?.len();
    println!("exported      block {} {}, {size} bytes", header.block_number, header.block_hash);
    Ok(())
}

fn import(path: &Path, genesis: &Path, data_dir: &Path) -> Result<()> {
    let file = File::open(path).wrap_err_with(|| format!("cannot open {}", path.display()))?;
    let started = Instant::now();
    let reader = BufReader::with_capacity(BUFFER_BYTES, file);
    let chain = DataDir::new(data_dir)
        .create_from_snapshot(genesis, reader)
        .wrap_err_with(|| format!("the import of {} failed", path.display()))?;
    let head = chain.head().block;
    println!(
        "imported      block {} {} in {:.2} s",
        head.number(),
        head.hash(),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}
