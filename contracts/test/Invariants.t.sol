// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Fixture } from "./base/Fixture.sol";
import { Handler } from "./base/Handler.sol";

/// @dev What holds after any sequence of calls by anyone.
contract InvariantsTest is Fixture {
    Handler private handler;

    function setUp() public override {
        super.setUp();
        // So little that prices move.
        _setParameters(MAX_CYCLES / 2, MAX_SYNC_CYCLES);
        handler = new Handler();
        vm.deal(address(handler), 1_000_000 ether);
    }

    /// @dev Tells forge what to call.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Every wei is in one account or in the escrow of one pending job.
    function invariant_fundsAreConserved() public view {
        vm.assertEq(address(MANAGER).balance, handler.sumOfBalances() + handler.escrowOfPendingJobs());
    }

    /// @dev A job that has an outcome has had one claim, and its consumer heard of it once at most.
    function invariant_oneOutcomePerJob() public view {
        for (uint256 i; i < handler.jobCount(); ++i) {
            bytes32 jobId = handler.jobIdAt(i);
            vm.assertEq(handler.claimsOf(jobId), handler.hasOutcome(jobId) ? 1 : 0);
            vm.assertLe(handler.timesTold(jobId), 1);
        }
    }

    /// @dev The recorded outcome is the first one posted, and a job that left `Pending` never comes back to it.
    function invariant_outcomesStand() public view {
        vm.assertTrue(handler.outcomesStand());
        vm.assertFalse(handler.sawForbiddenMove());
    }
}
