//! The workers.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY};
use ivm_da::{DaError, PayloadStore};
use ivm_primitives::JobInput;
use ivm_zkvm::{ExecuteError, Execution, NoOutcome, Zkvm};
use thiserror::Error;

use crate::{ProgramCache, ProgramError, QueueFull, Task, queue::Queue};

/// How a coprocessor is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoprocessorConfig {
    /// Threads that run jobs. Each may need as much memory as a program's address space, 128 MiB.
    pub workers: usize,
    /// Most jobs that wait.
    pub max_queued_jobs: usize,
}

impl Default for CoprocessorConfig {
    /// One worker for each core but one, and 4,096 jobs.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { workers: cores.saturating_sub(1).max(1), max_queued_jobs: 4096 }
    }
}

/// How a task ended.
#[derive(Debug, Error)]
pub enum TaskEnd {
    /// With an outcome.
    #[error("{} cycles", .0.cycles)]
    Outcome(Execution),
    /// Without a provable outcome: never post anything for it.
    #[error(transparent)]
    NoOutcome(NoOutcome),
    /// It waits for an input: submit the task again when the payload has come.
    #[error("payload {0} is not held yet")]
    MissingPayload(B256),
    /// Its program cannot be had.
    #[error(transparent)]
    Program(ProgramError),
    /// The payload store failed.
    #[error(transparent)]
    Store(DaError),
    /// The node's own fault: the run itself broke. Nothing is posted for it.
    #[error("execution failed: {0}")]
    Broken(String),
}

/// What a worker tells.
#[derive(Debug)]
pub enum Notice {
    /// It took the job.
    Started(B256),
    /// A task ended.
    Ended {
        /// The task, as it was submitted.
        task: Box<Task>,
        /// How.
        end: TaskEnd,
        /// How long it ran.
        run_time: Duration,
    },
}

type Tell = dyn Fn(Notice) + Send + Sync;

/// A pool of workers. Dropping it stops them after the runs under way.
pub struct Coprocessor {
    queue: Arc<Queue>,
    workers: Vec<JoinHandle<()>>,
}

impl Coprocessor {
    /// Starts the workers; `tell` is called from their threads.
    ///
    /// # Errors
    /// The system's, when a thread cannot be started.
    pub fn start(
        config: CoprocessorConfig,
        zkvm: Arc<dyn Zkvm>,
        programs: Arc<ProgramCache>,
        payloads: Arc<PayloadStore>,
        tell: Arc<Tell>,
    ) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::new(config.max_queued_jobs));
        let mut workers = Vec::new();
        for index in 0..config.workers.max(1) {
            let worker = Worker {
                queue: queue.clone(),
                zkvm: zkvm.clone(),
                programs: programs.clone(),
                payloads: payloads.clone(),
                tell: tell.clone(),
            };
            let name = format!("ivm-worker-{index}");
            workers.push(std::thread::Builder::new().name(name).spawn(move || worker.work())?);
        }
        Ok(Self { queue, workers })
    }

    /// Queues a task; one whose job waits or runs already is not queued twice.
    ///
    /// # Errors
    /// [`QueueFull`].
    pub fn submit(&self, task: Task) -> Result<(), QueueFull> {
        self.queue.push(task)
    }

    /// Tasks that wait.
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }
}

impl Drop for Coprocessor {
    fn drop(&mut self) {
        self.queue.close();
        for worker in self.workers.drain(..) {
            // A worker catches panics of what it runs; one that died has nothing to be waited for.
            let _ = worker.join();
        }
    }
}

impl std::fmt::Debug for Coprocessor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coprocessor").field("workers", &self.workers.len()).finish_non_exhaustive()
    }
}

struct Worker {
    queue: Arc<Queue>,
    zkvm: Arc<dyn Zkvm>,
    programs: Arc<ProgramCache>,
    payloads: Arc<PayloadStore>,
    tell: Arc<Tell>,
}

impl Worker {
    fn work(&self) {
        while let Some(task) = self.queue.pop() {
            (self.tell)(Notice::Started(task.job_id));
            let started = Instant::now();
            let end = catch_unwind(AssertUnwindSafe(|| self.run(&task)))
                .unwrap_or_else(|_| TaskEnd::Broken("a worker panicked".into()));
            self.queue.finish(task.job_id);
            (self.tell)(Notice::Ended { task: Box::new(task), end, run_time: started.elapsed() });
        }
    }

    fn run(&self, task: &Task) -> TaskEnd {
        let (onchain, offchain) =
            match (self.payload(task.onchain_input_hash), self.payload(task.offchain_input_hash)) {
                (Ok(onchain), Ok(offchain)) => (onchain, offchain),
                (Err(end), _) | (_, Err(end)) => return end,
            };
        let input = match JobInput::new(onchain, offchain) {
            Ok(input) => input,
            Err(error) => return TaskEnd::Broken(error.to_string()),
        };
        let program = match self.programs.get(task.program_id, task.elf_hash) {
            Ok(program) => program,
            Err(error) => return TaskEnd::Program(error),
        };
        match self.zkvm.execute(&program, &input, task.max_cycles) {
            Ok(execution) => TaskEnd::Outcome(execution),
            Err(ExecuteError::NoOutcome(reason)) => TaskEnd::NoOutcome(reason),
            Err(ExecuteError::Broken(error)) => TaskEnd::Broken(error.to_string()),
        }
    }

    fn payload(&self, hash: B256) -> Result<Bytes, TaskEnd> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytes::new());
        }
        self.payloads.get(hash).map_err(TaskEnd::Store)?.ok_or(TaskEnd::MissingPayload(hash))
    }
}
