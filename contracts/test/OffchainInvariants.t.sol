// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Fixture } from "./base/Fixture.sol";
import { MockExecutor } from "./base/MockExecutor.sol";
import { OffchainHandler } from "./base/OffchainHandler.sol";
import { Predeploys } from "../src/Predeploys.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";

/// @dev What holds after any sequence of requests by signature, runs inside transactions and blocks.
contract OffchainInvariantsTest is Fixture {
    uint64 private constant SMALL_TARGET = 700_000;
    uint64 private constant SMALL_BUDGET = 3_000_000_000;

    OffchainHandler private handler;

    function setUp() public override {
        super.setUp();
        _setParameters(SMALL_TARGET, SMALL_BUDGET);
        vm.etch(Predeploys.EXECUTOR, type(MockExecutor).runtimeCode);
        handler = new OffchainHandler();
        vm.deal(address(handler), 1_000_000 ether);
        for (uint256 which; which < 3; ++which) {
            handler.deposit(which, 10 ether);
        }
    }

    /// @dev Tells forge what to call.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Every wei is in one account: fees are taken and earned at once.
    function invariant_fundsAreConserved() public view {
        vm.assertEq(address(MANAGER).balance, handler.sumOfBalances());
    }

    /// @dev A number is used once: no job has two claims, and its consumer heard of it once at most.
    function invariant_oneClaimPerJob() public view {
        for (uint256 i; i < handler.claimCount(); ++i) {
            bytes32 jobId = handler.claimAt(i);
            vm.assertEq(handler.claimsOf(jobId), 1);
            vm.assertLe(handler.timesTold(jobId), 1);
        }
    }

    /// @dev Ordered jobs land as 0, 1, 2 and so on, but for revoked numbers, which never land; a request without fault whose
    /// turn it is lands; strangers post nothing.
    function invariant_orderHolds() public view {
        vm.assertTrue(handler.orderedNoncesAreThoseClaimed());
        vm.assertFalse(handler.sawForbiddenMove());
    }

    function invariant_priceAndBudgetHold() public view {
        IJobManager.Load memory load = MANAGER.load();
        vm.assertLe(CYCLE_PRICE_WEI, load.cyclePriceWei);
        vm.assertLe(load.syncCycles, SMALL_BUDGET);
        vm.assertLe(load.syncCycles, load.postedCycles);
        vm.assertEq(load.cyclePriceWei, MANAGER.cyclePriceWei());
    }
}
