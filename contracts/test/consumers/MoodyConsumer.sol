// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { OpenConsumer } from "./OpenConsumer.sol";

/// @dev Takes outcomes or refuses them, as it is told, and counts those it took.
contract MoodyConsumer is OpenConsumer {
    bool public refuses;
    mapping(bytes32 jobId => uint256) public timesTold;

    error Refused();

    function setMood(bool refuses_) external {
        refuses = refuses_;
    }

    function _onResult(bytes32 jobId, bytes calldata) internal override {
        _hear(jobId);
    }

    function _onPanic(bytes32 jobId, bytes calldata) internal override {
        _hear(jobId);
    }

    function _jobExpired(bytes32 jobId) internal override {
        _hear(jobId);
    }

    function _hear(bytes32 jobId) private {
        require(!refuses, Refused());
        ++timesTold[jobId];
    }
}
