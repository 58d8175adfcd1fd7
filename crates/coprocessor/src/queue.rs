//! The queue between block production and workers.

use std::collections::{HashSet, VecDeque};

use alloy_primitives::B256;
use ivm_primitives::ProgramId;
use parking_lot::{Condvar, Mutex};
use thiserror::Error;

/// A job to run: everything by hash, the bytes are in the payload store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The job.
    pub job_id: B256,
    /// Program to run.
    pub program_id: ProgramId,
    /// keccak256 of the program's ELF, as registered.
    pub elf_hash: B256,
    /// keccak256 of the onchain input.
    pub onchain_input_hash: B256,
    /// keccak256 of the offchain input.
    pub offchain_input_hash: B256,
    /// Most cycles the run may take.
    pub max_cycles: u64,
}

/// The queue holds as many tasks as it may; submit the task again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the job queue is full: it holds {limit} jobs")]
pub struct QueueFull {
    /// Most tasks it may hold.
    pub limit: usize,
}

/// First in, first out; a job that waits already is not queued twice.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    limit: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Task>,
    /// Jobs waiting or running.
    known: HashSet<B256>,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(limit: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), limit }
    }

    pub(crate) fn push(&self, task: Task) -> Result<(), QueueFull> {
        let mut state = self.state.lock();
        if state.known.contains(&task.job_id) {
            return Ok(());
        }
        if state.waiting.len() >= self.limit {
            return Err(QueueFull { limit: self.limit });
        }
        state.known.insert(task.job_id);
        state.waiting.push_back(task);
        self.changed.notify_one();
        Ok(())
    }

    /// The next task; waits for one. `None` when the queue is closed.
    pub(crate) fn pop(&self) -> Option<Task> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(task) = state.waiting.pop_front() {
                return Some(task);
            }
            self.changed.wait(&mut state);
        }
    }

    /// A popped task has ended: it may be queued again from now on.
    pub(crate) fn finish(&self, job_id: B256) {
        self.state.lock().known.remove(&job_id);
    }

    /// Drops what waits and lets every `pop` return.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.waiting.clear();
        self.changed.notify_all();
    }

    pub(crate) fn waiting(&self) -> usize {
        self.state.lock().waiting.len()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn task(index: u8) -> Task {
        Task {
            job_id: B256::repeat_byte(index),
            program_id: B256::ZERO,
            elf_hash: B256::ZERO,
            onchain_input_hash: B256::ZERO,
            offchain_input_hash: B256::ZERO,
            max_cycles: 1,
        }
    }

    #[test]
    fn is_first_in_first_out_and_bounded() {
        let queue = Queue::new(2);
        queue.push(task(1)).unwrap();
        queue.push(task(2)).unwrap();
        assert_eq!(queue.push(task(3)), Err(QueueFull { limit: 2 }));
        assert_eq!(queue.pop().unwrap(), task(1));
        queue.push(task(3)).unwrap();
        assert_eq!(queue.pop().unwrap(), task(2));
        assert_eq!(queue.pop().unwrap(), task(3));
    }

    #[test]
    fn holds_a_job_once_until_it_has_ended() {
        let queue = Queue::new(8);
        queue.push(task(1)).unwrap();
        queue.push(task(1)).unwrap();
        assert_eq!(queue.waiting(), 1);
        queue.pop().unwrap();
        queue.push(task(1)).unwrap();
        assert_eq!(queue.waiting(), 0, "it runs");
        queue.finish(task(1).job_id);
        queue.push(task(1)).unwrap();
        assert_eq!(queue.waiting(), 1);
    }

    #[test]
    fn closing_drops_what_waits() {
        let queue = Queue::new(8);
        queue.push(task(1)).unwrap();
        queue.close();
        assert_eq!(queue.pop(), None);
    }
}
