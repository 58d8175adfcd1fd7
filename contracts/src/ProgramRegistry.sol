// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IProgramRegistry } from "./interfaces/IProgramRegistry.sol";
import { Limits } from "./Limits.sol";

/// @title The programs that jobs may run
contract ProgramRegistry is IProgramRegistry {
    /// @inheritdoc IProgramRegistry
    mapping(bytes32 programId => bytes32) public elfHash;

    /// @inheritdoc IProgramRegistry
    function registerProgram(bytes32 programId, bytes32 hash, uint32 elfSizeBytes) external {
        require(msg.sender == block.coinbase, NotProposer(msg.sender, block.coinbase));
        require(programId != 0 && hash != 0, ProgramIdOrHashZero(programId, hash));
        require(
            elfSizeBytes != 0 && elfSizeBytes <= Limits.MAX_ELF_SIZE_BYTES,
            ElfSizeOutOfRange(elfSizeBytes, Limits.MAX_ELF_SIZE_BYTES)
        );
        bytes32 known = elfHash[programId];
        require(known == 0, ProgramAlreadyRegistered(programId, known));

        elfHash[programId] = hash;
        emit ProgramRegistered(programId, hash, elfSizeBytes);
    }

    /// @inheritdoc IProgramRegistry
    function isRegistered(bytes32 programId) external view returns (bool) {
        return elfHash[programId] != 0;
    }
}
