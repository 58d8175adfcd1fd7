//! `ivm bench`: measurements, on this machine, of what the documentation claims.

mod chain;
#[cfg(target_os = "linux")]
mod engine;
mod jobs;
mod prove;
mod prove_run;
mod requests;
#[cfg(target_os = "linux")]
mod rpc;
mod settlement;

use clap::{Args, Subcommand};
use eyre::Result;

/// Arguments of `ivm bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchCommand {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// The execution chain: importing beside bare revm, building, committing, reorganising, opening.
    Chain(chain::ChainBench),
    /// Running programs: natively, compiled, interpreted, and by OpenVM's interpreter.
    #[cfg(target_os = "linux")]
    Engine(engine::EngineBench),
    /// From request to callback: blocks, milliseconds, jobs a second.
    Jobs(jobs::JobsBench),
    /// Proving and verifying: seconds, memory, bytes.
    Prove(prove::ProveBench),
    /// A node under load: transactions and reads a second, beside anvil where it is given.
    #[cfg(target_os = "linux")]
    Rpc(rpc::RpcBench),
    /// Jobs by signature, jobs inside transactions, large payloads.
    Requests(requests::RequestsBench),
    /// What settling costs an honest chain.
    Settlement(settlement::SettlementBench),
}

impl BenchCommand {
    /// Runs the benchmark to its end.
    pub(crate) fn run(self) -> Result<()> {
        match self.bench {
            Bench::Chain(bench) => bench.run(),
            #[cfg(target_os = "linux")]
            Bench::Engine(bench) => bench.run(),
            Bench::Jobs(bench) => bench.run(),
            Bench::Prove(bench) => bench.run(),
            #[cfg(target_os = "linux")]
            Bench::Rpc(bench) => bench.run(),
            Bench::Requests(bench) => bench.run(),
            Bench::Settlement(bench) => bench.run(),
        }
    }
}
