// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ISettlement } from "./ISettlement.sol";

/// @title Why a call of `ISettlement` fails
interface ISettlementErrors {
    /// @notice A period, a bond or an address is zero, or a number does not fit. `name` says which.
    error ParameterOutOfRange(bytes32 name, uint256 got, uint256 least, uint256 most);

    /// @notice The shares leave nothing to burn: challenging oneself would cost nothing.
    error SharesTooHigh(uint256 got, uint256 most);

    /// @notice The value sent is not what this costs.
    error WrongValue(uint256 got, uint256 expected);

    /// @notice The account is not in the state that this needs.
    error WrongProposerState(address account, ISettlement.ProposerState got, ISettlement.ProposerState expected);

    /// @notice There are as many proposers as there may ever be.
    error TooManyProposers(uint256 limit);

    /// @notice The bond is not free yet: the current block is `got`, the first that will do is `expected`.
    error ExitTooEarly(uint256 got, uint256 expected);

    /// @notice A block of the proposer, or one before it, is not final: `got` is, `expected` must be.
    error ProposalsNotFinal(uint64 got, uint64 expected);

    /// @notice The bytes are not the header of a block of this chain; reading them failed at `offset`.
    error HeaderMalformed(uint256 offset);

    /// @notice The header's height does not follow the tip's.
    error WrongNumber(uint64 got, uint64 expected);

    /// @notice The header's parent is not the tip.
    error WrongParent(bytes32 got, bytes32 expected);

    /// @notice The header's timestamp is before its parent's.
    error TimestampTooEarly(uint64 got, uint64 earliest);

    /// @notice The header's timestamp is too far ahead of the settlement chain's.
    error TimestampTooLate(uint64 got, uint256 latest);

    /// @notice The block was proposed before; an invalidated one cannot be proposed again.
    error BlockKnown(bytes32 blockHash);

    /// @notice The block is not one that can be judged: it must be `Proposed`.
    error WrongBlockState(bytes32 blockHash, ISettlement.BlockState got);

    /// @notice The parent of the block is not final: only the block at height `expected` can become so.
    error ParentNotFinal(uint64 got, uint64 expected);

    /// @notice There are more receipts than a block can have.
    error TooManyReceipts(uint256 got, uint256 most);

    /// @notice The receipts are not those of the header.
    error ReceiptsRootMismatch(bytes32 got, bytes32 expected);

    /// @notice The challenge period of the block is over: the current block is `got`, the last that did was `latest`.
    error ChallengePeriodOver(uint256 got, uint256 latest);

    /// @notice The number is larger than any transaction can have.
    error IndexTooHigh(uint256 got, uint256 most);

    /// @notice The proof has more nodes than a path through a receipts trie can have.
    error ReceiptProofTooLong(uint256 got, uint256 most);

    /// @notice Bytes are not RLP in its shortest form, or not of the shape that is expected there.
    error RlpMalformed();

    /// @notice A node of the proof is not the one that its parent or the header names, or leads elsewhere; or the path
    /// ends too early or too late. `node` counts from the root.
    error ReceiptProofInvalid(uint256 node);

    /// @notice The receipt has only `count` logs, or fewer.
    error NoSuchLog(uint256 got, uint256 count);

    /// @notice The log is not a claim: it was emitted by another contract, or is another event.
    error NotAClaim(uint256 logIndex);

    /// @notice The claim is decided.
    error ClaimIsDecided(bytes32 claimId, ISettlement.ClaimState state);

    /// @notice The claim is not in the state that this needs.
    error WrongClaimState(bytes32 claimId, ISettlement.ClaimState got, ISettlement.ClaimState expected);

    /// @notice What was supplied is not what the claim states.
    error StatementMismatch(bytes32 claimId, bytes32 got, bytes32 expected);

    /// @notice A demand for the claim's proof lapsed: the claim counts as false, the proof of it comes too late.
    error DemandLapsed(bytes32 claimId, uint256 deadlineBlock);

    /// @notice The account has made this challenge before.
    error ChallengeExists(bytes32 challengeId);

    /// @notice The challenge is not open.
    error ChallengeNotOpen(bytes32 challengeId, ISettlement.ChallengeState got);

    /// @notice The deadline is not past: the current block is `got`, the first that will do is `expected`.
    error DeadlineNotPassed(uint256 got, uint256 expected);

    /// @notice The claim is undecided and its block is in the chain: there is nothing to settle.
    error NothingToSettle(bytes32 claimId);

    /// @notice The verifier found that the proof does not show the outcome.
    error ProofRejected(bytes32 outcomeHash);

    /// @notice What answered in place of the verifier is not one: it returned so many bytes, or not a bool.
    error VerifierMisbehaved(address verifier, uint256 returnedBytes);

    /// @notice The two headers are one, or do not have one parent and one height.
    error NotEquivocation(bytes32 hashA, bytes32 hashB);

    /// @notice The two headers were signed by different accounts.
    error SignersDiffer(address signerA, address signerB);

    /// @notice The account has no bond to slash.
    error NoBond(address account, ISettlement.ProposerState state);

    /// @notice The account does not hold what is asked of it.
    error InsufficientFunds(uint256 got, uint256 expected);

    /// @notice The receiver of a withdrawal refused it.
    error TransferFailed(address to, uint256 amountWei);
}
