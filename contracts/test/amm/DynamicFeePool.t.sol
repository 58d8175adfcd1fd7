// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import { DynamicFeePool } from "../../src/amm/DynamicFeePool.sol";
import { IDynamicFeePool } from "../../src/amm/IDynamicFeePool.sol";
import { CallingToken, TakingToken } from "./base/HostileTokens.sol";
import { PoolFixture } from "./base/PoolFixture.sol";

/// @dev Liquidity, swaps and tokens; fees are in TieredFees.t.sol.
contract DynamicFeePoolTest is PoolFixture {
    uint256 private constant UNIT = 1 ether;

    function setUp() public {
        _start();
    }

    function test_firstLiquidityIsLockedInPart() public {
        vm.expectEmit(address(pool));
        emit IDynamicFeePool.LiquidityAdded(ALICE, ALICE, 4 * UNIT, 9 * UNIT, 6 * UNIT - 1000);
        uint256 shares = _addLiquidity(ALICE, 4 * UNIT, 9 * UNIT);
        vm.assertEq(shares, 6 * UNIT - 1000);
        vm.assertEq(pool.balanceOf(ALICE), shares);
        vm.assertEq(pool.balanceOf(pool.LOCK()), 1000);
        _assertReserves(4 * UNIT, 9 * UNIT);
    }

    function test_firstLiquidityIsMoreThanWhatIsLocked() public {
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.AmountTooLow.selector, 1000, 1001));
        _addLiquidity(ALICE, 1000, 1000);
        vm.assertEq(_addLiquidity(ALICE, 1001, 1001), 1);
    }

    function test_laterLiquidityKeepsTheProportion() public {
        uint256 first = _addLiquidity(ALICE, 4 * UNIT, 9 * UNIT) + 1000;
        vm.prank(BOB);
        (uint256 amount0, uint256 amount1, uint256 shares) = pool.addLiquidity(2 * UNIT, 100 * UNIT, 0, BOB, NEVER);
        vm.assertEq(amount0, 2 * UNIT);
        vm.assertEq(amount1, 45 * UNIT / 10);
        vm.assertEq(shares, first / 2);
        _assertReserves(6 * UNIT, 135 * UNIT / 10);
    }

    function test_liquidityHasLimits() public {
        _addLiquidity(ALICE, 4 * UNIT, 9 * UNIT);
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.AmountTooLow.selector, 6 * UNIT, 6 * UNIT + 1));
        vm.prank(BOB);
        pool.addLiquidity(4 * UNIT, 9 * UNIT, 6 * UNIT + 1, BOB, NEVER);

        vm.expectRevert(IDynamicFeePool.AmountZero.selector);
        _addLiquidity(BOB, 0, UNIT);

        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.DeadlinePassed.selector, START, START - 1));
        vm.prank(BOB);
        pool.addLiquidity(1, 1, 0, BOB, uint64(START) - 1);

        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.AmountTooLow.selector, 2 * UNIT, 2 * UNIT + 1));
        vm.prank(ALICE);
        pool.removeLiquidity(3 * UNIT, 2 * UNIT + 1, 0, ALICE, NEVER);
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.AmountTooLow.selector, 45 * UNIT / 10, 5 * UNIT));
        vm.prank(ALICE);
        pool.removeLiquidity(3 * UNIT, 0, 5 * UNIT, ALICE, NEVER);
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.DeadlinePassed.selector, START, START - 1));
        vm.prank(ALICE);
        pool.removeLiquidity(1, 0, 0, ALICE, uint64(START) - 1);
    }

    function test_sharesComeBackAsReserves() public {
        uint256 shares = _addLiquidity(ALICE, 4 * UNIT, 9 * UNIT);
        uint256 before0 = token0.balanceOf(BOB);
        vm.prank(ALICE);
        (uint256 amount0, uint256 amount1) = pool.removeLiquidity(shares, 0, 0, BOB, NEVER);
        vm.assertEq(token0.balanceOf(BOB) - before0, amount0);
        vm.assertEq(pool.balanceOf(ALICE), 0);
        // What the locked shares stand for stays, rounded up.
        (uint256 reserve0, uint256 reserve1) = pool.reserves();
        vm.assertEq(reserve0, 4 * UNIT - amount0);
        vm.assertEq(reserve1, 9 * UNIT - amount1);
        vm.assertEq(reserve0, 667);
        vm.assertEq(reserve1, 1500);
    }

    function test_swapBothWays() public {
        _addLiquidity(ALICE, 1000 * UNIT, 2000 * UNIT);
        uint256 before1 = token1.balanceOf(BOB);
        // 10 in, 0.3 % of it fee: 9.97 * 2000 / 1009.97.
        vm.expectEmit(address(pool));
        emit IDynamicFeePool.Swapped(BOB, BOB, token0, 10 * UNIT, 19_743160687941225977, BASE_FEE);
        vm.assertEq(_swap(BOB, token0, 10 * UNIT), 19_743160687941225977);
        vm.assertEq(token1.balanceOf(BOB) - before1, 19_743160687941225977);
        _assertReserves(1010 * UNIT, 2000 * UNIT - 19_743160687941225977);

        uint256 quoted = pool.quote(token1, UNIT, BASE_FEE);
        vm.assertEq(_swap(BOB, token1, UNIT), quoted);
        // Volume is in units of the first token, whichever way it went.
        vm.assertEq(pool.traderOf(BOB).volume, 10 * UNIT + quoted);
    }

    function test_swapHasLimits() public {
        vm.expectRevert(IDynamicFeePool.AmountZero.selector);
        _swap(BOB, token0, UNIT);
        _addLiquidity(ALICE, 1000 * UNIT, 2000 * UNIT);
        IDynamicFeePool.Swap memory order = _order(token0, UNIT, BOB);
        uint256 quoted = pool.quote(token0, UNIT, BASE_FEE);

        order.minAmountOut = quoted + 1;
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.AmountTooLow.selector, quoted, quoted + 1));
        vm.prank(BOB);
        pool.swap(order);

        order.minAmountOut = quoted;
        order.deadline = uint64(START) - 1;
        bytes memory late = abi.encodeWithSelector(IDynamicFeePool.DeadlinePassed.selector, START, START - 1);
        vm.expectRevert(late);
        vm.prank(BOB);
        pool.swap(order);
        vm.expectRevert(late);
        vm.prank(BOB);
        pool.swapWithProof(order, 1, "");

        order.deadline = uint64(START);
        order.tokenIn = IERC20(address(pool));
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.UnknownToken.selector, pool));
        vm.prank(BOB);
        pool.swap(order);

        order.tokenIn = token0;
        vm.prank(BOB);
        vm.assertEq(pool.swap(order), quoted);

        vm.expectRevert(IDynamicFeePool.AmountZero.selector);
        _swap(BOB, token0, 0);
        uint256 limit = type(uint112).max;
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.ReserveTooLarge.selector, type(uint256).max, limit));
        _swap(BOB, token0, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.ReserveTooLarge.selector, limit + 1001 * UNIT, limit));
        _swap(BOB, token0, limit);
    }

    function testFuzz_productNeverFallsBySwaps(uint96 in0, uint96 in1, uint88 first, uint88 second, bool zeroFirst)
        public
    {
        in0 = uint96(2000 + in0 % (1_000_000 * UNIT));
        in1 = uint96(2000 + in1 % (1_000_000 * UNIT));
        _addLiquidity(ALICE, in0, in1);
        uint88[2] memory amounts = [first, second];
        for (uint256 i; i < 2; ++i) {
            (uint256 reserve0, uint256 reserve1) = pool.reserves();
            IERC20 tokenIn = zeroFirst == (i == 0) ? token0 : token1;
            if (pool.quote(tokenIn, amounts[i] % (1_000_000 * UNIT), BASE_FEE) == 0) continue;
            _swap(BOB, tokenIn, amounts[i] % (1_000_000 * UNIT));
            (uint256 after0, uint256 after1) = pool.reserves();
            vm.assertLe(reserve0 * reserve1, after0 * after1);
        }
    }

    /// @dev Less fee, more out, and never more than without any.
    function testFuzz_lowerFeesGiveMore(uint96 amount, uint24 fee) public {
        _addLiquidity(ALICE, 1000 * UNIT, 2000 * UNIT);
        fee = uint24(1 + fee % 999_999);
        uint256 atFee = pool.quote(token0, amount, fee);
        vm.assertLe(atFee, pool.quote(token0, amount, fee - 1));
        vm.assertLe(atFee, 2000 * UNIT);
    }

    function test_nobodyGainsByGoingForthAndBack() public {
        _addLiquidity(ALICE, 1000 * UNIT, 2000 * UNIT);
        uint256 before0 = token0.balanceOf(BOB);
        uint256 got = _swap(BOB, token0, 100 * UNIT);
        _swap(BOB, token1, got);
        vm.assertLe(token0.balanceOf(BOB), before0);
    }

    function test_tokensSentPastTheFunctionsAreNobodys() public {
        _addLiquidity(ALICE, 1000 * UNIT, 2000 * UNIT);
        require(token0.transfer(address(pool), 5 * UNIT));
        _swap(BOB, token0, UNIT);
        (uint256 reserve0,) = pool.reserves();
        vm.assertEq(reserve0, 1001 * UNIT);
        vm.assertEq(token0.balanceOf(address(pool)), 1006 * UNIT);
    }

    function test_tokensThatTakeAFeeAreRefused() public {
        TakingToken taking = new TakingToken();
        pool = _newPool(taking, token1);
        token0 = taking;
        _fund(ALICE, pool);
        _addLiquidity(ALICE, 1000 * UNIT, 1000 * UNIT);
        taking.take();
        bytes memory refused =
            abi.encodeWithSelector(IDynamicFeePool.TokenShortfall.selector, taking, 1099 * UNIT, 1100 * UNIT);
        vm.expectRevert(refused);
        _swap(ALICE, taking, 100 * UNIT);
        vm.expectRevert(refused);
        _addLiquidity(ALICE, 100 * UNIT, 100 * UNIT);
    }

    function test_nothingIsDoneWithinATransfer() public {
        CallingToken calling = new CallingToken();
        pool = _newPool(calling, token1);
        token0 = calling;
        _fund(ALICE, pool);
        uint256 shares = _addLiquidity(ALICE, 1000 * UNIT, 1000 * UNIT);
        bytes[4] memory calls = [
            abi.encodeCall(pool.swap, (_order(token1, 1, BOB))),
            abi.encodeCall(pool.swapWithProof, (_order(token1, 1, BOB), 1, "")),
            abi.encodeCall(pool.addLiquidity, (1, 1, 0, BOB, NEVER)),
            abi.encodeCall(pool.removeLiquidity, (1, 0, 0, BOB, NEVER))
        ];
        bytes4 refused = ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
        for (uint256 i; i < calls.length; ++i) {
            calling.callWithin(address(pool), calls[i]);
            vm.expectRevert(refused);
            _swap(ALICE, calling, UNIT);
            vm.expectRevert(refused);
            _swap(ALICE, token1, UNIT);
            vm.expectRevert(refused);
            _addLiquidity(ALICE, UNIT, UNIT);
            vm.expectRevert(refused);
            vm.prank(ALICE);
            pool.removeLiquidity(shares, 0, 0, ALICE, NEVER);
        }
    }

    function test_configurationIsChecked() public {
        IDynamicFeePool.Configuration memory good = _configuration();
        new DynamicFeePool(good);

        IDynamicFeePool.Configuration memory bad = _configuration();
        bad.token1 = bad.token0;
        _expectInvalid(bad, "both tokens are the same");
        bad = _configuration();
        bad.anchorPeriodSeconds = 0;
        _expectInvalid(bad, "anchor period is zero");
        bad = _configuration();
        bad.windowSeconds = PERIOD - 1;
        _expectInvalid(bad, "window is shorter than an anchor period");
        bad = _configuration();
        bad.baseFeeMillionths = 1_000_000;
        _expectInvalid(bad, "base fee is all of what goes in");
        bad = _configuration();
        bad.baseFeeMillionths = 2000;
        _expectInvalid(bad, "fees do not fall towards one above zero");
        bad = _configuration();
        bad.tiers[1].feeMillionths = 2000;
        _expectInvalid(bad, "fees do not fall towards one above zero");
        bad = _configuration();
        bad.tiers[2].feeMillionths = 0;
        _expectInvalid(bad, "fees do not fall towards one above zero");
        bad = _configuration();
        bad.tiers[0].minVolume = 0;
        _expectInvalid(bad, "volumes do not rise from zero");
        bad = _configuration();
        bad.tiers[2].minVolume = bad.tiers[1].minVolume;
        _expectInvalid(bad, "volumes do not rise from zero");
    }

    function _expectInvalid(IDynamicFeePool.Configuration memory configuration, string memory what) private {
        vm.expectRevert(abi.encodeWithSelector(IDynamicFeePool.ConfigurationInvalid.selector, what));
        new DynamicFeePool(configuration);
    }

    function _assertReserves(uint256 expected0, uint256 expected1) private view {
        (uint256 reserve0, uint256 reserve1) = pool.reserves();
        vm.assertEq(reserve0, expected0);
        vm.assertEq(reserve1, expected1);
        vm.assertEq(token0.balanceOf(address(pool)), expected0);
        vm.assertEq(token1.balanceOf(address(pool)), expected1);
    }
}
