//! Who waits for changes of which job. One task hears of all changes, and wakes those whom they concern.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use parking_lot::Mutex;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

/// The jobs that somebody waits for.
#[derive(Default)]
pub(crate) struct JobWatch {
    state: Mutex<State>,
}

#[derive(Default)]
enum State {
    /// The node tells of no changes, so everybody has to look.
    #[default]
    Polled,
    /// Those who wait, by job.
    Told(HashMap<B256, watch::Sender<()>>),
}

impl JobWatch {
    /// Starts to listen: whoever watches from now on will be told. What is given must be run.
    pub(crate) fn listen(
        self: &Arc<Self>,
        changes: broadcast::Receiver<B256>,
    ) -> impl Future<Output = ()> + Send + 'static {
        *self.state.lock() = State::Told(HashMap::new());
        Arc::clone(self).follow(changes)
    }

    /// Wakes those who wait, for as long as the node tells.
    async fn follow(self: Arc<Self>, mut changes: broadcast::Receiver<B256>) {
        loop {
            let changed = match changes.recv().await {
                Ok(job_id) => Some(job_id),
                // What was missed may have been anybody's.
                Err(RecvError::Lagged(_)) => None,
                Err(RecvError::Closed) => break,
            };
            if let State::Told(jobs) = &*self.state.lock() {
                match changed {
                    Some(job_id) => jobs.get(&job_id).into_iter().for_each(wake),
                    None => jobs.values().for_each(wake),
                }
            }
        }
        *self.state.lock() = State::Polled;
    }

    /// Watches a job.
    pub(crate) fn watch(self: &Arc<Self>, job_id: B256) -> Watcher {
        let changed = match &mut *self.state.lock() {
            State::Polled => None,
            State::Told(jobs) => {
                Some(jobs.entry(job_id).or_insert_with(|| watch::Sender::new(())).subscribe())
            }
        };
        Watcher { watch: Arc::clone(self), job_id, changed }
    }
}

fn wake(waiting: &watch::Sender<()>) {
    waiting.send_replace(());
}

/// Somebody who waits for changes of a job.
pub(crate) struct Watcher {
    watch: Arc<JobWatch>,
    job_id: B256,
    changed: Option<watch::Receiver<()>>,
}

impl Watcher {
    /// The job.
    pub(crate) const fn job_id(&self) -> B256 {
        self.job_id
    }

    /// Returns when the job may have changed since this was called last, or since it is watched: when the node says so,
    /// or after a while where it does not.
    pub(crate) async fn changed(&mut self, poll_interval: Duration) {
        if let Some(changed) = &mut self.changed {
            if changed.changed().await.is_ok() {
                return;
            }
            self.changed = None;
        }
        tokio::time::sleep(poll_interval).await;
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.changed = None;
        if let State::Told(jobs) = &mut *self.watch.state.lock()
            && jobs.get(&self.job_id).is_some_and(|waiting| waiting.receiver_count() == 0)
        {
            jobs.remove(&self.job_id);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const JOB: B256 = B256::repeat_byte(1);
    const OTHER: B256 = B256::repeat_byte(2);
    /// Longer than any test runs.
    const NEVER: Duration = Duration::from_secs(3600);

    /// Waits until the watcher is woken.
    async fn woken(watcher: &mut Watcher) {
        let soon = Duration::from_secs(20);
        tokio::time::timeout(soon, watcher.changed(NEVER)).await.expect("it is woken");
    }

    fn watched(watch: &JobWatch) -> usize {
        match &*watch.state.lock() {
            State::Polled => panic!("it listens"),
            State::Told(jobs) => jobs.len(),
        }
    }

    #[tokio::test]
    async fn those_whom_a_change_concerns_are_woken_and_no_others() {
        let watch = Arc::new(JobWatch::default());
        let (sender, receiver) = broadcast::channel(8);
        tokio::spawn(watch.listen(receiver));
        let (mut one, mut two, mut other) = (watch.watch(JOB), watch.watch(JOB), watch.watch(OTHER));
        sender.send(JOB).unwrap();
        woken(&mut one).await;
        woken(&mut two).await;
        let quiet = tokio::time::timeout(Duration::from_millis(20), other.changed(NEVER)).await;
        assert!(quiet.is_err());
        drop(one);
        assert_eq!(watched(&watch), 2);
        drop((two, other));
        assert_eq!(watched(&watch), 0, "what nobody waits for is not kept");
    }

    #[tokio::test]
    async fn a_change_before_one_waits_is_not_missed() {
        let watch = Arc::new(JobWatch::default());
        let (sender, receiver) = broadcast::channel(8);
        let mut watcher_of_later = {
            let follow = watch.listen(receiver);
            let watcher = watch.watch(JOB);
            sender.send(JOB).unwrap();
            tokio::spawn(follow);
            watcher
        };
        tokio::task::yield_now().await;
        woken(&mut watcher_of_later).await;
    }

    #[tokio::test]
    async fn whoever_lags_is_woken_for_everything() {
        let watch = Arc::new(JobWatch::default());
        let (sender, receiver) = broadcast::channel(1);
        let mut watcher = {
            let follow = watch.listen(receiver);
            let watcher = watch.watch(JOB);
            // The job's own change is pushed out by another's.
            sender.send(JOB).unwrap();
            sender.send(OTHER).unwrap();
            tokio::spawn(follow);
            watcher
        };
        woken(&mut watcher).await;
    }

    #[tokio::test]
    async fn without_word_from_the_node_one_looks_now_and_then() {
        let watch = Arc::new(JobWatch::default());
        let mut watcher = watch.watch(JOB);
        watcher.changed(Duration::from_millis(1)).await;
        // The same when the node stops telling.
        let (sender, receiver) = broadcast::channel(1);
        let follow = watch.listen(receiver);
        let mut watcher = watch.watch(JOB);
        drop(sender);
        follow.await;
        watcher.changed(Duration::from_millis(1)).await;
        watcher.changed(Duration::from_millis(1)).await;
    }
}
