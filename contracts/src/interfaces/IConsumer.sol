// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title A contract that asks for jobs and is called back with their outcomes (LP 8.1)
/// @notice `JobManager` calls with the gas the job asked for and ignores what is returned. A call that reverts or runs
/// out of gas hurts nobody else; the outcome stays recorded and `IJobManager.retryDelivery` calls again.
interface IConsumer {
    /// @notice Takes the outcome of a job.
    /// @param jobId The id that `requestJob` returned.
    /// @param status 0 when the program ran to its end, 1 when it panicked.
    /// @param output The program's output, or its panic message.
    function receiveResult(bytes32 jobId, uint8 status, bytes calldata output) external;

    /// @notice Told once that a job passed its deadline without an outcome and was refunded.
    /// @param jobId The id that `requestJob` returned.
    function receiveExpiry(bytes32 jobId) external;
}
