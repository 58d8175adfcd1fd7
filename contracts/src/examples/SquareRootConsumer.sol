// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Consumer } from "../Consumer.sol";

/// @title Integer square roots, computed by the program `square-root`
/// @dev The program reads `abi.encode(uint256)` and outputs `abi.encode(uint256)`.
contract SquareRootConsumer is Consumer {
    uint64 private constant CALLBACK_GAS_LIMIT = 100_000;
    uint64 private constant DEADLINE_BLOCKS = 300;

    /// @notice The last root computed.
    uint256 public latestRoot;

    /// @notice A root was computed.
    event SquareRootUpdated(bytes32 indexed jobId, uint256 root);

    /// @notice Asks for the square root of a number, rounded down.
    function requestSquareRoot(bytes32 programId, uint256 number, uint64 maxCycles)
        external
        payable
        returns (bytes32 jobId)
    {
        return _requestJob(
            programId, abi.encode(number), maxCycles, CALLBACK_GAS_LIMIT, uint64(block.number) + DEADLINE_BLOCKS
        );
    }

    /// @inheritdoc Consumer
    function _onResult(bytes32 jobId, bytes calldata output) internal override {
        latestRoot = abi.decode(output, (uint256));
        emit SquareRootUpdated(jobId, latestRoot);
    }
}
