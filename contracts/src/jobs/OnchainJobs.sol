// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Commitments } from "../Commitments.sol";
import { Limits } from "../Limits.sol";
import { IConsumer } from "../interfaces/IConsumer.sol";
import { IJobManager } from "../interfaces/IJobManager.sol";
import { IsolatedCall } from "./IsolatedCall.sol";
import { JobOutcomes } from "./JobOutcomes.sol";
import { JobRecord, openRecord, outcomeRecord, truncate } from "./JobRecord.sol";
import { Terms } from "./Terms.sol";

/// @dev Jobs asked for in a transaction and answered in a later block.
abstract contract OnchainJobs is JobOutcomes {
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
        uint64 priceWei = _cyclePriceWei(terms);
        uint64 nonce = _accounts[msg.sender].charge(terms.feeWei(priceWei, maxCycles, callbackGasLimit));
        jobId = Commitments.jobId(address(this), msg.sender, nonce);
        bytes32 jobHash = Commitments.job(
            msg.sender,
            nonce,
            programId,
            keccak256(onchainInput),
            offchainInputHash,
            maxCycles,
            callbackGasLimit,
            deadlineBlock,
            priceWei
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
            priceWei,
            onchainInput
        );
    }

    /// @inheritdoc IJobManager
    function submitResults(JobResult[] calldata results) external onlyProposer nonReentrant {
        Terms terms = _terms;
        Earnings memory earned;
        for (uint256 i; i < results.length; ++i) {
            uint256 freeMemory;
            assembly ("memory-safe") {
                freeMemory := mload(0x40)
            }
            _submitResult(terms, results[i], earned);
            // The next result needs nothing that this one allocated; memory costs its size squared.
            assembly ("memory-safe") {
                mstore(0x40, freeMemory)
            }
        }
        _settle(terms, earned);
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
    function quote(uint64 maxCycles, uint64 callbackGasLimit) external view returns (uint256 feeWei) {
        Terms terms = _terms;
        return terms.feeWei(_cyclePriceWei(terms), maxCycles, callbackGasLimit);
    }

    /// @dev Records, claims and delivers one outcome, and adds it to what the transaction earned.
    function _submitResult(Terms terms, JobResult calldata result, Earnings memory earned) private {
        Job calldata job = result.job;
        (bytes32 jobId, bytes32 jobHash) = _identify(job);
        (bool good, SkipReason reason) = _judge(result, _records[jobId], jobHash);
        if (!good) {
            emit ResultSkipped(jobId, reason);
            return;
        }

        bytes32 outcomeHash = Commitments.outcome(result.status, result.output);
        _records[jobId] = outcomeRecord(jobHash, outcomeHash, JobState.Delivered);
        earned.cycles += result.cycles;
        earned.cyclesWei += terms.feeWei(job.cyclePriceWei, result.cycles, 0);
        earned.deliveryWei += terms.feeWei(0, 0, job.callbackGasLimit);
        _credit(job.consumer, terms.feeWei(job.cyclePriceWei, job.maxCycles - result.cycles, 0));
        emit ClaimPosted(
            jobId,
            job.programId,
            Commitments.input(job.onchainInputHash, job.offchainInputHash),
            job.maxCycles,
            outcomeHash,
            result.cycles
        );
        _deliver(jobId, jobHash, outcomeHash, job.consumer, job.callbackGasLimit, result.status, result.output);
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
        if (result.output.length > _outputLimit(result.status)) return (false, SkipReason.OutputTooLarge);
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
        uint256 feeWei = terms.feeWei(job.cyclePriceWei, job.maxCycles, job.callbackGasLimit);
        uint256 retainedWei = feeWei * terms.retainedBps() / ALL_BPS;
        refundWei = feeWei - retainedWei;
        _credit(job.consumer, refundWei);
        _credit(block.coinbase, retainedWei);
    }

    /// @dev The terms for a program, which is registered.
    function _admit(bytes32 programId) private returns (Terms terms) {
        terms = _termsOf[programId];
        if (!terms.isNone()) return terms;
        require(REGISTRY.isRegistered(programId), UnknownProgram(programId));
        terms = _terms;
        _termsOf[programId] = terms;
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
}
