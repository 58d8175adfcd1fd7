//! Starts worker processes, not too many too fast.
//!
//! A thread of its own does it, because a worker is killed when the thread that started it ends: this one lives as long
//! as the pool.

use std::{
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{WorkerCommand, process::WorkerProcess};

/// Time after which one more process may be started. A start takes some milliseconds of a core.
const START_INTERVAL: Duration = Duration::from_millis(250);

/// Starts at once that the pool's size does not account for.
const SPARE_STARTS: u32 = 8;

type Started = Result<WorkerProcess, String>;

/// The starter thread. Dropping it ends the thread, and so every worker.
#[derive(Debug)]
pub(crate) struct Keeper {
    orders: Option<Sender<SyncSender<Started>>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn new(command: WorkerCommand, workers: usize) -> std::io::Result<Self> {
        let (orders, receiver) = channel();
        let burst = u32::try_from(workers).unwrap_or(u32::MAX).saturating_add(SPARE_STARTS);
        let thread = std::thread::Builder::new()
            .name("ivm-worker-start".into())
            .spawn(move || keep(&command, &StartLimit::new(burst, Instant::now()), &receiver))?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }

    /// Starts a process; waits while too many were started lately.
    pub(crate) fn start(&self) -> Started {
        let (reply, started) = sync_channel(1);
        let gone = || "the starter thread has ended".to_owned();
        self.orders.as_ref().ok_or_else(gone)?.send(reply).map_err(|_| gone())?;
        started.recv().map_err(|_| gone())?
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // It has no panics to tell of.
            let _ = thread.join();
        }
    }
}

fn keep(command: &WorkerCommand, limit: &StartLimit, orders: &Receiver<SyncSender<Started>>) {
    let mut limit = limit.clone();
    while let Ok(reply) = orders.recv() {
        std::thread::sleep(limit.take(Instant::now()));
        // Nobody waits any more when the caller has ended; the worker ends with its value then.
        let _ = reply.send(WorkerProcess::start(command));
    }
}

/// A number of starts at once, then one for each [`START_INTERVAL`].
#[derive(Clone, Debug)]
struct StartLimit {
    burst: u32,
    /// When the next start of an endless row would be due; as far back as a burst goes at most.
    due: Instant,
}

impl StartLimit {
    fn new(burst: u32, now: Instant) -> Self {
        Self { burst: burst.max(1), due: now }
    }

    /// Takes a start, and tells how long to wait before it.
    fn take(&mut self, now: Instant) -> Duration {
        // A start may come `allowance` before it is due.
        let allowance = START_INTERVAL * (self.burst - 1);
        self.due = self.due.max(now);
        let wait = self.due.saturating_duration_since(now).saturating_sub(allowance);
        self.due += START_INTERVAL;
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_starts_come_at_their_interval() {
        let now = Instant::now();
        let mut limit = StartLimit::new(3, now);
        assert_eq!([(); 3].map(|()| limit.take(now)), [Duration::ZERO; 3]);
        assert_eq!(limit.take(now), START_INTERVAL);
        assert_eq!(limit.take(now + START_INTERVAL), START_INTERVAL);
        let later = now + 100 * START_INTERVAL;
        assert_eq!([(); 3].map(|()| limit.take(later)), [Duration::ZERO; 3]);
        assert_eq!(limit.take(later), START_INTERVAL, "rest does not add up beyond a burst");
    }

    #[test]
    fn a_program_that_is_not_there_is_told() {
        let command = WorkerCommand { program: "/nonexistent/worker".into(), arguments: Vec::new() };
        let keeper = Keeper::new(command, 1);
        let message = keeper.map(|keeper| keeper.start().err());
        assert!(matches!(message, Ok(Some(message)) if message.contains("/nonexistent/worker")));
    }
}
