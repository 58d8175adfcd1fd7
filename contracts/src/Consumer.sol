// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { IConsumer } from "./interfaces/IConsumer.sol";
import { IJobManager } from "./interfaces/IJobManager.sol";
import { ISyncJobs } from "./interfaces/ISyncJobs.sol";
import { Commitments } from "./Commitments.sol";
import { Predeploys } from "./Predeploys.sol";

/// @title Base of contracts that ask for jobs (LP 8.1)
/// @notice Ask with `_requestJob`, take the output in `_onResult`. Fees come from this contract's account with the job
/// manager, into which anyone may `deposit`.
abstract contract Consumer is IConsumer {
    IJobManager internal constant JOB_MANAGER = IJobManager(Predeploys.JOB_MANAGER);

    /// @notice Only the job manager calls back.
    error NotJobManager(address got, address expected);

    modifier onlyJobManager() {
        require(msg.sender == address(JOB_MANAGER), NotJobManager(msg.sender, address(JOB_MANAGER)));
        _;
    }

    /// @inheritdoc IConsumer
    function receiveResult(bytes32 jobId, uint8 status, bytes calldata output) external onlyJobManager {
        if (status == Commitments.SUCCESS) _onResult(jobId, output);
        else _onPanic(jobId, output);
    }

    /// @inheritdoc IConsumer
    function receiveExpiry(bytes32 jobId) external onlyJobManager {
        _jobExpired(jobId);
    }

    /// @dev Asks for a job without offchain input, sending the call's value along. See `IJobManager.requestJob`.
    function _requestJob(
        bytes32 programId,
        bytes memory onchainInput,
        uint64 maxCycles,
        uint64 callbackGasLimit,
        uint64 deadlineBlock
    ) internal returns (bytes32 jobId) {
        return _requestJob(programId, onchainInput, Commitments.EMPTY_HASH, maxCycles, callbackGasLimit, deadlineBlock);
    }

    /// @dev Asks for a job, sending the call's value along. See `IJobManager.requestJob`.
    function _requestJob(
        bytes32 programId,
        bytes memory onchainInput,
        bytes32 offchainInputHash,
        uint64 maxCycles,
        uint64 callbackGasLimit,
        uint64 deadlineBlock
    ) internal virtual returns (bytes32 jobId) {
        return JOB_MANAGER.requestJob{ value: msg.value }(
            programId, onchainInput, offchainInputHash, maxCycles, callbackGasLimit, deadlineBlock
        );
    }

    /// @dev Runs a program now, in this transaction. See `ISyncJobs.execute`.
    function _execute(bytes32 programId, bytes memory input, uint64 maxCycles)
        internal
        returns (ISyncJobs.Outcome memory outcome)
    {
        return JOB_MANAGER.execute(programId, input, maxCycles);
    }

    /// @dev The program ran to its end with this output. Reverting leaves the outcome recorded, to be delivered again.
    function _onResult(bytes32 jobId, bytes calldata output) internal virtual;

    /// @dev The program panicked with this message.
    function _onPanic(bytes32 jobId, bytes calldata message) internal virtual { }

    /// @dev The job passed its deadline without an outcome.
    function _jobExpired(bytes32 jobId) internal virtual { }
}
