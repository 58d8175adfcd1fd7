//! Waiting: for anything, and for a job's result until it is as sure as wanted.

use std::time::Duration;

use alloy_primitives::{B256, U64};
use ivm_rpc_types::{JobInfo, JobState};
use jsonrpsee::rpc_params;
use serde::Deserialize;

use crate::{Client, ClientError};

/// How often the client asks again for what is not there yet.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How long the client asks for a block or a job.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long, and how often, something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitOptions {
    /// Time until [`ClientError::Timeout`].
    pub timeout: Duration,
    /// Time between questions.
    pub poll_interval: Duration,
}

impl Default for WaitOptions {
    /// A minute, and 5 ms: for a node nearby. Ask one far away less often.
    fn default() -> Self {
        Self { timeout: WAIT_TIMEOUT, poll_interval: POLL_INTERVAL }
    }
}

impl WaitOptions {
    /// The usual interval, with this timeout.
    pub fn with_timeout(timeout: Duration) -> Self {
        Self { timeout, ..Self::default() }
    }
}

/// How sure a job's result has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Certainty {
    /// The node has run the job; no block carries the result yet.
    Executed,
    /// A block carries the result. A reorg can still remove it.
    Included,
    /// The block tagged `safe` is that block, or comes after it.
    Safe,
    /// The block tagged `finalized` is that block, or comes after it.
    Finalized,
}

impl Certainty {
    /// The tag of the block that a result must not be above.
    pub(crate) const fn tag(self) -> Option<&'static str> {
        match self {
            Self::Executed | Self::Included => None,
            Self::Safe => Some("safe"),
            Self::Finalized => Some("finalized"),
        }
    }
}

/// Whether a block carries the job's result.
pub(crate) const fn is_included(state: JobState) -> bool {
    matches!(state, JobState::Delivered | JobState::CallbackFailed)
}

/// Whether the job will have no result.
pub(crate) const fn is_without_result(state: JobState) -> bool {
    !is_included(state) && !matches!(state, JobState::Pending | JobState::Executing | JobState::Executed)
}

impl Client {
    /// A job, once `wanted` holds for it.
    ///
    /// # Errors
    /// [`ClientError::Call`] or [`ClientError::Timeout`].
    pub async fn job(&self, job_id: B256, wanted: impl Fn(&JobInfo) -> bool) -> Result<JobInfo, ClientError> {
        poll(&format!("wanted state of job {job_id}"), WaitOptions::default(), async || {
            Ok(self.find_job(job_id).await?.filter(&wanted))
        })
        .await
    }

    /// A job, once its result is as sure as wanted.
    ///
    /// It survives reorgs: a job or a result that a reorg removed is waited for again. A callback that failed is a
    /// result too, as the outcome is recorded: see the job's state.
    ///
    /// # Errors
    /// [`ClientError::JobEnded`] as soon as the job has ended without a result; [`ClientError::Call`] or
    /// [`ClientError::Timeout`].
    pub async fn wait_for_job(
        &self,
        job_id: B256,
        certainty: Certainty,
        options: WaitOptions,
    ) -> Result<JobInfo, ClientError> {
        poll(&format!("job {job_id} ({certainty:?})"), options, async || {
            // The tag before the job: a result at or below it that is still there afterwards is one the tag covers.
            let bound = match certainty.tag() {
                Some(tag) => Some(self.block_number(tag).await?),
                None => None,
            };
            let Some(job) = self.find_job(job_id).await? else { return Ok(None) };
            if is_without_result(job.state) {
                return Err(ClientError::JobEnded {
                    job_id,
                    state: job.state,
                    reason: job.no_outcome_reason.unwrap_or_else(|| "no reason given".into()),
                });
            }
            Ok(is_certain(&job, certainty, bound).then_some(job))
        })
        .await
    }

    /// Number of the block with a tag: `latest`, `safe` or `finalized`.
    ///
    /// # Errors
    /// [`ClientError::Call`].
    pub async fn block_number(&self, tag: &str) -> Result<u64, ClientError> {
        #[derive(Deserialize)]
        struct Numbered {
            number: U64,
        }
        let block: Numbered = self.request("eth_getBlockByNumber", rpc_params![tag, false]).await?;
        Ok(block.number.to())
    }
}

/// Whether the result is as sure as wanted, when those up to block `bound` are.
pub(crate) fn is_certain(job: &JobInfo, certainty: Certainty, bound: Option<u64>) -> bool {
    match certainty {
        Certainty::Executed => job.outcome.is_some(),
        Certainty::Included => is_included(job.state),
        Certainty::Safe | Certainty::Finalized => {
            is_included(job.state) && job.result_block.zip(bound).is_some_and(|(block, bound)| block <= bound)
        }
    }
}

/// Asks until there is an answer.
pub(crate) async fn poll<T>(
    what: &str,
    options: WaitOptions,
    ask: impl AsyncFn() -> Result<Option<T>, ClientError>,
) -> Result<T, ClientError> {
    let polling = async {
        loop {
            if let Some(value) = ask().await? {
                return Ok(value);
            }
            tokio::time::sleep(options.poll_interval).await;
        }
    };
    let timed_out = |_| ClientError::Timeout { what: what.into(), timeout_ms: options.timeout.as_millis() };
    tokio::time::timeout(options.timeout, polling).await.map_err(timed_out)?
}
