// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IERC5267 } from "@openzeppelin/contracts/interfaces/IERC5267.sol";

import { Commitments } from "../Commitments.sol";
import { Limits } from "../Limits.sol";
import { IOffchainJobs } from "../interfaces/IOffchainJobs.sol";
import { Account } from "./Account.sol";
import { IsolatedCall } from "./IsolatedCall.sol";
import { JobKinds } from "./JobKinds.sol";
import { JobOutcomes } from "./JobOutcomes.sol";
import { openRecord, outcomeRecord } from "./JobRecord.sol";
import { JobRequests } from "./JobRequests.sol";
import { Terms } from "./Terms.sol";

/// @dev Jobs asked for by signature. One rule says what is wrong with a request, before the work and when it lands. That
/// an unordered job has landed, or its number was revoked, is told by its record: no bitmap is needed besides.
abstract contract OffchainJobs is JobOutcomes, IERC5267 {
    /// @dev What a request is looked at for.
    enum Occasion {
        BeforeWork,
        Landing
    }

    /// @dev Gas of an entry beside callback and bytes, which its payer pays for: what the check of the signature can use
    /// at most, and the rest as it was measured, rounded up (`test/OffchainGas.t.sol`).
    uint256 internal constant INCLUSION_GAS = 350_000;

    /// @dev Gas of a byte of input or signature: EIP-7623's price of calldata, which its other uses stay below.
    uint256 internal constant GAS_PER_BYTE = 40;

    /// @inheritdoc IOffchainJobs
    function approve(address consumer, uint256 amountWei) external {
        _allowances[msg.sender][consumer] = amountWei;
        emit SpendingApproved(msg.sender, consumer, amountWei);
    }

    /// @inheritdoc IOffchainJobs
    function revokeNumber(uint64 number, bool ordered) external {
        require(number < JobKinds.NUMBERS, NumberTooLarge(number, JobKinds.NUMBERS - 1));
        if (ordered) {
            Account storage account = _accounts[msg.sender];
            uint64 next = account.orderedNonce();
            require(number == next, NumberNotNext(number, next));
            account.countOrdered();
        } else {
            bytes32 jobId = _unorderedJobId(msg.sender, number);
            require(_records[jobId].state() == JobState.None, NumberUsed(number));
            // It commits to nothing: there is no job to act on.
            _records[jobId] = openRecord(bytes32(0), JobState.Cancelled);
        }
        emit NumberRevoked(msg.sender, number, ordered);
    }

    /// @inheritdoc IOffchainJobs
    function submitOffchainResults(OffchainResult[] calldata results) external onlyProposer nonReentrant {
        Terms terms = _terms;
        uint64 priceWei = _cyclePriceWei(terms);
        Earnings memory earned;
        for (uint256 i; i < results.length; ++i) {
            uint256 freeMemory;
            assembly ("memory-safe") {
                freeMemory := mload(0x40)
            }
            _submitOffchainResult(terms, priceWei, results[i], earned);
            // The next result needs nothing that this one allocated; memory costs its size squared.
            assembly ("memory-safe") {
                mstore(0x40, freeMemory)
            }
        }
        _settle(terms, earned);
    }

    /// @inheritdoc IOffchainJobs
    function checkRequest(JobRequest calldata request, bytes calldata signature) external view returns (RequestFault) {
        Terms terms = _terms;
        uint64 priceWei = _cyclePriceWei(terms);
        uint256 feeWei = _cyclesWei(request.maxCycles, priceWei) + _deliveryWei(terms, request, signature.length);
        bytes32 onchainInputHash = keccak256(request.onchainInput);
        return _requestFault(terms, request, signature, onchainInputHash, feeWei, Occasion.BeforeWork);
    }

    /// @inheritdoc IOffchainJobs
    function hashRequest(JobRequest calldata request) external view returns (bytes32 digest) {
        return JobRequests.digest(request, keccak256(request.onchainInput));
    }

    /// @inheritdoc IERC5267
    /// @dev The domain of requests: `hashRequest` is a digest of it.
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (
            JobRequests.DOMAIN_FIELDS,
            JobRequests.NAME,
            JobRequests.VERSION,
            block.chainid,
            address(this),
            bytes32(0),
            new uint256[](0)
        );
    }

    /// @inheritdoc IOffchainJobs
    function quoteRequest(JobRequest calldata request, uint256 signatureSize) external view returns (uint256 feeWei) {
        Terms terms = _terms;
        uint64 priceWei = _cyclePriceWei(terms);
        return _cyclesWei(request.maxCycles, priceWei) + _deliveryWei(terms, request, signatureSize);
    }

    /// @inheritdoc IOffchainJobs
    function allowance(address payer, address consumer) external view returns (uint256 amountWei) {
        return _allowances[payer][consumer];
    }

    /// @inheritdoc IOffchainJobs
    function isNonceUsed(address consumer, uint64 number) external view returns (bool) {
        return number < JobKinds.NUMBERS && _isUsed(consumer, number);
    }

    /// @inheritdoc IOffchainJobs
    function orderedNonceOf(address consumer) external view returns (uint64 number) {
        return _accounts[consumer].orderedNonce();
    }

    /// @dev Charges for one request, logs it, records, claims and delivers its outcome, and adds it to what the
    /// transaction earned.
    function _submitOffchainResult(Terms terms, uint64 priceWei, OffchainResult calldata result, Earnings memory earned)
        private
    {
        JobRequest calldata request = result.request;
        uint256 cyclesWei = _cyclesWei(result.cycles, priceWei);
        uint256 deliveryWei = _deliveryWei(terms, request, result.signature.length);
        uint256 feeWei = cyclesWei + deliveryWei;
        bytes32 onchainInputHash = keccak256(request.onchainInput);
        RequestFault fault = _outcomeFault(result);
        if (fault == RequestFault.None) {
            fault = _requestFault(terms, request, result.signature, onchainInputHash, feeWei, Occasion.Landing);
        }
        if (fault != RequestFault.None) {
            emit OffchainResultSkipped(request.consumer, request.nonce, fault);
            return;
        }

        _charge(request, feeWei);
        earned.cycles += result.cycles;
        earned.cyclesWei += cyclesWei;
        earned.deliveryWei += deliveryWei;
        if (request.ordered) _accounts[request.consumer].countOrdered();
        _land(result, priceWei, onchainInputHash);
    }

    /// @dev Logs the job as if it had been asked for onchain, records, claims and delivers its outcome.
    function _land(OffchainResult calldata result, uint64 priceWei, bytes32 onchainInputHash) private {
        JobRequest calldata request = result.request;
        uint64 nonce = JobKinds.offchainNonce(request.ordered, request.nonce);
        bytes32 jobId = Commitments.jobId(address(this), request.consumer, nonce);
        bytes32 jobHash = Commitments.job(
            request.consumer,
            nonce,
            request.programId,
            onchainInputHash,
            request.offchainInputHash,
            request.maxCycles,
            request.callbackGasLimit,
            request.deadlineBlock,
            priceWei
        );
        bytes32 outcomeHash = Commitments.outcome(result.status, result.output);
        _records[jobId] = outcomeRecord(jobHash, outcomeHash, JobState.Delivered);

        emit JobRequested(
            jobId,
            request.consumer,
            request.programId,
            nonce,
            request.offchainInputHash,
            request.maxCycles,
            request.callbackGasLimit,
            request.deadlineBlock,
            priceWei,
            request.onchainInput
        );
        emit ClaimPosted(
            jobId,
            request.programId,
            Commitments.input(onchainInputHash, request.offchainInputHash),
            request.maxCycles,
            outcomeHash,
            result.cycles
        );
        _deliver(jobId, jobHash, outcomeHash, request.consumer, request.callbackGasLimit, result.status, result.output);
    }

    function _charge(JobRequest calldata request, uint256 feeWei) private {
        address payer = request.feePayer;
        _accounts[payer].debit(feeWei);
        if (payer != request.consumer) _allowances[payer][request.consumer] -= feeWei;
    }

    /// @dev What is wrong with a request that would be charged `feeWei`. The signature comes last: to check it is the dear
    /// part, and the only one that calls anybody.
    function _requestFault(
        Terms terms,
        JobRequest calldata request,
        bytes calldata signature,
        bytes32 onchainInputHash,
        uint256 feeWei,
        Occasion occasion
    ) private view returns (RequestFault fault) {
        fault = _turnFault(request, occasion);
        if (fault == RequestFault.None) fault = _termsFault(terms, request);
        if (fault == RequestFault.None) fault = _feeFault(request, feeWei);
        if (fault != RequestFault.None) return fault;

        if (request.consumer.code.length == 0) return RequestFault.ConsumerWithoutCode;
        bytes32 digest = JobRequests.digest(request, onchainInputHash);
        bool good = IsolatedCall.isValidSignature(request.consumer, digest, signature);
        return good ? RequestFault.None : RequestFault.BadSignature;
    }

    function _turnFault(JobRequest calldata request, Occasion occasion) private view returns (RequestFault) {
        if (request.nonce >= JobKinds.NUMBERS) return RequestFault.NonceTooLarge;
        if (!request.ordered) {
            return _isUsed(request.consumer, request.nonce) ? RequestFault.NonceUsed : RequestFault.None;
        }
        uint64 next = _accounts[request.consumer].orderedNonce();
        if (request.nonce < next) return RequestFault.NonceUsed;
        bool early = request.nonce > next && occasion == Occasion.Landing;
        return early ? RequestFault.NotNextInOrder : RequestFault.None;
    }

    function _termsFault(Terms terms, JobRequest calldata request) private view returns (RequestFault) {
        if (block.number > request.deadlineBlock) return RequestFault.DeadlinePassed;
        if (request.deadlineBlock > block.number + terms.maxDeadlineBlocks()) return RequestFault.DeadlineTooFar;
        if (request.maxCycles == 0) return RequestFault.MaxCyclesZero;
        if (request.maxCycles > Limits.MAX_CYCLES_PER_JOB) return RequestFault.MaxCyclesTooHigh;
        if (request.callbackGasLimit > Limits.MAX_CALLBACK_GAS) return RequestFault.CallbackGasTooHigh;
        if (request.onchainInput.length > Limits.MAX_ONCHAIN_INPUT_SIZE_BYTES) return RequestFault.InputTooLarge;
        bool known = !_termsOf[request.programId].isNone() || REGISTRY.isRegistered(request.programId);
        return known ? RequestFault.None : RequestFault.UnknownProgram;
    }

    function _feeFault(JobRequest calldata request, uint256 feeWei) private view returns (RequestFault) {
        address payer = request.feePayer;
        if (feeWei > request.maxFeeWei) return RequestFault.FeeOverMax;
        if (payer != request.consumer && feeWei > _allowances[payer][request.consumer]) {
            return RequestFault.AllowanceTooLow;
        }
        if (feeWei > _accounts[payer].balanceWei()) return RequestFault.InsufficientFunds;
        return RequestFault.None;
    }

    function _outcomeFault(OffchainResult calldata result) private pure returns (RequestFault) {
        if (result.status > Commitments.PANICKED) return RequestFault.StatusInvalid;
        if (result.cycles > result.request.maxCycles) return RequestFault.CyclesOverMax;
        if (result.output.length > _outputLimit(result.status)) return RequestFault.OutputTooLarge;
        return RequestFault.None;
    }

    /// @dev Whether an unordered number has landed or was revoked.
    function _isUsed(address consumer, uint64 number) private view returns (bool) {
        return _records[_unorderedJobId(consumer, number)].state() != JobState.None;
    }

    function _unorderedJobId(address consumer, uint64 number) private view returns (bytes32) {
        return Commitments.jobId(address(this), consumer, JobKinds.offchainNonce(false, number));
    }

    function _cyclesWei(uint64 cycles, uint64 priceWei) private pure returns (uint256) {
        return uint256(cycles) * priceWei;
    }

    /// @dev What a payer pays for check, callback and bytes.
    function _deliveryWei(Terms terms, JobRequest calldata request, uint256 signatureSize)
        private
        pure
        returns (uint256)
    {
        uint256 bytesGas = GAS_PER_BYTE * (request.onchainInput.length + signatureSize);
        return (request.callbackGasLimit + INCLUSION_GAS + bytesGas) * terms.callbackGasPriceWei();
    }
}
