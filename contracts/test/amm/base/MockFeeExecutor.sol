// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISyncJobs } from "../../../src/interfaces/ISyncJobs.sol";

/// @dev Stands at the executor's address and does what `amm-fee` does, but for tries: tests record what was stored at the
/// end of a block, and a proof is the bare volume that a trader says they had, 16 bytes.
contract MockFeeExecutor {
    uint256 private constant TIERS_OFFSET = 101;
    uint256 private constant TIER_SIZE_BYTES = 19;

    mapping(bytes32 blockHash => mapping(address pool => mapping(bytes32 slot => uint256))) private _words;
    mapping(bytes32 blockHash => bool) private _isKnown;
    bytes private _forcedOutput;
    bool private _hasNoOutcome;

    function record(bytes32 blockHash, address pool, bytes32 slot, uint256 word) external {
        _words[blockHash][pool][slot] = word;
        _isKnown[blockHash] = true;
    }

    function forceOutput(bytes calldata output) external {
        _forcedOutput = output;
    }

    function haveNoOutcome() external {
        _hasNoOutcome = true;
    }

    fallback(bytes calldata call) external returns (bytes memory) {
        (bytes32 programId,,, bytes memory input) = abi.decode(call, (bytes32, bytes32, uint64, bytes));
        if (_hasNoOutcome) revert ISyncJobs.NoOutcome(programId, ISyncJobs.NoOutcomeReason.OutOfCycles);
        if (_forcedOutput.length > 0) return abi.encode(uint8(0), uint64(1), _forcedOutput);
        (uint8 status, bytes memory output) = this.run(input);
        return abi.encode(status, uint64(1), output);
    }

    function run(bytes calldata input) external view returns (uint8, bytes memory) {
        uint256 proofOffset = TIERS_OFFSET + TIER_SIZE_BYTES * uint8(input[100]);
        if (input.length != proofOffset + 16) return (1, "malformed proof");
        if (!_isKnown[bytes32(input[:32])]) return (1, "no such block");
        uint128 volumeThen = uint128(_words[bytes32(input[:32])][address(bytes20(input[32:52]))][bytes32(input[52:84])]);
        if (uint128(bytes16(input[proofOffset:])) != volumeThen) return (1, "not the word of that block");
        uint128 volume = uint128(bytes16(input[84:100])) - volumeThen;
        uint256 fee = type(uint256).max;
        for (uint256 offset = TIERS_OFFSET; offset < proofOffset; offset += TIER_SIZE_BYTES) {
            if (uint128(bytes16(input[offset:])) <= volume) fee = uint24(bytes3(input[offset + 16:]));
        }
        return (0, abi.encode(fee));
    }
}
