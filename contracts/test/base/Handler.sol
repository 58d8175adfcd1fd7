// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Jobs } from "./Jobs.sol";
import { Vm } from "./Test.sol";
import { IJobManager } from "../../src/interfaces/IJobManager.sol";
import { MoodyConsumer } from "../consumers/MoodyConsumer.sol";

/// @dev Makes calls that forge chooses, and keeps account of what they did.
contract Handler is Jobs {
    address private constant STRANGER = address(0xBAD);

    /// @dev Of the cycles posted, the last one is over what the jobs allow.
    uint256 private constant CYCLES_RANGE = uint256(MAX_CYCLES) + 2;

    MoodyConsumer[3] private consumers;
    IJobManager.Job[] private jobs;
    mapping(bytes32 jobId => uint256) public claimsOf;
    mapping(bytes32 jobId => bytes) private firstOutput;

    /// @dev A call succeeded that must not, or failed that must.
    bool public sawForbiddenMove;

    constructor() {
        for (uint256 i; i < consumers.length; ++i) {
            consumers[i] = new MoodyConsumer();
        }
    }

    function deposit(uint256 which, uint64 amountWei) external {
        MANAGER.deposit{ value: amountWei }(address(_consumer(which)));
    }

    function withdraw(uint256 which, uint256 amountWei) external {
        address owner = which % 4 == 3 ? PROPOSER : address(_consumer(which));
        uint256 heldWei = MANAGER.balanceOf(owner);
        vm.prank(owner);
        MANAGER.withdraw(amountWei % (heldWei + 1), payable(STRANGER));
    }

    function request(uint256 which, bytes calldata input) external {
        MoodyConsumer consumer = _consumer(which);
        IJobManager.Job memory job = _job(address(consumer), MANAGER.nonceOf(address(consumer)), input);
        job.deadlineBlock = uint64(block.number) + 50;
        job.cyclePriceWei = MANAGER.cyclePriceWei();
        consumer.request{ value: MANAGER.quote(MAX_CYCLES, CALLBACK_GAS_LIMIT) }(PROGRAM_ID, input, MAX_CYCLES);
        jobs.push(job);
    }

    function setMood(uint256 which, bool refuses) external {
        _consumer(which).setMood(refuses);
    }

    /// @dev Posts one outcome twice over, with cycles and status that may be bad, beside one for another job.
    function submit(uint256 which, uint256 other, uint8 status, uint64 cycles, bytes calldata output) external {
        if (jobs.length == 0) return;
        IJobManager.JobResult[] memory results = new IJobManager.JobResult[](3);
        cycles = uint64(cycles % CYCLES_RANGE);
        results[0] = _result(_jobAt(which), status % 3, cycles, output);
        results[1] = _result(_jobAt(other), 0, 1, "other");
        results[2] = _result(_jobAt(which), 0, 1, "again");
        vm.recordLogs();
        _submit(results);
        _countClaims(results);
    }

    function submitAsStranger(uint256 which) external {
        if (jobs.length == 0) return;
        IJobManager.JobResult[] memory results = new IJobManager.JobResult[](1);
        results[0] = _result(_jobAt(which), 0, 1, "stranger");
        vm.prank(STRANGER);
        _mustFail(abi.encodeCall(MANAGER.submitResults, (results)));
    }

    function cancelAsStranger(uint256 which) external {
        if (jobs.length == 0) return;
        vm.prank(STRANGER);
        _mustFail(abi.encodeCall(MANAGER.cancelJob, (_jobAt(which))));
    }

    function cancel(uint256 which) external {
        if (jobs.length == 0) return;
        IJobManager.Job memory job = _jobAt(which);
        bool pending = _state(job) == IJobManager.JobState.Pending;
        vm.prank(job.consumer);
        (bool ok,) = address(MANAGER).call(abi.encodeCall(MANAGER.cancelJob, (job)));
        if (ok != pending) sawForbiddenMove = true;
    }

    function expire(uint256 which) external {
        if (jobs.length == 0) return;
        IJobManager.Job memory job = _jobAt(which);
        bool due = _state(job) == IJobManager.JobState.Pending && block.number > job.deadlineBlock;
        (bool ok,) = address(MANAGER).call(abi.encodeCall(MANAGER.expireJob, (job)));
        if (ok != due) sawForbiddenMove = true;
    }

    function retry(uint256 which) external {
        if (jobs.length == 0) return;
        IJobManager.Job memory job = _jobAt(which);
        bool failed = _state(job) == IJobManager.JobState.CallbackFailed;
        bool refuses = MoodyConsumer(job.consumer).refuses();
        bytes memory first = firstOutput[_jobId(job.consumer, job.nonce)];
        (bool succeeded,) = address(MANAGER).call(abi.encodeCall(MANAGER.retryDelivery, (job, 0, first)));
        (bool panicked,) = address(MANAGER).call(abi.encodeCall(MANAGER.retryDelivery, (job, 1, first)));
        if ((succeeded || panicked) != (failed && !refuses)) sawForbiddenMove = true;
    }

    function passBlocks(uint8 count) external {
        vm.roll(block.number + count % 30);
    }

    function jobCount() external view returns (uint256) {
        return jobs.length;
    }

    function jobIdAt(uint256 index) external view returns (bytes32) {
        return _jobId(jobs[index].consumer, jobs[index].nonce);
    }

    function timesTold(bytes32 jobId) external view returns (uint256 times) {
        for (uint256 i; i < consumers.length; ++i) {
            times += consumers[i].timesTold(jobId);
        }
    }

    function hasOutcome(bytes32 jobId) public view returns (bool) {
        IJobManager.JobState state = MANAGER.jobState(jobId);
        return state == IJobManager.JobState.Delivered || state == IJobManager.JobState.CallbackFailed;
    }

    function outcomesStand() external view returns (bool) {
        for (uint256 i; i < jobs.length; ++i) {
            bytes32 jobId = _jobId(jobs[i].consumer, jobs[i].nonce);
            if (!hasOutcome(jobId)) continue;
            bytes memory first = firstOutput[jobId];
            if (!MANAGER.isOutcome(jobs[i], 0, first) && !MANAGER.isOutcome(jobs[i], 1, first)) return false;
        }
        return true;
    }

    function sumOfBalances() external view returns (uint256 sumWei) {
        sumWei = MANAGER.balanceOf(PROPOSER) + MANAGER.balanceOf(PROVER);
        for (uint256 i; i < consumers.length; ++i) {
            sumWei += MANAGER.balanceOf(address(consumers[i]));
        }
    }

    function escrowOfPendingJobs() external view returns (uint256 sumWei) {
        for (uint256 i; i < jobs.length; ++i) {
            if (_state(jobs[i]) != IJobManager.JobState.Pending) continue;
            sumWei += uint256(MAX_CYCLES) * jobs[i].cyclePriceWei;
            sumWei += uint256(CALLBACK_GAS_LIMIT) * CALLBACK_GAS_PRICE_WEI;
        }
    }

    function _countClaims(IJobManager.JobResult[] memory results) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IJobManager.ClaimPosted.selector) continue;
            bytes32 jobId = logs[i].topics[1];
            ++claimsOf[jobId];
            (,, bytes32 outcomeHash,) = abi.decode(logs[i].data, (bytes32, uint64, bytes32, uint64));
            for (uint256 j; j < results.length; ++j) {
                if (outcomeHash == _outcomeHash(results[j].status, results[j].output)) {
                    firstOutput[jobId] = results[j].output;
                }
            }
        }
    }

    function _mustFail(bytes memory call) private {
        (bool ok,) = address(MANAGER).call(call);
        if (ok) sawForbiddenMove = true;
    }

    function _consumer(uint256 which) private view returns (MoodyConsumer) {
        return consumers[which % consumers.length];
    }

    function _jobAt(uint256 which) private view returns (IJobManager.Job memory) {
        return jobs[which % jobs.length];
    }

    function _state(IJobManager.Job memory job) private view returns (IJobManager.JobState) {
        return MANAGER.jobState(_jobId(job.consumer, job.nonce));
    }
}
