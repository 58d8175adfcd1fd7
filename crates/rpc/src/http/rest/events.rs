//! A job's states as they change, as server-sent events (HTML standard, 9.2).
//!
//! Nothing is kept for a client that reads slowly: the job is looked at when the connection takes more, so that such a
//! client sees fewer states in between, and never an old one after a new one. The last it always sees.

use std::convert::Infallible;
use std::sync::Arc;

use alloy_primitives::{hex, keccak256};
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CACHE_CONTROL, HeaderValue};
use hyper::{Method, Request, StatusCode};
use jsonrpsee::server::{HttpBody, HttpResponse, StopHandle};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::Context;
use super::error::RestError;
use super::jobs::{found, hash};
use crate::http::page;
use crate::ivm::{IvmError, JobInfo, Watcher};
use crate::metrics::Counted;

const EVENTS: &str = "text/event-stream";
/// What a client that was cut off says that it saw last.
const LAST_EVENT_ID: &str = "last-event-id";
/// How long a client that was cut off waits before it comes back.
const RECONNECT_MS: u64 = 1000;
/// Says nothing but that the stream lives.
const HEARTBEAT: &str = ": alive\n\n";

/// `GET /v1/jobs/{id}/events`
pub(super) async fn open(
    context: &Context,
    id: &str,
    request: &Request<Incoming>,
) -> Result<HttpResponse, RestError> {
    let job_id = hash("job id", id)?;
    let limits = &context.api.config.limits;
    let place = Arc::clone(&context.api.streams).try_acquire_owned();
    let busy = IvmError::Busy { what: "streams of events are open", limit: limits.max_event_streams };
    let place = place.map_err(|_| busy)?;
    // Before the job is looked at, so that no change is missed.
    let watcher = context.api.jobs.watch(job_id);
    let state = State::of(&found(context, job_id).await?)?;
    let seen = request.headers().get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    if state.kind == Kind::Last && seen == Some(state.id.as_str()) {
        // The client came back after the end. This status, of all, ends it for good.
        return Ok(page(StatusCode::NO_CONTENT, EVENTS, ""));
    }
    if *request.method() == Method::HEAD {
        return Ok(stream_of(HttpBody::empty()));
    }
    let events = Events {
        context: context.clone(),
        watcher,
        next: Next::State(state, format!("retry: {RECONNECT_MS}\n")),
        seen: String::new(),
        told_at: Instant::now(),
        _held: (place, context.api.metrics.event_stream()),
    };
    let frames = stream::unfold(events, |mut events| async move {
        let text = events.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(text))), events))
    });
    Ok(stream_of(HttpBody::new(StreamBody::new(frames))))
}

fn stream_of(body: HttpBody) -> HttpResponse {
    let mut response = page(StatusCode::OK, EVENTS, body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // For proxies that would hold events back until there are more.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Passing,
    Last,
}

/// A state to tell.
struct State {
    json: String,
    /// Tells it from others.
    id: String,
    kind: Kind,
}

impl State {
    fn of(job: &JobInfo) -> Result<Self, RestError> {
        let json = serde_json::to_string(job).map_err(|error| RestError::Unwritable(error.to_string()))?;
        let id = hex::encode(&keccak256(&json)[..8]);
        Ok(Self { json, id, kind: if job.state.is_last() { Kind::Last } else { Kind::Passing } })
    }
}

/// What a stream does when it is asked for more.
enum Next {
    /// Tells this, after these other lines.
    State(State, String),
    /// Waits for a change.
    Wait,
    End,
}

/// One client's stream.
struct Events {
    context: Context,
    watcher: Watcher,
    next: Next,
    /// Which state was told last.
    seen: String,
    /// When anything was told last.
    told_at: Instant,
    _held: (OwnedSemaphorePermit, Counted),
}

/// What a stream waited for.
enum Woken {
    Changed,
    Silent,
    Stopped,
}

impl Events {
    /// What to send next, as soon as there is anything.
    async fn next(&mut self) -> Option<String> {
        loop {
            match std::mem::replace(&mut self.next, Next::Wait) {
                Next::End => return None,
                Next::State(state, before) => return Some(self.tell(&state, &before)),
                Next::Wait => {}
            }
            let woken = self.wait().await;
            if matches!(woken, Woken::Stopped) {
                return None;
            }
            match self.look().await {
                Ok(state) if state.id != self.seen => self.next = Next::State(state, String::new()),
                Ok(_) if matches!(woken, Woken::Silent) => {
                    self.told_at = Instant::now();
                    return Some(HEARTBEAT.to_owned());
                }
                Ok(_) => {}
                Err(error) => {
                    self.next = Next::End;
                    let body = error.into_body().0;
                    return Some(format!("event: failure\ndata: {body}\n\n"));
                }
            }
        }
    }

    fn tell(&mut self, state: &State, before: &str) -> String {
        if state.kind == Kind::Last {
            self.next = Next::End;
        }
        self.seen.clone_from(&state.id);
        self.told_at = Instant::now();
        format!("{before}event: state\nid: {}\ndata: {}\n\n", state.id, state.json)
    }

    async fn wait(&mut self) -> Woken {
        let limits = &self.context.api.config.limits;
        let poll_interval = limits.event_poll_interval;
        let heartbeat = self.told_at + limits.event_heartbeat;
        let stopped = StopHandle::shutdown(self.context.connection.stop.clone());
        tokio::select! {
            () = self.watcher.changed(poll_interval) => Woken::Changed,
            () = tokio::time::sleep_until(heartbeat) => Woken::Silent,
            () = stopped => Woken::Stopped,
        }
    }

    async fn look(&self) -> Result<State, RestError> {
        State::of(&found(&self.context, self.watcher.job_id()).await?)
    }
}
