// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IJobManager } from "../interfaces/IJobManager.sol";
import { Terms } from "./Terms.sol";

/// @dev `IJobManager.Load` in one word, each field above the one before it: price 64 bits, block number 40, posted cycles
/// 64, sync cycles 64, sync count 24. Written by transactions that claim cycles, and as of the block of the last of
/// them: `asOf` tells how it stands in a later one. No block claims 2^64 cycles or has 2^24 runs, each of which costs gas.
/// The same as `crates/contracts/src/load.rs`; the golden vectors hold both to it.
type LoadWord is uint256;

using {
    cyclePriceWei,
    blockNumber,
    postedCycles,
    syncCycles,
    syncCount,
    asOf,
    priceAsOf,
    withClaims,
    withRun,
    unpack
} for LoadWord global;

/// @dev Most that a cycle ever costs.
uint256 constant MAX_CYCLE_PRICE_WEI = 1 << 63;

/// @dev A price changes by this part of itself at most.
uint256 constant MAX_CHANGE_DENOMINATOR = 8;

/// @dev So many blocks without claims are walked through; after more of them, the price is the floor.
uint256 constant MAX_DECAY_BLOCKS = 64;

function cyclePriceWei(LoadWord load) pure returns (uint64) {
    return uint64(LoadWord.unwrap(load));
}

function blockNumber(LoadWord load) pure returns (uint40) {
    return uint40(LoadWord.unwrap(load) >> 64);
}

function postedCycles(LoadWord load) pure returns (uint64) {
    return uint64(LoadWord.unwrap(load) >> 104);
}

function syncCycles(LoadWord load) pure returns (uint64) {
    return uint64(LoadWord.unwrap(load) >> 168);
}

function syncCount(LoadWord load) pure returns (uint24) {
    return uint24(LoadWord.unwrap(load) >> 232);
}

/// @dev The load in block `number`. An earlier block than that of the load is taken for the same.
function asOf(LoadWord load, Terms terms, uint256 number) pure returns (LoadWord) {
    uint256 priceWei = priceAsOf(load, terms, number);
    if (number > blockNumber(load)) return LoadWord.wrap(priceWei | number << 64);
    return LoadWord.wrap(LoadWord.unwrap(load) - cyclePriceWei(load) + priceWei);
}

/// @dev The price in block `number`.
function priceAsOf(LoadWord load, Terms terms, uint256 number) pure returns (uint64) {
    uint256 floorWei = terms.minCyclePriceWei();
    uint256 target = terms.targetCyclesPerBlock();
    uint256 cycles = postedCycles(load);
    uint256 priceWei = max(cyclePriceWei(load), floorWei);
    if (number <= blockNumber(load)) return uint64(priceWei);
    // Most blocks are such.
    if (priceWei == floorWei && cycles <= target) return uint64(floorWei);
    unchecked {
        priceWei = decayed(following(priceWei, cycles, target), floorWei, number - blockNumber(load) - 1);
    }
    return uint64(max(priceWei, floorWei));
}

/// @dev The load with so many cycles more that were claimed.
function withClaims(LoadWord load, uint256 cycles) pure returns (LoadWord) {
    unchecked {
        return LoadWord.wrap(LoadWord.unwrap(load) + (cycles << 104));
    }
}

/// @dev The load with one run of so many cycles more.
function withRun(LoadWord load, uint256 cycles) pure returns (LoadWord) {
    unchecked {
        return LoadWord.wrap(LoadWord.unwrap(load) + (cycles << 104) + (cycles << 168) + (1 << 232));
    }
}

function unpack(LoadWord load) pure returns (IJobManager.Load memory) {
    return IJobManager.Load({
        cyclePriceWei: cyclePriceWei(load),
        blockNumber: blockNumber(load),
        postedCycles: postedCycles(load),
        syncCycles: syncCycles(load),
        syncCount: syncCount(load)
    });
}

/// @dev The price in the block after one that claimed `cycles`, but for the floor. Price and cycles have 64 bits at most.
function following(uint256 priceWei, uint256 cycles, uint256 target) pure returns (uint256) {
    unchecked {
        if (cycles <= target) return priceWei - priceWei * (target - cycles) / target / MAX_CHANGE_DENOMINATOR;
        uint256 excess = min(cycles - target, target);
        uint256 raisedWei = priceWei + max(priceWei * excess / target / MAX_CHANGE_DENOMINATOR, 1);
        return min(raisedWei, MAX_CYCLE_PRICE_WEI);
    }
}

/// @dev The price after `count` blocks without claims, but for the floor.
function decayed(uint256 priceWei, uint256 floorWei, uint256 count) pure returns (uint256) {
    if (count > MAX_DECAY_BLOCKS) return floorWei;
    unchecked {
        for (; count != 0 && priceWei > floorWei; --count) {
            priceWei -= priceWei / MAX_CHANGE_DENOMINATOR;
        }
    }
    return priceWei;
}

function max(uint256 left, uint256 right) pure returns (uint256) {
    return left > right ? left : right;
}

function min(uint256 left, uint256 right) pure returns (uint256) {
    return left < right ? left : right;
}
