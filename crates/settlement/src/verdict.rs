//! The verdicts: pure functions, the whole of what arbitration decides. Twin of `contracts/src/settlement/Verdict.sol`.

use alloy_primitives::B256;
use ivm_contracts::{ChallengeKind, ChallengeState, ClaimState};

/// What a proof of an outcome makes of a claim. A program has no source of data but its input, so a second outcome of one
/// statement cannot be proven: whichever proof comes, it is the truth.
pub fn of_proof(claimed_outcome_hash: B256, proven_outcome_hash: B256) -> ClaimState {
    if claimed_outcome_hash == proven_outcome_hash { ClaimState::Confirmed } else { ClaimState::Refuted }
}

/// What a claim comes to when a challenge of it was not answered: a lapsed demand fells it, a lapsed refute decides
/// nothing; else a liar would challenge himself, let it lapse and be safe.
pub const fn of_lapse(kind: ChallengeKind) -> ClaimState {
    match kind {
        ChallengeKind::Demand => ClaimState::Lapsed,
        ChallengeKind::Refute => ClaimState::Challenged,
    }
}

/// What becomes of a challenge when its claim is decided: `claim` is [`ClaimState::Confirmed`], [`ClaimState::Refuted`] or
/// [`ClaimState::Lapsed`]; `in_time` says that the deadline of the challenge was not past then.
pub const fn of_challenge(claim: ClaimState, kind: ChallengeKind, in_time: bool) -> ChallengeState {
    match (kind, in_time, claim) {
        (ChallengeKind::Refute, false, _) => ChallengeState::Expired,
        (_, _, ClaimState::Confirmed) => ChallengeState::Lost,
        _ => ChallengeState::Won,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_confirms_its_own_outcome_and_refutes_every_other() {
        let [one, other] = [B256::repeat_byte(1), B256::repeat_byte(2)];
        assert_eq!(of_proof(one, one), ClaimState::Confirmed);
        assert_eq!(of_proof(one, other), ClaimState::Refuted);
        assert_eq!(of_proof(B256::ZERO, B256::ZERO), ClaimState::Confirmed);
    }

    #[test]
    fn only_a_lapsed_demand_decides() {
        assert_eq!(of_lapse(ChallengeKind::Demand), ClaimState::Lapsed);
        assert_eq!(of_lapse(ChallengeKind::Refute), ClaimState::Challenged);
    }

    #[test]
    fn every_challenge_of_a_decided_claim_has_an_end() {
        use ChallengeKind::{Demand, Refute};
        let table = [
            (ClaimState::Confirmed, Refute, true, ChallengeState::Lost),
            (ClaimState::Confirmed, Refute, false, ChallengeState::Expired),
            (ClaimState::Confirmed, Demand, true, ChallengeState::Lost),
            (ClaimState::Confirmed, Demand, false, ChallengeState::Lost),
            (ClaimState::Refuted, Refute, true, ChallengeState::Won),
            (ClaimState::Refuted, Refute, false, ChallengeState::Expired),
            (ClaimState::Refuted, Demand, true, ChallengeState::Won),
            (ClaimState::Refuted, Demand, false, ChallengeState::Won),
            (ClaimState::Lapsed, Refute, true, ChallengeState::Won),
            (ClaimState::Lapsed, Refute, false, ChallengeState::Expired),
            (ClaimState::Lapsed, Demand, true, ChallengeState::Won),
            (ClaimState::Lapsed, Demand, false, ChallengeState::Won),
        ];
        for (claim, kind, in_time, end) in table {
            assert_eq!(of_challenge(claim, kind, in_time), end, "{claim} {kind} {in_time}");
        }
    }
}
