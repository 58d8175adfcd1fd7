// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { OpenConsumer } from "../consumers/OpenConsumer.sol";

/// @dev Burns all the gas it gets.
contract GasBurnerConsumer is OpenConsumer {
    function _onResult(bytes32, bytes calldata) internal pure override {
        _burn();
    }

    function _jobExpired(bytes32) internal pure override {
        _burn();
    }

    function _burn() private pure {
        assembly ("memory-safe") {
            invalid()
        }
    }
}
