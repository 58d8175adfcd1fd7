// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../interfaces/ISettlement.sol";
import { ISettlementErrors } from "../interfaces/ISettlementErrors.sol";

/// @dev The rules, as immutables: no storage is read for them.
abstract contract ParameterSet is ISettlement, ISettlementErrors {
    /// @dev The whole, in basis points.
    uint256 internal constant WHOLE_BPS = 10_000;

    /// @dev Records hold block numbers in 40 bits, so that a deadline must not add much: 136 years of blocks a second.
    uint256 internal constant MAX_PERIOD_BLOCKS = type(uint32).max;

    /// @dev A header a day ahead of its time is of no use to anyone.
    uint256 internal constant MAX_DRIFT_SECONDS = 1 days;

    uint64 internal immutable _challengePeriodBlocks;
    uint64 internal immutable _proverPeriodBlocks;
    uint128 internal immutable _proposerBondWei;
    uint128 internal immutable _refuteBondWei;
    uint128 internal immutable _demandBondWei;
    uint16 internal immutable _challengerShareBps;
    uint16 internal immutable _proverShareBps;
    uint16 internal immutable _proverShareOfBondBps;
    uint64 internal immutable _maxTimestampDriftSeconds;

    constructor(Parameters memory p) {
        _requireRange("challengePeriodBlocks", p.challengePeriodBlocks, 1, MAX_PERIOD_BLOCKS);
        _requireRange("proverPeriodBlocks", p.proverPeriodBlocks, 1, MAX_PERIOD_BLOCKS);
        _requireRange("proposerBondWei", p.proposerBondWei, 1, type(uint128).max);
        _requireRange("refuteBondWei", p.refuteBondWei, 1, type(uint128).max);
        _requireRange("demandBondWei", p.demandBondWei, 1, type(uint128).max);
        _requireRange("proverShareOfBondBps", p.proverShareOfBondBps, 0, WHOLE_BPS);
        _requireRange("maxTimestampDriftSeconds", p.maxTimestampDriftSeconds, 0, MAX_DRIFT_SECONDS);
        uint256 shares = uint256(p.challengerShareBps) + p.proverShareBps;
        require(shares < WHOLE_BPS, SharesTooHigh(shares, WHOLE_BPS - 1));

        _challengePeriodBlocks = p.challengePeriodBlocks;
        _proverPeriodBlocks = p.proverPeriodBlocks;
        _proposerBondWei = p.proposerBondWei;
        _refuteBondWei = p.refuteBondWei;
        _demandBondWei = p.demandBondWei;
        _challengerShareBps = p.challengerShareBps;
        _proverShareBps = p.proverShareBps;
        _proverShareOfBondBps = p.proverShareOfBondBps;
        _maxTimestampDriftSeconds = p.maxTimestampDriftSeconds;
    }

    /// @inheritdoc ISettlement
    function parameters() external view returns (Parameters memory) {
        return Parameters({
            challengePeriodBlocks: _challengePeriodBlocks,
            proverPeriodBlocks: _proverPeriodBlocks,
            proposerBondWei: _proposerBondWei,
            refuteBondWei: _refuteBondWei,
            demandBondWei: _demandBondWei,
            challengerShareBps: _challengerShareBps,
            proverShareBps: _proverShareBps,
            proverShareOfBondBps: _proverShareOfBondBps,
            maxTimestampDriftSeconds: _maxTimestampDriftSeconds
        });
    }

    /// @dev What a challenge of this kind costs.
    function _bondWeiOf(Kind kind) internal view returns (uint256) {
        return kind == Kind.Refute ? _refuteBondWei : _demandBondWei;
    }

    /// @dev A part of a slashed bond.
    function _shareWei(uint256 shareBps) internal view returns (uint256) {
        return _proposerBondWei * shareBps / WHOLE_BPS;
    }

    function _requireRange(bytes32 name, uint256 got, uint256 least, uint256 most) internal pure {
        require(got >= least && got <= most, ParameterOutOfRange(name, got, least, most));
    }
}
