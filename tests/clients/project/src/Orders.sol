// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// Says who signed an EIP-712 message with a nested type.
contract Orders is EIP712 {
    struct Item {
        address token;
        uint256 amount;
    }

    struct Order {
        Item[] items;
        string note;
        uint64 deadline;
    }

    bytes32 private constant ITEM = keccak256("Item(address token,uint256 amount)");
    bytes32 private constant ORDER =
        keccak256("Order(Item[] items,string note,uint64 deadline)Item(address token,uint256 amount)");

    constructor() EIP712("Orders", "1") {}

    function signer(Order calldata order, bytes calldata signature) external view returns (address) {
        bytes32[] memory items = new bytes32[](order.items.length);
        for (uint256 i; i < items.length; ++i) {
            items[i] = keccak256(abi.encode(ITEM, order.items[i].token, order.items[i].amount));
        }
        bytes32 note = keccak256(bytes(order.note));
        bytes32 hash = keccak256(abi.encode(ORDER, keccak256(abi.encodePacked(items)), note, order.deadline));
        return ECDSA.recover(_hashTypedDataV4(hash), signature);
    }
}
