// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import { Consumer } from "./Consumer.sol";

/// @title Base of contracts whose state lives offchain, behind a chain of state roots (LP 8.1)
/// @notice Each job starts from the current root and yields the next. Asking again supersedes a job that is under way,
/// so a job that never ends, or whose outcome cannot be applied, does not block the app.
/// @dev The program reads `abi.encode(bytes32 previousStateRoot, bytes appInput)` and outputs
/// `abi.encode(bytes32 newStateRoot, bytes appOutput)`.
abstract contract StatefulConsumer is Consumer {
    /// @notice Root of the app's state.
    bytes32 public stateRoot;

    /// @notice The job that may move the root. It started from the current one: nothing else moves it.
    bytes32 public latestJobId;

    /// @notice The root moved.
    event StateAdvanced(bytes32 indexed jobId, bytes32 previousStateRoot, bytes32 newStateRoot);

    /// @notice The job started from a root that was superseded.
    error StaleJob(bytes32 got, bytes32 expected);

    /// @dev Asks for the next state. `offchainInputHash` as in `IJobManager.requestJob`.
    function _requestTransition(
        bytes32 programId,
        bytes memory appInput,
        bytes32 offchainInputHash,
        uint64 maxCycles,
        uint64 callbackGasLimit,
        uint64 deadlineBlock
    ) internal returns (bytes32 jobId) {
        bytes memory onchainInput = abi.encode(stateRoot, appInput);
        jobId = _requestJob(programId, onchainInput, offchainInputHash, maxCycles, callbackGasLimit, deadlineBlock);
        latestJobId = jobId;
    }

    /// @dev The root has moved; do what the app's part of the output says.
    function _onTransition(bytes32 jobId, bytes memory appOutput) internal virtual;

    /// @inheritdoc Consumer
    function _onResult(bytes32 jobId, bytes calldata output) internal override {
        require(jobId == latestJobId, StaleJob(jobId, latestJobId));
        (bytes32 newStateRoot, bytes memory appOutput) = abi.decode(output, (bytes32, bytes));
        emit StateAdvanced(jobId, stateRoot, newStateRoot);
        stateRoot = newStateRoot;
        _onTransition(jobId, appOutput);
    }
}
