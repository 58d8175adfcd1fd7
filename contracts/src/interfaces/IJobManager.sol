// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IOffchainJobs } from "./IOffchainJobs.sol";
import { ISyncJobs } from "./ISyncJobs.sol";

/// @title Jobs: requests, their escrow, their outcomes and the delivery of these (LP 8.1, 8.2)
/// @notice A consumer requests a job and escrows its fee. The proposer of a later block posts the outcome, which is
/// recorded as a claim that arbitration can judge, then delivered to the consumer by callback. Only a commitment to a
/// job is stored: who acts on a job supplies it again, as `JobRequested` showed it. Jobs can also be asked for by
/// signature (`IOffchainJobs`), or run inside a transaction (`ISyncJobs`).
///
/// The two top bits of a job's nonce say how it was asked for, the others number the jobs of that kind:
/// 00 `requestJob`, how many of them the consumer had asked for before; 01 `execute`, the block's number times 2^22 and
/// the place among the block's runs; 10 by signature, any number; 11 by signature and in order, 0, 1, 2 and so on.
interface IJobManager is IOffchainJobs, ISyncJobs {
    /// @notice A request to run a program on an input.
    /// @param consumer Who asked and is called back.
    /// @param nonce Kind and number of the job.
    /// @param programId The program to run.
    /// @param onchainInputHash keccak256 of the input in `JobRequested`.
    /// @param offchainInputHash keccak256 of the input held by data availability; the hash of no bytes for none.
    /// @param maxCycles Most cycles the run may take; their price is escrowed.
    /// @param callbackGasLimit Gas the callback gets, no less and no more.
    /// @param deadlineBlock Last block whose proposer may post the outcome.
    /// @param cyclePriceWei Price of a cycle when the job was asked for: escrow, earnings and refund go by it.
    struct Job {
        address consumer;
        uint64 nonce;
        bytes32 programId;
        bytes32 onchainInputHash;
        bytes32 offchainInputHash;
        uint64 maxCycles;
        uint64 callbackGasLimit;
        uint64 deadlineBlock;
        uint64 cyclePriceWei;
    }

    /// @notice What a proposer says a job yields.
    /// @param job The job, as requested.
    /// @param status 0 when the program ran to its end, 1 when it panicked.
    /// @param cycles Cycles the run took: what the consumer pays for.
    /// @param output The program's output, or its panic message.
    struct JobResult {
        Job job;
        uint8 status;
        uint64 cycles;
        bytes output;
    }

    /// @notice Prices and bounds, set by genesis.
    /// @param minCyclePriceWei Price of one cycle at the start, and its floor. Jobs are free only when it is 0.
    /// @param callbackGasPriceWei Price of one unit of callback gas.
    /// @param maxDeadlineBlocks Most blocks a deadline may lie ahead.
    /// @param retainedBps Part of the fee, in 1/10,000, that the proposer keeps when a job is cancelled or expires: the
    /// work may have been done.
    /// @param targetCyclesPerBlock Claimed cycles per block at which the price of a cycle stays as it is.
    /// @param maxSyncCyclesPerBlock Most cycles that a block's transactions may run by `execute`.
    /// @param proverShareBps Part of the price of used cycles, in 1/10,000, that is the prover's.
    /// @param proverAccount The account that part goes to.
    struct Parameters {
        uint64 minCyclePriceWei;
        uint64 callbackGasPriceWei;
        uint64 maxDeadlineBlocks;
        uint16 retainedBps;
        uint64 targetCyclesPerBlock;
        uint64 maxSyncCyclesPerBlock;
        uint16 proverShareBps;
        address proverAccount;
    }

    /// @notice What the price of a cycle follows.
    /// @param cyclePriceWei Price of one cycle in this block.
    /// @param blockNumber The block.
    /// @param postedCycles Cycles claimed in it so far, those of `execute` among them.
    /// @param syncCycles Cycles run by `execute` in it so far.
    /// @param syncCount How often `execute` ran in it so far.
    struct Load {
        uint64 cyclePriceWei;
        uint64 blockNumber;
        uint64 postedCycles;
        uint64 syncCycles;
        uint64 syncCount;
    }

