// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title How a job was asked for: the two top bits of its nonce
/// @dev The nonces of `requestJob` are their numbers: their bits are 00. The same as `crates/contracts/src/job.rs`; the
/// golden vectors hold both to it.
library JobKinds {
    /// @dev One more than the largest number of a job within its kind.
    uint64 internal constant NUMBERS = 1 << 62;

    uint64 private constant SYNC = 1 << 62;
    uint64 private constant OFFCHAIN = 2 << 62;
    uint64 private constant OFFCHAIN_ORDERED = 3 << 62;

    /// @dev Bits of the place of a run among those of its block. A run costs gas: no block has so many.
    uint256 internal constant SYNC_INDEX_BITS = 22;

    /// @dev The nonce of a run inside a transaction.
    function syncNonce(uint256 blockNumber, uint256 index) internal pure returns (uint64) {
        return SYNC | uint64(blockNumber << SYNC_INDEX_BITS | index);
    }

    /// @dev The nonce of a job asked for by signature.
    function offchainNonce(bool ordered, uint64 number) internal pure returns (uint64) {
        return (ordered ? OFFCHAIN_ORDERED : OFFCHAIN) | number;
    }
}
