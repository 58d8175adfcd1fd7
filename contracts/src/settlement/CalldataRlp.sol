// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlementErrors } from "../interfaces/ISettlementErrors.sol";

/// @title Reads RLP where it lies, in calldata
/// @dev Positions are positions in calldata. Takes only the shortest encoding of an item, and no item that ends beyond
/// the bytes it is in. Nothing is copied to memory.
library CalldataRlp {
    /// @dev Heads below the first are items themselves; strings and lists have heads from these on.
    uint256 private constant STRING = 0x80;
    uint256 private constant LIST = 0xc0;

    /// @dev Of both kinds of heads the part that tells the size, up to this one; what is more is the size of the size.
    uint256 private constant SIZE_MASK = 0x3f;
    uint256 private constant LONGEST_SHORT = 55;

    /// @dev Sizes have four bytes at most: calldata of 2^32 bytes is beyond any block.
    uint256 private constant SIZE_BYTES_END = 5;

    /// @dev Head of a string of one byte, which must be larger than this one.
    uint256 private constant ONE_BYTE = 0x81;
    uint256 private constant LARGEST_OWN_HEAD = 0x7f;

    /// @notice Reads the head of the item at `cursor`.
    /// @param end Where the bytes end that the item must be in.
    /// @return isList Whether it is a list.
    /// @return payload Where its content begins.
    /// @return next Where it ends.
    function item(uint256 cursor, uint256 end) internal pure returns (bool isList, uint256 payload, uint256 next) {
        // By hand, since a challenge takes this step for every log before its claim.
        bool good;
        assembly ("memory-safe") {
            let word := calldataload(cursor)
            let head := byte(0, word)
            switch lt(head, STRING)
            case 1 {
                payload := cursor
                next := add(cursor, 1)
                good := 1
            }
            default {
                let size := and(head, SIZE_MASK)
                isList := iszero(lt(head, LIST))
                payload := add(cursor, 1)
                switch gt(size, LONGEST_SHORT)
                case 1 {
                    // The size itself comes first, in so many bytes, the first of them not zero.
                    let sizeBytes := sub(size, LONGEST_SHORT)
                    size := shr(sub(256, shl(3, sizeBytes)), shl(8, word))
                    good := and(lt(sizeBytes, SIZE_BYTES_END), and(gt(size, LONGEST_SHORT), gt(byte(1, word), 0)))
                    payload := add(payload, sizeBytes)
                }
                default {
                    // A string of one byte below the heads is its own head.
                    good := or(xor(head, ONE_BYTE), gt(byte(1, word), LARGEST_OWN_HEAD))
                }
                next := add(payload, size)
            }
            good := and(iszero(iszero(good)), iszero(gt(next, end)))
        }
        require(good, ISettlementErrors.RlpMalformed());
    }

    /// @notice Reads the head of a list that ends exactly at `end`.
    function wholeList(uint256 cursor, uint256 end) internal pure returns (uint256 payload) {
        bool isList;
        uint256 next;
        (isList, payload, next) = item(cursor, end);
        require(isList && next == end, ISettlementErrors.RlpMalformed());
    }

    /// @notice Where the item after that at `cursor` begins.
    function skip(uint256 cursor, uint256 end) internal pure returns (uint256 next) {
        (,, next) = item(cursor, end);
    }

    /// @notice 32 bytes of calldata. Beyond its end they are zero.
    function load(uint256 cursor) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(cursor)
        }
    }

    /// @notice Where bytes begin and end.
    function bounds(bytes calldata data) internal pure returns (uint256 start, uint256 end) {
        assembly ("memory-safe") {
            start := data.offset
            end := add(start, data.length)
        }
    }
}
