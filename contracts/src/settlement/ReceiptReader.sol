// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Memory } from "@openzeppelin/contracts/utils/Memory.sol";
import { RLP } from "@openzeppelin/contracts/utils/RLP.sol";

import { IJobManager } from "../interfaces/IJobManager.sol";
import { ISettlementErrors } from "../interfaces/ISettlementErrors.sol";

/// @dev What a `ClaimPosted` log says, but for its billing.
struct PostedClaim {
    bytes32 jobId;
    bytes32 programId;
    bytes32 inputCommitment;
    uint64 maxCycles;
    bytes32 outcomeHash;
}

/// @title Reads claims out of receipts
library ReceiptReader {
    using Memory for *;
    using RLP for *;

    /// @dev Status, cumulative gas, bloom, logs.
    uint256 private constant RECEIPT_FIELDS = 4;

    /// @dev Emitter, topics, data.
    uint256 private constant LOG_FIELDS = 3;

    /// @dev The event, the job, the program.
    uint256 private constant CLAIM_TOPICS = 3;

    /// @dev Four words: input commitment, bound on cycles, outcome, cycles.
    uint256 private constant CLAIM_DATA_SIZE_BYTES = 128;

    /// @dev Receipts of these types begin with the type (EIP-2718); others begin with the head of a list.
    uint256 private constant LAST_RECEIPT_TYPE = 4;

    /// @dev The logs of a receipt, each as its RLP.
    function readLogs(bytes memory receipt) internal pure returns (Memory.Slice[] memory logs) {
        require(receipt.length != 0, ISettlementErrors.ReceiptMalformed());
        Memory.Slice payload = receipt.asSlice();
        uint256 first = uint8(receipt[0]);
        if (first != 0 && first <= LAST_RECEIPT_TYPE) payload = payload.slice(1);
        Memory.Slice[] memory fields = payload.readList();
        require(fields.length == RECEIPT_FIELDS, ISettlementErrors.ReceiptMalformed());
        return fields[3].readList();
    }

    /// @dev Reads a log as a claim.
    /// @return posted Whether it is one: an event of this kind that `jobManager` emitted.
    function readClaim(Memory.Slice log, address jobManager)
        internal
        pure
        returns (bool posted, address emitter, PostedClaim memory claim)
    {
        Memory.Slice[] memory fields = log.readList();
        require(fields.length == LOG_FIELDS, ISettlementErrors.ReceiptMalformed());
        emitter = fields[0].readAddress();
        if (emitter != jobManager) return (false, emitter, claim);
        Memory.Slice[] memory topics = fields[1].readList();
        if (topics.length != CLAIM_TOPICS || topics[0].readBytes32() != IJobManager.ClaimPosted.selector) {
            return (false, emitter, claim);
        }
        bytes memory data = fields[2].readBytes();
        require(data.length == CLAIM_DATA_SIZE_BYTES, ISettlementErrors.ReceiptMalformed());
        claim.jobId = topics[1].readBytes32();
        claim.programId = topics[2].readBytes32();
        (claim.inputCommitment, claim.maxCycles, claim.outcomeHash,) =
            abi.decode(data, (bytes32, uint64, bytes32, uint64));
        return (true, emitter, claim);
    }
}
