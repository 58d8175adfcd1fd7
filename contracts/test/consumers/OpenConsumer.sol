// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Consumer } from "../../src/Consumer.sol";

/// @dev A consumer through which anyone may ask, with the fixture's figures.
abstract contract OpenConsumer is Consumer {
    uint64 internal constant CALLBACK_GAS_LIMIT = 100_000;
    uint64 internal constant DEADLINE_BLOCKS = 50;

    function request(bytes32 programId, bytes calldata input, uint64 maxCycles)
        external
        payable
        returns (bytes32 jobId)
    {
        return _requestJob(programId, input, maxCycles, CALLBACK_GAS_LIMIT, uint64(block.number) + DEADLINE_BLOCKS);
    }
}
