// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Jobs } from "./Jobs.sol";
import { Commitments } from "../../src/Commitments.sol";
import { Predeploys } from "../../src/Predeploys.sol";
import { IJobManager } from "../../src/interfaces/IJobManager.sol";
import { IOffchainJobs } from "../../src/interfaces/IOffchainJobs.sol";
import { JobKinds } from "../../src/jobs/JobKinds.sol";

/// @dev Requests by signature, and what becomes of them.
abstract contract SignedRequests is Jobs {
    uint256 internal constant SIGNER_KEY = 0x516E;
    uint64 internal constant CYCLES = MAX_CYCLES / 4;
    uint256 internal constant SIGNATURE_SIZE = 65;
    uint256 internal constant INCLUSION_GAS = 350_000;

    function _requestOf(address consumer, uint64 number) internal pure returns (IOffchainJobs.JobRequest memory) {
        return IOffchainJobs.JobRequest({
            consumer: consumer,
            nonce: number,
            ordered: false,
            programId: PROGRAM_ID,
            onchainInput: "input",
            offchainInputHash: Commitments.EMPTY_HASH,
            maxCycles: MAX_CYCLES,
            callbackGasLimit: CALLBACK_GAS_LIMIT,
            deadlineBlock: DEADLINE_BLOCK,
            feePayer: consumer,
            maxFeeWei: 10 ether
        });
    }

    function _sign(IOffchainJobs.JobRequest memory request) internal view returns (bytes memory) {
        return _signWith(SIGNER_KEY, MANAGER.hashRequest(request));
    }

    function _signWith(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev What a request with a signature of the usual size is charged at the fixture's price.
    function _feeWei(IOffchainJobs.JobRequest memory request, uint256 cycles) internal pure returns (uint256) {
        uint256 gasUnits =
            request.callbackGasLimit + INCLUSION_GAS + 40 * (request.onchainInput.length + SIGNATURE_SIZE);
        return cycles * CYCLE_PRICE_WEI + gasUnits * CALLBACK_GAS_PRICE_WEI;
    }

    function _entry(IOffchainJobs.JobRequest memory request, bytes memory output)
        internal
        view
        returns (IOffchainJobs.OffchainResult memory)
    {
        return _signedEntry(request, _sign(request), output);
    }

    function _signedEntry(IOffchainJobs.JobRequest memory request, bytes memory signature, bytes memory output)
        internal
        pure
        returns (IOffchainJobs.OffchainResult memory)
    {
        return IOffchainJobs.OffchainResult({
            request: request, signature: signature, status: 0, cycles: CYCLES, output: output
        });
    }

    function _land(IOffchainJobs.OffchainResult memory entry) internal {
        IOffchainJobs.OffchainResult[] memory entries = new IOffchainJobs.OffchainResult[](1);
        entries[0] = entry;
        _land(entries);
    }

    function _land(IOffchainJobs.OffchainResult[] memory entries) internal {
        vm.prank(PROPOSER);
        MANAGER.submitOffchainResults(entries);
    }

    function _expectSkipped(IOffchainJobs.OffchainResult memory entry, IOffchainJobs.RequestFault fault) internal {
        vm.expectEmit(Predeploys.JOB_MANAGER);
        emit IOffchainJobs.OffchainResultSkipped(entry.request.consumer, entry.request.nonce, fault);
        uint256 proposerWei = MANAGER.balanceOf(PROPOSER);
        uint256 payerWei = MANAGER.balanceOf(entry.request.feePayer);
        _land(entry);
        vm.assertEq(MANAGER.balanceOf(PROPOSER), proposerWei);
        vm.assertEq(MANAGER.balanceOf(entry.request.feePayer), payerWei);
    }

    function _fault(IOffchainJobs.JobRequest memory request, IOffchainJobs.RequestFault expected) internal view {
        _faultWith(request, _sign(request), expected);
    }

    function _faultWith(
        IOffchainJobs.JobRequest memory request,
        bytes memory signature,
        IOffchainJobs.RequestFault expected
    ) internal view {
        vm.assertEq(uint256(MANAGER.checkRequest(request, signature)), uint256(expected));
    }

    /// @dev The job that a request became in a block with the fixture's price.
    function _jobOf(IOffchainJobs.JobRequest memory request) internal pure returns (IJobManager.Job memory job) {
        job = _job(request.consumer, JobKinds.offchainNonce(request.ordered, request.nonce), request.onchainInput);
        job.offchainInputHash = request.offchainInputHash;
        job.maxCycles = request.maxCycles;
        job.callbackGasLimit = request.callbackGasLimit;
        job.deadlineBlock = request.deadlineBlock;
    }

    function _idOf(IOffchainJobs.JobRequest memory request) internal view returns (bytes32) {
        return _jobId(request.consumer, JobKinds.offchainNonce(request.ordered, request.nonce));
    }
}
