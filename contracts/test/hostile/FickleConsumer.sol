// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Commitments } from "../../src/Commitments.sol";
import { OffchainRequester } from "../../src/OffchainRequester.sol";
import { IJobManager } from "../../src/interfaces/IJobManager.sol";
import { IOffchainJobs } from "../../src/interfaces/IOffchainJobs.sol";

/// @dev A consumer that does in its callback, and in the check of a signature, whatever it is told to.
contract FickleConsumer is OffchainRequester {
    enum Manner {
        Takes,
        TakesAndAsksForMore,
        TakesAndRunsMore,
        Reverts,
        Burns,
        ReturnsBomb,
        RevertsWithBomb,
        Reenters
    }

    enum Answer {
        Yes,
        No,
        Reverts,
        Loops,
        ReturnsBomb
    }

    uint256 private constant BOMB_SIZE_BYTES = 64 * 1024;
    bytes32 private constant PROGRAM_ID = keccak256("program");

    Manner public manner;
    Answer public answer;
    uint256 public taken;

    error Refused();

    function tell(Manner manner_, Answer answer_) external {
        manner = manner_;
        answer = answer_;
    }

    function request(uint64 maxCycles, uint64 callbackGasLimit, uint64 deadlineBlock) external payable {
        _requestJob(PROGRAM_ID, "input", maxCycles, callbackGasLimit, deadlineBlock);
    }

    function _onResult(bytes32, bytes calldata output) internal override {
        Manner current = manner;
        if (current == Manner.Reverts) revert Refused();
        if (current == Manner.Burns) _burn();
        if (current == Manner.ReturnsBomb || current == Manner.RevertsWithBomb) {
            _explode(current == Manner.ReturnsBomb);
        }
        if (current == Manner.Reenters) _reenter(output);
        if (current == Manner.TakesAndAsksForMore) {
            JOB_MANAGER.requestJob(PROGRAM_ID, "", Commitments.EMPTY_HASH, 1, 0, uint64(block.number) + 1);
            JOB_MANAGER.approve(msg.sender, type(uint256).max);
        }
        if (current == Manner.TakesAndRunsMore) _execute(PROGRAM_ID, output, 1000);
        ++taken;
    }

    function _isSignedForUs(bytes32, bytes calldata) internal view override returns (bool) {
        Answer current = answer;
        if (current == Answer.Reverts) revert Refused();
        if (current == Answer.Loops) _burn();
        if (current == Answer.ReturnsBomb) _explode(true);
        return current == Answer.Yes;
    }

    /// @dev Everything that moves ether or closes jobs; succeeds when any of it does.
    function _reenter(bytes calldata output) private {
        IJobManager.Job memory job;
        job.consumer = address(this);
        bytes[6] memory attempts = [
            abi.encodeCall(IJobManager.submitResults, (new IJobManager.JobResult[](0))),
            abi.encodeCall(IOffchainJobs.submitOffchainResults, (new IOffchainJobs.OffchainResult[](0))),
            abi.encodeCall(IJobManager.retryDelivery, (job, 0, output)),
            abi.encodeCall(IJobManager.cancelJob, (job)),
            abi.encodeCall(IJobManager.expireJob, (job)),
            abi.encodeCall(IJobManager.withdraw, (1, payable(address(this))))
        ];
        for (uint256 i; i < attempts.length; ++i) {
            (bool ok,) = address(JOB_MANAGER).call(attempts[i]);
            if (ok) return;
        }
        revert Refused();
    }

    function _burn() private pure {
        assembly ("memory-safe") {
            invalid()
        }
    }

    function _explode(bool returns_) private pure {
        assembly ("memory-safe") {
            if returns_ { return(0, BOMB_SIZE_BYTES) }
            revert(0, BOMB_SIZE_BYTES)
        }
    }
}
