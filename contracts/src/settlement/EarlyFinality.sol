// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "../interfaces/ISettlement.sol";
import { CalldataRlp } from "./CalldataRlp.sol";
import { ClaimBook } from "./ClaimBook.sol";
import { Claims } from "./Claims.sol";
import { Header, HeaderReader } from "./HeaderReader.sol";
import { OrderedTrieRoot } from "./OrderedTrieRoot.sol";
import { ReceiptReader } from "./ReceiptReader.sol";

/// @dev A block all of whose claims are proven is final at once (LP fig. 10). That there are no others is shown by all of
/// its receipts. The header's bloom would be shorter, but nothing here checks that it is the receipts' one.
abstract contract EarlyFinality is ClaimBook {
    /// @inheritdoc ISettlement
    function finalizeProven(bytes calldata header, bytes[] calldata receipts) external {
        Header memory read = HeaderReader.read(header);
        _openBlock(read.hash);
        uint64 next = _finalNumber() + 1;
        require(read.number == next, ParentNotFinal(read.number, next));
        bytes32 root = OrderedTrieRoot.compute(receipts);
        require(root == read.receiptsRoot, ReceiptsRootMismatch(root, read.receiptsRoot));
        for (uint256 i; i < receipts.length; ++i) {
            _requireConfirmed(read.hash, i, receipts[i]);
        }
        _makeFinal(read.number, read.hash);
    }

    /// @dev Requires that every claim of a receipt was proven.
    function _requireConfirmed(bytes32 blockHash, uint256 transactionIndex, bytes calldata receipt) private view {
        (uint256 start, uint256 end) = CalldataRlp.bounds(receipt);
        (uint256 cursor, uint256 last) = ReceiptReader.logs(start, end);
        for (uint256 logIndex; cursor != last; ++logIndex) {
            uint256 next = CalldataRlp.skip(cursor, last);
            if (ReceiptReader.isClaim(cursor, next, _jobManager)) {
                bytes32 claimId = Claims.idOf(
                    ClaimKey({
                        blockHash: blockHash,
                        transactionIndex: transactionIndex,
                        logIndex: logIndex,
                        statementHash: Claims.statementHash(Claims.statementOf(ReceiptReader.claimAt(cursor)))
                    })
                );
                ClaimState state = _claimState(claimId);
                require(state == ClaimState.Confirmed, WrongClaimState(claimId, state, ClaimState.Confirmed));
            }
            cursor = next;
        }
    }
}
