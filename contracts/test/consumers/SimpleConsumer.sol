// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Consumer } from "../../src/Consumer.sol";

/// @dev As little as a consumer of one program does: what the gas goals are about.
contract SimpleConsumer is Consumer {
    bytes32 private immutable PROGRAM_ID;

    uint256 public latest;

    constructor(bytes32 programId) {
        PROGRAM_ID = programId;
    }

    function request() external returns (bytes32 jobId) {
        return _requestJob(PROGRAM_ID, hex"09", 1_000_000, 100_000, uint64(block.number) + 50);
    }

    function _onResult(bytes32, bytes calldata output) internal override {
        latest = abi.decode(output, (uint256));
    }
}
