// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlementErrors } from "../interfaces/ISettlementErrors.sol";

/// @dev What settlement needs of a header.
struct Header {
    bytes32 hash;
    bytes32 parentHash;
    bytes32 receiptsRoot;
    uint64 number;
    uint64 timestamp;
}

/// @title Reads the header of an execution block
/// @dev Takes exactly what a node would encode: the 21 fields of Prague, each in its only encoding, nothing before,
/// between or after them. What it takes, every node can decode. All fields up to the difficulty have fixed sizes, so
/// they are where they are; the rest is walked through. A step may read beyond the end, since the last one requires
/// that all of them together end where the bytes do. The largest header has 686 bytes.
library HeaderReader {
    uint256 private constant PARENT_HASH_OFFSET = 3;
    uint256 private constant OMMERS_HASH_OFFSET = 36;
    uint256 private constant BENEFICIARY_OFFSET = 69;
    uint256 private constant STATE_ROOT_OFFSET = 90;
    uint256 private constant TRANSACTIONS_ROOT_OFFSET = 123;
    uint256 private constant RECEIPTS_ROOT_OFFSET = 156;
    uint256 private constant LOGS_BLOOM_OFFSET = 189;
    uint256 private constant DIFFICULTY_OFFSET = 448;
    uint256 private constant NUMBER_OFFSET = 449;

    /// @dev Heads of RLP strings of 8, 20, 32 and 256 bytes, of the empty one, and of a list with two bytes of length.
    uint256 private constant EMPTY = 0x80;
    uint256 private constant BYTES_8 = 0x88;
    uint256 private constant BYTES_20 = 0x94;
    uint256 private constant BYTES_32 = 0xa0;
    uint256 private constant BYTES_256 = 0xb90100;
    uint256 private constant LONG_LIST = 0xf9;

    function read(bytes calldata encoded) internal pure returns (Header memory header) {
        _requireFixedPart(encoded);
        header.hash = keccak256(encoded);
        header.parentHash = bytes32(_at(encoded, PARENT_HASH_OFFSET + 1));
        header.receiptsRoot = bytes32(_at(encoded, RECEIPTS_ROOT_OFFSET + 1));

        uint256 end;
        (header.number, header.timestamp, end) = _walk(encoded);
        require(end == encoded.length, ISettlementErrors.HeaderMalformed(end));
    }

    /// @dev Requires the heads that are in the same place in every header.
    function _requireFixedPart(bytes calldata encoded) private pure {
        // The head of the list has two bytes of length for 256 to 65,535.
        bool fits = encoded.length > NUMBER_OFFSET && encoded.length <= type(uint16).max;
        require(fits, ISettlementErrors.HeaderMalformed(encoded.length));
        unchecked {
            uint256 differences = (_at(encoded, 0) >> 232) ^ (LONG_LIST << 16 | (encoded.length - 3));
            differences |= (_at(encoded, PARENT_HASH_OFFSET) >> 248) ^ BYTES_32;
            differences |= (_at(encoded, OMMERS_HASH_OFFSET) >> 248) ^ BYTES_32;
            differences |= (_at(encoded, BENEFICIARY_OFFSET) >> 248) ^ BYTES_20;
            differences |= (_at(encoded, STATE_ROOT_OFFSET) >> 248) ^ BYTES_32;
            differences |= (_at(encoded, TRANSACTIONS_ROOT_OFFSET) >> 248) ^ BYTES_32;
            differences |= (_at(encoded, RECEIPTS_ROOT_OFFSET) >> 248) ^ BYTES_32;
            differences |= (_at(encoded, LOGS_BLOOM_OFFSET) >> 232) ^ BYTES_256;
            differences |= (_at(encoded, DIFFICULTY_OFFSET) >> 248) ^ EMPTY;
            require(differences == 0, ISettlementErrors.HeaderMalformed(0));
        }
    }

    /// @dev Walks through the fields from the number on. By hand, since every proposal and every challenge does it.
    /// @return height The block's number.
    /// @return time Its timestamp.
    /// @return end Where the last field ends; zero when one of them is not what it must be.
    function _walk(bytes calldata encoded) private pure returns (uint64 height, uint64 time, uint256 end) {
        assembly ("memory-safe") {
            // A number of up to 64 bits: without leading zeros, and without a head when it is a small one.
            function readNumber(cursor) -> value, next, good {
                let word := calldataload(cursor)
                let head := byte(0, word)
                switch lt(head, EMPTY)
                case 1 {
                    value := head
                    next := add(cursor, 1)
                    good := gt(head, 0)
                }
                default {
                    let size := sub(head, EMPTY)
                    value := shr(sub(256, shl(3, size)), shl(8, word))
                    next := add(add(cursor, 1), size)
                    let least := shl(shl(3, sub(size, 1)), 1)
                    if eq(size, 1) { least := EMPTY }
                    good := or(iszero(size), and(lt(size, 9), iszero(lt(value, least))))
                }
            }
            function skipString(cursor, head) -> next, good {
                good := eq(byte(0, calldataload(cursor)), head)
                next := add(add(cursor, 1), sub(head, EMPTY))
            }
            // A string of up to 32 bytes.
            function skipExtraData(cursor) -> next, good {
                let word := calldataload(cursor)
                let head := byte(0, word)
                switch lt(head, EMPTY)
                case 1 {
                    next := add(cursor, 1)
                    good := 1
                }
                default {
                    next := add(add(cursor, 1), sub(head, EMPTY))
                    let needless := and(eq(head, add(EMPTY, 1)), lt(byte(1, word), EMPTY))
                    good := iszero(or(gt(head, BYTES_32), needless))
                }
            }

            let cursor := add(encoded.offset, NUMBER_OFFSET)
            let unused, good, all
            height, cursor, all := readNumber(cursor)
            unused, cursor, good := readNumber(cursor) // gas limit
            all := and(all, good)
            unused, cursor, good := readNumber(cursor) // gas used
            all := and(all, good)
            time, cursor, good := readNumber(cursor)
            all := and(all, good)
            cursor, good := skipExtraData(cursor)
            all := and(all, good)
            cursor, good := skipString(cursor, BYTES_32) // mix hash
            all := and(all, good)
            cursor, good := skipString(cursor, BYTES_8) // nonce
            all := and(all, good)
            unused, cursor, good := readNumber(cursor) // base fee
            all := and(all, good)
            cursor, good := skipString(cursor, BYTES_32) // withdrawals root
            all := and(all, good)
            unused, cursor, good := readNumber(cursor) // blob gas used
            all := and(all, good)
            unused, cursor, good := readNumber(cursor) // excess blob gas
            all := and(all, good)
            cursor, good := skipString(cursor, BYTES_32) // parent beacon block root
            all := and(all, good)
            cursor, good := skipString(cursor, BYTES_32) // requests hash
            all := and(all, good)
            end := mul(all, sub(cursor, encoded.offset))
        }
    }

    /// @dev The 32 bytes from `offset` on, as a number.
    function _at(bytes calldata encoded, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(encoded.offset, offset))
        }
    }
}
