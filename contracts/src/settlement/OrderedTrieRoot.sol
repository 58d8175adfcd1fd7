// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlementErrors } from "../interfaces/ISettlementErrors.sol";

/// @title The root of the trie of a list: what a header says of its receipts
/// @dev Keys are RLP of positions. In the order of the trie, those of one byte come first, 0x01 to 0x7f; then 0x80, which
/// is position 0; then 0x8180 to 0x81ff, which are 128 to 255; then three bytes. A node is the list of all keys in a
/// range that agree in so many nibbles. Every item must have 32 bytes at least, so that every node is named by its hash;
/// a receipt has hundreds. For shorter ones the root is not that of a trie.
library OrderedTrieRoot {
    /// @dev Positions have two bytes: more transactions than any block has room for.
    uint256 internal constant MAX_ITEMS = 65_536;

    /// @dev The root of nothing: keccak256 of the empty string's RLP.
    bytes32 private constant EMPTY_ROOT = 0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;

    uint256 private constant STRING = 0x80;
    uint256 private constant LIST = 0xc0;
    uint256 private constant LONGEST_SHORT = 55;

    /// @dev First nibble of a path: of a leaf, and of one with an odd number of nibbles.
    uint256 private constant LEAF_FLAG = 2;
    uint256 private constant ODD_FLAG = 1;

    /// @notice The root of the trie of these items.
    function compute(bytes[] calldata items) internal pure returns (bytes32) {
        require(items.length <= MAX_ITEMS, ISettlementErrors.TooManyReceipts(items.length, MAX_ITEMS));
        return items.length == 0 ? EMPTY_ROOT : _node(items, 0, items.length, 0);
    }

    /// @notice The key of a position, as a number, and how many nibbles it has.
    function keyOf(uint256 position) internal pure returns (uint256 key, uint256 nibbles) {
        if (position == 0) return (0x80, 2);
        if (position < 0x80) return (position, 2);
        if (position <= type(uint8).max) return (0x81 << 8 | position, 4);
        if (position <= type(uint16).max) return (0x82 << 16 | position, 6);
        if (position <= type(uint24).max) return (0x83 << 24 | position, 8);
        require(position <= type(uint32).max, ISettlementErrors.IndexTooHigh(position, type(uint32).max));
        return (0x84 << 32 | position, 10);
    }

    /// @dev The hash of the node for the keys from `first` up to `end` in the order of the trie, which agree in `depth`
    /// nibbles.
    function _node(bytes[] calldata items, uint256 first, uint256 end, uint256 depth) private pure returns (bytes32) {
        if (end - first == 1) return _leaf(items, first, depth);
        uint256 agreed = depth;
        while (_nibble(items.length, first, agreed) == _nibble(items.length, end - 1, agreed)) {
            ++agreed;
        }
        bytes32 branch = _branch(items, first, end, agreed);
        if (agreed == depth) return branch;
        (uint256 key, uint256 nibbles) = keyOf(_position(items.length, first));
        bytes memory path = _path(key >> (4 * (nibbles - agreed)), agreed - depth, 0);
        bytes memory payload = abi.encodePacked(path, uint8(STRING + 32), branch);
        return keccak256(abi.encodePacked(_head(LIST, payload.length), payload));
    }

    function _branch(bytes[] calldata items, uint256 first, uint256 end, uint256 depth) private pure returns (bytes32) {
        bytes memory payload;
        for (uint256 nibble; nibble < 16; ++nibble) {
            uint256 next = first;
            while (next < end && _nibble(items.length, next, depth) == nibble) {
                ++next;
            }
            payload = next == first
                ? abi.encodePacked(payload, uint8(STRING))
                : abi.encodePacked(payload, uint8(STRING + 32), _node(items, first, next, depth + 1));
            first = next;
        }
        payload = abi.encodePacked(payload, uint8(STRING));
        return keccak256(abi.encodePacked(_head(LIST, payload.length), payload));
    }

    function _leaf(bytes[] calldata items, uint256 ordinal, uint256 depth) private pure returns (bytes32 hash) {
        uint256 freeMemory;
        assembly ("memory-safe") {
            freeMemory := mload(0x40)
        }
        uint256 position = _position(items.length, ordinal);
        bytes calldata item = items[position];
        (uint256 key, uint256 nibbles) = keyOf(position);
        bytes memory path = _path(key, nibbles - depth, LEAF_FLAG);
        bytes memory valueHead = _head(STRING, item.length);
        bytes memory listHead = _head(LIST, path.length + valueHead.length + item.length);
        hash = keccak256(abi.encodePacked(listHead, path, valueHead, item));
        // The next leaf needs nothing that this one allocated; memory costs its size squared.
        assembly ("memory-safe") {
            mstore(0x40, freeMemory)
        }
    }

    /// @dev RLP of the last nibbles of a key as a path.
    function _path(uint256 key, uint256 nibbles, uint256 flag) private pure returns (bytes memory) {
        uint256 bits = 4 * nibbles;
        uint256 odd = nibbles % 2;
        uint256 path = (key & ((1 << bits) - 1)) | (flag | odd * ODD_FLAG) << (odd == 1 ? bits : bits + 4);
        uint256 sizeBytes = nibbles / 2 + 1;
        bytes memory content = _bytesOf(path, sizeBytes);
        return sizeBytes == 1 ? content : abi.encodePacked(_head(STRING, sizeBytes), content);
    }

    /// @dev The head of an RLP string or list.
    function _head(uint256 base, uint256 sizeBytes) private pure returns (bytes memory) {
        if (sizeBytes <= LONGEST_SHORT) return _bytesOf(base + sizeBytes, 1);
        uint256 sizeOfSize = 1;
        while (sizeBytes >> (8 * sizeOfSize) != 0) {
            ++sizeOfSize;
        }
        return _bytesOf((base + LONGEST_SHORT + sizeOfSize) << (8 * sizeOfSize) | sizeBytes, sizeOfSize + 1);
    }

    /// @dev The last bytes of a number.
    function _bytesOf(uint256 value, uint256 sizeBytes) private pure returns (bytes memory result) {
        result = new bytes(sizeBytes);
        assembly ("memory-safe") {
            // The word written is within what `new` allocated: whole words.
            mstore(add(result, 0x20), shl(sub(256, mul(8, sizeBytes)), value))
        }
    }

    /// @dev The position whose key is the `ordinal`th in the order of the trie.
    function _position(uint256 count, uint256 ordinal) private pure returns (uint256) {
        uint256 ofOneByte = (count > 0x80 ? 0x80 : count) - 1;
        if (ordinal < ofOneByte) return ordinal + 1;
        return ordinal == ofOneByte ? 0 : ordinal;
    }

    /// @dev A nibble of the `ordinal`th key.
    function _nibble(uint256 count, uint256 ordinal, uint256 depth) private pure returns (uint256) {
        (uint256 key, uint256 nibbles) = keyOf(_position(count, ordinal));
        return (key >> (4 * (nibbles - 1 - depth))) & 0xf;
    }
}
