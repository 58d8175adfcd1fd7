// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../interfaces/ISettlement.sol";

/// @title The verdicts: pure functions, the whole of what arbitration decides
library Verdict {
    /// @notice What a proof of an outcome makes of a claim. A program has no source of data but its input, so a second
    /// outcome of one statement cannot be proven: whichever proof comes, it is the truth.
    function ofProof(bytes32 claimedOutcomeHash, bytes32 provenOutcomeHash)
        internal
        pure
        returns (ISettlement.ClaimState)
    {
        return
            claimedOutcomeHash == provenOutcomeHash ? ISettlement.ClaimState.Confirmed : ISettlement.ClaimState.Refuted;
    }

    /// @notice What a claim comes to when a challenge of it was not answered: a lapsed demand fells it, a lapsed refute
    /// decides nothing; else a liar would challenge himself, let it lapse and be safe.
    function ofLapse(ISettlement.Kind kind) internal pure returns (ISettlement.ClaimState) {
        return kind == ISettlement.Kind.Demand ? ISettlement.ClaimState.Lapsed : ISettlement.ClaimState.Challenged;
    }

    /// @notice What becomes of a challenge when its claim is decided.
    /// @param claim How it was decided: `Confirmed`, `Refuted` or `Lapsed`.
    /// @param inTime Whether the deadline of the challenge was not past then.
    function ofChallenge(ISettlement.ClaimState claim, ISettlement.Kind kind, bool inTime)
        internal
        pure
        returns (ISettlement.ChallengeState)
    {
        if (kind == ISettlement.Kind.Refute && !inTime) return ISettlement.ChallengeState.Expired;
        return
            claim == ISettlement.ClaimState.Confirmed ? ISettlement.ChallengeState.Lost : ISettlement.ChallengeState.Won;
    }
}
