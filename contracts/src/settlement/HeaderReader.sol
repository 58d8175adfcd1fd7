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
/// they are where they are; the rest is walked through. The largest header it takes has 687 bytes.
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
        require(encoded.length > NUMBER_OFFSET, ISettlementErrors.HeaderMalformed(encoded.length));
        _expect(encoded, 0, 3, LONG_LIST << 16 | (encoded.length - 3));
        _expect(encoded, PARENT_HASH_OFFSET, 1, BYTES_32);
        _expect(encoded, OMMERS_HASH_OFFSET, 1, BYTES_32);
        _expect(encoded, BENEFICIARY_OFFSET, 1, BYTES_20);
        _expect(encoded, STATE_ROOT_OFFSET, 1, BYTES_32);
        _expect(encoded, TRANSACTIONS_ROOT_OFFSET, 1, BYTES_32);
        _expect(encoded, RECEIPTS_ROOT_OFFSET, 1, BYTES_32);
        _expect(encoded, LOGS_BLOOM_OFFSET, 3, BYTES_256);
        _expect(encoded, DIFFICULTY_OFFSET, 1, EMPTY);

        header.hash = keccak256(encoded);
        header.parentHash = bytes32(encoded[PARENT_HASH_OFFSET + 1:]);
        header.receiptsRoot = bytes32(encoded[RECEIPTS_ROOT_OFFSET + 1:]);

        uint256 offset = NUMBER_OFFSET;
        (header.number, offset) = _readNumber(encoded, offset);
        (, offset) = _readNumber(encoded, offset); // gas limit
        (, offset) = _readNumber(encoded, offset); // gas used
        (header.timestamp, offset) = _readNumber(encoded, offset);
        offset = _skipExtraData(encoded, offset);
        offset = _expect(encoded, offset, 1, BYTES_32) + 32; // mix hash
        offset = _expect(encoded, offset, 1, BYTES_8) + 8; // nonce
        (, offset) = _readNumber(encoded, offset); // base fee
        offset = _expect(encoded, offset, 1, BYTES_32) + 32; // withdrawals root
        (, offset) = _readNumber(encoded, offset); // blob gas used
        (, offset) = _readNumber(encoded, offset); // excess blob gas
        offset = _expect(encoded, offset, 1, BYTES_32) + 32; // parent beacon block root
        offset = _expect(encoded, offset, 1, BYTES_32) + 32; // requests hash
        require(offset == encoded.length, ISettlementErrors.HeaderMalformed(offset));
    }

    /// @dev Reads a number of up to 64 bits.
    function _readNumber(bytes calldata encoded, uint256 offset) private pure returns (uint64 number, uint256 next) {
        uint256 head = _at(encoded, offset, 1);
        if (head < EMPTY) {
            require(head != 0, ISettlementErrors.HeaderMalformed(offset));
            return (uint64(head), offset + 1);
        }
        if (head == EMPTY) return (0, offset + 1);

        require(head <= BYTES_8, ISettlementErrors.HeaderMalformed(offset));
        uint256 size = head - EMPTY;
        number = uint64(_at(encoded, offset + 1, size));
        // Neither a leading zero nor a head that a single byte does not need.
        uint256 least = size == 1 ? EMPTY : 1 << (8 * (size - 1));
        require(number >= least, ISettlementErrors.HeaderMalformed(offset));
        next = offset + 1 + size;
    }

    /// @dev Skips a string of up to 32 bytes.
    function _skipExtraData(bytes calldata encoded, uint256 offset) private pure returns (uint256 next) {
        uint256 head = _at(encoded, offset, 1);
        if (head < EMPTY) return offset + 1;
        require(head <= BYTES_32, ISettlementErrors.HeaderMalformed(offset));
        bool short = head == EMPTY + 1 && _at(encoded, offset + 1, 1) < EMPTY;
        require(!short, ISettlementErrors.HeaderMalformed(offset));
        next = offset + 1 + head - EMPTY;
    }

    /// @dev Requires bytes, and says what comes after them.
    function _expect(bytes calldata encoded, uint256 offset, uint256 size, uint256 expected)
        private
        pure
        returns (uint256 next)
    {
        require(_at(encoded, offset, size) == expected, ISettlementErrors.HeaderMalformed(offset));
        next = offset + size;
    }

    /// @dev Up to 32 bytes as a number.
    function _at(bytes calldata encoded, uint256 offset, uint256 size) private pure returns (uint256 value) {
        require(offset + size <= encoded.length, ISettlementErrors.HeaderMalformed(offset));
        assembly ("memory-safe") {
            value := shr(sub(256, mul(8, size)), calldataload(add(encoded.offset, offset)))
        }
    }
}
