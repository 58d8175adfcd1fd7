//! `ivm demo`: scripted stories on a chain of their own, with nothing in them faked.

mod amm;
mod fraud;
mod job;
mod prices;

use clap::{Args, Subcommand};
use eyre::Result;

use amm::AmmDemo;
use fraud::FraudDemo;
pub(crate) use job::JobDemo;
pub(crate) use prices::closes_in_cents;

/// Arguments of `ivm demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoCommand {
    #[command(subcommand)]
    demo: Demo,
}

#[derive(Debug, Subcommand)]
enum Demo {
    /// A contract asks for the volatility of the S&P 500, gets it by callback, and the result is proven.
    Job(JobDemo),
    /// A proposer lies; it is challenged, refuted by a proof, slashed, and the chain reorganises.
    Fraud(FraudDemo),
    /// A pool's price follows the S&P 500; who traded much proves it within a swap, and pays less.
    Amm(AmmDemo),
}

impl DemoCommand {
    /// Runs the demo to its end.
    pub(crate) fn run(self) -> Result<()> {
        match self.demo {
            Demo::Job(demo) => demo.run(),
            Demo::Fraud(demo) => demo.run(),
            Demo::Amm(demo) => demo.run(),
        }
    }
}
