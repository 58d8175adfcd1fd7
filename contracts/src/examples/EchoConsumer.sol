// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Consumer } from "../Consumer.sol";

/// @title The smallest consumer: keeps the hash of the last output
/// @notice Meant for the program `echo`, whose output is its input.
contract EchoConsumer is Consumer {
    uint64 private constant CALLBACK_GAS_LIMIT = 100_000;
    uint64 private constant DEADLINE_BLOCKS = 300;

    /// @notice keccak256 of the last output.
    bytes32 public latestOutputHash;

    /// @notice Sends bytes to the program.
    function requestEcho(bytes32 programId, bytes calldata message, uint64 maxCycles)
        external
        payable
        returns (bytes32 jobId)
    {
        return _requestJob(programId, message, maxCycles, CALLBACK_GAS_LIMIT, uint64(block.number) + DEADLINE_BLOCKS);
    }

    /// @inheritdoc Consumer
    function _onResult(bytes32, bytes calldata output) internal override {
        latestOutputHash = keccak256(output);
    }
}
