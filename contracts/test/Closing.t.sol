// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { RecordingConsumer } from "./consumers/RecordingConsumer.sol";
import { Fixture } from "./base/Fixture.sol";
import { GasBurnerConsumer } from "./hostile/GasBurnerConsumer.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { Predeploys } from "../src/Predeploys.sol";

/// @dev Cancelling and expiry.
contract ClosingTest is Fixture {
    uint256 private constant RETAINED_WEI = FEE_WEI * RETAINED_BPS / 10_000;

    RecordingConsumer private consumer;
    IJobManager.Job private job;
    bytes32 private jobId;

    function setUp() public override {
        super.setUp();
        consumer = new RecordingConsumer();
        jobId = consumer.request{ value: FEE_WEI }(PROGRAM_ID, "input", MAX_CYCLES);
        job = _job(address(consumer), 0, "input");
    }

    function test_consumerCancels() public {
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.JobCancelled(jobId, FEE_WEI - RETAINED_WEI);
        consumer.cancel(job);
        vm.assertTrue(MANAGER.jobState(jobId) == IJobManager.JobState.Cancelled);
        vm.assertEq(MANAGER.balanceOf(address(consumer)), FEE_WEI - RETAINED_WEI);
        vm.assertEq(MANAGER.balanceOf(PROPOSER), RETAINED_WEI);
    }

    function test_nobodyElseCancels() public {
        vm.expectRevert(abi.encodeWithSelector(IJobManager.NotConsumer.selector, address(this), address(consumer)));
        MANAGER.cancelJob(job);
    }

    function test_closedJobsAreNotCancelledOrExpired() public {
        _submit(_result(job, 0, 1, "output"));
        bytes memory wrongState = abi.encodeWithSelector(
            IJobManager.WrongJobState.selector, jobId, IJobManager.JobState.Delivered, IJobManager.JobState.Pending
        );
        vm.expectRevert(wrongState);
        consumer.cancel(job);
        vm.roll(DEADLINE_BLOCK + 1);
        vm.expectRevert(wrongState);
        MANAGER.expireJob(job);
    }

    function test_jobIsNotClosedUnderOtherTerms() public {
        bytes32 recorded = keccak256(abi.encode(job)) & ~bytes32(uint256(0xff));
        job.maxCycles *= 2;
        bytes32 supplied = keccak256(abi.encode(job)) & ~bytes32(uint256(0xff));
        vm.expectRevert(abi.encodeWithSelector(IJobManager.CommitmentMismatch.selector, jobId, supplied, recorded));
        consumer.cancel(job);
    }

    function test_anyoneExpiresAJobAfterItsDeadline() public {
        vm.roll(DEADLINE_BLOCK);
        vm.expectRevert(
            abi.encodeWithSelector(IJobManager.DeadlineNotPassed.selector, DEADLINE_BLOCK, DEADLINE_BLOCK + 1)
        );
        MANAGER.expireJob(job);

        vm.roll(DEADLINE_BLOCK + 1);
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.JobExpired(jobId, FEE_WEI - RETAINED_WEI, true);
        vm.prank(address(0xA11CE));
        MANAGER.expireJob(job);
        vm.assertTrue(MANAGER.jobState(jobId) == IJobManager.JobState.Expired);
        vm.assertEq(MANAGER.balanceOf(address(consumer)), FEE_WEI - RETAINED_WEI);
        vm.assertEq(MANAGER.balanceOf(PROPOSER), RETAINED_WEI);
        vm.assertEq(consumer.timesTold(jobId), 1);

        vm.expectRevert(
            abi.encodeWithSelector(
                IJobManager.WrongJobState.selector, jobId, IJobManager.JobState.Expired, IJobManager.JobState.Pending
            )
        );
        MANAGER.expireJob(job);
    }

    function test_hostileExpiryHookDoesNotHoldTheRefund() public {
        GasBurnerConsumer burner = new GasBurnerConsumer();
        bytes32 burnerJobId = burner.request{ value: FEE_WEI }(PROGRAM_ID, "input", MAX_CYCLES);
        vm.roll(DEADLINE_BLOCK + 1);
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.JobExpired(burnerJobId, FEE_WEI - RETAINED_WEI, false);
        MANAGER.expireJob(_job(address(burner), 0, "input"));
        vm.assertEq(MANAGER.balanceOf(address(burner)), FEE_WEI - RETAINED_WEI);
    }

    function test_expiryHookIsNotStarved() public {
        vm.roll(DEADLINE_BLOCK + 1);
        (bool ok, bytes memory why) =
            address(MANAGER).call{ gas: CALLBACK_GAS_LIMIT }(abi.encodeCall(MANAGER.expireJob, (job)));
        vm.assertFalse(ok);
        vm.assertTrue(bytes4(why) == IJobManager.InsufficientCallbackGas.selector);
    }
}
