// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { RLP } from "@openzeppelin/contracts/utils/RLP.sol";

import { IJobManager } from "../../../src/interfaces/IJobManager.sol";
import { ISettlement } from "../../../src/interfaces/ISettlement.sol";
import { Predeploys } from "../../../src/Predeploys.sol";

/// @dev An execution block, as its proposer has it: up to 16 receipts.
struct ExecutionBlock {
    bytes header;
    bytes32 hash;
    uint64 number;
    bytes[] receipts;
}

/// @dev Makes execution blocks for tests. The encoder is the tests' own, so that a fault of the readers is not made twice;
/// `Vectors` holds it to a library of others.
library ExecutionBlocks {
    using RLP for *;

    uint256 internal constant MAX_RECEIPTS = 16;
    uint256 private constant HEADER_FIELDS = 21;

    function claimLog(ISettlement.Statement memory statement) internal pure returns (bytes memory) {
        return claimLog(Predeploys.JOB_MANAGER, keccak256(abi.encode(statement)), statement);
    }

    function claimLog(address emitter, bytes32 jobId, ISettlement.Statement memory statement)
        internal
        pure
        returns (bytes memory)
    {
        bytes32[] memory topics = new bytes32[](3);
        topics[0] = IJobManager.ClaimPosted.selector;
        topics[1] = jobId;
        topics[2] = statement.programId;
        return log(
            emitter,
            topics,
            abi.encode(statement.inputCommitment, uint64(1_000_000), statement.outcomeHash, uint64(500_000))
        );
    }

    function log(address emitter, bytes32[] memory topics, bytes memory data) internal pure returns (bytes memory) {
        bytes[] memory encodedTopics = new bytes[](topics.length);
        for (uint256 i; i < topics.length; ++i) {
            encodedTopics[i] = topics[i].encode();
        }
        bytes[] memory fields = new bytes[](3);
        fields[0] = emitter.encode();
        fields[1] = encodedTopics.encode();
        fields[2] = data.encode();
        return fields.encode();
    }

    /// @dev A receipt of a transaction of a type; 0 for the oldest one, whose receipt has no head.
    function receipt(uint8 transactionType, bytes[] memory logs) internal pure returns (bytes memory) {
        return receipt(transactionType, 21_000, logs);
    }

    function receipt(uint8 transactionType, uint256 cumulativeGas, bytes[] memory logs)
        internal
        pure
        returns (bytes memory)
    {
        bytes[] memory fields = new bytes[](4);
        fields[0] = uint256(1).encode();
        fields[1] = cumulativeGas.encode();
        fields[2] = (new bytes(256)).encode();
        fields[3] = logs.encode();
        bytes memory payload = fields.encode();
        return transactionType == 0 ? payload : abi.encodePacked(transactionType, payload);
    }

    /// @dev The receipt at a position of the tries of `test/vectors/receipts.json`.
    function plainReceipt(uint256 index) internal pure returns (bytes memory) {
        return receipt(uint8(index % 5), 21_000 * (index + 1), new bytes[](0));
    }

    function receipt(bytes memory onlyLog) internal pure returns (bytes memory) {
        bytes[] memory logs = new bytes[](1);
        logs[0] = onlyLog;
        return receipt(2, logs);
    }

    function build(bytes32 parentHash, uint64 number, uint64 timestamp, bytes[] memory receipts)
        internal
        pure
        returns (ExecutionBlock memory)
    {
        bytes memory encoded = header(parentHash, number, timestamp, keccak256(rootNode(receipts)));
        return ExecutionBlock({ header: encoded, hash: keccak256(encoded), number: number, receipts: receipts });
    }

    function header(bytes32 parentHash, uint64 number, uint64 timestamp, bytes32 receiptsRoot)
        internal
        pure
        returns (bytes memory)
    {
        return headerFields(parentHash, number, timestamp, receiptsRoot).encode();
    }

    /// @dev The fields of a header, each encoded, for tests that change one.
    function headerFields(bytes32 parentHash, uint64 number, uint64 timestamp, bytes32 receiptsRoot)
        internal
        pure
        returns (bytes[] memory fields)
    {
        fields = new bytes[](HEADER_FIELDS);
        for (uint256 i; i < HEADER_FIELDS; ++i) {
            fields[i] = keccak256(abi.encode("field", i)).encode();
        }
        fields[0] = parentHash.encode();
        fields[2] = address(0xB10C).encode();
        fields[5] = receiptsRoot.encode();
        fields[6] = (new bytes(256)).encode();
        fields[7] = uint256(0).encode();
        fields[8] = uint256(number).encode();
        fields[9] = uint256(30_000_000).encode();
        fields[10] = uint256(2_345_678).encode();
        fields[11] = uint256(timestamp).encode();
        fields[12] = bytes("ivm").encode();
        fields[14] = (new bytes(8)).encode();
        fields[15] = uint256(1 gwei).encode();
        fields[17] = uint256(0).encode();
        fields[18] = uint256(0).encode();
    }

    function evidence(ExecutionBlock memory executionBlock, uint256 transactionIndex, uint256 logIndex)
        internal
        pure
        returns (ISettlement.ClaimEvidence memory)
    {
        return ISettlement.ClaimEvidence({
            header: executionBlock.header,
            transactionIndex: transactionIndex,
            receiptProof: receiptProof(executionBlock.receipts, transactionIndex),
            logIndex: logIndex
        });
    }

    function key(ExecutionBlock memory executionBlock, uint256 transactionIndex, ISettlement.Statement memory statement)
        internal
        pure
        returns (ISettlement.ClaimKey memory)
    {
        return ISettlement.ClaimKey({
            blockHash: executionBlock.hash,
            transactionIndex: transactionIndex,
            logIndex: 0,
            statementHash: keccak256(abi.encode(statement))
        });
    }

    /// @dev The nodes from the root to a receipt. Keys are 0x80 for the first and 0x01 to 0x0f for the others: a branch
    /// for the first nibble, one below it for the second.
    function receiptProof(bytes[] memory receipts, uint256 index) internal pure returns (bytes[] memory proof) {
        if (receipts.length == 1) {
            proof = new bytes[](1);
            proof[0] = rootNode(receipts);
        } else if (index == 0 || receipts.length == 2) {
            proof = new bytes[](2);
            proof[0] = rootNode(receipts);
            proof[1] = index == 0 ? leaf(hex"30", receipts[0]) : leaf(hex"31", receipts[1]);
        } else {
            proof = new bytes[](3);
            proof[0] = rootNode(receipts);
            proof[1] = lowerBranch(receipts);
            proof[2] = leaf(hex"20", receipts[index]);
        }
    }

    function rootNode(bytes[] memory receipts) internal pure returns (bytes memory) {
        require(receipts.length <= MAX_RECEIPTS);
        if (receipts.length == 0) return hex"80";
        if (receipts.length == 1) return leaf(hex"2080", receipts[0]);
        bytes[] memory items = emptyBranch();
        items[8] = keccak256(leaf(hex"30", receipts[0])).encode();
        items[0] = keccak256(receipts.length == 2 ? leaf(hex"31", receipts[1]) : lowerBranch(receipts)).encode();
        return items.encode();
    }

    function lowerBranch(bytes[] memory receipts) private pure returns (bytes memory) {
        bytes[] memory items = emptyBranch();
        for (uint256 i = 1; i < receipts.length; ++i) {
            items[i] = keccak256(leaf(hex"20", receipts[i])).encode();
        }
        return items.encode();
    }

    function emptyBranch() private pure returns (bytes[] memory items) {
        items = new bytes[](17);
        for (uint256 i; i < items.length; ++i) {
            items[i] = hex"80";
        }
    }

    function leaf(bytes memory path, bytes memory value) internal pure returns (bytes memory) {
        bytes[] memory items = new bytes[](2);
        items[0] = path.encode();
        items[1] = value.encode();
        return items.encode();
    }
}
