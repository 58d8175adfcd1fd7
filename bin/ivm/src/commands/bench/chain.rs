//! `ivm bench chain`: the execution chain in this process, beside bare revm.

use clap::Args;
use eyre::Result;
use ivm_bench::chain::{
    BlockSet, ImportReport, OpeningReport, ProducingReport, ReorgReport, measure_import, measure_opening,
    measure_producing, measure_reorg,
};
use serde::Serialize;

/// Arguments of `ivm bench chain`.
#[derive(Debug, Args)]
pub(crate) struct ChainBench {
    /// Full blocks of 30 million gas to build, import, and execute by bare revm.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    blocks: u64,
    /// Blocks of each branch of the reorgs.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 10, 100])]
    reorgs: Vec<usize>,
    /// Transfers in each block of the reorgs.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_428))]
    reorg_transfers: u64,
    /// Accounts of the chain that is opened.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    accounts: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    import: ImportReport,
    producing: ProducingReport,
    reorgs: Vec<ReorgReport>,
    opening: OpeningReport,
}

impl ChainBench {
    /// Runs the benchmark to its end.
    pub(crate) fn run(self) -> Result<()> {
        let import = measure_import(&BlockSet::build(self.blocks)?)?;
        if !self.json {
            println!(
                "import      {:.0} Mgas/s, bare revm {:.0} Mgas/s: {:.2} of it   ({} blocks, {} transactions, {:.0} Mgas)",
                import.import_mgas_per_second,
                import.bare_revm_mgas_per_second,
                import.ratio_to_bare_revm,
                import.blocks,
                import.transactions,
                import.mgas
            );
        }
        let producing = measure_producing(self.blocks)?;
        if !self.json {
            println!(
                "a block     built in {:.1} ms, committed in {:.1} ms; at most {:.1} and {:.1}   ({} transfers)",
                producing.build_ms.p50,
                producing.commit_ms.p50,
                producing.build_ms.max,
                producing.commit_ms.max,
                producing.transactions_per_block
            );
        }
        let mut reorgs = Vec::new();
        for blocks in self.reorgs {
            let reorg = measure_reorg(blocks, self.reorg_transfers)?;
            if !self.json {
                println!(
                    "reorg       {:.1} ms over {blocks} blocks, {:.1} ms back alone   ({} transfers a block)",
                    reorg.switch_ms, reorg.back_ms, reorg.transactions_per_block
                );
            }
            reorgs.push(reorg);
        }
        let opening = measure_opening(self.accounts)?;
        if self.json {
            let report = Report { import, producing, reorgs, opening };
            println!("{}", serde_json::to_string_pretty(&report)?);
            return Ok(());
        }
        println!(
            "opening     {:.0} ms with {} accounts   (made at {:.0} accounts a second)",
            opening.open_ms, opening.accounts, opening.accounts_per_second
        );
        Ok(())
    }
}
