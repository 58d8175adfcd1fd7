// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IJobManager } from "../interfaces/IJobManager.sol";
import { ISettlementErrors } from "../interfaces/ISettlementErrors.sol";
import { CalldataRlp } from "./CalldataRlp.sol";

/// @dev What a `ClaimPosted` log says, but for its billing.
struct PostedClaim {
    bytes32 jobId;
    bytes32 programId;
    bytes32 inputCommitment;
    uint64 maxCycles;
    bytes32 outcomeHash;
}

/// @title Reads claims out of receipts
/// @dev A claim's log has one encoding, and every field of it one place:
///
///     0    list of 252 bytes
///     2    string of 20: emitter
///     23   list of 99
///     25   string of 32: the event
///     58   string of 32: job
///     91   string of 32: program
///     124  string of 128: input commitment, bound on cycles, outcome, cycles
library ReceiptReader {
    /// @dev Receipts of these types begin with the type (EIP-2718); others begin with the head of a list.
    uint256 private constant LAST_RECEIPT_TYPE = 4;

    uint256 private constant CLAIM_SIZE_BYTES = 254;
    uint256 private constant EMITTER_OFFSET = 3;
    uint256 private constant EVENT_OFFSET = 26;
    uint256 private constant JOB_OFFSET = 59;
    uint256 private constant PROGRAM_OFFSET = 92;
    uint256 private constant DATA_OFFSET = 126;

    /// @notice Where the logs of a receipt lie.
    function logs(uint256 start, uint256 end) internal pure returns (uint256 first, uint256 last) {
        uint256 head = CalldataRlp.load(start) >> 248;
        if (head != 0 && head <= LAST_RECEIPT_TYPE) ++start;
        uint256 cursor = CalldataRlp.wholeList(start, end);
        cursor = CalldataRlp.skip(cursor, end); // status
        cursor = CalldataRlp.skip(cursor, end); // cumulative gas
        cursor = CalldataRlp.skip(cursor, end); // bloom
        return (CalldataRlp.wholeList(cursor, end), end);
    }

    /// @notice Whether the log at `cursor`, which ends at `end`, is a claim: an event of this kind that `jobManager`
    /// emitted.
    function isClaim(uint256 cursor, uint256 end, address jobManager) internal pure returns (bool) {
        unchecked {
            uint256 differences = (end - cursor) ^ CLAIM_SIZE_BYTES;
            differences |= (CalldataRlp.load(cursor) >> 232) ^ 0xf8fc94;
            differences |= (CalldataRlp.load(cursor + EMITTER_OFFSET) >> 96) ^ uint160(jobManager);
            differences |= (CalldataRlp.load(cursor + EVENT_OFFSET - 3) >> 232) ^ 0xf863a0;
            differences |= CalldataRlp.load(cursor + EVENT_OFFSET) ^ uint256(IJobManager.ClaimPosted.selector);
            differences |= (CalldataRlp.load(cursor + JOB_OFFSET - 1) >> 248) ^ 0xa0;
            differences |= (CalldataRlp.load(cursor + PROGRAM_OFFSET - 1) >> 248) ^ 0xa0;
            differences |= (CalldataRlp.load(cursor + DATA_OFFSET - 2) >> 240) ^ 0xb880;
            return differences == 0;
        }
    }

    /// @notice The log at `cursor`, which is a claim.
    function claimAt(uint256 cursor) internal pure returns (PostedClaim memory claim) {
        claim.jobId = bytes32(CalldataRlp.load(cursor + JOB_OFFSET));
        claim.programId = bytes32(CalldataRlp.load(cursor + PROGRAM_OFFSET));
        claim.inputCommitment = bytes32(CalldataRlp.load(cursor + DATA_OFFSET));
        claim.maxCycles = uint64(CalldataRlp.load(cursor + DATA_OFFSET + 32));
        claim.outcomeHash = bytes32(CalldataRlp.load(cursor + DATA_OFFSET + 64));
    }

    /// @notice The log with a number, which must be a claim, in the receipt that lies there.
    function claimIn(uint256 start, uint256 end, uint256 logIndex, address jobManager)
        internal
        pure
        returns (PostedClaim memory)
    {
        (uint256 cursor, uint256 last) = logs(start, end);
        for (uint256 i; i < logIndex; ++i) {
            require(cursor != last, ISettlementErrors.NoSuchLog(logIndex, i));
            cursor = CalldataRlp.skip(cursor, last);
        }
        require(cursor != last, ISettlementErrors.NoSuchLog(logIndex, logIndex));
        require(isClaim(cursor, CalldataRlp.skip(cursor, last), jobManager), ISettlementErrors.NotAClaim(logIndex));
        return claimAt(cursor);
    }
}
