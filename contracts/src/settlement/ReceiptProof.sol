// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlementErrors } from "../interfaces/ISettlementErrors.sol";
import { CalldataRlp } from "./CalldataRlp.sol";
import { OrderedTrieRoot } from "./OrderedTrieRoot.sol";

/// @title Finds a receipt in a block by a proof against the root of its receipts
/// @dev OpenZeppelin's `TrieProof` would do, and tests hold this to it; but it copies and cuts up every node, which costs
/// more than the rest of a challenge. Here nodes are read where they lie. No node of a receipts trie is shorter than 32
/// bytes, since receipts are not: so a child is always named by its hash.
library ReceiptProof {
    using CalldataRlp for bytes;

    /// @dev An index has 4 bytes at most, its key 5, so ten nibbles: so many branches, and a leaf.
    uint256 internal constant MAX_NODES = 11;

    /// @dev Heads of an RLP string of 32 bytes, and of the empty one.
    uint256 private constant BYTES_32 = 0xa0;
    uint256 private constant NOTHING = 0x80;

    /// @dev First nibble of a path: whether it is that of a leaf, and whether a nibble of it follows in the same byte.
    uint256 private constant LEAF_FLAG = 2;
    uint256 private constant ODD_FLAG = 1;

    /// @notice Where the receipt of a transaction lies in calldata.
    function find(bytes[] calldata nodes, bytes32 root, uint256 transactionIndex)
        internal
        pure
        returns (uint256 start, uint256 end)
    {
        require(nodes.length <= MAX_NODES, ISettlementErrors.ReceiptProofTooLong(nodes.length, MAX_NODES));
        (uint256 key, uint256 keyNibbles) = OrderedTrieRoot.keyOf(transactionIndex);
        bytes32 expected = root;
        for (uint256 i; i < nodes.length; ++i) {
            bytes calldata node = nodes[i];
            require(keccak256(node) == expected, ISettlementErrors.ReceiptProofInvalid(i));
            (start, end) = node.bounds();
            start = CalldataRlp.wholeList(start, end);
            if (_isBranch(start)) {
                require(keyNibbles != 0, ISettlementErrors.ReceiptProofInvalid(i));
                --keyNibbles;
                expected = _child(start, end, (key >> (4 * keyNibbles)) & 0xf, i);
                continue;
            }
            uint256 second = CalldataRlp.skip(start, end);
            bool isLeaf;
            (isLeaf, keyNibbles) = _followPath(start, second, key, keyNibbles, i);
            if (isLeaf) {
                (bool isList, uint256 receipt, uint256 next) = CalldataRlp.item(second, end);
                bool fits = !isList && next == end && keyNibbles == 0 && i == nodes.length - 1;
                require(fits, ISettlementErrors.ReceiptProofInvalid(i));
                return (receipt, end);
            }
            expected = _hashAt(second, end, i);
        }
        revert ISettlementErrors.ReceiptProofInvalid(nodes.length);
    }

    /// @dev Whether a node is a branch: its first item is a hash or nothing, while a path, the first item of a leaf and of
    /// an extension, has one to six bytes.
    function _isBranch(uint256 cursor) private pure returns (bool) {
        uint256 head = CalldataRlp.load(cursor) >> 248;
        return head == BYTES_32 || head == NOTHING;
    }

    /// @dev The hash in a branch for a nibble. Where there is none, the trie has no such receipt.
    function _child(uint256 cursor, uint256 end, uint256 nibble, uint256 node) private pure returns (bytes32) {
        unchecked {
            for (uint256 i; i < nibble; ++i) {
                uint256 head = CalldataRlp.load(cursor) >> 248;
                require(head == BYTES_32 || head == NOTHING, ISettlementErrors.ReceiptProofInvalid(node));
                cursor += head == NOTHING ? 1 : 33;
            }
        }
        return _hashAt(cursor, end, node);
    }

    /// @dev The hash that names a child.
    function _hashAt(uint256 cursor, uint256 end, uint256 node) private pure returns (bytes32) {
        bool fits = CalldataRlp.load(cursor) >> 248 == BYTES_32 && cursor + 33 <= end;
        require(fits, ISettlementErrors.ReceiptProofInvalid(node));
        return bytes32(CalldataRlp.load(cursor + 1));
    }

    /// @dev Requires that the path of a leaf or an extension is what comes next of the key.
    /// @return isLeaf Which of them it is.
    /// @return left How many nibbles of the key are left.
    function _followPath(uint256 cursor, uint256 pathEnd, uint256 key, uint256 keyNibbles, uint256 node)
        private
        pure
        returns (bool isLeaf, uint256 left)
    {
        (bool isList, uint256 payload,) = CalldataRlp.item(cursor, pathEnd);
        require(!isList && payload < pathEnd, ISettlementErrors.ReceiptProofInvalid(node));
        uint256 sizeBytes = pathEnd - payload;
        uint256 flags = CalldataRlp.load(payload) >> 252;
        uint256 pathNibbles = 2 * sizeBytes - 2 + (flags & ODD_FLAG);
        bool fits = flags <= (LEAF_FLAG | ODD_FLAG) && pathNibbles <= keyNibbles;
        require(fits, ISettlementErrors.ReceiptProofInvalid(node));
        unchecked {
            left = keyNibbles - pathNibbles;
            uint256 path = (CalldataRlp.load(payload) >> (256 - 8 * sizeBytes)) & ((1 << (4 * pathNibbles)) - 1);
            uint256 wanted = (key >> (4 * left)) & ((1 << (4 * pathNibbles)) - 1);
            require(path == wanted, ISettlementErrors.ReceiptProofInvalid(node));
        }
        isLeaf = flags & LEAF_FLAG != 0;
    }
}
