// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../interfaces/ISettlement.sol";
import { Header, HeaderReader } from "./HeaderReader.sol";
import { ReceiptProof } from "./ReceiptProof.sol";
import { PostedClaim, ReceiptReader } from "./ReceiptReader.sol";

/// @title What claims are called, and how they are shown
library Claims {
    /// @notice The id of a claim.
    function idOf(ISettlement.ClaimKey memory key) internal pure returns (bytes32) {
        return keccak256(abi.encode(key));
    }

    /// @notice What a key says of a claim's statement.
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
        (uint256 start, uint256 end) =
            ReceiptProof.find(evidence.receiptProof, header.receiptsRoot, evidence.transactionIndex);
        claim = ReceiptReader.claimIn(start, end, evidence.logIndex, jobManager);
        key = ISettlement.ClaimKey({
            blockHash: header.hash,
            transactionIndex: evidence.transactionIndex,
            logIndex: evidence.logIndex,
            statementHash: statementHash(statementOf(claim))
        });
    }
}