    /// @notice Where a job is in its life. All but `None`, `Pending` and `CallbackFailed` are final.
    enum JobState {
        None,
        Pending,
        Delivered,
        CallbackFailed,
        Cancelled,
        Expired
    }

    /// @notice Why an entry of `submitResults` was passed over.
    enum SkipReason {
        UnknownJob,
        JobClosed,
        JobMismatch,
        DeadlinePassed,
        StatusInvalid,
        CyclesOverMax,
        OutputTooLarge
    }

    /// @notice A consumer asked for a job. With the indexed fields this is the whole `Job`, but for `onchainInputHash`,
    /// which is keccak256 of `onchainInput`.
    event JobRequested(
        bytes32 indexed jobId,
        address indexed consumer,
        bytes32 indexed programId,
        uint64 nonce,
        bytes32 offchainInputHash,
        uint64 maxCycles,
        uint64 callbackGasLimit,
        uint64 deadlineBlock,
        uint64 cyclePriceWei,
        bytes onchainInput
    );

    /// @notice The proposer claims that the job has this outcome: what a challenge disputes (LP 8.4).
    event ClaimPosted(
        bytes32 indexed jobId,
        bytes32 indexed programId,
        bytes32 inputCommitment,
        uint64 maxCycles,
        bytes32 outcomeHash,
        uint64 cycles
    );

    /// @notice The consumer was called with the outcome. When it failed or has no code, `retryDelivery` can call again.
    event JobDelivered(bytes32 indexed jobId, bool callbackOk);

    /// @notice The callback failed because there is nothing to call at the consumer's address.
    event ConsumerWithoutCode(bytes32 indexed jobId, address indexed consumer);

    /// @notice An entry of `submitResults` was passed over.
    event ResultSkipped(bytes32 indexed jobId, SkipReason reason);

    /// @notice The consumer took the job back.
    event JobCancelled(bytes32 indexed jobId, uint256 refundWei);

    /// @notice The job passed its deadline without an outcome. `hookOk` tells whether the consumer took the news.
    event JobExpired(bytes32 indexed jobId, uint256 refundWei, bool hookOk);

    /// @notice Money came into an account.
    event Deposited(address indexed account, address indexed from, uint256 amountWei);

    /// @notice Money left an account.
    event Withdrawn(address indexed account, address indexed to, uint256 amountWei);

    /// @notice Only the proposer of the block may do this.
    error NotProposer(address got, address expected);

    /// @notice Only the consumer of the job may do this.
    error NotConsumer(address got, address expected);

    /// @notice The program is not registered.
    error UnknownProgram(bytes32 programId);

    /// @notice A job needs at least one cycle.
    error MaxCyclesZero();

    /// @notice The job asks for more cycles than the protocol allows.
    error MaxCyclesTooHigh(uint64 got, uint64 limit);

    /// @notice The job asks for more callback gas than the protocol allows.
    error CallbackGasTooHigh(uint64 got, uint64 limit);

    /// @notice The onchain input is larger than the protocol allows.
    error InputTooLarge(uint256 got, uint256 limit);

    /// @notice The deadline must lie after the current block: no earlier one can carry the outcome.
    error DeadlineTooSoon(uint64 got, uint256 currentBlock);

    /// @notice The deadline lies further ahead than the parameters allow.
    error DeadlineTooFar(uint64 got, uint256 latest);

    /// @notice The account does not hold what is asked of it.
    error InsufficientFunds(uint256 got, uint256 expected);

    /// @notice The receiver of a withdrawal refused it.
    error TransferFailed(address to, uint256 amountWei);

    /// @notice The job is not in the state that this needs.
    error WrongJobState(bytes32 jobId, JobState got, JobState expected);

