// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title How jobs, inputs and outcomes are committed to
/// @dev The same as `ivm-primitives` and `ivm-contracts` in Rust; the golden vectors hold both to it.
library Commitments {
    /// @dev Status of an outcome whose bytes are the program's output.
    uint8 internal constant SUCCESS = 0;

    /// @dev Status of an outcome whose bytes are the program's panic message.
    uint8 internal constant PANICKED = 1;

    /// @dev `keccak256("")`: the hash of an input that is not there.
    bytes32 internal constant EMPTY_HASH = 0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470;

    /// @notice The id of a consumer's job on this chain.
    function jobId(address manager, address consumer, uint64 nonce) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, manager, consumer, nonce));
    }

    /// @notice What is kept of a job: keccak256 of `abi.encode(IJobManager.Job)`, from its fields.
    function job(
        address consumer,
        uint64 nonce,
        bytes32 programId,
        bytes32 onchainInputHash,
        bytes32 offchainInputHash,
        uint64 maxCycles,
        uint64 callbackGasLimit,
        uint64 deadlineBlock,
        uint64 cyclePriceWei
    ) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                consumer,
                nonce,
                programId,
                onchainInputHash,
                offchainInputHash,
                maxCycles,
                callbackGasLimit,
                deadlineBlock,
                cyclePriceWei
            )
        );
    }

    /// @notice What a claim says about the input of its job.
    function input(bytes32 onchainInputHash, bytes32 offchainInputHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(onchainInputHash, offchainInputHash));
    }

    /// @notice What a claim says about the outcome of its job.
    function outcome(uint8 status, bytes calldata output) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(status, output));
    }

    /// @notice The same of an output in memory.
    function outcomeInMemory(uint8 status, bytes memory output) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(status, output));
    }
}
