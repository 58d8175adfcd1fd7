// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title Addresses of the contracts that genesis places on the execution chain
/// @dev The prefix is "IV" in ASCII. Genesis places code only: no constructor runs.
library Predeploys {
    address internal constant JOB_MANAGER = 0x4956000000000000000000000000000000000001;
    address internal constant PROGRAM_REGISTRY = 0x4956000000000000000000000000000000000002;
}
