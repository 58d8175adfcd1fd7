//! The errors that the executor reverts with, as `ISyncJobs` knows them.

use alloy_sol_types::sol;

sol! {
    /// Why a run has no outcome.
    #[derive(Debug, PartialEq, Eq)]
    enum NoOutcomeReason {
        /// It did what no proof can show.
        Trapped,
        /// It did not end within its cycles.
        OutOfCycles,
        /// It ended with another exit code than 0.
        ExitCode,
        /// It left no outcome.
        Malformed,
        /// Program and input do not fit into memory.
        InputDoesNotFit,
    }

    /// The run ends without a provable outcome.
    #[derive(Debug, PartialEq, Eq)]
    error NoOutcome(bytes32 programId, NoOutcomeReason reason);

    /// Only the job manager may call, and itself.
    #[derive(Debug, PartialEq, Eq)]
    error NotJobManager(address got, address expected);

    /// The input is not what the executor takes.
    #[derive(Debug, PartialEq, Eq)]
    error CallMalformed();
}
