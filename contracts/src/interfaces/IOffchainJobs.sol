// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title Jobs asked for by a signature, outside of any transaction (LP 8.1)
/// @notice A `JobRequest` is EIP-712 typed data of the domain `InfinityVM`, version `1`, this chain and this contract. A
/// consumer says by EIP-1271 whether a signature is good. The proposer posts request and outcome together, in one
/// entry: a request that never lands costs nobody anything.
interface IOffchainJobs {
    /// @notice What is signed.
    /// @param consumer Who asks and is called back. Must have code.
    /// @param nonce The job's number among the consumer's unordered or ordered ones, below 2^62. Of two requests with
    /// the same number, the one that lands first counts: to replace a request, sign another one. To end one, `revokeNumber`.
    /// @param ordered Whether the job is delivered only after all ordered ones with smaller numbers, which start at 0.
    /// @param programId The program to run.
    /// @param onchainInput Bytes the program reads, which the log will carry.
    /// @param offchainInputHash keccak256 of the bytes held by data availability; the hash of no bytes for none.
    /// @param maxCycles Most cycles the run may take.
    /// @param callbackGasLimit Gas the callback gets, no less and no more.
    /// @param deadlineBlock Last block that may carry the job.
    /// @param feePayer Who pays: the consumer, or an account that has allowed it to spend by `approve`.
    /// @param maxFeeWei Most that may be charged for the job.
    struct JobRequest {
        address consumer;
        uint64 nonce;
        bool ordered;
        bytes32 programId;
        bytes onchainInput;
        bytes32 offchainInputHash;
        uint64 maxCycles;
        uint64 callbackGasLimit;
        uint64 deadlineBlock;
        address feePayer;
        uint256 maxFeeWei;
    }

    /// @notice What a proposer says a signed request yields.
    /// @param request The request, as signed.
    /// @param signature What the consumer takes for its signature.
    /// @param status 0 when the program ran to its end, 1 when it panicked.
    /// @param cycles Cycles the run took: what the payer pays for.
    /// @param output The program's output, or its panic message.
    struct OffchainResult {
        JobRequest request;
        bytes signature;
        uint8 status;
        uint64 cycles;
        bytes output;
    }

    /// @notice What is wrong with a request, or with an entry of `submitOffchainResults`. The last three are about the
    /// outcome alone.
    enum RequestFault {
        None,
        NonceTooLarge,
        NonceUsed,
        NotNextInOrder,
        DeadlinePassed,
        DeadlineTooFar,
        UnknownProgram,
        MaxCyclesZero,
        MaxCyclesTooHigh,
        CallbackGasTooHigh,
        InputTooLarge,
        ConsumerWithoutCode,
        BadSignature,
        FeeOverMax,
        AllowanceTooLow,
        InsufficientFunds,
        StatusInvalid,
        CyclesOverMax,
        OutputTooLarge
    }

    /// @notice An entry of `submitOffchainResults` was passed over. `nonce` is the request's, whose kind is not in it.
    event OffchainResultSkipped(address indexed consumer, uint64 nonce, RequestFault fault);

    /// @notice The consumer has revoked a number: no request with it lands any more.
    event NumberRevoked(address indexed consumer, uint64 number, bool ordered);

    /// @notice A number is too large for a job.
    error NumberTooLarge(uint64 got, uint64 max);

    /// @notice An unordered job of this number has landed, or it was revoked before.
    error NumberUsed(uint64 got);

    /// @notice Of ordered numbers, only the next one can be revoked.
    error NumberNotNext(uint64 got, uint64 expected);

    /// @notice `consumer` may spend up to `amountWei` of the payer's account on jobs asked for by signature.
    event SpendingApproved(address indexed payer, address indexed consumer, uint256 amountWei);

    /// @notice Lets a consumer spend from the caller's account on jobs asked for by signature. Replaces what it was
    /// allowed before; 0 ends it. What it is charged comes off the allowance.
    /// @param consumer Who may spend.
    /// @param amountWei How much in all.
    function approve(address consumer, uint256 amountWei) external;

    /// @notice Revokes a number of the caller's: what was signed with it never lands, and nothing is signed in its place. A
    /// request that is under way may land before.
    /// @param number An unordered number that was not used, or the next ordered one, after which the one after it is next.
    /// @param ordered Whether it is the number of an ordered job.
    function revokeNumber(uint64 number, bool ordered) external;

    /// @notice Posts requests with their outcomes, and delivers them. Only the block's proposer may call. A bad entry
    /// is passed over with `OffchainResultSkipped`; it does not hurt the others. A good one is charged for the cycles
    /// used at the price of this block, and logged as if it had been requested and answered onchain.
    /// @param results The requests and outcomes, delivered in this order.
    function submitOffchainResults(OffchainResult[] calldata results) external;

    /// @notice What is wrong with a request now: what to ask before work is spent on it. The fee is that of all of
    /// `maxCycles`; an ordered request whose turn has not come is not at fault.
    /// @param request The request.
    /// @param signature Its signature.
    function checkRequest(JobRequest calldata request, bytes calldata signature) external view returns (RequestFault);

    /// @notice What is to be signed: the EIP-712 digest of the request.
    function hashRequest(JobRequest calldata request) external view returns (bytes32 digest);

    /// @notice The most that the request would be charged in this block.
    /// @param request The request.
    /// @param signatureSize Size of its signature, in bytes.
    function quoteRequest(JobRequest calldata request, uint256 signatureSize) external view returns (uint256 feeWei);

    /// @notice What a consumer may still spend from the payer's account.
    function allowance(address payer, address consumer) external view returns (uint256 amountWei);

    /// @notice Whether an unordered job of this number has landed, or the number was revoked. `jobState` tells which: the
    /// job of a revoked number is `Cancelled`.
    function isNonceUsed(address consumer, uint64 number) external view returns (bool);

    /// @notice The number of the consumer's next ordered job.
    function orderedNonceOf(address consumer) external view returns (uint64 number);
}
