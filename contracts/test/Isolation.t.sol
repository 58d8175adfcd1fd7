// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { MockExecutor } from "./base/MockExecutor.sol";
import { OffchainFixture } from "./base/OffchainFixture.sol";
import { FickleConsumer } from "./hostile/FickleConsumer.sol";
import { Predeploys } from "../src/Predeploys.sol";
import { IJobManager } from "../src/interfaces/IJobManager.sol";
import { IOffchainJobs } from "../src/interfaces/IOffchainJobs.sol";

/// @dev Whatever the callbacks and checks of some consumers do, all others get their results.
contract IsolationTest is OffchainFixture {
    uint256 private constant CONSUMERS = 6;
    uint256 private constant MANNERS = uint256(type(FickleConsumer.Manner).max) + 1;
    uint256 private constant ANSWERS = uint256(type(FickleConsumer.Answer).max) + 1;

    /// @dev Enough to ask for another job, or run one.
    uint64 private constant AMPLE_CALLBACK_GAS = 300_000;

    /// @dev What runs `TakesAndRunsMore` finds in the output.
    bytes private output;

    FickleConsumer[CONSUMERS] private consumers;

    function setUp() public override {
        super.setUp();
        vm.etch(Predeploys.EXECUTOR, type(MockExecutor).runtimeCode);
        output = abi.encode(MockExecutor.Script({ step: MockExecutor.Step.Succeed, cycles: 7, output: "inner" }));
        for (uint256 i; i < CONSUMERS; ++i) {
            consumers[i] = new FickleConsumer();
            MANAGER.deposit{ value: 10 ether }(address(consumers[i]));
        }
    }

    function testFuzz_onchainResults(uint8[CONSUMERS] calldata manners, uint8 gone) public {
        for (uint256 i; i < CONSUMERS; ++i) {
            consumers[i].request(MAX_CYCLES, AMPLE_CALLBACK_GAS, DEADLINE_BLOCK);
            _tell(i, manners[i], 0);
        }
        address removed = _remove(gone);
        IJobManager.JobResult[] memory results = new IJobManager.JobResult[](CONSUMERS);
        for (uint256 i; i < CONSUMERS; ++i) {
            IJobManager.Job memory job = _job(address(consumers[i]), 0, "input");
            job.callbackGasLimit = AMPLE_CALLBACK_GAS;
            results[i] = _result(job, 0, 1, output);
        }
        _submit(results);
        for (uint256 i; i < CONSUMERS; ++i) {
            vm.assertTrue(MANAGER.isOutcome(results[i].job, 0, output));
            bool there = address(consumers[i]) != removed;
            _expectState(_jobId(address(consumers[i]), 0), there && _returns(manners[i]));
            if (there) vm.assertEq(consumers[i].taken(), _takes(manners[i]) ? 1 : 0);
        }
    }

    function testFuzz_offchainResults(
        uint8[CONSUMERS] calldata manners,
        uint8[CONSUMERS] calldata answers,
        bool ordered,
        uint8 gone
    ) public {
        IOffchainJobs.OffchainResult[] memory entries = new IOffchainJobs.OffchainResult[](CONSUMERS);
        for (uint256 i; i < CONSUMERS; ++i) {
            _tell(i, manners[i], answers[i]);
            IOffchainJobs.JobRequest memory request = _requestOf(address(consumers[i]), 0);
            request.ordered = ordered;
            request.callbackGasLimit = AMPLE_CALLBACK_GAS;
            entries[i] = _signedEntry(request, "any", output);
        }
        address removed = _remove(gone);
        _land(entries);
        for (uint256 i; i < CONSUMERS; ++i) {
            bytes32 jobId = _idOf(entries[i].request);
            bool yes = answers[i] % ANSWERS == uint256(FickleConsumer.Answer.Yes);
            if (!yes || address(consumers[i]) == removed) {
                vm.assertTrue(MANAGER.jobState(jobId) == IJobManager.JobState.None);
                continue;
            }
            _expectState(jobId, _returns(manners[i]));
            vm.assertEq(consumers[i].taken(), _takes(manners[i]) ? 1 : 0);
        }
    }

    function _tell(uint256 which, uint8 manner, uint8 answer) private {
        consumers[which].tell(FickleConsumer.Manner(manner % MANNERS), FickleConsumer.Answer(answer % ANSWERS));
    }

    /// @dev One of the consumers has lost its code, or none.
    function _remove(uint8 gone) private returns (address removed) {
        uint256 which = gone % (CONSUMERS + 1);
        if (which == CONSUMERS) return address(0);
        removed = address(consumers[which]);
        vm.etch(removed, "");
    }

    function _takes(uint8 manner) private pure returns (bool) {
        FickleConsumer.Manner told = FickleConsumer.Manner(manner % MANNERS);
        return told == FickleConsumer.Manner.Takes || told == FickleConsumer.Manner.TakesAndAsksForMore
            || told == FickleConsumer.Manner.TakesAndRunsMore;
    }

    /// @dev A callback that returns is a success, whatever it returns.
    function _returns(uint8 manner) private pure returns (bool) {
        return _takes(manner) || FickleConsumer.Manner(manner % MANNERS) == FickleConsumer.Manner.ReturnsBomb;
    }

    function _expectState(bytes32 jobId, bool returns_) private view {
        IJobManager.JobState expected = returns_ ? IJobManager.JobState.Delivered : IJobManager.JobState.CallbackFailed;
        vm.assertEq(uint256(MANAGER.jobState(jobId)), uint256(expected));
    }
}
