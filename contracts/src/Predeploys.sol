// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title Addresses that every execution chain has from genesis on
/// @dev The prefix of contracts is "IV" in ASCII. Genesis places code only: no constructor runs.
library Predeploys {
    address internal constant JOB_MANAGER = 0x4956000000000000000000000000000000000001;
    address internal constant PROGRAM_REGISTRY = 0x4956000000000000000000000000000000000002;

    /// @dev What runs programs inside transactions: part of the node, called by the job manager alone.
    address internal constant EXECUTOR = 0x0000000000000000000000000000000000004957;
}
