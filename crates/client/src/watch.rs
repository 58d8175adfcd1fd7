//! A job's changes, as they come.

use std::time::Duration;

use alloy_primitives::B256;
use futures_util::stream::{Stream, try_unfold};
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request,
    body::{Bytes, Incoming},
    header::{ACCEPT, CONTENT_TYPE},
};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use ivm_rpc_types::{JobInfo, JobState};
use tokio::time::{sleep, timeout};

use crate::{
    Client, ClientError,
    sse::Parser,
    wait::{Certainty, WaitOptions, is_certain, is_included, is_without_result},
};

/// How long a node has to open a stream.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a stream may be silent before it counts as broken.
const STREAM_SILENCE: Duration = Duration::from_secs(60);

/// How long a stream that ended early stays closed.
const REOPEN_INTERVAL: Duration = Duration::from_millis(100);

/// How often a job that is over is asked for until it is sure to be.
const SURE_INTERVAL: Duration = Duration::from_millis(100);

/// Content type of a stream.
const EVENT_STREAM: &str = "text/event-stream";

/// What a watched job has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobChange {
    /// The job as it is now. After a reorg that may be a state that was before.
    Now(Box<JobInfo>),
    /// The node does not know the job any more: a reorg took away the block that asked for it. It may come into another.
    Gone,
}

impl JobChange {
    /// The job, when the node knows it.
    pub fn job(&self) -> Option<&JobInfo> {
        match self {
            Self::Now(job) => Some(job),
            Self::Gone => None,
        }
    }
}

/// A job's changes until it is over (delivered, its callback failed, cancelled, expired or refused) and that is as sure as
/// wanted.
///
/// It listens to the node's server-sent events, and asks again and again where there are none: with a node that has no
/// such streams, or one at an `https` address. Every change is told, also one to a state that was before: when a reorg
/// takes a result away, the next change is a job without it.
#[derive(Debug)]
pub struct JobWatch<'a> {
    client: &'a Client,
    job_id: B256,
    certainty: Certainty,
    /// Where the stream is, while it may be that there is one.
    stream_url: Option<String>,
    stream: Option<EventStream>,
    told: Option<JobInfo>,
    /// A block that is not before the one that ended the job without a result.
    ended_by: Option<u64>,
    is_over: bool,
}

/// The job as it was found.
struct Found {
    job: Option<JobInfo>,
    is_sure: bool,
}

impl Client {
    /// Watches a job, which need not be known yet, until it is over.
    pub fn watch_job(&self, job_id: B256) -> JobWatch<'_> {
        self.watch_job_until(job_id, Certainty::Included)
    }

    /// Watches a job, which need not be known yet, until its end is as sure as wanted. For [`Certainty::Executed`] that is
    /// when the node has run it, or a block carries an end.
    pub fn watch_job_until(&self, job_id: B256, certainty: Certainty) -> JobWatch<'_> {
        let base = self.url().trim_end_matches('/');
        let stream_url = base.starts_with("http://").then(|| format!("{base}/v1/jobs/{job_id}/events"));
        let (stream, told, ended_by) = (None, None, None);
        JobWatch { client: self, job_id, certainty, stream_url, stream, told, ended_by, is_over: false }
    }
}

impl<'a> JobWatch<'a> {
    /// What changed; `None` once the job is over and that was told. After an error, ask again to go on.
    ///
    /// # Errors
    /// [`ClientError::Call`], or [`ClientError::Stream`] for a stream that does not tell of jobs.
    pub async fn next(&mut self) -> Result<Option<JobChange>, ClientError> {
        while !self.is_over {
            let Found { job, is_sure } = self.find().await?;
            self.is_over = is_sure;
            if self.told != job {
                self.told.clone_from(&job);
                return Ok(Some(job.map_or(JobChange::Gone, |job| JobChange::Now(Box::new(job)))));
            }
        }
        Ok(None)
    }

