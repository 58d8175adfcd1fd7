// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Commitments } from "../Commitments.sol";
import { Consumer } from "../Consumer.sol";
import { ISyncJobs } from "../interfaces/ISyncJobs.sol";
import { FeeInput } from "./FeeInput.sol";
import { IDynamicFeePool } from "./IDynamicFeePool.sol";

/// @title The fees of traders, by volume that the program `amm-fee` finds proven
/// @dev A trader's volume within the window is what they ever traded, less what they had traded before it. The first is
/// in storage now. The second was in storage at the end of the block before the first swap of a period: that block's hash
/// is kept, since the chain itself forgets it. A trader names the period. What counts are swaps from the period's start on,
/// so a period that starts within the window never counts a swap from before it, whichever period it is; an earlier one
/// counts more, so nobody gains by another choice than the oldest.
abstract contract TieredFees is IDynamicFeePool, Consumer {
    /// @dev Enough for two proofs of twelve full nodes each; today's state needs a tenth.
    uint64 private constant MAX_CYCLES = 300_000;
    uint64 private constant CALLBACK_GAS_LIMIT = 100_000;
    uint64 private constant DEADLINE_BLOCKS = 300;

    /// @dev Fees are in parts of this.
    uint256 internal constant MILLION = 1_000_000;
    uint8 private constant TIER_COUNT = 4;
    uint256 private constant FEE_BITS = 24;

    /// @notice The program that finds fees.
    bytes32 public immutable FEE_PROGRAM_ID;

    /// @notice Length of a period: period `n` starts at second `n * ANCHOR_PERIOD_SECONDS`.
    uint256 public immutable ANCHOR_PERIOD_SECONDS;

    /// @notice How long a swap counts.
    uint256 public immutable WINDOW_SECONDS;

    /// @dev A tier is a volume, then a fee in the low 24 bits: as the program reads it, in 19 bytes.
    uint152 private immutable TIER_0;
    uint152 private immutable TIER_1;
    uint152 private immutable TIER_2;
    uint152 private immutable TIER_3;

    /// @dev A refresh under way.
    struct Refresh {
        address trader;
        uint64 until;
    }

    /// @inheritdoc IDynamicFeePool
    mapping(uint32 period => bytes32) public anchorOf;

    mapping(address trader => Trader) private _traders;
    mapping(bytes32 jobId => Refresh) private _refreshes;

    constructor(Configuration memory configuration) {
        Tier[3] memory earned = configuration.tiers;
        uint24 baseFee = configuration.baseFeeMillionths;
        require(configuration.anchorPeriodSeconds > 0, ConfigurationInvalid("anchor period is zero"));
        require(
            configuration.windowSeconds >= configuration.anchorPeriodSeconds,
            ConfigurationInvalid("window is shorter than an anchor period")
        );
        bool falling = baseFee > earned[0].feeMillionths && earned[0].feeMillionths > earned[1].feeMillionths
            && earned[1].feeMillionths > earned[2].feeMillionths;
        // A fee of nothing would make volume free for everyone who has some.
        require(falling && earned[2].feeMillionths > 0, ConfigurationInvalid("fees do not fall towards one above zero"));
        require(baseFee < MILLION, ConfigurationInvalid("base fee is all of what goes in"));
        bool rising = 0 < earned[0].minVolume && earned[0].minVolume < earned[1].minVolume
            && earned[1].minVolume < earned[2].minVolume;
        require(rising, ConfigurationInvalid("volumes do not rise from zero"));

        FEE_PROGRAM_ID = configuration.feeProgramId;
        ANCHOR_PERIOD_SECONDS = configuration.anchorPeriodSeconds;
        WINDOW_SECONDS = configuration.windowSeconds;
        TIER_0 = baseFee;
        TIER_1 = _pack(earned[0]);
        TIER_2 = _pack(earned[1]);
        TIER_3 = _pack(earned[2]);
    }

    /// @inheritdoc IDynamicFeePool
    function refreshTier(uint32 period, bytes calldata proof, uint64 maxCycles)
        external
        payable
        returns (bytes32 jobId)
    {
        bytes memory input = feeInput(msg.sender, period, proof);
        jobId =
            _requestJob(FEE_PROGRAM_ID, input, maxCycles, CALLBACK_GAS_LIMIT, uint64(block.number) + DEADLINE_BLOCKS);
        // As long as the period's start is within the window, all that counted for the tier still does.
        uint64 until = uint64(period * ANCHOR_PERIOD_SECONDS + WINDOW_SECONDS);
        _refreshes[jobId] = Refresh(msg.sender, until);
        emit TierRequested(jobId, msg.sender, period);
    }

    /// @inheritdoc IDynamicFeePool
    function traderOf(address trader) external view returns (Trader memory) {
        return _traders[trader];
    }

    /// @inheritdoc IDynamicFeePool
    function tiers() external view returns (Tier[4] memory) {
        return [_unpack(TIER_0), _unpack(TIER_1), _unpack(TIER_2), _unpack(TIER_3)];
    }

    /// @inheritdoc IDynamicFeePool
    function feeOf(address trader) public view returns (uint24 feeMillionths) {
        Trader storage record = _traders[trader];
        return block.timestamp <= record.tierUntil ? record.tierFeeMillionths : _feeOf(TIER_0);
    }

    /// @inheritdoc IDynamicFeePool
    function oldestPeriod() public view returns (uint32) {
        if (block.timestamp <= WINDOW_SECONDS) return 0;
        uint256 windowStart = block.timestamp - WINDOW_SECONDS;
        return uint32((windowStart + ANCHOR_PERIOD_SECONDS - 1) / ANCHOR_PERIOD_SECONDS);
    }

    /// @inheritdoc IDynamicFeePool
    function feeInput(address trader, uint32 period, bytes calldata proof) public view returns (bytes memory) {
        require(period >= oldestPeriod(), AnchorTooOld(period, oldestPeriod()));
        bytes32 blockHash = anchorOf[period];
        require(blockHash != 0, UnknownAnchor(period));
        Trader storage record = _traders[trader];
        bytes32 slot;
        assembly ("memory-safe") {
            slot := record.slot
        }
        bytes memory table = abi.encodePacked(TIER_0, TIER_1, TIER_2, TIER_3);
        return FeeInput.encode(blockHash, address(this), slot, record.volume, TIER_COUNT, table, proof);
    }

    /// @dev The fee that a proof gives, by a run of the program here and now.
    function _provenFee(address trader, uint32 period, bytes calldata proof) internal returns (uint24) {
        ISyncJobs.Outcome memory outcome =
            ISyncJobs(address(JOB_MANAGER)).execute(FEE_PROGRAM_ID, feeInput(trader, period, proof), MAX_CYCLES);
        require(outcome.status == Commitments.SUCCESS, FeeProofRejected(outcome.output));
        return _checkedFee(outcome.output);
    }

    /// @dev Keeps the past for the period that a block's time lies in. Must come before the period's first volume.
    function _anchor(uint32 period) internal {
        bytes32 blockHash = blockhash(block.number - 1);
        anchorOf[period] = blockHash;
        emit Anchored(period, block.number - 1, blockHash);
    }

    /// @dev The period that the block's time lies in.
    function _currentPeriod() internal view returns (uint32) {
        return uint32(block.timestamp / ANCHOR_PERIOD_SECONDS);
    }

    /// @dev Counts a swap. At the greatest value the count stays: less counts for the trader from then on, never more.
    function _addVolume(address trader, uint256 amount0) internal {
        Trader storage record = _traders[trader];
        uint256 volume = record.volume + amount0;
        record.volume = volume > type(uint128).max ? type(uint128).max : uint128(volume);
    }

    /// @inheritdoc Consumer
    function _onResult(bytes32 jobId, bytes calldata output) internal override {
        Refresh memory refresh = _take(jobId);
        uint24 fee = _checkedFee(output);
        Trader storage record = _traders[refresh.trader];
        record.tierFeeMillionths = fee;
        record.tierUntil = refresh.until;
        emit TierRefreshed(jobId, refresh.trader, fee, refresh.until);
    }

    /// @inheritdoc Consumer
    function _onPanic(bytes32 jobId, bytes calldata message) internal override {
        emit TierNotRefreshed(jobId, _take(jobId).trader, message);
    }

    /// @inheritdoc Consumer
    function _jobExpired(bytes32 jobId) internal override {
        emit TierNotRefreshed(jobId, _take(jobId).trader, "no result came before the deadline");
    }

    function _take(bytes32 jobId) private returns (Refresh memory refresh) {
        refresh = _refreshes[jobId];
        delete _refreshes[jobId];
    }

    /// @dev The program gives `abi.encode(uint256 feeMillionths)`.
    function _checkedFee(bytes memory output) private view returns (uint24) {
        uint256 fee = abi.decode(output, (uint256));
        (uint24 least, uint24 most) = (_feeOf(TIER_3), _feeOf(TIER_0));
        require(least <= fee && fee <= most, FeeOutOfBounds(fee, least, most));
        return uint24(fee);
    }

    function _pack(Tier memory tier) private pure returns (uint152) {
        return uint152(tier.minVolume) << uint152(FEE_BITS) | tier.feeMillionths;
    }

    function _unpack(uint152 tier) private pure returns (Tier memory) {
        return Tier(uint128(tier >> FEE_BITS), _feeOf(tier));
    }

    function _feeOf(uint152 tier) private pure returns (uint24) {
        return uint24(tier);
    }
}
