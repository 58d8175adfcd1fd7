// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import { IConsumer } from "./interfaces/IConsumer.sol";
import { IJobManager } from "./interfaces/IJobManager.sol";
import { IProgramRegistry } from "./interfaces/IProgramRegistry.sol";
import { Commitments } from "./Commitments.sol";
import { IsolatedCall } from "./IsolatedCall.sol";
import { JobRecord, openRecord, outcomeRecord, truncate } from "./JobRecord.sol";
import { Limits } from "./Limits.sol";
import { Predeploys } from "./Predeploys.sol";

/// @title Jobs: requests, their escrow, their outcomes and the delivery of these
/// @dev Everything that moves money or closes jobs holds one lock, since callbacks run in the middle of it. `requestJob`
/// and `deposit` do not: a callback may ask for the next job.
contract JobManager is IJobManager, ReentrancyGuardTransient {
    struct Account {
        uint128 balanceWei;
        uint64 nonce;
    }

    /// @dev Slot 0, written by genesis alone: fees of pending jobs are computed from it again when they close.
    Parameters private _parameters;

    /// @dev Slot 1. The ether here is the sum of all balances and of the fees of all pending jobs.
    mapping(address owner => Account) private _accounts;

    /// @dev Slot 2.
    mapping(bytes32 jobId => JobRecord) private _records;

    modifier onlyProposer() {
        require(msg.sender == block.coinbase, NotProposer(msg.sender, block.coinbase));
        _;
    }

    /// @inheritdoc IJobManager
    function deposit(address account) external payable {
        _deposit(account);
    }

    /// @inheritdoc IJobManager
    function withdraw(uint256 amountWei, address payable to) external nonReentrant {
        _debit(_accounts[msg.sender], amountWei);
        emit Withdrawn(msg.sender, to, amountWei);
        (bool ok,) = to.call{ value: amountWei }("");
        require(ok, TransferFailed(to, amountWei));
    }

    /// @inheritdoc IJobManager
    function requestJob(
        bytes32 programId,
        bytes calldata onchainInput,
        bytes32 offchainInputHash,
        uint64 maxCycles,
        uint64 callbackGasLimit,
        uint64 deadlineBlock
    ) external payable returns (bytes32 jobId) {
        Parameters memory params = _parameters;
        _checkRequest(params, onchainInput.length, maxCycles, callbackGasLimit, deadlineBlock);
        require(IProgramRegistry(Predeploys.PROGRAM_REGISTRY).isRegistered(programId), UnknownProgram(programId));

        if (msg.value != 0) _deposit(msg.sender);
        Account storage account = _accounts[msg.sender];
        _debit(account, _feeWei(params, maxCycles, callbackGasLimit));
        uint64 nonce = account.nonce++;

        Job memory job = Job({
            consumer: msg.sender,
            nonce: nonce,
            programId: programId,
            onchainInputHash: keccak256(onchainInput),
            offchainInputHash: offchainInputHash,
            maxCycles: maxCycles,
            callbackGasLimit: callbackGasLimit,
            deadlineBlock: deadlineBlock
        });
        jobId = Commitments.jobId(address(this), msg.sender, nonce);
        _records[jobId] = openRecord(keccak256(abi.encode(job)), JobState.Pending);

        emit JobRequested(
            jobId,
            msg.sender,
            programId,
            nonce,
            offchainInputHash,
            maxCycles,
            callbackGasLimit,
            deadlineBlock,
            onchainInput
        );
    }

    /// @inheritdoc IJobManager
    function submitResults(JobResult[] calldata results) external onlyProposer nonReentrant {
        Parameters memory params = _parameters;
        uint256 earnedWei;
        for (uint256 i; i < results.length; ++i) {
            earnedWei += _submitResult(params, results[i]);
        }
        _credit(msg.sender, earnedWei);
    }

    /// @inheritdoc IJobManager
    function retryDelivery(Job calldata job, uint8 status, bytes calldata output) external nonReentrant {
        (bytes32 jobId, bytes32 jobHash) = _identify(job);
        bytes32 outcomeHash = Commitments.outcome(status, output);
        JobRecord expected = outcomeRecord(jobHash, outcomeHash, JobState.CallbackFailed);
        _requireRecord(jobId, expected);

        _records[jobId] = outcomeRecord(jobHash, outcomeHash, JobState.Delivered);
        emit JobDelivered(jobId, true);

        bytes memory data = abi.encodeCall(IConsumer.receiveResult, (jobId, status, output));
        require(IsolatedCall.attemptWithAtLeast(job.consumer, job.callbackGasLimit, data), DeliveryFailed(jobId));
    }

    /// @inheritdoc IJobManager
    function cancelJob(Job calldata job) external nonReentrant {
        require(msg.sender == job.consumer, NotConsumer(msg.sender, job.consumer));
        (bytes32 jobId, uint256 refundWei) = _closeWithoutOutcome(job, JobState.Cancelled);
        emit JobCancelled(jobId, refundWei);
    }

    /// @inheritdoc IJobManager
    function expireJob(Job calldata job) external nonReentrant {
        require(block.number > job.deadlineBlock, DeadlineNotPassed(block.number, uint256(job.deadlineBlock) + 1));
        (bytes32 jobId, uint256 refundWei) = _closeWithoutOutcome(job, JobState.Expired);
        bytes memory data = abi.encodeCall(IConsumer.receiveExpiry, (jobId));
        bool hookOk = IsolatedCall.attempt(job.consumer, job.callbackGasLimit, data);
        emit JobExpired(jobId, refundWei, hookOk);
    }

    /// @inheritdoc IJobManager
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc IJobManager
    function quote(uint64 maxCycles, uint64 callbackGasLimit) external view returns (uint256 feeWei) {
        return _feeWei(_parameters, maxCycles, callbackGasLimit);
    }

    /// @inheritdoc IJobManager
    function balanceOf(address account) external view returns (uint256) {
        return _accounts[account].balanceWei;
    }

    /// @inheritdoc IJobManager
    function nonceOf(address account) external view returns (uint64) {
        return _accounts[account].nonce;
    }

    /// @inheritdoc IJobManager
    function jobState(bytes32 jobId) external view returns (JobState) {
        return _records[jobId].state();
    }

    /// @inheritdoc IJobManager
    function isOutcome(Job calldata job, uint8 status, bytes calldata output) external view returns (bool) {
        (bytes32 jobId, bytes32 jobHash) = _identify(job);
        JobRecord record = _records[jobId];
        JobRecord expected = outcomeRecord(jobHash, Commitments.outcome(status, output), record.state());
        return JobRecord.unwrap(record) == JobRecord.unwrap(expected);
    }

    /// @dev Records, claims and delivers one outcome.
    /// @return earnedWei What the proposer gets for it; nothing when the entry is passed over.
    function _submitResult(Parameters memory params, JobResult calldata result) private returns (uint256 earnedWei) {
        Job calldata job = result.job;
        (bytes32 jobId, bytes32 jobHash) = _identify(job);
        (bool good, SkipReason reason) = _judge(result, _records[jobId], jobHash);
        if (!good) {
            emit ResultSkipped(jobId, reason);
            return 0;
        }

        bytes32 outcomeHash = Commitments.outcome(result.status, result.output);
        _records[jobId] = outcomeRecord(jobHash, outcomeHash, JobState.Delivered);
        earnedWei = _feeWei(params, result.cycles, job.callbackGasLimit);
        _credit(job.consumer, _feeWei(params, job.maxCycles - result.cycles, 0));
        emit ClaimPosted(
            jobId,
            job.programId,
            Commitments.input(job.onchainInputHash, job.offchainInputHash),
            job.maxCycles,
            outcomeHash,
            result.cycles
        );

        bytes memory data = abi.encodeCall(IConsumer.receiveResult, (jobId, result.status, result.output));
        bool callbackOk = IsolatedCall.attempt(job.consumer, job.callbackGasLimit, data);
        if (!callbackOk) _records[jobId] = outcomeRecord(jobHash, outcomeHash, JobState.CallbackFailed);
        emit JobDelivered(jobId, callbackOk);
    }

    /// @dev Whether an entry can be recorded, or else why not.
    function _judge(JobResult calldata result, JobRecord record, bytes32 jobHash)
        private
        view
        returns (bool good, SkipReason reason)
    {
        Job calldata job = result.job;
        JobState current = record.state();
        if (current == JobState.None) return (false, SkipReason.UnknownJob);
        if (current != JobState.Pending) return (false, SkipReason.JobClosed);
        if (record.commitment() != truncate(jobHash)) return (false, SkipReason.JobMismatch);
        if (block.number > job.deadlineBlock) return (false, SkipReason.DeadlinePassed);
        if (result.status > Commitments.PANICKED) return (false, SkipReason.StatusInvalid);
        if (result.cycles > job.maxCycles) return (false, SkipReason.CyclesOverMax);
        uint256 sizeLimit = result.status == Commitments.SUCCESS
            ? Limits.MAX_OUTPUT_SIZE_BYTES
            : Limits.MAX_PANIC_MESSAGE_SIZE_BYTES;
        if (result.output.length > sizeLimit) return (false, SkipReason.OutputTooLarge);
        return (true, reason);
    }

    /// @dev Closes a pending job, keeps the retained part of its fee for the proposer and refunds the rest.
    function _closeWithoutOutcome(Job calldata job, JobState closed)
        private
        returns (bytes32 jobId, uint256 refundWei)
    {
        bytes32 jobHash;
        (jobId, jobHash) = _identify(job);
        _requireRecord(jobId, openRecord(jobHash, JobState.Pending));
        _records[jobId] = openRecord(jobHash, closed);

        Parameters memory params = _parameters;
        uint256 feeWei = _feeWei(params, job.maxCycles, job.callbackGasLimit);
        uint256 retainedWei = feeWei * params.retainedBps / 10_000;
        refundWei = feeWei - retainedWei;
        _credit(job.consumer, refundWei);
        _credit(block.coinbase, retainedWei);
    }

    function _deposit(address account) private {
        _credit(account, msg.value);
        emit Deposited(account, msg.sender, msg.value);
    }

    /// @dev All amounts are parts of the ether that exists, which is far below 2^128 wei.
    function _credit(address owner, uint256 amountWei) private {
        if (amountWei != 0) _accounts[owner].balanceWei += uint128(amountWei);
    }

    function _debit(Account storage account, uint256 amountWei) private {
        uint128 balanceWei = account.balanceWei;
        require(balanceWei >= amountWei, InsufficientFunds(balanceWei, amountWei));
        account.balanceWei = balanceWei - uint128(amountWei);
    }

    /// @dev Reverts unless the job's record is `expected`, and says whether its state or its commitment differs.
    function _requireRecord(bytes32 jobId, JobRecord expected) private view {
        JobRecord record = _records[jobId];
        require(record.state() == expected.state(), WrongJobState(jobId, record.state(), expected.state()));
        require(
            record.commitment() == expected.commitment(),
            CommitmentMismatch(jobId, expected.commitment(), record.commitment())
        );
    }

    function _checkRequest(
        Parameters memory params,
        uint256 onchainInputSize,
        uint64 maxCycles,
        uint64 callbackGasLimit,
        uint64 deadlineBlock
    ) private view {
        require(
            onchainInputSize <= Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES,
            InputTooLarge(onchainInputSize, Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES)
        );
        require(maxCycles != 0, MaxCyclesZero());
        require(maxCycles <= Limits.MAX_CYCLES_PER_JOB, MaxCyclesTooHigh(maxCycles, Limits.MAX_CYCLES_PER_JOB));
        require(
            callbackGasLimit <= Limits.MAX_CALLBACK_GAS, CallbackGasTooHigh(callbackGasLimit, Limits.MAX_CALLBACK_GAS)
        );
        require(deadlineBlock > block.number, DeadlineTooSoon(deadlineBlock, block.number + 1));
        uint256 latest = block.number + params.maxDeadlineBlocks;
        require(deadlineBlock <= latest, DeadlineTooFar(deadlineBlock, latest));
    }

    function _identify(Job calldata job) private view returns (bytes32 jobId, bytes32 jobHash) {
        jobId = Commitments.jobId(address(this), job.consumer, job.nonce);
        jobHash = keccak256(abi.encode(job));
    }

    /// @dev Below 2^128: the factors are 64 bits each, and one of either pair is bounded by `Limits`.
    function _feeWei(Parameters memory params, uint64 cycles, uint64 callbackGas) private pure returns (uint256) {
        return uint256(cycles) * params.cyclePriceWei + uint256(callbackGas) * params.callbackGasPriceWei;
    }
}
