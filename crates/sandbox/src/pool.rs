//! A bounded number of workers, and runs that wait for one.

use std::time::Instant;

use ivm_engine::{BrokenRun, Call, Report};
use parking_lot::{Condvar, Mutex};

use crate::{
    SandboxConfig,
    keeper::Keeper,
    policy::Runner,
    process::{CallError, WorkerProcess},
    wire::Path,
};

/// Workers found dead before one that is alive is given up for. They die between runs only when something kills them.
const MAX_DEAD_WORKERS: usize = 4;

/// The workers.
#[derive(Debug)]
pub(crate) struct Pool {
    // Before the keeper, whose end ends them all.
    state: Mutex<State>,
    freed: Condvar,
    keeper: Keeper,
    config: SandboxConfig,
    has_recompiler: bool,
}

#[derive(Debug)]
struct State {
    /// What no run uses. A place is empty before its worker's first start and after it has died.
    places: Vec<Option<WorkerProcess>>,
    waiting: usize,
}

impl Pool {
    /// Starts one worker, to see that it can be confined here; others come as they are needed.
    pub(crate) fn start(config: SandboxConfig) -> Result<Self, String> {
        let keeper = Keeper::new(config.worker.clone(), config.workers).map_err(|error| error.to_string())?;
        let first = keeper.start()?;
        let has_recompiler = first.has_recompiler();
        let mut places: Vec<_> = (1..config.workers.max(1)).map(|_| None).collect();
        places.push(Some(first));
        let state = Mutex::new(State { places, waiting: 0 });
        Ok(Self { state, freed: Condvar::new(), keeper, config, has_recompiler })
    }

    /// Waits for a place.
    fn take(&self) -> Result<Option<WorkerProcess>, BrokenRun> {
        let mut state = self.state.lock();
        if let Some(place) = state.places.pop() {
            return Ok(place);
        }
        let busy = |waiting| Err(BrokenRun::Busy { waiting });
        if state.waiting >= self.config.max_waiting_runs {
            return busy(state.waiting);
        }
        let until = Instant::now() + self.config.max_wait;
        state.waiting += 1;
        loop {
            let timed_out = self.freed.wait_until(&mut state, until).timed_out();
            if let Some(place) = state.places.pop() {
                state.waiting -= 1;
                return Ok(place);
            }
            if timed_out {
                state.waiting -= 1;
                return busy(state.waiting);
            }
        }
    }

    fn give_back(&self, place: Option<WorkerProcess>) {
        self.state.lock().places.push(place);
        self.freed.notify_one();
    }

    /// Makes the run with the worker of a place, which is left empty when the worker has died.
    fn run_in(
        &self,
        place: &mut Option<WorkerProcess>,
        path: Path,
        call: &Call<'_>,
    ) -> Result<Report, BrokenRun> {
        let limit = self.config.deadline.of(call.max_cycles);
        for _ in 0..MAX_DEAD_WORKERS {
            let worker = match place {
                Some(worker) => worker,
                None => place.insert(self.keeper.start().map_err(BrokenRun::NotStarted)?),
            };
            match worker.run(call, path, limit) {
                Ok(report) => return Ok(report),
                Err(error) => {
                    *place = None;
                    match error {
                        CallError::Gone => tracing::warn!("a worker was found dead, and is replaced"),
                        CallError::Broken(broken) => return Err(broken),
                    }
                }
            }
        }
        Err(BrokenRun::NotStarted("each was dead before it had the run".into()))
    }
}

impl Runner for Pool {
    fn has_recompiler(&self) -> bool {
        self.has_recompiler
    }

    fn run(&self, path: Path, call: &Call<'_>) -> Result<Report, BrokenRun> {
        // A guard, so that a panic does not lose the place.
        let mut place = Place { pool: self, worker: self.take()? };
        self.run_in(&mut place.worker, path, call)
    }
}

struct Place<'a> {
    pool: &'a Pool,
    worker: Option<WorkerProcess>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pool.give_back(self.worker.take());
    }
}
