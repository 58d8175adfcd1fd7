// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { RecordingConsumer } from "./consumers/RecordingConsumer.sol";
import { Fixture } from "./base/Fixture.sol";
import { Vm } from "./base/Test.sol";
import { Commitments } from "../src/Commitments.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { Limits } from "../src/Limits.sol";
import { Predeploys } from "../src/Predeploys.sol";

contract ResultsTest is Fixture {
    uint64 private constant CYCLES = MAX_CYCLES / 4;

    RecordingConsumer private consumer;
    IJobManager.Job private job;
    bytes32 private jobId;

    function setUp() public override {
        super.setUp();
        consumer = new RecordingConsumer();
        jobId = consumer.request{ value: FEE_WEI }(PROGRAM_ID, "input", MAX_CYCLES);
        job = _job(address(consumer), 0, "input");
    }

    function test_resultIsClaimedThenDelivered() public {
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.ClaimPosted(
            jobId,
            PROGRAM_ID,
            Commitments.input(job.onchainInputHash, job.offchainInputHash),
            MAX_CYCLES,
            _outcomeHash(0, "output"),
            CYCLES
        );
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.JobDelivered(jobId, true);
        _submit(_result(job, 0, CYCLES, "output"));

        vm.assertEq(consumer.outputOf(jobId), "output");
        vm.assertTrue(MANAGER.jobState(jobId) == IJobManager.JobState.Delivered);
        vm.assertTrue(MANAGER.isOutcome(job, 0, "output"));
        vm.assertFalse(MANAGER.isOutcome(job, 0, "another"));
        vm.assertFalse(MANAGER.isOutcome(job, 1, "output"));
    }

    function test_panicIsDeliveredAsSuch() public {
        _submit(_result(job, 1, CYCLES, "message"));
        vm.assertEq(consumer.panicOf(jobId), "message");
        vm.assertEq(consumer.outputOf(jobId), "");
        vm.assertTrue(MANAGER.isOutcome(job, 1, "message"));
    }

    function test_proposerAndProverEarnCyclesAndDeliveryAndTheRestComesBack() public {
        _submit(_result(job, 0, CYCLES, "output"));
        uint256 earnedWei = MANAGER.quote(CYCLES, CALLBACK_GAS_LIMIT);
        vm.assertEq(MANAGER.balanceOf(PROPOSER), earnedWei - _proverWei(CYCLES));
        vm.assertEq(MANAGER.balanceOf(PROVER), _proverWei(CYCLES));
        vm.assertEq(MANAGER.balanceOf(address(consumer)), FEE_WEI - earnedWei);
    }

    function test_onlyProposerSubmits() public {
        IJobManager.JobResult[] memory results = new IJobManager.JobResult[](0);
        vm.expectRevert(abi.encodeWithSelector(IJobManager.NotProposer.selector, address(this), PROPOSER));
        MANAGER.submitResults(results);
    }

    function test_resultIsGoodInTheDeadlineBlock() public {
        vm.roll(DEADLINE_BLOCK);
        _submit(_result(job, 0, CYCLES, "output"));
        vm.assertEq(consumer.timesTold(jobId), 1);
    }

    function test_acceptsTheLargestOutputsInOneBatch() public {
        IJobManager.JobResult[] memory results = new IJobManager.JobResult[](2);
        bytes memory output = new bytes(Limits.MAX_OUTPUT_SIZE_BYTES);
        results[0] = _result(_requestFromThis(), 0, CYCLES, output);
        results[1] = _result(_requestFromThis(), 1, CYCLES, new bytes(Limits.MAX_PANIC_MESSAGE_SIZE_BYTES));
        _submit(results);
        vm.assertTrue(MANAGER.isOutcome(results[0].job, 0, output));
        vm.assertTrue(MANAGER.isOutcome(results[1].job, 1, results[1].output));
    }

    function test_skipsUnknownJob() public {
        job.nonce = 1;
        _expectSkipped(_result(job, 0, CYCLES, "output"), IJobManager.SkipReason.UnknownJob);
    }

    function test_skipsJobThatHasAnOutcome() public {
        _submit(_result(job, 0, CYCLES, "output"));
        _expectSkipped(_result(job, 0, CYCLES, "another"), IJobManager.SkipReason.JobClosed);
        vm.assertEq(consumer.outputOf(jobId), "output");
    }

    function test_skipsCancelledJob() public {
        consumer.cancel(job);
        _expectSkipped(_result(job, 0, CYCLES, "output"), IJobManager.SkipReason.JobClosed);
    }

    function test_skipsJobThatWasNotRequestedSo() public {
        job.maxCycles *= 2;
        _expectSkipped(_result(job, 0, CYCLES, "output"), IJobManager.SkipReason.JobMismatch);
    }

    function test_skipsJobPastItsDeadline() public {
        vm.roll(DEADLINE_BLOCK + 1);
        _expectSkipped(_result(job, 0, CYCLES, "output"), IJobManager.SkipReason.DeadlinePassed);
    }

    function test_skipsStatusThatIsNone() public {
        _expectSkipped(_result(job, 2, CYCLES, "output"), IJobManager.SkipReason.StatusInvalid);
    }

    function test_skipsRunLongerThanAllowed() public {
        _expectSkipped(_result(job, 0, MAX_CYCLES + 1, "output"), IJobManager.SkipReason.CyclesOverMax);
    }

    function test_skipsOutputsOverTheirLimit() public {
        bytes memory output = new bytes(Limits.MAX_OUTPUT_SIZE_BYTES + 1);
        _expectSkipped(_result(job, 0, CYCLES, output), IJobManager.SkipReason.OutputTooLarge);
        bytes memory message = new bytes(Limits.MAX_PANIC_MESSAGE_SIZE_BYTES + 1);
        _expectSkipped(_result(job, 1, CYCLES, message), IJobManager.SkipReason.OutputTooLarge);
    }

    function test_badEntriesDoNotHurtGoodOnes() public {
        IJobManager.Job memory other = _job(address(consumer), 1, "other");
        bytes32 otherId = consumer.request{ value: FEE_WEI }(PROGRAM_ID, "other", MAX_CYCLES);
        IJobManager.JobResult[] memory results = new IJobManager.JobResult[](4);
        results[0] = _result(job, 7, CYCLES, "bad status");
        results[1] = _result(job, 0, CYCLES, "first");
        results[2] = _result(job, 0, CYCLES, "second for the same job");
        results[3] = _result(other, 0, CYCLES, "other");
        _submit(results);
        vm.assertEq(consumer.outputOf(jobId), "first");
        vm.assertEq(consumer.outputOf(otherId), "other");
        vm.assertEq(consumer.timesTold(jobId), 1);
    }

    function testFuzz_feeSplitConservesFunds(uint64 cycles) public {
        cycles = cycles % (MAX_CYCLES + 1);
        _submit(_result(job, 0, cycles, "output"));
        uint256 earnedWei = MANAGER.balanceOf(PROPOSER) + MANAGER.balanceOf(PROVER);
        vm.assertEq(earnedWei + MANAGER.balanceOf(address(consumer)), FEE_WEI);
        vm.assertEq(earnedWei, MANAGER.quote(cycles, CALLBACK_GAS_LIMIT));
        vm.assertEq(MANAGER.balanceOf(PROVER), _proverWei(cycles));
    }

    function testFuzz_noOtherOutcomePassesForTheRecordedOne(uint8 status, bytes calldata output) public {
        _submit(_result(job, 0, CYCLES, "output"));
        bool same = status == 0 && keccak256(output) == keccak256("output");
        vm.assertTrue(MANAGER.isOutcome(job, status, output) == same);
    }

    /// @dev The entry is passed over for this reason and changes nothing.
    function _expectSkipped(IJobManager.JobResult memory result, IJobManager.SkipReason reason) private {
        IJobManager.JobState before = MANAGER.jobState(jobId);
        uint256 proposerWei = MANAGER.balanceOf(PROPOSER);
        vm.recordLogs();
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IJobManager.ResultSkipped(_jobId(result.job.consumer, result.job.nonce), reason);
        _submit(result);

        Vm.Log[] memory logs = vm.getRecordedLogs();
        // The expected event, then the same from the manager: nothing else.
        vm.assertEq(logs.length, 2);
        vm.assertTrue(MANAGER.jobState(jobId) == before);
        vm.assertEq(MANAGER.balanceOf(PROPOSER), proposerWei);
    }

    /// @dev A job whose consumer, this contract, has code but no callback.
    function _requestFromThis() private returns (IJobManager.Job memory requested) {
        requested = _job(address(this), MANAGER.nonceOf(address(this)), "input");
        MANAGER.requestJob{ value: FEE_WEI }(
            PROGRAM_ID, "input", Commitments.EMPTY_HASH, MAX_CYCLES, CALLBACK_GAS_LIMIT, DEADLINE_BLOCK
        );
    }
}
