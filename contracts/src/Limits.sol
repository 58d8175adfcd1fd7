// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title Bounds that consensus depends on
/// @dev The same as `crates/primitives/src/limits.rs`; the golden vectors hold both to it.
library Limits {
    uint256 internal constant MAX_ELF_SIZE_BYTES = 4 * 1024 * 1024;
    uint256 internal constant MAX_ONCHAIN_INPUT_SIZE_BYTES = 120 * 1024;
    uint256 internal constant MAX_OUTPUT_SIZE_BYTES = 64 * 1024;
    uint256 internal constant MAX_PANIC_MESSAGE_SIZE_BYTES = 1024;
    uint64 internal constant MAX_CYCLES_PER_JOB = 1_000_000_000;
    uint64 internal constant MAX_CALLBACK_GAS = 5_000_000;
}