    /// The same as a stream, which ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<JobChange, ClientError>> + 'a {
        try_unfold(self, |mut watch| async move { Ok(watch.next().await?.map(|change| (change, watch))) })
    }

    /// The job as the stream tells it next, or as it is now. While it is over and not yet sure to be, there is no stream.
    async fn find(&mut self) -> Result<Found, ClientError> {
        let was_over = self.told.as_ref().is_some_and(|job| is_over(job.state));
        if !was_over && let Some(job) = self.streamed().await? {
            let is_sure = self.is_sure(&job, None);
            return Ok(Found { job: Some(job), is_sure });
        }
        if was_over {
            sleep(SURE_INTERVAL).await;
        } else if self.told.is_some() {
            sleep(WaitOptions::default().poll_interval).await;
        }
        // The tag before the job: a result at or below it that is still there afterwards is one the tag covers.
        let bound = match self.certainty.tag().filter(|_| was_over) {
            Some(tag) => Some(self.client.block_number(tag).await?),
            None => None,
        };
        let Some(job) = self.client.find_job(self.job_id).await? else {
            sleep(WaitOptions::default().poll_interval).await;
            return Ok(Found { job: None, is_sure: false });
        };
        if self.told.as_ref() != Some(&job) {
            self.ended_by = None;
        } else if self.ended_by.is_none() && is_over(job.state) && !is_included(job.state) {
            self.ended_by = Some(self.client.block_number("latest").await?);
        }
        let is_sure = self.is_sure(&job, bound);
        Ok(Found { job: Some(job), is_sure })
    }

    /// What the stream tells next; `None` when there is none.
    async fn streamed(&mut self) -> Result<Option<JobInfo>, ClientError> {
        if self.stream.is_none()
            && let Some(url) = &self.stream_url
        {
            self.stream = EventStream::open(url).await;
            if self.stream.is_none() {
                self.stream_url = None;
            }
        }
        let Some(stream) = &mut self.stream else { return Ok(None) };
        let told = stream.next_job().await;
        // When it ended or broke off, what it did not tell is asked for, and it is opened again. It ends with the job.
        let goes_on = matches!(&told, Ok(Some(job)) if !is_over(job.state));
        if !goes_on {
            self.stream = None;
        }
        if matches!(told, Ok(None)) {
            sleep(REOPEN_INTERVAL).await;
        }
        told
    }

    /// Whether the job's end is as sure as wanted, when blocks up to `bound` are.
    fn is_sure(&self, job: &JobInfo, bound: Option<u64>) -> bool {
        if !is_over(job.state) || is_included(job.state) {
            return is_certain(job, self.certainty, bound);
        }
        // What was refused was never in a block.
        let needs_block = self.certainty.tag().is_some() && job.state != JobState::Refused;
        !needs_block || self.ended_by.zip(bound).is_some_and(|(block, bound)| block <= bound)
    }
}

/// Whether nothing becomes of a job any more, reorgs left aside. One without an outcome expires later.
fn is_over(state: JobState) -> bool {
    is_included(state) || (is_without_result(state) && state != JobState::NoOutcome)
}

/// An open stream of a job's changes.
#[derive(Debug)]
struct EventStream {
    body: Incoming,
    parser: Parser,
}

impl EventStream {
    /// Opens it; `None` when the node has none there.
    async fn open(url: &str) -> Option<Self> {
        let request = Request::get(url).header(ACCEPT, EVENT_STREAM).body(Empty::<Bytes>::new()).ok()?;
        let http: HttpClient<HttpConnector, _> = HttpClient::builder(TokioExecutor::new()).build_http();
        let response = timeout(OPEN_TIMEOUT, http.request(request)).await.ok()?.ok()?;
        let is_stream = response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM.as_bytes()));
        (response.status().is_success() && is_stream)
            .then(|| Self { body: response.into_body(), parser: Parser::default() })
    }

    /// The next job it tells; `None` when it ended, broke off or was silent for too long.
    async fn next_job(&mut self) -> Result<Option<JobInfo>, ClientError> {
        let failed = |reason: String| ClientError::Stream { reason };
        loop {
            while let Some(event) = self.parser.next_event() {
                if event.name == "state" {
                    return Ok(Some(
                        serde_json::from_str(&event.data).map_err(|error| failed(error.to_string()))?,
                    ));
                }
            }
            let Ok(Some(Ok(frame))) = timeout(STREAM_SILENCE, self.body.frame()).await else {
                return Ok(None);
            };
            if let Some(bytes) = frame.data_ref() {
                self.parser.feed(bytes).map_err(|_| failed("an event is over 1 MiB".into()))?;
            }
        }
    }
}
