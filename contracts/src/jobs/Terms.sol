// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IJobManager } from "../interfaces/IJobManager.sol";

/// @dev What `IJobManager.Parameters` says of prices and bounds, in one word, each field above the one before it:
/// minCyclePriceWei 64 bits, callbackGasPriceWei 64, maxDeadlineBlocks 32, retainedBps 16, targetCyclesPerBlock 40,
/// maxSyncCyclesPerBlock 40. Genesis allows deadlines of at least one block and targets of at least one cycle, so that
/// zero is no terms.
type Terms is uint256;

using {
    isNone,
    minCyclePriceWei,
    callbackGasPriceWei,
    maxDeadlineBlocks,
    retainedBps,
    targetCyclesPerBlock,
    maxSyncCyclesPerBlock,
    feeWei
} for Terms global;

function isNone(Terms terms) pure returns (bool) {
    return Terms.unwrap(terms) == 0;
}

function minCyclePriceWei(Terms terms) pure returns (uint64) {
    return uint64(Terms.unwrap(terms));
}

function callbackGasPriceWei(Terms terms) pure returns (uint64) {
    return uint64(Terms.unwrap(terms) >> 64);
}

function maxDeadlineBlocks(Terms terms) pure returns (uint32) {
    return uint32(Terms.unwrap(terms) >> 128);
}

function retainedBps(Terms terms) pure returns (uint16) {
    return uint16(Terms.unwrap(terms) >> 160);
}

function targetCyclesPerBlock(Terms terms) pure returns (uint40) {
    return uint40(Terms.unwrap(terms) >> 176);
}

function maxSyncCyclesPerBlock(Terms terms) pure returns (uint40) {
    return uint40(Terms.unwrap(terms) >> 216);
}

/// @dev What is escrowed for a job. All four factors have 64 bits at most: neither the products nor their sum overflow.
function feeWei(Terms terms, uint64 cyclePriceWei, uint64 cycles, uint64 callbackGas) pure returns (uint256) {
    unchecked {
        return uint256(cycles) * cyclePriceWei + uint256(callbackGas) * callbackGasPriceWei(terms);
    }
}

/// @dev What `IJobManager.Parameters` says of the prover, in one word: its account, then its share in 1/10,000, 16 bits.
type ProverShare is uint256;

using { account, bps } for ProverShare global;

function account(ProverShare share) pure returns (address) {
    return address(uint160(ProverShare.unwrap(share)));
}

function bps(ProverShare share) pure returns (uint16) {
    return uint16(ProverShare.unwrap(share) >> 160);
}

function unpack(Terms terms, ProverShare share) pure returns (IJobManager.Parameters memory) {
    return IJobManager.Parameters({
        minCyclePriceWei: minCyclePriceWei(terms),
        callbackGasPriceWei: callbackGasPriceWei(terms),
        maxDeadlineBlocks: maxDeadlineBlocks(terms),
        retainedBps: retainedBps(terms),
        targetCyclesPerBlock: targetCyclesPerBlock(terms),
        maxSyncCyclesPerBlock: maxSyncCyclesPerBlock(terms),
        proverShareBps: bps(share),
        proverAccount: account(share)
    });
}
