//! The executor's own errors; why a run has no outcome is `ISyncJobs.NoOutcome`.

use alloy_sol_types::sol;

sol! {
    /// Only the job manager may call, and itself.
    #[derive(Debug, PartialEq, Eq)]
    error NotJobManager(address got, address expected);

    /// The input is not what the executor takes.
    #[derive(Debug, PartialEq, Eq)]
    error CallMalformed();
}
