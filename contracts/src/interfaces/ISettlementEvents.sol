// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "./ISettlement.sol";

/// @title What `ISettlement` logs
interface ISettlementEvents {
    /// @notice An account may become a proposer.
    event ProposerAllowed(address indexed proposer);

    /// @notice An account may not become a proposer any more.
    event ProposerDisallowed(address indexed proposer);

    /// @notice A proposer staked its bond and is active.
    event ProposerBonded(address indexed proposer, uint256 bondWei);

    /// @notice A proposer proposes no more. Its bond is free at this block at the earliest.
    event ExitRequested(address indexed proposer, uint64 exitableAtBlock);

    /// @notice A proposer left; its bond is in its balance.
    event ProposerExited(address indexed proposer, uint256 bondWei);

    /// @notice A proposer lost its bond and is jailed. The shares of challenger and prover are what is not burned; the
    /// challenger's is credited when its challenge is settled.
    event ProposerSlashed(
        address indexed proposer, uint256 bondWei, uint256 challengerWei, uint256 proverWei, uint256 burnedWei
    );

    /// @notice A proposer signed two blocks on one parent at one height.
    event EquivocationReported(
        address indexed proposer, address indexed reporter, uint64 number, bytes32 hashA, bytes32 hashB
    );

    /// @notice A block is the tip of the execution chain.
    event BlockProposed(uint64 indexed number, bytes32 indexed hash, address indexed proposer);

    /// @notice A block cannot leave the chain any more.
    event BlockFinalized(uint64 indexed number, bytes32 indexed hash);

    /// @notice A block and all that was built on it left the chain; the tip is its parent.
    event BlockInvalidated(uint64 indexed number, bytes32 indexed hash, bytes32 indexed claimId);

    /// @notice A claim is disputed. This has all that a proof of it takes, but for the payloads themselves.
    event ClaimChallenged(
        bytes32 indexed claimId,
        bytes32 indexed blockHash,
        address indexed challenger,
        ISettlement.Kind kind,
        uint64 deadlineBlock,
        uint256 transactionIndex,
        uint256 logIndex,
        bytes32 jobId,
        bytes32 programId,
        bytes32 inputCommitment,
        uint64 maxCycles,
        bytes32 outcomeHash
    );

    /// @notice A claim is decided.
    /// @param claimId The claim.
    /// @param blockHash Its block.
    /// @param prover Who sent the proof; zero when a demand lapsed.
    /// @param state `Confirmed`, `Refuted` or `Lapsed`.
    /// @param provenOutcomeHash What was proven; zero when a demand lapsed.
    event ClaimDecided(
        bytes32 indexed claimId,
        bytes32 indexed blockHash,
        address indexed prover,
        ISettlement.ClaimState state,
        bytes32 provenOutcomeHash
    );

    /// @notice A challenge is closed.
    /// @param challengerWei What its challenger got: the bond, and its share of a slashed one.
    event ChallengeClosed(
        bytes32 indexed claimId,
        address indexed challenger,
        ISettlement.Kind kind,
        ISettlement.ChallengeState state,
        uint256 challengerWei
    );

    /// @notice Money left a balance.
    event Withdrawn(address indexed account, address indexed to, uint256 amountWei);

    /// @notice Money left for good.
    event Burned(uint256 amountWei);
}
