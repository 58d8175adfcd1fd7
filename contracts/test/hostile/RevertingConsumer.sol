// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { OpenConsumer } from "../consumers/OpenConsumer.sol";

/// @dev Refuses every outcome and every expiry until it is told to behave.
contract RevertingConsumer is OpenConsumer {
    bool public behaves;
    bytes32 public latestOutputHash;

    error Refused();

    function behave() external {
        behaves = true;
    }

    function _onResult(bytes32, bytes calldata output) internal override {
        require(behaves, Refused());
        latestOutputHash = keccak256(output);
    }

    function _jobExpired(bytes32) internal view override {
        require(behaves, Refused());
    }
}
