//! What the demo found out.

use alloy_primitives::{Address, B256, U256};
use eyre::Result;
use ivm_node::LieMode;
use ivm_rpc::JobOutcome;
use serde::Serialize;

use super::promise;

/// A block of the execution chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) hash: B256,
}

/// An account whose balance the lie touched, or did not.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Balance {
    pub(super) account: Address,
    /// While the lie was in the chain.
    pub(super) before: U256,
    /// After it was gone.
    pub(super) after: U256,
}

/// What stops a lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StoppedBy {
    /// A challenge and its verdict.
    Arbitration,
    /// Validators, who do not have it ordered.
    Validators,
    /// Two signatures shown to the settlement contract.
    Evidence,
}

/// What the demo found out; times are measured, the rest is read from both chains.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) mode: &'static str,
    pub(super) stopped_by: StoppedBy,
    /// `refute` or `demand`.
    pub(super) challenge_kind: Option<&'static str>,
    /// Block of the execution chain with the lie in it.
    pub(super) fraudulent_block: u64,
    /// From the settlement block that ordered the lie to the one with the challenge, or to the refusal.
    pub(super) detected_after_ms: Option<u64>,
    /// From the challenge to the proof's being in a settlement block.
    pub(super) prove_seconds: Option<f64>,
    /// Settlement block with the verdict.
    pub(super) verdict_block: Option<u64>,
    pub(super) slashed_wei: Option<U256>,
    pub(super) challenger_reward_wei: Option<U256>,
    pub(super) burned_wei: Option<U256>,
    /// Blocks that left the chain.
    pub(super) reorg_depth: u64,
    pub(super) old_head: Option<Head>,
    pub(super) new_head: Head,
    /// Why it was refused.
    pub(super) refusal: Option<String>,
    /// The outcome that the lie claimed.
    pub(super) false_outcome: Option<JobOutcome>,
    /// The outcome that the chain ended with; none when the job's run has none.
    pub(super) final_outcome: Option<JobOutcome>,
    /// Points that the lie gave.
    pub(super) built_on_the_lie: Option<Balance>,
    /// Wei sent by an honest user in a block that left the chain.
    pub(super) kept: Option<Balance>,
}

impl Report {
    /// Whether the lie ended as it should.
    pub(super) fn check(&self, mode: LieMode) -> Result<()> {
        match self.stopped_by {
            StoppedBy::Arbitration => {
                promise(self.reorg_depth > 0, "no block left the chain")?;
                promise(self.slashed_wei.is_some_and(|wei| !wei.is_zero()), "nobody was slashed")?;
                let lie = self.built_on_the_lie.as_ref();
                promise(
                    lie.is_some_and(|balance| !balance.before.is_zero() && balance.after.is_zero()),
                    "what was built on the lie is still there",
                )?;
                let kept = self.kept.as_ref();
                promise(
                    kept.is_some_and(|balance| balance.before == balance.after),
                    "an honest transfer was lost",
                )?;
            }
            StoppedBy::Evidence => {
                promise(self.slashed_wei.is_some_and(|wei| !wei.is_zero()), "nobody was slashed")?;
            }
            StoppedBy::Validators => promise(self.refusal.is_some(), "the lie was not refused")?,
        }
        let has_outcome = !matches!(mode, LieMode::NeverEnds | LieMode::Traps | LieMode::OverLimit);
        promise(self.final_outcome.is_some() == has_outcome, "the job did not end as it should")?;
        promise(
            self.false_outcome.is_none() || self.false_outcome != self.final_outcome,
            "the lie is what the chain ended with",
        )
    }
}
