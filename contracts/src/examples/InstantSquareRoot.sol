// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISyncJobs } from "../interfaces/ISyncJobs.sol";
import { Commitments } from "../Commitments.sol";
import { Predeploys } from "../Predeploys.sol";

/// @title Integer square roots, computed by the program `square-root` in the transaction that asks
/// @dev The program reads `abi.encode(uint256)` and outputs `abi.encode(uint256)`. Nothing has to be inherited for this.
contract InstantSquareRoot {
    /// @notice The last root computed.
    uint256 public latestRoot;

    /// @notice The program panicked with this message.
    error ProgramPanicked(bytes message);

    /// @notice Computes the square root of a number, rounded down.
    function computeSquareRoot(bytes32 programId, uint256 number, uint64 maxCycles) public returns (uint256 root) {
        ISyncJobs.Outcome memory outcome =
            ISyncJobs(Predeploys.JOB_MANAGER).execute(programId, abi.encode(number), maxCycles);
        require(outcome.status == Commitments.SUCCESS, ProgramPanicked(outcome.output));
        root = abi.decode(outcome.output, (uint256));
        latestRoot = root;
    }

    /// @notice Computes the roots of `times` numbers in a row: for tests and measurements of many runs in one transaction.
    function computeRepeatedly(bytes32 programId, uint256 number, uint64 maxCycles, uint256 times) external {
        for (uint256 i; i < times; ++i) {
            computeSquareRoot(programId, number + i, maxCycles);
        }
    }
}
