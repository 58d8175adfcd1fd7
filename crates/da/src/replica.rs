//! A copy of payloads in object storage that speaks S3 (DESIGN §7).
//!
//! [`Remote`] is a place there: an object per payload, whose key ends in the payload's hash, so that no list of them is
//! needed and nothing that comes back is believed. A [`Replicator`] copies what blocks need, beside the node and never
//! in its way. [`restore`] brings payloads back, and [`verify`] compares.

mod config;
mod error;
mod http;
mod remote;
mod replicator;
mod restore;
mod trust;
mod verify;

pub use config::{DEFAULT_MAX_LISTED_OBJECTS, ReplicaConfig, Secret, Transport, Trust};
pub use error::ReplicaError;
pub use remote::{Listing, Remote};
pub use replicator::{ReplicationFailure, ReplicationStatus, Replicator};
pub use restore::{MAX_NAMED_FAILURES, RestoreOptions, RestoreProgress, RestoreReport, restore};
pub use verify::{Finding, OnFault, VerifyDepth, VerifyReport, verify};

use std::{future::Future, time::Duration};

/// Attempts at one object, when somebody waits for it.
const ATTEMPTS: u32 = 5;

/// Runs what blocks a thread where that may be.
///
/// # Errors
/// [`ReplicaError::Stopped`] when the runtime ends.
async fn blocking<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Result<T, ReplicaError> {
    match tokio::task::spawn_blocking(run).await {
        Ok(value) => Ok(value),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(ReplicaError::Stopped),
    }
}

/// Tries again what failed for a reason that may pass, [`ATTEMPTS`] times in all.
async fn with_retries<T, F>(remote: &Remote, attempt: impl Fn() -> F) -> Result<T, ReplicaError>
where
    F: Future<Output = Result<T, ReplicaError>>,
{
    let mut backoff = Backoff::new(remote.config());
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(error) if error.may_pass() => tokio::time::sleep(backoff.next()).await,
            outcome => return outcome,
        }
    }
    attempt().await
}

/// How long to wait after failures in a row: twice as long each time, up to a cap.
#[derive(Debug)]
struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    fn new(config: &ReplicaConfig) -> Self {
        let (min, max) = (config.min_backoff, config.max_backoff);
        Self { min, max, next: min }
    }

    fn next(&mut self) -> Duration {
        let wait = self.next.min(self.max);
        self.next = wait.saturating_mul(2).min(self.max);
        wait
    }

    fn reset(&mut self) {
        self.next = self.min;
    }
}
