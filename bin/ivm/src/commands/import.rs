//! `ivm import`: blocks of an Ethereum chain, from a file.

use std::{
    fs::File,
    io::{BufReader, IsTerminal, stderr},
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use eyre::{Result, WrapErr};
use indicatif::{ProgressBar, ProgressStyle};
use ivm_chain::{DataDir, ImportProgress};

use super::LogArgs;

/// Bytes read from the file at once.
const READ_BUFFER_BYTES: usize = 1024 * 1024;

/// How often a line is printed where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Arguments of `ivm import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Blocks in RLP, one after another, as geth exports them.
    #[arg(value_name = "FILE.rlp")]
    file: PathBuf,
    /// The chain's genesis file, as geth reads it.
    #[arg(long, value_name = "FILE.json")]
    genesis: PathBuf,
    /// Keep the chain in this folder; one that has it already is continued.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    logs: LogArgs,
}

impl ImportArgs {
    /// Imports until the file ends, or a block is not valid.
    pub(crate) fn run(self) -> Result<()> {
        self.logs.init();
        let opened = || format!("cannot open {}", self.file.display());
        let file = File::open(&self.file).wrap_err_with(opened)?;
        let length = file.metadata().wrap_err_with(opened)?.len();
        let chain = DataDir::new(&self.data_dir).open_or_create(&self.genesis)?;

        let start = Instant::now();
        let mut shown = Shown::new(length, start);
        let mut last = ImportProgress::default();
        let reader = BufReader::with_capacity(READ_BUFFER_BYTES, file);
        let result = chain.import_file(reader, &mut |progress| {
            last = *progress;
            shown.update(progress);
        });
        shown.finish();
        println!("{}", summary(&last, start.elapsed()));
        let head = chain.head().block;
        println!("head          block {} {}", head.number(), head.hash());
        result.wrap_err_with(|| format!("the import of {} ended early", self.file.display()))?;
        Ok(())
    }
}

fn summary(progress: &ImportProgress, elapsed: Duration) -> String {
    let ImportProgress { imported_blocks, known_blocks, transactions, gas, .. } = progress;
    let seconds = elapsed.as_secs_f64();
    let mut line = format!(
        "imported      {imported_blocks} blocks, {transactions} transactions, {:.1} Mgas in {seconds:.2} s: {:.1} Mgas/s",
        *gas as f64 / 1e6,
        mgas_per_second(*gas, elapsed),
    );
    if *known_blocks > 0 {
        line.push_str(&format!("; {known_blocks} blocks were there already"));
    }
    line
}

fn mgas_per_second(gas: u64, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.0 { gas as f64 / 1e6 / seconds } else { 0.0 }
}

/// A bar with the time left on a terminal, a line now and then elsewhere. Both go to stderr.
struct Shown {
    bar: Option<ProgressBar>,
    start: Instant,
    last_line: Instant,
}

impl Shown {
    fn new(length: u64, start: Instant) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(length);
            let template = "importing     [{bar:32}] {percent}% block {msg}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        Self { bar, start, last_line: start }
    }

    fn update(&mut self, progress: &ImportProgress) {
        let speed = mgas_per_second(progress.gas, self.start.elapsed());
        let message = || format!("{} {speed:.1} Mgas/s", progress.block_number);
        if let Some(bar) = &self.bar {
            bar.set_position(progress.bytes);
            bar.set_message(message());
        } else if self.last_line.elapsed() >= LINE_INTERVAL {
            self.last_line = Instant::now();
            eprintln!("importing     block {}", message());
        }
    }

    fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
