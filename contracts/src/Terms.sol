// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IJobManager } from "./interfaces/IJobManager.sol";

/// @dev `IJobManager.Parameters` in one word, each field above the one before it: 64, 64, 64 and 16 bits. Zero is no
/// terms, since genesis allows deadlines of at least one block.
type Terms is uint256;

using { isNone, feeWei, maxDeadlineBlocks, retainedBps, unpack } for Terms global;

function isNone(Terms terms) pure returns (bool) {
    return Terms.unwrap(terms) == 0;
}

function cyclePriceWei(Terms terms) pure returns (uint64) {
    return uint64(Terms.unwrap(terms));
}

function callbackGasPriceWei(Terms terms) pure returns (uint64) {
    return uint64(Terms.unwrap(terms) >> 64);
}

function maxDeadlineBlocks(Terms terms) pure returns (uint64) {
    return uint64(Terms.unwrap(terms) >> 128);
}

function retainedBps(Terms terms) pure returns (uint16) {
    return uint16(Terms.unwrap(terms) >> 192);
}

/// @dev All four factors have 64 bits at most: neither the products nor their sum overflow.
function feeWei(Terms terms, uint64 cycles, uint64 callbackGas) pure returns (uint256) {
    unchecked {
        return uint256(cycles) * cyclePriceWei(terms) + uint256(callbackGas) * callbackGasPriceWei(terms);
    }
}

function unpack(Terms terms) pure returns (IJobManager.Parameters memory) {
    return IJobManager.Parameters({
        cyclePriceWei: cyclePriceWei(terms),
        callbackGasPriceWei: callbackGasPriceWei(terms),
        maxDeadlineBlocks: maxDeadlineBlocks(terms),
        retainedBps: retainedBps(terms)
    });
}
