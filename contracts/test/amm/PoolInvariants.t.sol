// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Test } from "../base/Test.sol";
import { PoolHandler } from "./base/PoolHandler.sol";

/// @dev What holds after any sequence of swaps, refreshes, lies, liquidity and time.
contract PoolInvariantsTest is Test {
    PoolHandler private handler;

    function setUp() public {
        handler = new PoolHandler();
    }

    /// @dev Tells forge what to call.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev The product never falls by a swap, a share's part of the reserves never, fees are those of the volume that
    /// the handler's own books show, and no lie passes.
    function invariant_nothingForbiddenHappened() public view {
        vm.assertEq(bytes(handler.fault()), "");
    }

    function invariant_reservesAreHeld() public view {
        vm.assertTrue(handler.isSolvent());
    }

    /// @dev However much time passes, no tier gives more than the volume within the window earns.
    function invariant_feesAreWithinBounds() public view {
        vm.assertTrue(handler.feesAreWithinBounds());
    }

    /// @dev The handler gets somewhere: discounts are earned and lies refused, by hand and in this order.
    function test_theHandlerReachesDiscountsAndLies() public {
        handler.swap(0, true, 20_000 ether);
        handler.pass(10, false);
        handler.swapWithProof(0, true, 1 ether, 0);
        handler.refresh(0, 0, false);
        handler.deliver(0);
        handler.swap(0, false, 1 ether);
        handler.lie(0, 1 ether, 0, 1);
        vm.assertEq(handler.plainSwaps(), 1);
        vm.assertEq(handler.discountedSwaps(), 2);
        vm.assertEq(handler.refusedLies(), 1);
        vm.assertEq(bytes(handler.fault()), "");
    }
}
