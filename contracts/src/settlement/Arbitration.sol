// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../interfaces/ISettlement.sol";
import { ClaimBook } from "./ClaimBook.sol";
import { Claims } from "./Claims.sol";
import { ProofCall } from "./ProofCall.sol";
import { PostedClaim } from "./ReceiptReader.sol";
import { BlockRecord, ChallengeRecord, ClaimRecord, Records } from "./Records.sol";
import { Verdict } from "./Verdict.sol";

/// @dev Challenges, proofs and verdicts. A verdict costs the same however many challenges a claim has: each of them is
/// settled by itself afterwards.
abstract contract Arbitration is ClaimBook {
    using Records for *;

    /// @inheritdoc ISettlement
    function challenge(ClaimEvidence calldata evidence, Kind kind) external payable returns (bytes32 claimId) {
        uint256 bondWei = _bondWeiOf(kind);
        require(msg.value == bondWei, WrongValue(msg.value, bondWei));
        (ClaimKey memory key, PostedClaim memory posted) = Claims.read(evidence, _jobManager);
        BlockRecord memory blockRecord = _openBlock(key.blockHash);
        uint256 latest = uint256(blockRecord.proposedAt) + _challengePeriodBlocks;
        require(block.number <= latest, ChallengePeriodOver(block.number, latest));

        claimId = Claims.idOf(key);
        uint40 deadline = uint40(block.number + _proverPeriodBlocks);
        ClaimRecord memory claim = _claims[claimId].toClaim();
        _requireUndecided(claimId, claim.state);
        _enter(claim, blockRecord, kind, deadline);
        _claims[claimId] = claim.pack();
        _setBlockRecord(key.blockHash, blockRecord);
        _open(claimId, kind, claim.challenges, deadline);
        _logChallenge(claimId, key, kind, deadline, posted);
    }

    /// @inheritdoc ISettlement
    function prove(ClaimKey calldata key, Statement calldata statement, bytes32 outcomeHash, bytes calldata proof)
        external
    {
        bytes32 claimId = Claims.idOf(key);
        bytes32 got = Claims.statementHash(statement);
        require(got == key.statementHash, StatementMismatch(claimId, got, key.statementHash));
        // Whoever challenged it showed that the block has it. Of an unknown one nobody did.
        ClaimState state = _claimState(claimId);
        require(state != ClaimState.Unknown, WrongClaimState(claimId, state, ClaimState.Challenged));
        _prove(claimId, key.blockHash, statement, outcomeHash, proof);
    }

    /// @inheritdoc ISettlement
    function proveUnchallenged(ClaimEvidence calldata evidence, bytes32 outcomeHash, bytes calldata proof) external {
        (ClaimKey memory key, PostedClaim memory posted) = Claims.read(evidence, _jobManager);
        _prove(Claims.idOf(key), key.blockHash, Claims.statementOf(posted), outcomeHash, proof);
    }

    /// @inheritdoc ISettlement
    function expire(ClaimKey calldata key, address challenger, Kind kind) external {
        bytes32 claimId = Claims.idOf(key);
        bytes32 id = challengeId(claimId, challenger, kind);
        ChallengeRecord memory opened = _openChallenge(id);
        require(block.number > opened.deadline, DeadlineNotPassed(block.number, uint256(opened.deadline) + 1));
        ClaimRecord memory claim = _claims[claimId].toClaim();
        require(claim.state == ClaimState.Challenged, WrongClaimState(claimId, claim.state, ClaimState.Challenged));

        ClaimState verdict = Verdict.ofLapse(kind);
        if (verdict == ClaimState.Lapsed) {
            BlockRecord memory blockRecord = _openBlock(key.blockHash);
            _fell(claimId, key.blockHash, claim, blockRecord, verdict, address(0));
            emit ClaimDecided(claimId, key.blockHash, address(0), verdict, 0);
            _settle(claimId, claim, blockRecord, challenger, kind, opened);
        } else {
            _expireRefute(claimId, key.blockHash, claim, challenger, opened);
        }
    }

    /// @inheritdoc ISettlement
    function settleChallenge(ClaimKey calldata key, address challenger, Kind kind) external {
        bytes32 claimId = Claims.idOf(key);
        ChallengeRecord memory opened = _openChallenge(challengeId(claimId, challenger, kind));
        ClaimRecord memory claim = _claims[claimId].toClaim();
        BlockRecord memory blockRecord = _blockRecord(key.blockHash);
        if (claim.state == ClaimState.Challenged) {
            require(_stateOf(key.blockHash, blockRecord) == BlockState.Dropped, NothingToSettle(claimId));
            _close(claimId, challenger, kind, opened, ChallengeState.Moot, _bondWeiOf(kind));
        } else {
            _settle(claimId, claim, blockRecord, challenger, kind, opened);
        }
    }

    /// @dev Counts a new challenge of a claim, in the records.
    function _enter(ClaimRecord memory claim, BlockRecord memory blockRecord, Kind kind, uint40 deadline) private view {
        claim.state = ClaimState.Challenged;
        ++claim.challenges;
        if (claim.leader == 0 || claim.leaderDeadline < block.number) {
            claim.leader = claim.challenges;
            claim.leaderDeadline = kind == Kind.Demand ? type(uint40).max : deadline;
        }
        if (kind == Kind.Refute) {
            ++claim.openRefutes;
            ++blockRecord.openRefutes;
        } else if (claim.firstDemand == 0) {
            claim.firstDemand = claim.challenges;
            claim.demandDeadline = deadline;
            ++blockRecord.claimsUnderDemand;
        }
        // Deadlines only grow, so the latest challenge has the latest one.
        blockRecord.pausedUntil = deadline;
    }

    function _open(bytes32 claimId, Kind kind, uint24 number, uint40 deadline) private {
        bytes32 id = challengeId(claimId, msg.sender, kind);
        require(_challenges[id] == 0, ChallengeExists(id));
        _challenges[id] = ChallengeRecord({ state: ChallengeState.Open, number: number, deadline: deadline }).pack();
    }

    function _logChallenge(bytes32 claimId, ClaimKey memory key, Kind kind, uint40 deadline, PostedClaim memory posted)
        private
    {
        emit ClaimChallenged(
            claimId,
            key.blockHash,
            msg.sender,
            kind,
            deadline,
            key.transactionIndex,
            key.logIndex,
            posted.jobId,
            posted.programId,
            posted.inputCommitment,
            posted.maxCycles,
            posted.outcomeHash
        );
    }

    function _prove(
        bytes32 claimId,
        bytes32 blockHash,
        Statement memory statement,
        bytes32 outcomeHash,
        bytes calldata proof
    ) private {
        BlockRecord memory blockRecord = _openBlock(blockHash);
        ClaimRecord memory claim = _claims[claimId].toClaim();
        _requireUndecided(claimId, claim.state);
        ClaimState verdict = Verdict.ofProof(statement.outcomeHash, outcomeHash);
        bool lapsed = claim.demandDeadline != 0 && block.number > claim.demandDeadline;
        require(verdict == ClaimState.Refuted || !lapsed, DemandLapsed(claimId, claim.demandDeadline));
        ProofCall.requireProof(_verifier, statement, outcomeHash, proof);

        if (verdict == ClaimState.Confirmed) {
            _confirm(claimId, blockHash, claim, blockRecord);
        } else {
            _fell(claimId, blockHash, claim, blockRecord, verdict, msg.sender);
        }
        emit ClaimDecided(claimId, blockHash, msg.sender, verdict, outcomeHash);
    }

    /// @dev The claim is true: its challenges hold the block no more.
    function _confirm(bytes32 claimId, bytes32 blockHash, ClaimRecord memory claim, BlockRecord memory blockRecord)
        private
    {
        if (claim.challenges != 0) {
            blockRecord.openRefutes -= claim.openRefutes;
            if (claim.firstDemand != 0) --blockRecord.claimsUnderDemand;
            _setBlockRecord(blockHash, blockRecord);
            _provers[claimId] = msg.sender;
        }
        claim.state = ClaimState.Confirmed;
        claim.openRefutes = 0;
        claim.verdictBlock = uint40(block.number);
        _claims[claimId] = claim.pack();
    }

    /// @dev The claim is false: the proposer loses its bond, the block its place.
    function _fell(
        bytes32 claimId,
        bytes32 blockHash,
        ClaimRecord memory claim,
        BlockRecord memory blockRecord,
        ClaimState verdict,
        address prover
    ) private {
        // A demand that lapsed decided when it did, whenever and by whatever call that is noticed.
        bool lapsed = claim.demandDeadline != 0 && block.number > claim.demandDeadline;
        claim.verdictBlock = lapsed ? claim.demandDeadline + 1 : uint40(block.number);
        claim.state = verdict;
        claim.openRefutes = 0;
        if (claim.leaderDeadline < claim.verdictBlock) claim.leader = claim.firstDemand;

        uint256 challengerWei = _shareWei(_challengerShareBps);
        uint256 proverWei = prover == address(0) ? 0 : _shareWei(_proverShareBps);
        if (claim.leader == 0) (challengerWei, proverWei) = (0, challengerWei + proverWei);
        claim.slashed = _slash(_proposerOf(blockRecord.proposerId), challengerWei, prover, proverWei);
        _claims[claimId] = claim.pack();
        _invalidate(blockHash, blockRecord.number, claimId);
    }

    /// @dev Closes a refute that came to nothing. The block may be final by now.
    function _expireRefute(
        bytes32 claimId,
        bytes32 blockHash,
        ClaimRecord memory claim,
        address challenger,
        ChallengeRecord memory opened
    ) private {
        BlockRecord memory blockRecord = _blockRecord(blockHash);
        BlockState blockState = _stateOf(blockHash, blockRecord);
        require(blockState != BlockState.Dropped, WrongBlockState(blockHash, blockState));
        --claim.openRefutes;
        --blockRecord.openRefutes;
        _claims[claimId] = claim.pack();
        _setBlockRecord(blockHash, blockRecord);
        _close(claimId, challenger, Kind.Refute, opened, ChallengeState.Expired, 0);
    }

    /// @dev Closes a challenge of a decided claim.
    function _settle(
        bytes32 claimId,
        ClaimRecord memory claim,
        BlockRecord memory blockRecord,
        address challenger,
        Kind kind,
        ChallengeRecord memory opened
    ) private {
        ChallengeState end = Verdict.ofChallenge(claim.state, kind, claim.verdictBlock <= opened.deadline);
        uint256 bondWei = _bondWeiOf(kind);
        uint256 challengerWei;
        if (end == ChallengeState.Won) {
            bool leads = claim.slashed && claim.leader == opened.number;
            challengerWei = bondWei + (leads ? _shareWei(_challengerShareBps) : 0);
        } else if (end == ChallengeState.Lost) {
            uint256 proverWei = bondWei * _proverShareOfBondBps / WHOLE_BPS;
            _credit(_provers[claimId], proverWei);
            _credit(_proposerOf(blockRecord.proposerId), bondWei - proverWei);
        }
        _close(claimId, challenger, kind, opened, end, challengerWei);
    }

    /// @dev Writes down how a challenge ended and pays its challenger. The bond of one that expired is burned.
    function _close(
        bytes32 claimId,
        address challenger,
        Kind kind,
        ChallengeRecord memory record,
        ChallengeState end,
        uint256 challengerWei
    ) private {
        record.state = end;
        _challenges[challengeId(claimId, challenger, kind)] = record.pack();
        _credit(challenger, challengerWei);
        emit ChallengeClosed(claimId, challenger, kind, end, challengerWei);
        if (end == ChallengeState.Expired) _burn(_bondWeiOf(kind));
    }
}
