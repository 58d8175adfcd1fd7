// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import { IConsumer } from "./interfaces/IConsumer.sol";
import { IJobManager } from "./interfaces/IJobManager.sol";
import { IProgramRegistry } from "./interfaces/IProgramRegistry.sol";
import { Account } from "./Account.sol";
import { Commitments } from "./Commitments.sol";
import { IsolatedCall } from "./IsolatedCall.sol";
import { JobRecord, openRecord, outcomeRecord, truncate } from "./JobRecord.sol";
import { Limits } from "./Limits.sol";
import { Predeploys } from "./Predeploys.sol";
import { Terms } from "./Terms.sol";

/// @title Jobs: requests, their escrow, their outcomes and the delivery of these
/// @dev Everything that moves money or closes jobs holds one lock, since callbacks run in the middle of it. `requestJob`
/// and `deposit` do not: a callback may ask for the next job.
contract JobManager is IJobManager, ReentrancyGuardTransient {
    /// @dev Slot 0, written by genesis alone: what a pending job has in escrow is computed from it when the job closes.
    Terms private _terms;

    /// @dev Slot 1. The ether here is the sum of all balances and of the fees of all pending jobs.
    mapping(address owner => Account) private _accounts;

    /// @dev Slot 2.
    mapping(bytes32 jobId => JobRecord) private _records;

    /// @dev Slot 3. The terms once more, for each program found to be registered: a request reads this one slot
    /// instead of the registry's and slot 0. Registration is for good, so it cannot go stale.
    mapping(bytes32 programId => Terms) private _termsOf;

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
        _accounts[msg.sender].debit(amountWei);
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
        Terms terms = _admit(programId);
        _checkRequest(terms, onchainInput.length, maxCycles, callbackGasLimit, deadlineBlock);

        if (msg.value != 0) _deposit(msg.sender);
        uint64 nonce = _accounts[msg.sender].charge(terms.feeWei(maxCycles, callbackGasLimit));
        jobId = Commitments.jobId(address(this), msg.sender, nonce);
        bytes32 jobHash = Commitments.job(
            msg.sender,
            nonce,
            programId,
            keccak256(onchainInput),
            offchainInputHash,
            maxCycles,
            callbackGasLimit,
            deadlineBlock
        );
        _records[jobId] = openRecord(jobHash, JobState.Pending);

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
        Terms terms = _terms;
        uint256 earnedWei;
        for (uint256 i; i < results.length; ++i) {
            uint256 freeMemory;
            assembly ("memory-safe") {
                freeMemory := mload(0x40)
            }
            earnedWei += _submitResult(terms, results[i]);
            // The next result needs nothing that this one allocated; memory costs its size squared.
            assembly ("memory-safe") {
                mstore(0x40, freeMemory)
            }
        }
        _credit(msg.sender, earnedWei);
    }

    /// @inheritdoc IJobManager
    function retryDelivery(Job calldata job, uint8 status, bytes calldata output) external nonReentrant {
        (bytes32 jobId, bytes32 jobHash) = _identify(job);
        bytes32 outcomeHash = Commitments.outcome(status, output);
        _requireRecord(jobId, outcomeRecord(jobHash, outcomeHash, JobState.CallbackFailed));

        _records[jobId] = outcomeRecord(jobHash, outcomeHash, JobState.Delivered);
        bytes memory data = abi.encodeCall(IConsumer.receiveResult, (jobId, status, output));
        require(IsolatedCall.attemptWithAtLeast(job.consumer, job.callbackGasLimit, data), DeliveryFailed(jobId));
        emit JobDelivered(jobId, true);
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
        return _terms.unpack();
    }

    /// @inheritdoc IJobManager
    function quote(uint64 maxCycles, uint64 callbackGasLimit) external view returns (uint256 feeWei) {
        return _terms.feeWei(maxCycles, callbackGasLimit);
    }

    /// @inheritdoc IJobManager
    function balanceOf(address account) external view returns (uint256) {
        return _accounts[account].balanceWei();
    }

    /// @inheritdoc IJobManager
    function nonceOf(address account) external view returns (uint64) {
        return _accounts[account].nonce();
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
    function _submitResult(Terms terms, JobResult calldata result) private returns (uint256 earnedWei) {
        Job calldata job = result.job;
        (bytes32 jobId, bytes32 jobHash) = _identify(job);
        (bool good, SkipReason reason) = _judge(result, _records[jobId], jobHash);
        if (!good) {
            emit ResultSkipped(jobId, reason);
            return 0;
        }

        bytes32 outcomeHash = Commitments.outcome(result.status, result.output);
        _records[jobId] = outcomeRecord(jobHash, outcomeHash, JobState.Delivered);
        earnedWei = terms.feeWei(result.cycles, job.callbackGasLimit);
        _credit(job.consumer, terms.feeWei(job.maxCycles - result.cycles, 0));
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
        if (!callbackOk) {
            _records[jobId] = outcomeRecord(jobHash, outcomeHash, JobState.CallbackFailed);
            if (job.consumer.code.length == 0) emit ConsumerWithoutCode(jobId, job.consumer);
        }
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
        uint256 sizeLimit =
            result.status == Commitments.SUCCESS ? Limits.MAX_OUTPUT_SIZE_BYTES : Limits.MAX_PANIC_MESSAGE_SIZE_BYTES;
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

        Terms terms = _terms;
        uint256 feeWei = terms.feeWei(job.maxCycles, job.callbackGasLimit);
        uint256 retainedWei = feeWei * terms.retainedBps() / 10_000;
        refundWei = feeWei - retainedWei;
        _credit(job.consumer, refundWei);
        _credit(block.coinbase, retainedWei);
    }

    function _deposit(address account) private {
        _credit(account, msg.value);
        emit Deposited(account, msg.sender, msg.value);
    }

    function _credit(address owner, uint256 amountWei) private {
        if (amountWei != 0) _accounts[owner].credit(amountWei);
    }

    /// @dev The terms for a program, which is registered.
    function _admit(bytes32 programId) private returns (Terms terms) {
        terms = _termsOf[programId];
        if (!terms.isNone()) return terms;
        require(IProgramRegistry(Predeploys.PROGRAM_REGISTRY).isRegistered(programId), UnknownProgram(programId));
        terms = _terms;
        _termsOf[programId] = terms;
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
        Terms terms,
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
        require(deadlineBlock > block.number, DeadlineTooSoon(deadlineBlock, block.number));
        uint256 latest = block.number + terms.maxDeadlineBlocks();
        require(deadlineBlock <= latest, DeadlineTooFar(deadlineBlock, latest));
    }

    function _identify(Job calldata job) private view returns (bytes32 jobId, bytes32 jobHash) {
        jobId = Commitments.jobId(address(this), job.consumer, job.nonce);
        jobHash = keccak256(abi.encode(job));
    }
}
