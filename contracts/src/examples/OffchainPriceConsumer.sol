// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Consumer } from "../Consumer.sol";
import { SingleSigner } from "../SingleSigner.sol";

/// @title Prices that a server asks for by signature, without a transaction
/// @dev The program outputs `abi.encode(uint256)`.
contract OffchainPriceConsumer is SingleSigner {
    /// @notice The last price computed.
    uint256 public latestPrice;

    /// @notice The job that computed it.
    bytes32 public latestJobId;

    /// @notice How many prices were computed.
    uint256 public updates;

    /// @notice A price was computed.
    event PriceUpdated(bytes32 indexed jobId, uint256 price);

    constructor(address signer) SingleSigner(signer) { }

    /// @inheritdoc Consumer
    function _onResult(bytes32 jobId, bytes calldata output) internal override {
        latestPrice = abi.decode(output, (uint256));
        latestJobId = jobId;
        ++updates;
        emit PriceUpdated(jobId, latestPrice);
    }
}
