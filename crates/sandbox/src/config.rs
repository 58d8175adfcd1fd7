//! How a sandbox is set up.

use std::{ffi::OsString, path::PathBuf, time::Duration};

/// How a worker process is started. The process id of the node is added as the last argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The executable.
    pub program: PathBuf,
    /// Arguments before the node's process id.
    pub arguments: Vec<OsString>,
}

impl WorkerCommand {
    /// This very executable, with a subcommand that calls [`worker_main`](crate::worker_main). It stays the same one
    /// when the file on disk is replaced.
    pub fn this_executable(subcommand: &str) -> Self {
        Self { program: "/proc/self/exe".into(), arguments: vec![subcommand.into()] }
    }
}

/// How long a worker may take to answer. It is a safety net and decides no outcome: what limits a run is its cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// What any run gets.
    pub floor: Duration,
    /// What it gets besides, for each million of its most cycles.
    pub per_million_cycles: Duration,
}

impl Deadline {
    /// The time that a run of at most `max_cycles` gets.
    pub fn of(&self, max_cycles: u64) -> Duration {
        let millions = u32::try_from(max_cycles.div_ceil(1_000_000)).unwrap_or(u32::MAX);
        self.floor.saturating_add(self.per_million_cycles.saturating_mul(millions))
    }
}

impl Default for Deadline {
    /// 20 s, and 2 µs for each cycle. The slowest instructions, Keccak-f and SHA-512 compression, take about half a
    /// microsecond in the interpreter; all others a hundredth of that.
    fn default() -> Self {
        Self { floor: Duration::from_secs(20), per_million_cycles: Duration::from_secs(2) }
    }
}

/// Which runs are made again by the interpreter, to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// A program's first run of at most so many cycles is checked.
    pub first_run_max_cycles: u64,
    /// Of all others one in so many is, whichever; 0 for none.
    pub one_in: u64,
}

impl Default for Checks {
    /// The first run of at most 100 million cycles (about half a second of the interpreter), and one in 1,024: at ten
    /// times the recompiler's time for a run, that costs 1 % of it.
    fn default() -> Self {
        Self { first_run_max_cycles: 100_000_000, one_in: 1024 }
    }
}

/// How a sandbox is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxConfig {
    /// How a worker is started.
    pub worker: WorkerCommand,
    /// Most worker processes, each running one program at a time. They are started as they are needed.
    pub workers: usize,
    /// Most runs that wait for a worker; further ones are refused.
    pub max_waiting_runs: usize,
    /// Longest that a run waits for a worker.
    pub max_wait: Duration,
    /// How long a worker may take.
    pub deadline: Deadline,
    /// Which runs are checked.
    pub checks: Checks,
}

impl SandboxConfig {
    /// So many workers, with default limits: 1,024 waiting runs, for ten minutes each.
    pub fn new(worker: WorkerCommand, workers: usize) -> Self {
        Self {
            worker,
            workers: workers.max(1),
            max_waiting_runs: 1024,
            max_wait: Duration::from_secs(600),
            deadline: Deadline::default(),
            checks: Checks::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_grows_with_the_cycles_and_never_overflows() {
        let deadline = Deadline::default();
        assert_eq!(deadline.of(0), Duration::from_secs(20));
        assert_eq!(deadline.of(1), Duration::from_secs(22));
        assert_eq!(deadline.of(1_000_000_000), Duration::from_secs(2020));
        assert!(deadline.of(u64::MAX) > deadline.of(1 << 50));
    }
}
