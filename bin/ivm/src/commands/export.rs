//! `ivm export`: blocks of an imported chain, to a file.

use std::{
    fs::File,
    io::{BufWriter, IsTerminal, stderr},
    path::PathBuf,
};

use clap::Args;
use eyre::{Result, WrapErr};
use indicatif::{ProgressBar, ProgressStyle};
use ivm_chain::DataDir;

use super::LogArgs;

/// Arguments of `ivm export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The file to write; one that is there is replaced.
    #[arg(value_name = "FILE.rlp")]
    file: PathBuf,
    /// The folder that the chain was imported into.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Number of the first block.
    #[arg(long, value_name = "N", default_value_t = 1)]
    first: u64,
    /// Number of the last block [default: the newest].
    #[arg(long, value_name = "N")]
    last: Option<u64>,
    #[command(flatten)]
    logs: LogArgs,
}

impl ExportArgs {
    /// Writes the blocks.
    pub(crate) fn run(self) -> Result<()> {
        self.logs.init();
        let chain = DataDir::new(&self.data_dir).open()?;
        let last = self.last.unwrap_or_else(|| chain.head().block.number());
        let file =
            File::create(&self.file).wrap_err_with(|| format!("cannot write {}", self.file.display()))?;
        let bar = if stderr().is_terminal() {
            ProgressBar::new(last.saturating_sub(self.first).saturating_add(1))
        } else {
            ProgressBar::hidden()
        };
        let template = "exporting     [{bar:32}] {pos}/{len} blocks, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        let mut writer = BufWriter::new(file);
        let done = chain
            .export_file(&mut writer, self.first..=last, &mut |progress| bar.set_position(progress.blocks));
        bar.finish_and_clear();
        let done = done.wrap_err_with(|| format!("the export to {} failed", self.file.display()))?;
        writer.get_ref().sync_all()?;
        println!("exported      {} blocks, {} bytes", done.blocks, done.bytes);
        Ok(())
    }
}
