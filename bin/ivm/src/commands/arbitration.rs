//! Arguments about who lies, who looks, and how long there is to object.

use std::num::NonZeroU64;

use clap::Args;
use eyre::{Result, bail};
use ivm_node::{Byzantine, Diligence, FollowMode, LieMode, NodeConfig};

/// Longest period, in settlement blocks: the contract's bound.
const MAX_PERIOD_BLOCKS: u64 = u32::MAX as u64;

/// How the chain is settled.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Settlement")]
pub(crate) struct ArbitrationArgs {
    /// Settlement blocks in which a block can be challenged.
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u64).range(1..=MAX_PERIOD_BLOCKS))]
    challenge_period: Option<u64>,
    /// Settlement blocks in which a challenge is to be answered.
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u64).range(1..=MAX_PERIOD_BLOCKS))]
    prover_period: Option<u64>,
    /// Follow blocks before their claims are checked, and leave them when a challenge has shown them to be wrong.
    #[arg(long)]
    optimistic: bool,
    /// Have any proposed block ordered, wrong ones too, as a corrupt majority of validators would.
    #[arg(long)]
    lazy_validator: bool,
    /// Have the first proposer lie: wrong-output, wrong-status, never-ends, traps, wrong-input, unknown-job, equivocation,
    /// over-limit, state-root, header or sync-output.
    #[arg(long, value_name = "MODE")]
    byzantine: Option<LieMode>,
    /// Lie at every so many occasions, instead of at the first alone.
    #[arg(long, value_name = "N", requires = "byzantine")]
    lie_every: Option<NonZeroU64>,
}

impl ArbitrationArgs {
    /// Sets a node up so.
    pub(crate) fn apply(&self, config: &mut NodeConfig) -> Result<()> {
        let settlement = &mut config.settlement;
        if let Some(blocks) = self.challenge_period {
            settlement.parameters.challenge_period_blocks = blocks;
        }
        if let Some(blocks) = self.prover_period {
            settlement.parameters.prover_period_blocks = blocks;
        }
        if self.optimistic {
            settlement.follow_mode = FollowMode::Optimistic;
        }
        if self.lazy_validator {
            settlement.diligence = Diligence::Lazy;
        }
        settlement.byzantine = self.byzantine.map(|mode| Byzantine { mode, every: self.lie_every });
        if let Err(error) = settlement.parameters.check() {
            bail!("{error}");
        }
        Ok(())
    }
}
