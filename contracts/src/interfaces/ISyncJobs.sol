// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title Jobs that run inside the transaction that asks for them (LP 8.1)
/// @notice Every node that executes the block runs the program. The outcome is claimed like that of any other job and
/// can be challenged like it; a frame that reverts takes its claims with it. Gas is the only price.
interface ISyncJobs {
    /// @notice What a run yields.
    /// @param status 0 when the program ran to its end, 1 when it panicked.
    /// @param output The program's output, or its panic message.
    struct Outcome {
        uint8 status;
        bytes output;
    }

    /// @notice Why a run has no outcome that could be claimed.
    enum NoOutcomeReason {
        Trapped,
        OutOfCycles,
        ExitCode,
        Malformed,
        InputDoesNotFit
    }

    /// @notice A contract ran a job. `ClaimPosted` follows.
    event JobExecuted(
        bytes32 indexed jobId,
        address indexed consumer,
        bytes32 indexed programId,
        uint64 nonce,
        uint64 maxCycles,
        uint8 status,
        bytes input,
        bytes output
    );

    /// @notice The block has fewer cycles left for runs inside transactions.
    error SyncBudgetExceeded(uint64 got, uint64 left);

    /// @notice The run has no outcome: nothing is claimed.
    error NoOutcome(bytes32 programId, NoOutcomeReason reason);

    /// @notice The gas given does not pay for the run.
    error ExecutionOutOfGas();

    /// @notice What executes this chain runs no programs: there is nothing at the executor's address.
    error ExecutorMissing(address executor);

    /// @notice Runs a program, here and now. Can be called as often as the block's budget of cycles allows, from any
    /// frame that may change state, callbacks included.
    /// @param programId A registered program.
    /// @param input The onchain input; there is no offchain input.
    /// @param maxCycles Most cycles the run may take.
    /// @return outcome What it yields. A panic is an outcome; a run without one reverts with `NoOutcome`.
    function execute(bytes32 programId, bytes calldata input, uint64 maxCycles)
        external
        returns (Outcome memory outcome);
}
