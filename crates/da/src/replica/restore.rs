//! Brings payloads back.

use std::sync::Arc;

use alloy_primitives::B256;
use futures_util::{StreamExt, stream};

use super::{Remote, ReplicaError, blocking, with_retries};
use crate::{DaError, MAX_PAYLOAD_SIZE_BYTES, PayloadStore};

/// Most objects that a report names; it counts all.
pub const MAX_NAMED_FAILURES: usize = 100;

/// What to bring back, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreOptions {
    /// These payloads; all that are there when `None`.
    pub hashes: Option<Vec<B256>>,
    /// Keeps what is there afterwards to the end of this block. Else a payload that was brought back stays as one that no
    /// block needs, until the node says otherwise.
    pub keep_until_block: Option<u64>,
}

/// How far restoring has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreProgress {
    /// Payloads to look at.
    pub payloads: u64,
    /// Payloads looked at.
    pub done: u64,
    /// Payloads brought back.
    pub restored: u64,
    /// Their bytes.
    pub restored_bytes: u64,
    /// Payloads that were there, and whole.
    pub already_held: u64,
    /// Payloads that could not be brought back, whatever else could.
    pub failed: u64,
}

/// What came of restoring.
#[derive(Debug, Default)]
pub struct RestoreReport {
    /// How far it came: to the end.
    pub progress: RestoreProgress,
    /// The first payloads that could not be brought back, and why: at most [`MAX_NAMED_FAILURES`].
    pub failures: Vec<(B256, ReplicaError)>,
}

enum Restored {
    Brought(u64),
    Held,
}

/// Brings payloads back into a store. Each is read from the service unless the store has it whole, and checked against
/// its hash. A damaged one in the store is replaced. What is wrong with one object, it being missing or not what its
/// key says, does not keep others from coming back; run again, it goes on where it was.
///
/// # Errors
/// What concerns all objects: [`ReplicaError::NoBucket`], [`ReplicaError::Denied`], [`ReplicaError::TooManyListed`],
/// [`ReplicaError::Local`], above all with [`DaError::Full`]; [`ReplicaError::TimedOut`] and
/// [`ReplicaError::Unavailable`] after some attempts.
pub async fn restore(
    store: &Arc<PayloadStore>,
    remote: &Remote,
    options: RestoreOptions,
    mut on_progress: impl FnMut(&RestoreProgress),
) -> Result<RestoreReport, ReplicaError> {
    let unknown_size = MAX_PAYLOAD_SIZE_BYTES as u64;
    let wanted = match options.hashes {
        Some(hashes) => hashes.into_iter().map(|hash| (hash, unknown_size)).collect(),
        None => with_retries(remote, || remote.list()).await?.payloads,
    };
    let (local, destination) = (store.clone(), remote.destination());
    let is_destination = blocking(move || local.is_replicated_to(&destination)).await??;
    let task = Task { store, remote, is_destination, keep_until_block: options.keep_until_block };
    let mut report = RestoreReport::default();
    report.progress.payloads = wanted.len() as u64;
    on_progress(&report.progress);
    let restoring = wanted.into_iter().map(|(hash, size_bytes)| task.restore_one(hash, size_bytes));
    let mut restoring = stream::iter(restoring).buffer_unordered(remote.config().max_concurrency);
    while let Some((hash, outcome)) = restoring.next().await {
        let progress = &mut report.progress;
        match outcome {
            Ok(Restored::Brought(size_bytes)) => {
                progress.restored += 1;
                progress.restored_bytes += size_bytes;
            }
            Ok(Restored::Held) => progress.already_held += 1,
            Err(error) if error.is_of_one_object() => {
                progress.failed += 1;
                if report.failures.len() < MAX_NAMED_FAILURES {
                    report.failures.push((hash, error));
                }
            }
            Err(error) => return Err(error),
        }
        report.progress.done += 1;
        on_progress(&report.progress);
    }
    Ok(report)
}

struct Task<'a> {
    store: &'a Arc<PayloadStore>,
    remote: &'a Remote,
    /// Whether the store's locators point where this comes from.
    is_destination: bool,
    keep_until_block: Option<u64>,
}

impl Task<'_> {
    async fn restore_one(&self, hash: B256, size_bytes: u64) -> (B256, Result<Restored, ReplicaError>) {
        (hash, self.bring(hash, size_bytes).await)
    }

    async fn bring(&self, hash: B256, size_bytes: u64) -> Result<Restored, ReplicaError> {
        let _room = self.remote.room_for(size_bytes).await?;
        let (store, keep_until_block) = (self.store.clone(), self.keep_until_block);
        let keep = move |store: &PayloadStore| match keep_until_block {
            Some(block) => store.keep_until(&[hash], block),
            None => Ok(()),
        };
        let is_held = move || {
            let is_held = is_whole(&store, hash)?;
            if is_held {
                keep(&store)?;
            }
            Ok::<_, DaError>(is_held)
        };
        if blocking(is_held).await?? {
            return Ok(Restored::Held);
        }
        let payload = with_retries(self.remote, || self.remote.get(hash)).await?;
        let size_bytes = payload.len() as u64;
        let (store, is_destination) = (self.store.clone(), self.is_destination);
        let locator = self.remote.locator(hash);
        let take_in = move || {
            store.repair(&payload)?;
            if is_destination {
                store.set_replicated(hash, &locator)?;
            }
            keep(&store)
        };
        blocking(take_in).await??;
        Ok(Restored::Brought(size_bytes))
    }
}

/// Whether the store has a payload, and can give it.
fn is_whole(store: &PayloadStore, hash: B256) -> Result<bool, DaError> {
    match store.get(hash) {
        Ok(payload) => Ok(payload.is_some()),
        Err(DaError::Damaged { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
