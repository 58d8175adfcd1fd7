// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Commitments } from "../Commitments.sol";
import { Limits } from "../Limits.sol";
import { IConsumer } from "../interfaces/IConsumer.sol";
import { IJobManager } from "../interfaces/IJobManager.sol";
import { IsolatedCall } from "./IsolatedCall.sol";
import { JobRecord, outcomeRecord } from "./JobRecord.sol";
import { JobStore } from "./JobStore.sol";

/// @dev Outcomes, however their jobs were asked for: recorded, claimed, delivered, delivered again.
abstract contract JobOutcomes is JobStore {
    /// @inheritdoc IJobManager
    function retryDelivery(Job calldata job, uint8 status, bytes calldata output) external nonReentrant {
        (bytes32 jobId, bytes32 jobHash) = _identify(job);
        bytes32 outcomeHash = Commitments.outcome(status, output);
        _requireRecord(jobId, outcomeRecord(jobHash, outcomeHash, JobState.CallbackFailed));

        _records[jobId] = outcomeRecord(jobHash, outcomeHash, JobState.Delivered);
        bytes memory data = abi.encodeCall(IConsumer.receiveResult, (jobId, status, output));
        require(IsolatedCall.attemptWithAtLeast(job.consumer, job.callbackGasLimit, data), DeliveryFailed(jobId));
        emit JobDelivered(jobId, true);
    }

    /// @inheritdoc IJobManager
    function isOutcome(Job calldata job, uint8 status, bytes calldata output) external view returns (bool) {
        (bytes32 jobId, bytes32 jobHash) = _identify(job);
        JobRecord record = _records[jobId];
        JobRecord expected = outcomeRecord(jobHash, Commitments.outcome(status, output), record.state());
        return JobRecord.unwrap(record) == JobRecord.unwrap(expected);
    }

    /// @dev Calls the consumer with an outcome that is recorded as delivered, and records it when that failed.
    function _deliver(
        bytes32 jobId,
        bytes32 jobHash,
        bytes32 outcomeHash,
        address consumer,
        uint64 callbackGasLimit,
        uint8 status,
        bytes calldata output
    ) internal {
        bytes memory data = abi.encodeCall(IConsumer.receiveResult, (jobId, status, output));
        bool callbackOk = IsolatedCall.attempt(consumer, callbackGasLimit, data);
        if (!callbackOk) {
            _records[jobId] = outcomeRecord(jobHash, outcomeHash, JobState.CallbackFailed);
            if (consumer.code.length == 0) emit ConsumerWithoutCode(jobId, consumer);
        }
        emit JobDelivered(jobId, callbackOk);
    }

    /// @dev Reverts unless the job's record is `expected`, and says whether its state or its commitment differs.
    function _requireRecord(bytes32 jobId, JobRecord expected) internal view {
        JobRecord record = _records[jobId];
        require(record.state() == expected.state(), WrongJobState(jobId, record.state(), expected.state()));
        require(
            record.commitment() == expected.commitment(),
            CommitmentMismatch(jobId, expected.commitment(), record.commitment())
        );
    }

    function _identify(Job calldata job) internal view returns (bytes32 jobId, bytes32 jobHash) {
        jobId = Commitments.jobId(address(this), job.consumer, job.nonce);
        jobHash = keccak256(abi.encode(job));
    }

    /// @dev Most bytes that an outcome of this status has.
    function _outputLimit(uint8 status) internal pure returns (uint256) {
        return status == Commitments.SUCCESS ? Limits.MAX_OUTPUT_SIZE_BYTES : Limits.MAX_PANIC_MESSAGE_SIZE_BYTES;
    }
}
