// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Ownable } from "@openzeppelin/contracts/access/Ownable.sol";

import { Consumer } from "../Consumer.sol";

/// @title Realised volatility of a price series, computed by the program `volatility`
/// @dev The program reads prices in cents, a big-endian `uint32` each with nothing between them, and outputs
/// `abi.encode(uint256 annualisedVolatilityE18, uint64 observations)`.
contract VolatilityOracle is Consumer, Ownable {
    uint64 private constant CALLBACK_GAS_LIMIT = 250_000;
    uint64 private constant DEADLINE_BLOCKS = 300;
    uint256 private constant PRICE_SIZE_BYTES = 4;
    uint256 private constant MIN_PRICES = 2;

    /// @notice The last volatility computed, annualised, with 18 decimals.
    uint256 public latestVolatilityE18;

    /// @notice How many observations it rests on.
    uint64 public latestObservations;

    /// @notice The job that computed it.
    bytes32 public latestJobId;

    /// @notice What the program said when it last panicked.
    bytes public lastPanic;

    /// @notice A volatility was computed.
    event VolatilityUpdated(bytes32 indexed jobId, uint256 annualisedVolatilityE18, uint64 observations);

    /// @notice The program refused the series.
    event VolatilityFailed(bytes32 indexed jobId, bytes message);

    /// @notice The series is not a whole number of prices, or too short to have a volatility.
    error PricesMalformed(uint256 gotBytes, uint256 minimumBytes);

    constructor() Ownable(msg.sender) { }

    /// @notice Asks for the volatility of a series.
    /// @param programId The program to run.
    /// @param packedCents The prices, oldest first: cents, a big-endian `uint32` each.
    /// @param maxCycles Most cycles the run may take.
    function requestVolatility(bytes32 programId, bytes calldata packedCents, uint64 maxCycles)
        external
        payable
        onlyOwner
        returns (bytes32 jobId)
    {
        require(
            packedCents.length % PRICE_SIZE_BYTES == 0 && packedCents.length >= MIN_PRICES * PRICE_SIZE_BYTES,
            PricesMalformed(packedCents.length, MIN_PRICES * PRICE_SIZE_BYTES)
        );
        return
            _requestJob(programId, packedCents, maxCycles, CALLBACK_GAS_LIMIT, uint64(block.number) + DEADLINE_BLOCKS);
    }

    /// @notice Takes what is left of the escrow, refunds included.
    function withdrawEscrow(uint256 amountWei, address payable to) external onlyOwner {
        JOB_MANAGER.withdraw(amountWei, to);
    }

    /// @inheritdoc Consumer
    function _onResult(bytes32 jobId, bytes calldata output) internal override {
        (uint256 volatilityE18, uint64 observations) = abi.decode(output, (uint256, uint64));
        latestVolatilityE18 = volatilityE18;
        latestObservations = observations;
        latestJobId = jobId;
        emit VolatilityUpdated(jobId, volatilityE18, observations);
    }

    /// @inheritdoc Consumer
    function _onPanic(bytes32 jobId, bytes calldata message) internal override {
        lastPanic = message;
        emit VolatilityFailed(jobId, message);
    }
}
