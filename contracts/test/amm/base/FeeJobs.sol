// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IConsumer } from "../../../src/interfaces/IConsumer.sol";
import { ISyncJobs } from "../../../src/interfaces/ISyncJobs.sol";

/// @dev Stands at the job manager's address: what a pool needs of it, and results that the test chooses.
contract FeeJobs {
    address private constant EXECUTOR = 0x0000000000000000000000000000000000004957;
    bytes32 private constant ELF_HASH = keccak256("elf");

    struct Request {
        address consumer;
        bytes32 programId;
        bytes input;
        uint64 maxCycles;
        uint256 valueWei;
    }

    mapping(bytes32 jobId => Request) private _requests;
    uint256 public count;

    /// @dev The call of the executor, as the job manager makes it; what it reverts with goes on.
    function execute(bytes32 programId, bytes calldata input, uint64 maxCycles)
        external
        returns (ISyncJobs.Outcome memory outcome)
    {
        (bool ok, bytes memory answer) = EXECUTOR.call(abi.encode(programId, ELF_HASH, maxCycles, input));
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
        (outcome.status,, outcome.output) = abi.decode(answer, (uint8, uint64, bytes));
    }

    function requestJob(bytes32 programId, bytes calldata onchainInput, bytes32, uint64 maxCycles, uint64, uint64)
        external
        payable
        returns (bytes32 jobId)
    {
        jobId = keccak256(abi.encode(count++));
        _requests[jobId] = Request(msg.sender, programId, onchainInput, maxCycles, msg.value);
    }

    /// @dev Runs the program on the input of the request, now, and calls back.
    function deliver(bytes32 jobId) external {
        Request memory request = _requests[jobId];
        ISyncJobs.Outcome memory outcome = this.execute(request.programId, request.input, request.maxCycles);
        deliver(jobId, outcome.status, outcome.output);
    }

    function deliver(bytes32 jobId, uint8 status, bytes memory output) public {
        IConsumer(_requests[jobId].consumer).receiveResult(jobId, status, output);
    }

    function expire(bytes32 jobId) external {
        IConsumer(_requests[jobId].consumer).receiveExpiry(jobId);
    }

    function requestOf(bytes32 jobId) external view returns (Request memory) {
        return _requests[jobId];
    }
}
