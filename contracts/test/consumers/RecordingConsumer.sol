// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { OpenConsumer } from "./OpenConsumer.sol";
import { IJobManager } from "../../src/interfaces/IJobManager.sol";

/// @dev Keeps what it was told, and how often.
contract RecordingConsumer is OpenConsumer {
    mapping(bytes32 jobId => bytes) public outputOf;
    mapping(bytes32 jobId => bytes) public panicOf;
    mapping(bytes32 jobId => uint256) public timesTold;

    function cancel(IJobManager.Job calldata job) external {
        JOB_MANAGER.cancelJob(job);
    }

    function _onResult(bytes32 jobId, bytes calldata output) internal override {
        outputOf[jobId] = output;
        ++timesTold[jobId];
    }

    function _onPanic(bytes32 jobId, bytes calldata message) internal override {
        panicOf[jobId] = message;
        ++timesTold[jobId];
    }

    function _jobExpired(bytes32 jobId) internal override {
        ++timesTold[jobId];
    }
}
