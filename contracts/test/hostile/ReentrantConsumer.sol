// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import { OpenConsumer } from "../consumers/OpenConsumer.sol";
import { IJobManager } from "../../src/interfaces/IJobManager.sol";

/// @dev Calls back into the job manager from its callback, in every way there is. The callback succeeds only when each
/// attempt met the lock, or was a request for the next job, which is allowed.
contract ReentrantConsumer is OpenConsumer {
    bytes32 public chainedJobId;

    /// @dev An attempt ended as it should not have.
    error Reentered(bytes4 selector);

    function _onResult(bytes32, bytes calldata output) internal override {
        IJobManager.Job memory job;
        IJobManager.JobResult[] memory results;
        job.consumer = address(this);
        if (block.coinbase == address(this)) _expectLocked(abi.encodeCall(IJobManager.submitResults, (results)));
        _expectLocked(abi.encodeCall(IJobManager.retryDelivery, (job, 0, output)));
        _expectLocked(abi.encodeCall(IJobManager.cancelJob, (job)));
        _expectLocked(abi.encodeCall(IJobManager.expireJob, (job)));
        _expectLocked(abi.encodeCall(IJobManager.withdraw, (1, payable(address(this)))));
        if (output.length != 0) {
            chainedJobId = JOB_MANAGER.requestJob(
                abi.decode(output, (bytes32)), "", bytes32(0), 1, 0, uint64(block.number) + DEADLINE_BLOCKS
            );
        }
    }

    function _expectLocked(bytes memory attempt) private {
        (bool ok, bytes memory why) = address(JOB_MANAGER).call(attempt);
        require(
            !ok && bytes4(why) == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector,
            Reentered(bytes4(attempt))
        );
    }
}
