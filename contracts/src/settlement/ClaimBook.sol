// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IProofVerifier } from "../interfaces/IProofVerifier.sol";
import { ISettlement } from "../interfaces/ISettlement.sol";
import { Blocks } from "./Blocks.sol";
import { Claims } from "./Claims.sol";
import { ChallengeRecord, ClaimRecord, Records } from "./Records.sol";

/// @dev What is known of claims and of their challenges.
abstract contract ClaimBook is Blocks {
    using Records for *;

    IProofVerifier internal immutable _verifier;
    address internal immutable _jobManager;

    /// @dev Only of claims that evidence was brought for.
    mapping(bytes32 claimId => uint256 record) internal _claims;

    /// @dev Who gets a share of the bonds of those who challenged a confirmed claim.
    mapping(bytes32 claimId => address) internal _provers;

    mapping(bytes32 challengeId => uint256 record) internal _challenges;

    constructor(IProofVerifier verifier_, address jobManager_) {
        _requireRange("verifier", uint160(address(verifier_)), 1, type(uint160).max);
        _requireRange("jobManager", uint160(jobManager_), 1, type(uint160).max);
        _verifier = verifier_;
        _jobManager = jobManager_;
    }

    /// @inheritdoc ISettlement
    function verifier() external view returns (address) {
        return address(_verifier);
    }

    /// @inheritdoc ISettlement
    function jobManager() external view returns (address) {
        return _jobManager;
    }

    /// @inheritdoc ISettlement
    function claimInfo(bytes32 claimId) external view returns (ClaimInfo memory) {
        ClaimRecord memory claim = _claims[claimId].toClaim();
        return ClaimInfo({
            state: claim.state,
            challenges: claim.challenges,
            leader: claim.leader,
            openRefutes: claim.openRefutes,
            demandDeadlineBlock: claim.demandDeadline,
            verdictBlock: claim.verdictBlock,
            slashed: claim.slashed
        });
    }

    /// @inheritdoc ISettlement
    function challengeInfo(bytes32 id) external view returns (ChallengeInfo memory) {
        ChallengeRecord memory record = _challenges[id].toChallenge();
        return ChallengeInfo({ state: record.state, number: record.number, deadlineBlock: record.deadline });
    }

    /// @inheritdoc ISettlement
    function claimIdOf(ClaimKey calldata key) external pure returns (bytes32) {
        return Claims.idOf(key);
    }

    /// @inheritdoc ISettlement
    function challengeId(bytes32 claimId, address challenger, Kind kind) public pure returns (bytes32) {
        return keccak256(abi.encode(claimId, challenger, kind));
    }

    function _claimState(bytes32 claimId) internal view returns (ClaimState) {
        return _claims[claimId].toClaim().state;
    }

    function _openChallenge(bytes32 id) internal view returns (ChallengeRecord memory record) {
        record = _challenges[id].toChallenge();
        require(record.state == ChallengeState.Open, ChallengeNotOpen(id, record.state));
    }

    function _requireUndecided(bytes32 claimId, ClaimState state) internal pure {
        bool open = state == ClaimState.Unknown || state == ClaimState.Challenged;
        require(open, ClaimIsDecided(claimId, state));
    }
}
