//! What a challenger makes of a claim, and what it does next about one that is wrong. Pure.

use alloy_primitives::B256;
use ivm_contracts::{BlockState, ChallengeKind, ChallengeState, ClaimState};
use ivm_settlement::{Claim, SettlementParameters, verdict};

use crate::judge::Run;

/// What a claim is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// True.
    Right,
    /// False: the run has another outcome, which can be proven.
    Refute {
        /// Hash of the outcome it has.
        truth: B256,
        /// Cycles it took.
        cycles: u64,
    },
    /// False: the run has no outcome, so that nobody can prove the claimed one.
    Demand(String),
    /// Wrong in a way that a proof does not show, or not known: it is for people, and for nodes that refuse to follow.
    Alarm(String),
}

/// Judges a claim by its run, which was given the protocol's limit of cycles when those of the claim did not suffice.
pub fn decide(claim: &Claim, run: &Run) -> Decision {
    match run {
        Run::Reveals { outcome_hash, cycles }
            if verdict::of_proof(claim.outcome_hash, *outcome_hash) == ClaimState::Refuted =>
        {
            Decision::Refute { truth: *outcome_hash, cycles: *cycles }
        }
        Run::Reveals { cycles, .. } if *cycles > claim.max_cycles => Decision::Alarm(format!(
            "the run takes {cycles} cycles, the job allows {}; the outcome is right, and a proof does not show cycles",
            claim.max_cycles
        )),
        Run::Reveals { cycles, .. } if *cycles != claim.cycles => Decision::Alarm(format!(
            "the run takes {cycles} cycles, the claim bills {}; the outcome is right, and a proof does not show cycles",
            claim.cycles
        )),
        Run::Reveals { .. } => Decision::Right,
        Run::NoOutcome(reason) => Decision::Demand(reason.clone()),
        Run::OverCycles => {
            Decision::Demand("the run does not end within the protocol's limit of cycles".into())
        }
        Run::Cannot(reason) => Decision::Alarm(reason.clone()),
    }
}

/// Where a claim, and the challenger's challenge of it, are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// The settlement block in which whatever is sent now will be, at the earliest.
    pub next_block: u64,
    /// State of the claim's block.
    pub block: BlockState,
    /// Settlement block at which it was proposed.
    pub proposed_at_block: u64,
    /// State of the claim.
    pub claim: ClaimState,
    /// State of the challenger's own challenge, of the kind that the decision calls for.
    pub mine: ChallengeState,
}

/// What to do next about a false claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Nothing: it is over, or only time is missing.
    Nothing,
    /// Challenge it.
    Challenge(ChallengeKind),
    /// Prove the truth.
    Prove,
    /// Nothing can be done any more.
    TooLate,
}

