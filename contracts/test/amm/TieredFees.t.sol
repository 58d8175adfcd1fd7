// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import { Consumer } from "../../src/Consumer.sol";
import { FeeInput } from "../../src/amm/FeeInput.sol";
import { IDynamicFeePool } from "../../src/amm/IDynamicFeePool.sol";
import { ISyncJobs } from "../../src/interfaces/ISyncJobs.sol";
import { FeeJobs } from "./base/FeeJobs.sol";
import { PoolFixture } from "./base/PoolFixture.sol";

/// @dev What traders pay, and for what history. Proofs are as `MockFeeExecutor` takes them.
contract TieredFeesTest is PoolFixture {
    bytes private constant NO_VOLUME_THEN = hex"00000000000000000000000000000000";

    function setUp() public {
        _start();
        _addLiquidity(BOB, 1_000_000 ether, 1_000_000 ether);
    }

    function test_theFirstSwapOfAPeriodAnchorsThePast() public {
        _nextBlock(10);
        bytes32 expected = hashOf[1000];
        vm.expectEmit(address(pool));
        emit IDynamicFeePool.Anchored(_periodNow(), 1000, expected);
        _swap(ALICE, token0, 1 ether);
        uint32 period = _periodNow();
        vm.assertEq(pool.anchorOf(period), expected);
        vm.assertEq(pool.latestPeriod(), period);

        _nextBlock(PERIOD - 11);
        _swap(ALICE, token0, 1 ether);
        vm.assertEq(pool.anchorOf(period), expected);

        _nextBlock(1);
        _swap(ALICE, token0, 1 ether);
        vm.assertEq(pool.anchorOf(period), expected);
        vm.assertFalse(hashOf[1002] == expected);
        vm.assertEq(pool.anchorOf(period + 1), hashOf[1002]);
    }

    function test_volumeEarnsATier() public {
        uint32 period = _trade(ALICE, 1000 ether);
        vm.assertEq(pool.feeOf(ALICE), BASE_FEE);
        vm.assertEq(_provenSwap(ALICE, period, NO_VOLUME_THEN), 2000);
        // Who traded nothing gets nothing by the same means.
        vm.assertEq(_provenSwap(BOB, period, NO_VOLUME_THEN), BASE_FEE);
    }

    function test_tiersStartAtTheirVolume() public {
        uint32 period = _trade(ALICE, 1000 ether - 2);
        // Each proven swap adds 1 to the volume.
        uint24[3] memory expected = [BASE_FEE, BASE_FEE, 2000];
        for (uint256 i; i < 3; ++i) {
            vm.assertEq(_provenSwap(ALICE, period, NO_VOLUME_THEN, 1000), expected[i]);
            _setVolume(ALICE, uint128(1000 ether - 1 + i));
        }
    }

    function test_volumeOfSomebodyElseCountsForNobody() public {
        // The trader is who calls, not who gets what comes out.
        vm.prank(ALICE);
        pool.swap(_order(token0, 5000 ether, BOB));
        vm.assertEq(pool.traderOf(BOB).volume, 0);
        vm.assertEq(pool.traderOf(ALICE).volume, 5000 ether);
    }

    function test_onlySwapsFromThePeriodOnCount() public {
        uint32 first = _trade(ALICE, 9000 ether);
        _nextBlock(PERIOD);
        uint32 second = _trade(ALICE, 1000 ether);
        bytes memory then = abi.encodePacked(uint128(9000 ether));

        vm.assertEq(_provenSwap(ALICE, first, NO_VOLUME_THEN), 1000);
        vm.assertEq(_provenSwap(ALICE, second, then), 2000);
        // The word of one period's block does not pass for that of another.
        _expectRejected(second, NO_VOLUME_THEN, "not the word of that block");
        _expectRejected(first, then, "not the word of that block");
    }

    function test_swapsBeforeTheWindowDoNotCount() public {
        uint32 period = _trade(ALICE, 200_000 ether);
        uint256 last = uint256(period) * PERIOD + WINDOW;
        _nextBlock(last - _now());
        vm.assertEq(pool.oldestPeriod(), period);
        vm.assertEq(_provenSwap(ALICE, period, NO_VOLUME_THEN), 500);

        _nextBlock(1);
        vm.assertEq(pool.oldestPeriod(), period + 1);
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.AnchorTooOld.selector, period, period + 1));
        _provenSwap(ALICE, period, NO_VOLUME_THEN);
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.UnknownAnchor.selector, period + 1));
        _provenSwap(ALICE, period + 1, NO_VOLUME_THEN);
    }

    function test_periodsToComeAreUnknown() public {
        uint32 period = _trade(ALICE, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.UnknownAnchor.selector, period + 1));
        _provenSwap(ALICE, period + 1, NO_VOLUME_THEN);
    }

    function test_whatTheProgramSaysOfAProofIsTheError() public {
        uint32 period = _trade(ALICE, 5000 ether);
        _expectRejected(period, "", "malformed proof");
        _expectRejected(period, abi.encodePacked(uint128(1)), "not the word of that block");
    }

    function test_aRunWithoutAnOutcomeIsTheError() public {
        uint32 period = _trade(ALICE, 5000 ether);
        EXECUTOR.haveNoOutcome();
        vm.expectRevert(
            abi.encodeWithSelector(ISyncJobs.NoOutcome.selector, PROGRAM_ID, ISyncJobs.NoOutcomeReason.OutOfCycles)
        );
        _provenSwap(ALICE, period, NO_VOLUME_THEN);
    }

    function testFuzz_feesOutOfBoundsAreRefused(uint256 fee) public {
        uint32 period = _trade(ALICE, 5000 ether);
        EXECUTOR.forceOutput(abi.encode(fee));
        if (fee < 500 || fee > BASE_FEE) {
            vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.FeeOutOfBounds.selector, fee, 500, BASE_FEE));
        }
        _provenSwap(ALICE, period, NO_VOLUME_THEN);
    }

    function test_feeBoundsAreTheLastTierAndTheBase() public {
        uint32 period = _trade(ALICE, 1 ether);
        uint24[2] memory outside = [499, BASE_FEE + 1];
        uint24[2] memory inside = [500, BASE_FEE];
        for (uint256 i; i < 2; ++i) {
            EXECUTOR.forceOutput(abi.encode(outside[i]));
            vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.FeeOutOfBounds.selector, outside[i], 500, BASE_FEE));
            _provenSwap(ALICE, period, NO_VOLUME_THEN);
            EXECUTOR.forceOutput(abi.encode(inside[i]));
            vm.assertEq(_provenSwap(ALICE, period, NO_VOLUME_THEN), inside[i]);
        }
    }

    function test_aRefreshGivesATierForSwapsWithoutProof() public {
        uint32 period = _trade(ALICE, 10_000 ether);
        uint64 until = uint64(period) * PERIOD + WINDOW;
        bytes memory input = pool.feeInput(ALICE, period, NO_VOLUME_THEN);
        vm.deal(ALICE, 1 ether);
        vm.prank(ALICE);
        bytes32 jobId = pool.refreshTier{ value: 7 }(period, NO_VOLUME_THEN, 50_000);
        FeeJobs.Request memory asked = JOBS.requestOf(jobId);
        vm.assertEq(asked.consumer, address(pool));
        vm.assertEq(asked.programId, PROGRAM_ID);
        vm.assertEq(asked.input, input);
        vm.assertEq(asked.maxCycles, 50_000);
        vm.assertEq(asked.valueWei, 7);
        vm.assertEq(pool.feeOf(ALICE), BASE_FEE);

        vm.expectEmit(address(pool));
        emit IDynamicFeePool.TierRefreshed(jobId, ALICE, 1000, until);
        JOBS.deliver(jobId);
        vm.assertEq(pool.feeOf(ALICE), 1000);
        vm.assertEq(pool.feeOf(BOB), BASE_FEE);
        vm.assertEq(_chargedSwap(ALICE, token0, 1 ether), 1000);
        // The swap counted, and left the tier as it was.
        vm.assertEq(pool.traderOf(ALICE).volume, 10_001 ether);
        vm.assertEq(pool.traderOf(ALICE).tierUntil, until);

        vm.warp(until);
        vm.assertEq(pool.feeOf(ALICE), 1000);
        vm.warp(until + 1);
        vm.assertEq(pool.feeOf(ALICE), BASE_FEE);
        vm.assertEq(_chargedSwap(ALICE, token0, 1 ether), BASE_FEE);
    }

    function test_aRefreshCountsWhatWasTradedWhenItWasAsked() public {
        uint32 period = _trade(ALICE, 999 ether);
        bytes32 jobId = _refresh(ALICE, period);
        _swap(ALICE, token0, 100 ether);
        JOBS.deliver(jobId);
        vm.assertEq(pool.feeOf(ALICE), BASE_FEE);
    }

    function test_aRefreshThatFailsLeavesTheTier() public {
        uint32 period = _trade(ALICE, 10_000 ether);
        JOBS.deliver(_refresh(ALICE, period));

        bytes32 jobId = _refresh(ALICE, period);
        vm.expectEmit(address(pool));
        emit IDynamicFeePool.TierNotRefreshed(jobId, ALICE, "why");
        JOBS.deliver(jobId, 1, "why");
        jobId = _refresh(ALICE, period);
        vm.expectEmit(address(pool));
        emit IDynamicFeePool.TierNotRefreshed(jobId, ALICE, "no result came before the deadline");
        JOBS.expire(jobId);
        jobId = _refresh(ALICE, period);
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.FeeOutOfBounds.selector, 499, 500, BASE_FEE));
        JOBS.deliver(jobId, 0, abi.encode(uint256(499)));
        vm.assertEq(pool.feeOf(ALICE), 1000);
    }

    function test_aRefreshNeedsAnAnchorWithinTheWindow() public {
        uint32 period = _trade(ALICE, 10_000 ether);
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.UnknownAnchor.selector, period + 1));
        _refresh(ALICE, period + 1);
        vm.warp(uint256(period) * PERIOD + WINDOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.AnchorTooOld.selector, period, period + 1));
        _refresh(ALICE, period);
    }

    function test_onlyTheJobManagerGivesTiers() public {
        vm.expectRevert(abi.encodeWithSelector(Consumer.NotJobManager.selector, ALICE, address(JOBS)));
        vm.prank(ALICE);
        pool.receiveResult(0, 0, abi.encode(uint256(500)));
    }

    function test_aVolumeAsLargeAsItGetsStaysThere() public {
        _trade(ALICE, 1 ether);
        _setVolume(ALICE, type(uint128).max - 1);
        _swap(ALICE, token0, 1 ether);
        vm.assertEq(pool.traderOf(ALICE).volume, type(uint128).max);
        _swap(ALICE, token0, 1 ether);
        vm.assertEq(pool.traderOf(ALICE).volume, type(uint128).max);
    }

    /// @dev The program takes the low 128 bits of the word that the input names.
    function test_theInputNamesTheTradersWord() public {
        uint32 period = _trade(ALICE, 10_000 ether);
        JOBS.deliver(_refresh(ALICE, period));
        bytes memory input = pool.feeInput(ALICE, period, hex"0102");
        vm.assertEq(input.length, 101 + 4 * 19 + 2);
        bytes32 slot;
        assembly ("memory-safe") {
            slot := mload(add(input, add(32, 52)))
        }
        vm.assertEq(slot, _slotOf(ALICE));
        uint256 word = uint256(CHAIN.load(address(pool), slot));
        vm.assertEq(uint128(word), 10_000 ether);
        vm.assertEq(uint24(word >> 128), 1000);
        vm.assertEq(uint64(word >> 152), uint64(period) * PERIOD + WINDOW);
    }

    function test_theTableIsTheBaseAndTheTiers() public view {
        IDynamicFeePool.Tier[4] memory table = pool.tiers();
        vm.assertEq(table[0].minVolume, 0);
        vm.assertEq(table[0].feeMillionths, BASE_FEE);
        IDynamicFeePool.Tier[3] memory earned = _tiers();
        for (uint256 i; i < 3; ++i) {
            vm.assertEq(table[i + 1].minVolume, earned[i].minVolume);
            vm.assertEq(table[i + 1].feeMillionths, earned[i].feeMillionths);
        }
    }

    function test_theInputIsTheOneThatTheProgramIsTestedWith() public view {
        string memory json = vm.readFile("test/vectors/amm-fee.json");
        bytes memory table;
        for (uint256 i; i < 3; ++i) {
            string memory index = i == 0 ? "[0]" : i == 1 ? "[1]" : "[2]";
            uint256 volume = vm.parseJsonUint(json, string.concat(".tierVolumes", index));
            uint256 fee = vm.parseJsonUint(json, string.concat(".tierFees", index));
            table = abi.encodePacked(table, uint128(volume), uint24(fee));
        }
        bytes memory input = this.encode(
            vm.parseJsonBytes32(json, ".anchor"),
            vm.parseJsonAddress(json, ".pool"),
            vm.parseJsonBytes32(json, ".slot"),
            uint128(vm.parseJsonUint(json, ".volumeNow")),
            table,
            vm.parseJsonBytes(json, ".proof")
        );
        vm.assertEq(input, vm.parseJsonBytes(json, ".input"));
    }

    function encode(
        bytes32 anchor,
        address of_,
        bytes32 slot,
        uint128 volumeNow,
        bytes memory table,
        bytes calldata proof
    ) external pure returns (bytes memory) {
        return FeeInput.encode(anchor, of_, slot, volumeNow, 3, table, proof);
    }

    /// @dev Swaps in a new block; returns its period, which is anchored.
    function _trade(address trader, uint256 amount0) private returns (uint32) {
        _nextBlock(1);
        _swap(trader, token0, amount0);
        _nextBlock(1);
        return _periodNow();
    }

    function _refresh(address trader, uint32 period) private returns (bytes32) {
        vm.prank(trader);
        return pool.refreshTier(period, NO_VOLUME_THEN, 50_000);
    }

    /// @dev The fee that a swap with a proof was charged.
    function _provenSwap(address trader, uint32 period, bytes memory proof) private returns (uint256) {
        return _provenSwap(trader, period, proof, 1000);
    }

    function _provenSwap(address trader, uint32 period, bytes memory proof, uint256 amount) private returns (uint256) {
        vm.recordLogs();
        vm.prank(trader);
        pool.swapWithProof(_order(token1, amount, trader), period, proof);
        return _chargedFee(trader);
    }

    function _chargedSwap(address trader, IERC20 tokenIn, uint256 amount) private returns (uint256) {
        vm.recordLogs();
        _swap(trader, tokenIn, amount);
        return _chargedFee(trader);
    }

    function _expectRejected(uint32 period, bytes memory proof, bytes memory message) private {
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.FeeProofRejected.selector, message));
        _provenSwap(ALICE, period, proof);
    }

    function _setVolume(address trader, uint128 volume) private {
        vm.store(address(pool), _slotOf(trader), bytes32(uint256(volume)));
    }
}
