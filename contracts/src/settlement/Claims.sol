// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Memory } from "@openzeppelin/contracts/utils/Memory.sol";
import { RLP } from "@openzeppelin/contracts/utils/RLP.sol";
import { TrieProof } from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";

import { ISettlement } from "../interfaces/ISettlement.sol";
import { ISettlementErrors } from "../interfaces/ISettlementErrors.sol";
import { Header, HeaderReader } from "./HeaderReader.sol";
import { PostedClaim, ReceiptReader } from "./ReceiptReader.sol";

/// @title What claims are called, and how they are shown
library Claims {
    /// @dev More than any block has of transactions, or any transaction of logs.
    uint256 private constant MAX_INDEX = type(uint32).max;

    /// @dev A key has five bytes at most, ten nibbles: so many branches, and a leaf.
    uint256 private constant MAX_PROOF_NODES = 11;

    /// @notice The id of a claim.
    function idOf(ISettlement.ClaimKey memory key) internal pure returns (bytes32) {
        return keccak256(abi.encode(key));
    }

    /// @notice What is kept of a claim's statement.
    function statementHash(ISettlement.Statement memory statement) internal pure returns (bytes32) {
        return keccak256(abi.encode(statement));
    }

    /// @notice What a proof judges of a claim.
    function statementOf(PostedClaim memory claim) internal pure returns (ISettlement.Statement memory) {
        return ISettlement.Statement({
            programId: claim.programId, inputCommitment: claim.inputCommitment, outcomeHash: claim.outcomeHash
        });
    }

    /// @notice The claim that the evidence shows. That the block was proposed is the caller's to check.
    function read(ISettlement.ClaimEvidence calldata evidence, address jobManager)
        internal
        pure
        returns (ISettlement.ClaimKey memory key, PostedClaim memory claim)
    {
        Header memory header = HeaderReader.read(evidence.header);
        _requireIndex(evidence.transactionIndex);
        _requireIndex(evidence.logIndex);
        uint256 nodes = evidence.receiptProof.length;
        require(nodes <= MAX_PROOF_NODES, ISettlementErrors.ReceiptProofTooLong(nodes, MAX_PROOF_NODES));

        bytes memory receipt =
            TrieProof.traverse(header.receiptsRoot, RLP.encode(evidence.transactionIndex), evidence.receiptProof);
        Memory.Slice[] memory logs = ReceiptReader.readLogs(receipt);
        require(evidence.logIndex < logs.length, ISettlementErrors.NoSuchLog(evidence.logIndex, logs.length));
        bool posted;
        address emitter;
        (posted, emitter, claim) = ReceiptReader.readClaim(logs[evidence.logIndex], jobManager);
        require(posted, ISettlementErrors.NotAClaim(emitter));
        key = ISettlement.ClaimKey({
            blockHash: header.hash, transactionIndex: evidence.transactionIndex, logIndex: evidence.logIndex
        });
    }

    function _requireIndex(uint256 index) private pure {
        require(index <= MAX_INDEX, ISettlementErrors.IndexTooHigh(index, MAX_INDEX));
    }
}
