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
    wait::{WaitOptions, is_included, is_without_result},
};

/// How long a node has to open a stream.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a stream may be silent before it counts as broken.
const STREAM_SILENCE: Duration = Duration::from_secs(60);

/// How long a stream that ended early stays closed.
const REOPEN_INTERVAL: Duration = Duration::from_millis(100);

/// Content type of a stream.
const EVENT_STREAM: &str = "text/event-stream";

/// A job's changes until it is over: delivered, its callback failed, cancelled, expired or refused.
///
/// It listens to the node's server-sent events, and asks again and again where there are none: with a node that has no
/// such streams, or one at an `https` address. A result that a reorg takes away after the job was over is not told:
/// [`Client::wait_for_job`] waits until that cannot happen.
#[derive(Debug)]
pub struct JobWatch<'a> {
    client: &'a Client,
    job_id: B256,
    /// Where the stream is, while it may be that there is one.
    stream_url: Option<String>,
    stream: Option<EventStream>,
    told: Option<JobInfo>,
    is_over: bool,
}

impl Client {
    /// Watches a job, which need not be known yet.
    pub fn watch_job(&self, job_id: B256) -> JobWatch<'_> {
        let base = self.url().trim_end_matches('/');
        let stream_url = base.starts_with("http://").then(|| format!("{base}/v1/jobs/{job_id}/events"));
        JobWatch { client: self, job_id, stream_url, stream: None, told: None, is_over: false }
    }
}

impl<'a> JobWatch<'a> {
    /// The job when it is not as before; `None` once it is over and that was told. After an error, ask again to go on.
    ///
    /// # Errors
    /// [`ClientError::Call`], or [`ClientError::Stream`] for a stream that does not tell of jobs.
    pub async fn next(&mut self) -> Result<Option<JobInfo>, ClientError> {
        while !self.is_over {
            let Some(job) = self.ask().await? else { continue };
            if self.told.as_ref() != Some(&job) {
                self.is_over = is_over(job.state);
                self.told = Some(job.clone());
                return Ok(Some(job));
            }
        }
        Ok(None)
    }

    /// The same as a stream, which ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<JobInfo, ClientError>> + 'a {
        try_unfold(self, |mut watch| async move { Ok(watch.next().await?.map(|job| (job, watch))) })
    }

    /// The job as the stream tells it next, or as it is now.
    async fn ask(&mut self) -> Result<Option<JobInfo>, ClientError> {
        if self.stream.is_none()
            && let Some(url) = &self.stream_url
        {
            self.stream = EventStream::open(url).await;
            if self.stream.is_none() {
                self.stream_url = None;
            }
        }
        if let Some(stream) = &mut self.stream {
            match stream.next_job().await {
                Ok(Some(job)) => return Ok(Some(job)),
                // It ended or broke off: what it did not tell is asked for, and it is opened again.
                Ok(None) => {
                    self.stream = None;
                    sleep(REOPEN_INTERVAL).await;
                }
                Err(error) => {
                    self.stream = None;
                    return Err(error);
                }
            }
        }
        if self.told.is_some() {
            sleep(WaitOptions::default().poll_interval).await;
        }
        let job = self.client.find_job(self.job_id).await?;
        if job.is_none() {
            sleep(WaitOptions::default().poll_interval).await;
        }
        Ok(job)
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
