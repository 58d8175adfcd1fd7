//! Copies what blocks need, beside the node.
//!
//! The queue is in the store's index: a restart goes on where it was, and memory holds a page of it. A payload that
//! cannot be copied does not hold up others; a service that cannot be reached is asked again, ever less often, and nobody
//! waits for it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use alloy_primitives::B256;
use futures_util::{StreamExt, stream::FuturesUnordered};
use parking_lot::Mutex;
use tokio::{runtime::Handle, task::JoinHandle};

use super::{Backoff, Remote, ReplicaError, blocking};
use crate::PayloadStore;

/// Payloads that are taken from the queue at once.
const PAGE: usize = 256;

/// What does not work, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicationFailure {
    /// The newest error.
    pub error: String,
    /// When the first of them came, none having succeeded since.
    pub since: SystemTime,
    /// How many came since.
    pub failures: u64,
}

/// How replication stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicationStatus {
    /// Where it goes.
    pub destination: String,
    /// Payloads that wait.
    pub queued: u64,
    /// Payloads held that are replicated.
    pub replicated: u64,
    /// Payloads copied since the start.
    pub copied_payloads: u64,
    /// Bytes copied since the start.
    pub copied_bytes: u64,
    /// The newest error since the start, of now or of before.
    pub last_error: Option<String>,
    /// What does not work now.
    pub failing: Option<ReplicationFailure>,
}

#[derive(Debug, Default)]
struct Progress {
    copied_payloads: u64,
    copied_bytes: u64,
    last_error: Option<String>,
    failing: Option<ReplicationFailure>,
}

/// Copies what blocks need, until it is dropped or stopped.
#[derive(Debug)]
pub struct Replicator {
    store: Arc<PayloadStore>,
    destination: String,
    progress: Arc<Mutex<Progress>>,
    task: JoinHandle<()>,
}

impl Replicator {
    /// Starts copying on a runtime. Nothing that goes wrong ends it.
    pub fn start(runtime: &Handle, store: Arc<PayloadStore>, remote: Arc<Remote>) -> Self {
        let progress = Arc::<Mutex<Progress>>::default();
        let destination = remote.destination();
        let worker = Worker { store: store.clone(), remote, progress: progress.clone() };
        Self { store, destination, progress, task: runtime.spawn(worker.work()) }
    }

    /// How it stands.
    pub fn status(&self) -> ReplicationStatus {
        let totals = self.store.totals();
        let progress = self.progress.lock();
        ReplicationStatus {
            destination: self.destination.clone(),
            queued: totals.queued,
            replicated: totals.replicated,
            copied_payloads: progress.copied_payloads,
            copied_bytes: progress.copied_bytes,
            last_error: progress.last_error.clone(),
            failing: progress.failing.clone(),
        }
    }

    /// Stops, and waits until nothing of it runs any more. What was under way is copied again at the next start.
    pub async fn stop(mut self) {
        self.task.abort();
        // What it ends with is that it was stopped.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Replicator {
    fn drop(&mut self) {
        self.task.abort();
        self.store.stop_replication();
    }
}

struct Worker {
    store: Arc<PayloadStore>,
    remote: Arc<Remote>,
    progress: Arc<Mutex<Progress>>,
}

impl Worker {
    async fn work(self) {
        let mut backoff = Backoff::new(self.remote.config());
        while let Err(error) = self.begin().await {
            self.wait_after(&error, &mut backoff).await;
        }
        let queued = self.store.queued_signal();
        let mut after = None;
        loop {
            match self.copy_page(&mut after).await {
                Ok(0) if after.is_none() => {
                    // What failed was removed.
                    self.progress.lock().failing = None;
                    queued.notified().await;
                }
                // The end; from the start again, where new ones may be, and those that failed.
                Ok(0) => after = None,
                Ok(_) => backoff.reset(),
                Err(error) => self.wait_after(&error, &mut backoff).await,
            }
        }
    }

    async fn begin(&self) -> Result<(), ReplicaError> {
        let (store, destination) = (self.store.clone(), self.remote.destination());
        Ok(blocking(move || store.start_replication(&destination)).await??)
    }

    /// Copies the next page of the queue, and returns how many were tried. At the first error nothing more is begun;
    /// what follows it comes next time, and itself when all others were tried.
    async fn copy_page(&self, after: &mut Option<B256>) -> Result<usize, ReplicaError> {
        let (store, from) = (self.store.clone(), *after);
        let page = blocking(move || store.queue(from, PAGE)).await??;
        let tried = page.len();
        let mut waiting = page.into_iter();
        let (mut under_way, mut failed) = (FuturesUnordered::new(), None);
        loop {
            while failed.is_none() && under_way.len() < self.remote.config().max_concurrency {
                let Some(hash) = waiting.next() else { break };
                *after = Some(hash);
                under_way.push(self.copy(hash));
            }
            match under_way.next().await {
                None => break,
                Some(Ok(size_bytes)) => self.note_success(size_bytes),
                Some(Err(error)) => failed = Some(error),
            }
        }
        failed.map_or(Ok(tried), Err)
    }

    /// Copies one payload; returns its size in bytes.
    async fn copy(&self, hash: B256) -> Result<Option<u64>, ReplicaError> {
        let store = self.store.clone();
        // Removed meanwhile, it is not in the queue any more.
        let Some(info) = blocking(move || store.info(hash)).await?? else { return Ok(None) };
        let _room = self.remote.room_for(info.size_bytes.into()).await?;
        let store = self.store.clone();
        let read = move || match store.get(hash)? {
            None if store.info(hash)?.is_some() => Err(ReplicaError::Lost { hash }),
            payload => Ok(payload),
        };
        let Some(payload) = blocking(read).await?? else { return Ok(None) };
        let size_bytes = payload.len() as u64;
        let locator = self.remote.put_hashed(hash, payload).await?;
        let store = self.store.clone();
        blocking(move || store.set_replicated(hash, &locator)).await??;
        Ok(Some(size_bytes))
    }

    fn note_success(&self, size_bytes: Option<u64>) {
        let mut progress = self.progress.lock();
        let Some(size_bytes) = size_bytes else { return };
        progress.copied_payloads += 1;
        progress.copied_bytes += size_bytes;
        if let Some(failing) = progress.failing.take() {
            let failures = failing.failures;
            tracing::info!(target: "da", "payloads are replicated again, after {failures} failures");
        }
    }

    async fn wait_after(&self, error: &ReplicaError, backoff: &mut Backoff) {
        let wait = backoff.next();
        self.note_failure(error, wait);
        tokio::time::sleep(wait).await;
    }

    fn note_failure(&self, error: &ReplicaError, wait: Duration) {
        let text = error.to_string();
        let mut progress = self.progress.lock();
        match &mut progress.failing {
            Some(failing) => {
                tracing::debug!(target: "da", "payloads are still not replicated: {text}; again in {wait:?}");
                failing.failures += 1;
                failing.error.clone_from(&text);
            }
            failing @ None => {
                tracing::warn!(target: "da", "payloads are not replicated: {text}; it is tried again");
                let since = SystemTime::now();
                *failing = Some(ReplicationFailure { error: text.clone(), since, failures: 1 });
            }
        }
        progress.last_error = Some(text);
    }
}
