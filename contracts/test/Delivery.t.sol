// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { OpenConsumer } from "./consumers/OpenConsumer.sol";
import { RecordingConsumer } from "./consumers/RecordingConsumer.sol";
import { Fixture } from "./base/Fixture.sol";
import { GasBurnerConsumer } from "./hostile/GasBurnerConsumer.sol";
import { ReentrantConsumer } from "./hostile/ReentrantConsumer.sol";
import { ReturnBombConsumer } from "./hostile/ReturnBombConsumer.sol";
import { RevertingConsumer } from "./hostile/RevertingConsumer.sol";
import { Commitments } from "../src/Commitments.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { Predeploys } from "../src/Predeploys.sol";

contract DeliveryTest is Fixture {
    /// @dev Well above what the manager spends on one result beside the callback.
    uint256 private constant MANAGER_GAS_BOUND = 120_000;

    RevertingConsumer private reverting;

    function setUp() public override {
        super.setUp();
        reverting = new RevertingConsumer();
    }

    function test_revertingCallbackLeavesTheOutcomeRecorded() public {
        IJobManager.Job memory job = _request(reverting);
        _expectDelivery(job, false);
        vm.assertTrue(MANAGER.isOutcome(job, 0, "output"));
    }

    function test_gasBurnerCostsItsCapAndNoMore() public {
        IJobManager.Job memory job = _request(new GasBurnerConsumer());
        uint256 gasBefore = gasleft();
        _expectDelivery(job, false);
        vm.assertLe(gasBefore - gasleft(), CALLBACK_GAS_LIMIT + MANAGER_GAS_BOUND);
    }

    function test_returnBombsCostTheirCapAndNoMore() public {
        for (uint256 i; i < 2; ++i) {
            bool reverts = i == 0;
            IJobManager.Job memory job = _request(new ReturnBombConsumer(reverts));
            // Paying for the blob takes more gas than the cap gives: either way the callback fails, at its own cost.
            uint256 gasBefore = gasleft();
            _expectDelivery(job, false);
            vm.assertLe(gasBefore - gasleft(), CALLBACK_GAS_LIMIT + MANAGER_GAS_BOUND);
        }
    }

    function test_blobThatTheCapPaysForIsNotCopied() public {
        ReturnBombConsumer bomb = new ReturnBombConsumer(false);
        vm.deal(address(bomb), 1 ether);
        vm.prank(address(bomb));
        MANAGER.requestJob{ value: 1 ether }(
            PROGRAM_ID, "input", Commitments.EMPTY_HASH, MAX_CYCLES, 1_000_000, DEADLINE_BLOCK
        );
        IJobManager.Job memory job = _job(address(bomb), 0, "input");
        job.callbackGasLimit = 1_000_000;

        // The consumer pays about 573,000 gas for the memory of the blob; the manager would pay as much to copy it.
        uint256 gasBefore = gasleft();
        _expectDelivery(job, true);
        vm.assertLe(gasBefore - gasleft(), 573_440 + MANAGER_GAS_BOUND + 60_000);
    }

    function test_accountWithoutCodeCanAskButNotBeCalled() public {
        address person = address(0xBEEF);
        vm.deal(person, 1 ether);
        vm.prank(person);
        MANAGER.requestJob{ value: FEE_WEI }(
            PROGRAM_ID, "input", Commitments.EMPTY_HASH, MAX_CYCLES, CALLBACK_GAS_LIMIT, DEADLINE_BLOCK
        );
        IJobManager.Job memory job = _job(person, 0, "input");
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.ConsumerWithoutCode(_jobId(person, 0), person);
        _expectDelivery(job, false);
        vm.assertTrue(MANAGER.isOutcome(job, 0, "output"));
    }

    function test_consumerWhoseCodeIsGoneCannotBeCalled() public {
        IJobManager.Job memory job = _request(reverting);
        vm.etch(address(reverting), "");
        _expectDelivery(job, false);
    }

    function test_reentrantCallbackMeetsTheLockAndMayAskAgain() public {
        ReentrantConsumer reentrant = new ReentrantConsumer();
        vm.deal(address(reentrant), 1 ether);
        vm.prank(address(reentrant));
        MANAGER.requestJob{ value: FEE_WEI + 1 ether / 2 }(
            PROGRAM_ID, "input", Commitments.EMPTY_HASH, MAX_CYCLES, 300_000, DEADLINE_BLOCK
        );
        IJobManager.Job memory job = _job(address(reentrant), 0, "input");
        job.callbackGasLimit = 300_000;
        // The consumer proposes this block itself, so that not even `NotProposer` stands in its way.
        vm.coinbase(address(reentrant));
        IJobManager.JobResult[] memory results = new IJobManager.JobResult[](1);
        results[0] = _result(job, 0, 1, abi.encode(PROGRAM_ID));

        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.JobDelivered(_jobId(address(reentrant), 0), true);
        vm.prank(address(reentrant));
        MANAGER.submitResults(results);

        vm.assertEq(reentrant.chainedJobId(), _jobId(address(reentrant), 1));
        vm.assertTrue(MANAGER.jobState(reentrant.chainedJobId()) == IJobManager.JobState.Pending);
    }

    function test_failingCallbackDoesNotHurtTheNext() public {
        RecordingConsumer recording = new RecordingConsumer();
        IJobManager.JobResult[] memory results = new IJobManager.JobResult[](3);
        results[0] = _result(_request(reverting), 0, 1, "output");
        results[1] = _result(_request(new GasBurnerConsumer()), 0, 1, "output");
        results[2] = _result(_request(recording), 0, 1, "output");
        _submit(results);
        vm.assertEq(recording.outputOf(_jobId(address(recording), 0)), "output");
    }

    function test_proposerCannotStarveACallback() public {
        IJobManager.JobResult[] memory results = new IJobManager.JobResult[](1);
        results[0] = _result(_request(reverting), 0, 1, "output");
        reverting.behave();
        vm.prank(PROPOSER);
        (bool ok, bytes memory why) =
            address(MANAGER).call{ gas: CALLBACK_GAS_LIMIT }(abi.encodeCall(MANAGER.submitResults, (results)));
        vm.assertFalse(ok);
        vm.assertTrue(bytes4(why) == IJobManager.InsufficientCallbackGas.selector);
        vm.assertTrue(MANAGER.jobState(_jobId(address(reverting), 0)) == IJobManager.JobState.Pending);
    }

    function testFuzz_callbackSucceedsOrTheTransactionFails(uint256 gasGiven) public {
        IJobManager.JobResult[] memory results = new IJobManager.JobResult[](1);
        results[0] = _result(_request(reverting), 0, 1, "output");
        reverting.behave();
        vm.prank(PROPOSER);
        (bool ok,) = address(MANAGER).call{ gas: gasGiven % 400_000 }(abi.encodeCall(MANAGER.submitResults, (results)));
        IJobManager.JobState state = MANAGER.jobState(_jobId(address(reverting), 0));
        vm.assertTrue(state == (ok ? IJobManager.JobState.Delivered : IJobManager.JobState.Pending));
    }

    function test_anyoneRetriesAFailedDelivery() public {
        IJobManager.Job memory job = _request(reverting);
        _submit(_result(job, 0, 1, "output"));
        bytes32 jobId = _jobId(address(reverting), 0);

        vm.expectRevert(abi.encodeWithSelector(IJobManager.DeliveryFailed.selector, jobId));
        MANAGER.retryDelivery(job, 0, "output");

        reverting.behave();
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.JobDelivered(jobId, true);
        vm.prank(address(0xA11CE));
        MANAGER.retryDelivery(job, 0, "output");
        vm.assertEq(reverting.latestOutputHash(), keccak256("output"));

        vm.expectRevert(
            abi.encodeWithSelector(
                IJobManager.WrongJobState.selector,
                jobId,
                IJobManager.JobState.Delivered,
                IJobManager.JobState.CallbackFailed
            )
        );
        MANAGER.retryDelivery(job, 0, "output");
    }

    function test_retryDeliversTheRecordedOutcomeOnly() public {
        IJobManager.Job memory job = _request(reverting);
        _submit(_result(job, 0, 1, "output"));
        reverting.behave();
        bytes32 jobHash = keccak256(abi.encode(job));
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobManager.CommitmentMismatch.selector,
                _jobId(address(reverting), 0),
                _recordCommitment(jobHash, _outcomeHash(0, "another")),
                _recordCommitment(jobHash, _outcomeHash(0, "output"))
            )
        );
        MANAGER.retryDelivery(job, 0, "another");
    }

    function test_retryGivesTheCallbackNoLessThanItAskedFor() public {
        IJobManager.Job memory job = _request(reverting);
        _submit(_result(job, 0, 1, "output"));
        reverting.behave();
        (bool ok, bytes memory why) = address(MANAGER).call{ gas: CALLBACK_GAS_LIMIT }(
            abi.encodeCall(MANAGER.retryDelivery, (job, 0, "output"))
        );
        vm.assertFalse(ok);
        vm.assertTrue(bytes4(why) == IJobManager.InsufficientCallbackGas.selector);
    }

    function _request(OpenConsumer consumer) private returns (IJobManager.Job memory) {
        consumer.request{ value: FEE_WEI }(PROGRAM_ID, "input", MAX_CYCLES);
        return _job(address(consumer), 0, "input");
    }

    function _expectDelivery(IJobManager.Job memory job, bool callbackOk) private {
        bytes32 jobId = _jobId(job.consumer, job.nonce);
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.JobDelivered(jobId, callbackOk);
        _submit(_result(job, 0, 1, "output"));
        IJobManager.JobState expected =
            callbackOk ? IJobManager.JobState.Delivered : IJobManager.JobState.CallbackFailed;
        vm.assertTrue(MANAGER.jobState(jobId) == expected);
    }

    function _recordCommitment(bytes32 jobHash, bytes32 outcomeHash) private pure returns (bytes32) {
        return keccak256(abi.encode(jobHash, outcomeHash)) & ~bytes32(uint256(0xff));
    }
}
