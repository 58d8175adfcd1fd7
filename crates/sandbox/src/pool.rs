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

/// The workers, those that run generated code apart from those that never do.
///
/// A bug of generated code can only take over a worker of the first kind. What checks its reports, and what makes good
/// its breaks, runs in one of the second.
#[derive(Debug)]
pub(crate) struct Pool {
    // Before the keeper, whose end ends them all.
    recompilers: Places,
    interpreters: Places,
    keeper: Keeper,
    config: SandboxConfig,
    has_recompiler: bool,
}

/// Workers of one kind.
#[derive(Debug)]
struct Places {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug)]
struct State {
    /// What no run uses. A place is empty before its worker's first start and after it has died.
    idle: Vec<Option<WorkerProcess>>,
    waiting: usize,
}

impl Places {
    fn new(workers: usize) -> Self {
        let idle = (0..workers.max(1)).map(|_| None).collect();
        Self { state: Mutex::new(State { idle, waiting: 0 }), freed: Condvar::new() }
    }

    /// Waits for a place.
    fn take(&self, config: &SandboxConfig) -> Result<Place<'_>, BrokenRun> {
        let mut state = self.state.lock();
        if let Some(worker) = state.idle.pop() {
            return Ok(Place { places: self, worker });
        }
        let busy = |waiting| Err(BrokenRun::Busy { waiting });
        if state.waiting >= config.max_waiting_runs {
            return busy(state.waiting);
        }
        let until = Instant::now() + config.max_wait;
        state.waiting += 1;
        loop {
            let timed_out = self.freed.wait_until(&mut state, until).timed_out();
            if let Some(worker) = state.idle.pop() {
                state.waiting -= 1;
                return Ok(Place { places: self, worker });
            }
            if timed_out {
                state.waiting -= 1;
                return busy(state.waiting);
            }
        }
    }
}

/// A place in use; given back when it is dropped, as after a panic too.
struct Place<'a> {
    places: &'a Places,
    worker: Option<WorkerProcess>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.places.state.lock().idle.push(self.worker.take());
        self.places.freed.notify_one();
    }
}

impl Pool {
    /// Starts one worker, to see that it can be confined here; others come as they are needed.
    pub(crate) fn start(config: SandboxConfig) -> Result<Self, String> {
        let keeper = Keeper::new(config.worker.clone(), config.workers).map_err(|error| error.to_string())?;
        let first = keeper.start()?;
        let has_recompiler = first.has_recompiler();
        let (recompilers, interpreters) = (Places::new(config.workers), Places::new(config.workers));
        let pool = Self { recompilers, interpreters, keeper, config, has_recompiler };
        let path = if has_recompiler { Path::Recompiler } else { Path::Interpreter };
        if let Some(place) = pool.places(path).state.lock().idle.last_mut() {
            *place = Some(first);
        }
        Ok(pool)
    }

    const fn places(&self, path: Path) -> &Places {
        match path {
            Path::Recompiler => &self.recompilers,
            Path::Interpreter => &self.interpreters,
        }
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
        let mut place = self.places(path).take(&self.config)?;
        self.run_in(&mut place.worker, path, call)
    }
}
