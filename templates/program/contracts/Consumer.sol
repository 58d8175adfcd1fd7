// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Consumer } from "infinityvm/Consumer.sol";

/// @title Means of numbers, computed by the program `{{name}}`
/// @dev The program reads `abi.encode(uint256[])` and outputs `abi.encode(uint256)`.
contract {{contract}}Consumer is Consumer {
    uint64 private constant MAX_CYCLES = 1_000_000;
    uint64 private constant CALLBACK_GAS_LIMIT = 100_000;
    uint64 private constant DEADLINE_BLOCKS = 300;

    /// @notice The program this contract believes; `ivm build` prints its id.
    bytes32 public immutable PROGRAM_ID;

    /// @notice The last mean computed.
    uint256 public latestMean;

    /// @notice A mean was computed.
    event MeanUpdated(bytes32 indexed jobId, uint256 mean);

    /// @notice The program panicked.
    event MeanFailed(bytes32 indexed jobId, string message);

    constructor(bytes32 programId) {
        PROGRAM_ID = programId;
    }

    /// @notice Asks for the mean of numbers. The fee comes from what is sent along, and from this contract's account
    /// with the job manager.
    function requestMean(uint256[] calldata numbers) external payable returns (bytes32 jobId) {
        return _requestJob(
            PROGRAM_ID, abi.encode(numbers), MAX_CYCLES, CALLBACK_GAS_LIMIT, uint64(block.number) + DEADLINE_BLOCKS
        );
    }

    /// @inheritdoc Consumer
    function _onResult(bytes32 jobId, bytes calldata output) internal override {
        latestMean = abi.decode(output, (uint256));
        emit MeanUpdated(jobId, latestMean);
    }

    /// @inheritdoc Consumer
    function _onPanic(bytes32 jobId, bytes calldata message) internal override {
        emit MeanFailed(jobId, string(message));
    }
}