    /// @notice What was supplied is not what was requested, or not what was recorded as its outcome.
    error CommitmentMismatch(bytes32 jobId, bytes32 got, bytes32 expected);

    /// @notice The transaction has too little gas left to give a callback what it was promised.
    error InsufficientCallbackGas(uint256 got, uint256 expected);

    /// @notice The consumer failed again; the outcome stays recorded.
    error DeliveryFailed(bytes32 jobId);

    /// @notice The deadline is not past: the current block is `got`, the first that will do is `expected`.
    error DeadlineNotPassed(uint256 got, uint256 expected);

    /// @notice Puts money in an account, to pay for jobs with.
    /// @param account Whose account; anyone may pay in.
    function deposit(address account) external payable;

    /// @notice Takes money out of the caller's account: unused escrow, refunds or a proposer's earnings.
    /// @param amountWei How much.
    /// @param to Who gets it.
    function withdraw(uint256 amountWei, address payable to) external;

    /// @notice Asks for a job. The value sent goes to the caller's account, from which the fee is then taken.
    /// @param programId The program to run.
    /// @param onchainInput Bytes the program reads, carried by the log.
    /// @param offchainInputHash keccak256 of the bytes held by data availability; the hash of no bytes for none.
    /// @param maxCycles Most cycles the run may take.
    /// @param callbackGasLimit Gas for the callback.
    /// @param deadlineBlock Last block whose proposer may post the outcome.
    /// @return jobId What the callback will name.
    function requestJob(
        bytes32 programId,
        bytes calldata onchainInput,
        bytes32 offchainInputHash,
        uint64 maxCycles,
        uint64 callbackGasLimit,
        uint64 deadlineBlock
    ) external payable returns (bytes32 jobId);

    /// @notice Posts outcomes and delivers them. Only the block's proposer may call. A bad entry is passed over with
    /// `ResultSkipped`; it does not hurt the others.
    /// @param results The outcomes, delivered in this order.
    function submitResults(JobResult[] calldata results) external;

    /// @notice Calls a consumer again whose callback failed, with all the gas given here. Anyone may call.
    /// @param job The job, as requested.
    /// @param status Status of the recorded outcome.
    /// @param output Bytes of the recorded outcome.
    function retryDelivery(Job calldata job, uint8 status, bytes calldata output) external;

    /// @notice Takes a pending job back. Only its consumer may call. The fee comes back, less the retained part.
    /// @param job The job, as requested.
    function cancelJob(Job calldata job) external;

    /// @notice Closes a job that passed its deadline, refunds it less the retained part, and tells its consumer.
    /// Anyone may call.
    /// @param job The job, as requested.
    function expireJob(Job calldata job) external;

    /// @notice The prices and bounds in force.
    function parameters() external view returns (Parameters memory);

    /// @notice Price of one cycle in this block. From block to block it follows the cycles claimed, as EIP-1559's base fee
    /// follows gas: up by an eighth at most at twice the target or more, down by an eighth without any, never below
    /// `minCyclePriceWei`.
    function cyclePriceWei() external view returns (uint64);

    /// @notice What the price of a cycle follows, as of this block.
    function load() external view returns (Load memory);

    /// @notice The fee that a request in this block escrows.
    function quote(uint64 maxCycles, uint64 callbackGasLimit) external view returns (uint256 feeWei);

    /// @notice What an account holds, escrows of pending jobs not counted.
    function balanceOf(address account) external view returns (uint256);

    /// @notice How many jobs an account has asked for by `requestJob`: the nonce of its next one.
    function nonceOf(address account) external view returns (uint64);

    /// @notice Where a job is in its life.
    function jobState(bytes32 jobId) external view returns (JobState);

    /// @notice Whether this is the outcome recorded for the job.
    function isOutcome(Job calldata job, uint8 status, bytes calldata output) external view returns (bool);
}
