// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../interfaces/ISettlement.sol";

/// @dev What is stored, each kind in one word. Records are read, changed in memory and written whole: the compiler would
/// read and write the word once for every field. Block numbers, heights and times have 40 bits: 34,000 years of seconds.
/// Counts have 24: each of what they count has cost a bond or a log.

/// @dev How far the execution chain has come.
struct ChainRecord {
    uint40 tipNumber;
    uint40 tipTimestamp;
    uint40 finalNumber;
}

/// @dev A block. `proposerId` is zero for the genesis.
struct BlockRecord {
    bool known;
    uint32 proposerId;
    uint40 number;
    uint40 timestamp;
    uint40 proposedAt;
    uint40 pausedUntil;
    uint24 claimsUnderDemand;
    uint24 openRefutes;
}

/// @dev A proposer. `id` is its place in the list of all, from 1; it is for good.
struct ProposerRecord {
    ISettlement.ProposerState state;
    uint32 id;
    uint40 lastNumber;
    uint40 lastProposedAt;
    uint40 exitRequestedAt;
}

/// @dev A claim. `leader` is the challenge that the challenger's share is for: the first one, or a later one when that
/// was a refute which lapsed.
struct ClaimRecord {
    ISettlement.ClaimState state;
    bool slashed;
    uint24 challenges;
    uint24 openRefutes;
    uint24 leader;
    uint24 firstDemand;
    uint40 leaderDeadline;
    uint40 demandDeadline;
    uint40 verdictBlock;
}

/// @dev A challenge.
struct ChallengeRecord {
    ISettlement.ChallengeState state;
    uint24 number;
    uint40 deadline;
}

library Records {
    function pack(ChainRecord memory r) internal pure returns (uint256) {
        return uint256(r.tipNumber) | uint256(r.tipTimestamp) << 40 | uint256(r.finalNumber) << 80;
    }

    function toChain(uint256 word) internal pure returns (ChainRecord memory r) {
        r.tipNumber = uint40(word);
        r.tipTimestamp = uint40(word >> 40);
        r.finalNumber = uint40(word >> 80);
    }

    function pack(BlockRecord memory r) internal pure returns (uint256) {
        return (r.known ? 1 : 0) | uint256(r.proposerId) << 8 | uint256(r.number) << 40 | uint256(r.timestamp) << 80
            | uint256(r.proposedAt) << 120 | uint256(r.pausedUntil) << 160 | uint256(r.claimsUnderDemand) << 200
            | uint256(r.openRefutes) << 224;
    }

    function toBlock(uint256 word) internal pure returns (BlockRecord memory r) {
        r.known = uint8(word) != 0;
        r.proposerId = uint32(word >> 8);
        r.number = uint40(word >> 40);
        r.timestamp = uint40(word >> 80);
        r.proposedAt = uint40(word >> 120);
        r.pausedUntil = uint40(word >> 160);
        r.claimsUnderDemand = uint24(word >> 200);
        r.openRefutes = uint24(word >> 224);
    }

    function pack(ProposerRecord memory r) internal pure returns (uint256) {
        return uint256(r.state) | uint256(r.id) << 8 | uint256(r.lastNumber) << 40 | uint256(r.lastProposedAt) << 80
            | uint256(r.exitRequestedAt) << 120;
    }

    function toProposer(uint256 word) internal pure returns (ProposerRecord memory r) {
        r.state = ISettlement.ProposerState(uint8(word));
        r.id = uint32(word >> 8);
        r.lastNumber = uint40(word >> 40);
        r.lastProposedAt = uint40(word >> 80);
        r.exitRequestedAt = uint40(word >> 120);
    }

    function pack(ClaimRecord memory r) internal pure returns (uint256) {
        return uint256(r.state) | (r.slashed ? 1 << 8 : 0) | uint256(r.challenges) << 16 | uint256(r.openRefutes) << 40
            | uint256(r.leader) << 64 | uint256(r.firstDemand) << 88 | uint256(r.leaderDeadline) << 112
            | uint256(r.demandDeadline) << 152 | uint256(r.verdictBlock) << 192;
    }

    function toClaim(uint256 word) internal pure returns (ClaimRecord memory r) {
        r.state = ISettlement.ClaimState(uint8(word));
        r.slashed = uint8(word >> 8) != 0;
        r.challenges = uint24(word >> 16);
        r.openRefutes = uint24(word >> 40);
        r.leader = uint24(word >> 64);
        r.firstDemand = uint24(word >> 88);
        r.leaderDeadline = uint40(word >> 112);
        r.demandDeadline = uint40(word >> 152);
        r.verdictBlock = uint40(word >> 192);
    }

    function pack(ChallengeRecord memory r) internal pure returns (uint256) {
        return uint256(r.state) | uint256(r.number) << 8 | uint256(r.deadline) << 32;
    }

    function toChallenge(uint256 word) internal pure returns (ChallengeRecord memory r) {
        r.state = ISettlement.ChallengeState(uint8(word));
        r.number = uint24(word >> 8);
        r.deadline = uint40(word >> 32);
    }
}