/// What to do next about a claim with this decision. Closing challenges is not part of it.
pub fn next_step(decision: &Decision, situation: &Situation, parameters: &SettlementParameters) -> NextStep {
    let kind = match decision {
        Decision::Right | Decision::Alarm(_) => return NextStep::Nothing,
        Decision::Refute { .. } => ChallengeKind::Refute,
        Decision::Demand(_) => ChallengeKind::Demand,
    };
    let decided = !matches!(situation.claim, ClaimState::Unknown | ClaimState::Challenged);
    match situation.block {
        BlockState::Unknown | BlockState::Dropped => return NextStep::Nothing,
        BlockState::Final => return NextStep::TooLate,
        BlockState::Proposed if decided => return NextStep::Nothing,
        BlockState::Proposed => {}
    }
    let last = situation.proposed_at_block.saturating_add(parameters.challenge_period_blocks);
    let in_time = situation.next_block <= last;
    match (kind, situation.mine) {
        (kind, ChallengeState::None) if in_time => NextStep::Challenge(kind),
        // As long as the block is not final the truth counts, challenged or not.
        (ChallengeKind::Refute, _) => NextStep::Prove,
        (ChallengeKind::Demand, ChallengeState::None) => NextStep::TooLate,
        (ChallengeKind::Demand, _) => NextStep::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIM: Claim = Claim {
        block_hash: B256::ZERO,
        transaction_index: 0,
        log_index: 0,
        job_id: B256::ZERO,
        program_id: B256::ZERO,
        input_commitment: B256::ZERO,
        max_cycles: 100,
        outcome_hash: B256::repeat_byte(1),
        cycles: 50,
    };

    fn reveals(outcome: u8, cycles: u64) -> Run {
        Run::Reveals { outcome_hash: B256::repeat_byte(outcome), cycles }
    }

    #[test]
    fn every_run_leads_to_one_decision() {
        assert_eq!(decide(&CLAIM, &reveals(1, 50)), Decision::Right);
        let refute = |cycles| Decision::Refute { truth: B256::repeat_byte(2), cycles };
        assert_eq!(decide(&CLAIM, &reveals(2, 50)), refute(50));
        // Another outcome is what a proof shows, whatever the cycles.
        assert_eq!(decide(&CLAIM, &reveals(2, 101)), refute(101));
        for alarm in [reveals(1, 101), reveals(1, 49), Run::Cannot("no input".into())] {
            assert!(matches!(decide(&CLAIM, &alarm), Decision::Alarm(_)), "{alarm:?}");
        }
        for demand in [Run::NoOutcome("trap".into()), Run::OverCycles] {
            assert!(matches!(decide(&CLAIM, &demand), Decision::Demand(_)), "{demand:?}");
        }
    }

    #[test]
    fn every_situation_leads_to_one_step() {
        let parameters =
            SettlementParameters { challenge_period_blocks: 10, ..SettlementParameters::development() };
        let refute = Decision::Refute { truth: B256::repeat_byte(2), cycles: 1 };
        let demand = Decision::Demand("trap".into());
        let at = |next_block, block, claim, mine| Situation {
            next_block,
            block,
            proposed_at_block: 5,
            claim,
            mine,
        };
        use BlockState::{Dropped, Final, Proposed, Unknown as UnknownBlock};
        use ChallengeKind::{Demand, Refute};
        use ChallengeState::{Expired, None as NotMade, Open};
        use ClaimState::{Challenged, Confirmed, Lapsed, Refuted, Unknown};
        use NextStep::{Challenge, Nothing, Prove, TooLate};
        let table = [
            // Within the challenge period.
            (at(15, Proposed, Unknown, NotMade), Challenge(Refute), Challenge(Demand)),
            // Somebody else challenged it: that does not depend on them, who may let it lapse.
            (at(15, Proposed, Challenged, NotMade), Challenge(Refute), Challenge(Demand)),
            (at(15, Proposed, Challenged, Open), Prove, Nothing),
            // Past it.
            (at(16, Proposed, Unknown, NotMade), Prove, TooLate),
            (at(16, Proposed, Challenged, Open), Prove, Nothing),
            (at(99, Proposed, Challenged, Expired), Prove, Nothing),
            // Over.
            (at(15, Proposed, Confirmed, NotMade), Nothing, Nothing),
            (at(15, Dropped, Refuted, Open), Nothing, Nothing),
            (at(15, Dropped, Lapsed, NotMade), Nothing, Nothing),
            (at(15, Dropped, Unknown, NotMade), Nothing, Nothing),
            (at(15, UnknownBlock, Unknown, NotMade), Nothing, Nothing),
            (at(99, Final, Unknown, NotMade), TooLate, TooLate),
        ];
        for (situation, to_refute, to_demand) in table {
            assert_eq!(next_step(&refute, &situation, &parameters), to_refute, "{situation:?}");
            assert_eq!(next_step(&demand, &situation, &parameters), to_demand, "{situation:?}");
            for quiet in [Decision::Right, Decision::Alarm("over limit".into())] {
                assert_eq!(next_step(&quiet, &situation, &parameters), Nothing);
            }
        }
    }
}
