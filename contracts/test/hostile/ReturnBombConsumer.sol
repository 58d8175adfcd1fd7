// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { OpenConsumer } from "../consumers/OpenConsumer.sol";

/// @dev Returns or reverts with as many bytes as its gas pays for, to make the caller pay for copying them.
contract ReturnBombConsumer is OpenConsumer {
    uint256 private constant BOMB_SIZE_BYTES = 512 * 1024;

    bool private immutable REVERTS;

    constructor(bool reverts) {
        REVERTS = reverts;
    }

    function _onResult(bytes32, bytes calldata) internal view override {
        bool reverts = REVERTS;
        assembly ("memory-safe") {
            if reverts { revert(0, BOMB_SIZE_BYTES) }
            return(0, BOMB_SIZE_BYTES)
        }
    }
}
