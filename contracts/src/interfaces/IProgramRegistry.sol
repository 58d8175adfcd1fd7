// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title The programs that jobs may run (LP 8.1)
/// @notice Holds the hash of each program's ELF; the bytes are held by data availability. That an id is the zkVM's
/// commitment to that ELF is checked by every validating node: a block that registers a wrong pair is invalid.
interface IProgramRegistry {
    /// @notice A program may be asked for from now on.
    event ProgramRegistered(bytes32 indexed programId, bytes32 elfHash, uint32 elfSizeBytes);

    /// @notice Only the proposer of the block may do this.
    error NotProposer(address got, address expected);

    /// @notice The program is there already, with this ELF.
    error ProgramAlreadyRegistered(bytes32 programId, bytes32 elfHash);

    /// @notice A program id or an ELF hash is never zero.
    error ProgramIdOrHashZero(bytes32 programId, bytes32 elfHash);

    /// @notice The ELF is empty or over the protocol's limit.
    error ElfSizeOutOfRange(uint32 got, uint256 limit);

    /// @notice Registers a program, once and for all. Only the block's proposer may call.
    /// @param programId The zkVM's commitment to the program.
    /// @param elfHash keccak256 of the ELF, its address in data availability.
    /// @param elfSizeBytes Size of the ELF.
    function registerProgram(bytes32 programId, bytes32 elfHash, uint32 elfSizeBytes) external;

    /// @notice Whether jobs may ask for the program.
    function isRegistered(bytes32 programId) external view returns (bool);

    /// @notice keccak256 of the program's ELF, or zero when the program is not registered.
    function elfHash(bytes32 programId) external view returns (bytes32);
}
