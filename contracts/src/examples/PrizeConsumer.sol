// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISyncJobs } from "../interfaces/ISyncJobs.sol";
import { Commitments } from "../Commitments.sol";
import { Consumer } from "../Consumer.sol";

/// @title A prize that goes to whom a program names
/// @notice The program's output is the winner's address, 20 bytes. When the program panics, the house keeps the prize.
/// There is no logic about wrong outcomes: a block with one is no part of the chain.
contract PrizeConsumer is Consumer {
    /// @notice Points that a draw gives.
    uint256 public constant PRIZE = 100;

    uint64 private constant CALLBACK_GAS_LIMIT = 100_000;
    uint64 private constant DEADLINE_BLOCKS = 300;

    /// @notice Who gets the prize that no program awards.
    address public immutable HOUSE = msg.sender;

    /// @notice Points by account.
    mapping(address account => uint256) public balanceOf;

    /// @notice The program named no winner.
    error NotAnAddress(uint256 gotBytes);

    /// @notice Asks a program who wins.
    function draw(bytes32 programId, bytes calldata input, uint64 maxCycles) external payable returns (bytes32 jobId) {
        return _requestJob(programId, input, maxCycles, CALLBACK_GAS_LIMIT, uint64(block.number) + DEADLINE_BLOCKS);
    }

    /// @notice Asks a program who wins, and gives the prize in the same transaction.
    function drawNow(bytes32 programId, bytes calldata input, uint64 maxCycles) external {
        ISyncJobs.Outcome memory outcome = JOB_MANAGER.execute(programId, input, maxCycles);
        if (outcome.status == Commitments.SUCCESS) _award(outcome.output);
        else _keep();
    }

    /// @inheritdoc Consumer
    function _onResult(bytes32, bytes calldata output) internal override {
        _award(output);
    }

    /// @inheritdoc Consumer
    function _onPanic(bytes32, bytes calldata) internal override {
        _keep();
    }

    function _award(bytes memory output) private {
        require(output.length == 20, NotAnAddress(output.length));
        balanceOf[address(bytes20(output))] += PRIZE;
    }

    function _keep() private {
        balanceOf[HOUSE] += PRIZE;
    }
}
