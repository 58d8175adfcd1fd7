// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title What the pool tells the program `amm-fee` (see its `input.rs`)
/// @dev Fixed fields one after the other, then the trader's proof. `test/vectors/amm-fee.json` holds both sides to it.
library FeeInput {
    /// @param blockHash Hash of the block at whose end the past ends.
    /// @param pool Whose storage the proof is of.
    /// @param slot Slot of the trader's word in it, whose low 128 bits are a volume.
    /// @param volumeNow What they are now.
    /// @param tierCount Number of tiers, the base included.
    /// @param tiers The tiers, 16 bytes of volume and 3 of fee each.
    /// @param proof What the trader supplies.
    function encode(
        bytes32 blockHash,
        address pool,
        bytes32 slot,
        uint128 volumeNow,
        uint8 tierCount,
        bytes memory tiers,
        bytes calldata proof
    ) internal pure returns (bytes memory) {
        return abi.encodePacked(blockHash, pool, slot, volumeNow, tierCount, tiers, proof);
    }
}
