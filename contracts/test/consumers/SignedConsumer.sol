// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { SingleSigner } from "../../src/SingleSigner.sol";

/// @dev Asks by signature, keeps what it was told, and refuses it when it is told to.
contract SignedConsumer is SingleSigner {
    mapping(bytes32 jobId => bytes) public outputOf;
    mapping(bytes32 jobId => uint256) public timesTold;
    uint256 public told;
    bool public refuses;

    error Refused();

    constructor(address signer) SingleSigner(signer) { }

    function setMood(bool refuses_) external {
        refuses = refuses_;
    }

    function approve(address consumer, uint256 amountWei) external {
        JOB_MANAGER.approve(consumer, amountWei);
    }

    function _onResult(bytes32 jobId, bytes calldata output) internal virtual override {
        _hear(jobId, output);
    }

    function _onPanic(bytes32 jobId, bytes calldata message) internal override {
        _hear(jobId, message);
    }

    function _hear(bytes32 jobId, bytes calldata output) private {
        require(!refuses, Refused());
        outputOf[jobId] = output;
        ++timesTold[jobId];
        ++told;
    }
}
