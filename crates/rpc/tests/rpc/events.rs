//! A job's states as server-sent events.

use std::time::Duration;

use alloy_primitives::B256;
use ivm_rpc::{IvmError, JobState};
use serde_json::json;

use crate::common::Node;
use crate::common::http::{Connection, SOON};
use crate::common::jobs::{Changes, JOB, Jobs};

const TOLD: Changes = Changes::Told { capacity: 64 };

fn path(job_id: B256) -> String {
    format!("/v1/jobs/{job_id}/events")
}

/// A stream of the job's events, whose head has been taken.
async fn watch(node: &Node) -> Connection {
    let mut connection = Connection::open(node).await;
    let head = connection.events(&path(JOB), "").await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    assert_eq!(head.header("cache-control"), Some("no-store"));
    connection
}

#[tokio::test]
async fn a_stream_tells_each_state_and_ends_after_the_last() {
    for changes in [TOLD, Changes::Untold] {
        let (node, jobs) = Jobs::serve(changes, |config| {
            config.limits.event_poll_interval = Duration::from_millis(5);
        })
        .await;
        let mut stream = watch(&node).await;
        let first = stream.event().await.unwrap();
        assert_eq!(first.data, node.call("ivm_getJob", json!([JOB])).await);
        for state in [JobState::Executing, JobState::Executed] {
            jobs.advance(JOB, |job| job.state = state);
            assert_eq!(stream.state().await.unwrap(), json!(state).as_str().unwrap(), "{changes:?}");
        }
        // Not the state alone: all that is known of the job.
        jobs.advance(JOB, |job| job.cycles = Some(77));
        let event = stream.event().await.unwrap();
        assert_eq!((&event.data["cycles"], &event.data["state"]), (&json!("0x4d"), &json!("executed")));
        assert_ne!(event.id, first.id);
        jobs.advance(JOB, |job| job.state = JobState::Delivered);
        assert_eq!(stream.state().await.as_deref(), Some("delivered"));
        assert_eq!(stream.state().await, None, "the stream ends");
        // The connection goes on.
        assert_eq!(stream.get(&format!("/v1/jobs/{JOB}")).await.json()["state"], "delivered");
    }
}

#[tokio::test]
async fn every_last_state_ends_a_stream_and_no_other_does() {
    use JobState::*;
    let (node, jobs) =
        Jobs::serve(TOLD, |config| config.limits.event_heartbeat = Duration::from_millis(1)).await;
    for state in [Delivered, CallbackFailed, Cancelled, Expired, Refused] {
        jobs.advance(JOB, |job| job.state = state);
        let mut stream = watch(&node).await;
        assert_eq!(stream.state().await.as_deref(), json!(state).as_str());
        assert_eq!(stream.block().await, None, "{state:?}");
    }
    for state in [Pending, Executing, Executed, NoOutcome] {
        jobs.advance(JOB, |job| job.state = state);
        let mut stream = watch(&node).await;
        assert_eq!(stream.state().await.as_deref(), json!(state).as_str());
        assert_eq!(stream.block().await.as_deref(), Some(": alive"), "{state:?}");
    }
}

#[tokio::test]
async fn a_client_that_comes_back_after_the_end_is_told_to_stay_away() {
    let (node, jobs) = Jobs::start().await;
    let mut stream = watch(&node).await;
    let passing = stream.event().await.unwrap().id;
    jobs.advance(JOB, |job| job.state = JobState::Expired);
    let last = stream.event().await.unwrap().id;
    assert_eq!(stream.event().await, None);
    let back = stream.events(&path(JOB), &format!("Last-Event-ID: {last}\r\n")).await;
    assert_eq!(back.status, 204);
    let back = stream.events(&path(JOB), &format!("Last-Event-ID: {passing}\r\n")).await;
    assert_eq!(back.status, 200);
    assert_eq!(stream.state().await.as_deref(), Some("expired"), "it had not seen this one");
}

#[tokio::test]
async fn changes_that_are_lost_on_the_way_are_found_all_the_same() {
    let (node, jobs) = Jobs::serve(Changes::Told { capacity: 1 }, |_| {}).await;
    let mut stream = watch(&node).await;
    assert_eq!(stream.state().await.as_deref(), Some("pending"));
    // Those of other jobs push this one's out.
    jobs.advance(JOB, |job| job.state = JobState::Delivered);
    for _ in 0..1000 {
        jobs.tell(B256::ZERO);
    }
    assert_eq!(stream.state().await.as_deref(), Some("delivered"));

    // A change that is never told is found by looking now and then.
    let (node, jobs) =
        Jobs::serve(TOLD, |config| config.limits.event_heartbeat = Duration::from_millis(5)).await;
    let mut stream = watch(&node).await;
    assert_eq!(stream.state().await.as_deref(), Some("pending"));
    jobs.advance_untold(JOB, |job| job.state = JobState::Delivered);
    assert_eq!(stream.state().await.as_deref(), Some("delivered"));
}

#[tokio::test]
async fn all_streams_together_listen_once() {
    let (node, jobs) = Jobs::start().await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(watch(&node).await);
    }
    assert_eq!(jobs.listeners(), 1);
    jobs.advance(JOB, |job| job.state = JobState::Delivered);
    for stream in &mut streams {
        let mut last = None;
        while let Some(state) = stream.state().await {
            last = Some(state);
        }
        assert_eq!(last.as_deref(), Some("delivered"));
    }
}

#[tokio::test]
async fn a_job_that_cannot_be_looked_at_ends_its_stream_with_the_reason() {
    let (node, jobs) = Jobs::start().await;
    let mut stream = watch(&node).await;
    assert_eq!(stream.state().await.as_deref(), Some("pending"));
    jobs.forget(JOB);
    let event = stream.event().await.unwrap();
    assert_eq!((event.name.as_str(), &event.data["error"]["code"]), ("failure", &json!(-32024)));
    assert_eq!(stream.event().await, None);

    // There never was one, or the node fails from the start: that is said without a stream.
    let mut connection = Connection::open(&node).await;
    let refused = connection.get(&path(B256::ZERO)).await;
    assert_eq!((refused.status, refused.error().0), (404, -32024));
    jobs.refuse(Some(IvmError::Internal("disk".to_owned())));
    let refused = connection.get(&path(JOB)).await;
    assert_eq!((refused.status, refused.error()), (500, (-32603, "internal error: disk".to_owned())));
    jobs.refuse(None);
    assert_eq!(connection.get("/v1/jobs/0x12/events").await.status, 400);
}

#[tokio::test]
async fn a_head_opens_no_stream() {
    let (node, _) = Jobs::serve(TOLD, |config| config.limits.max_event_streams = 1).await;
    let mut connection = Connection::open(&node).await;
    for _ in 0..3 {
        let head = connection.ask("HEAD", &path(JOB), "", &[]).await;
        assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    }
}

/// Opens a stream as soon as there is room.
async fn watch_when_possible(node: &Node) -> Connection {
    let opened = async {
        loop {
            let mut connection = Connection::open(node).await;
            let head = connection.events(&path(JOB), "").await;
            if head.status == 200 {
                return connection;
            }
            assert_eq!(head.status, 503);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, opened).await.expect("places are given back")
}

#[tokio::test]
async fn streams_have_a_limit_and_clients_that_leave_make_room() {
    let (node, _) = Jobs::serve(TOLD, |config| config.limits.max_event_streams = 3).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(watch(&node).await);
    }
    let mut connection = Connection::open(&node).await;
    let refused = connection.get(&path(JOB)).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    let message = "node is busy: streams of events are open, limit 3";
    assert_eq!(refused.error(), (-32026, message.to_owned()));
    let metrics = node.get("/metrics").await.1;
    assert!(metrics.contains("ivm_rpc_event_streams 3"), "{metrics}");
    // Asking for the state goes on.
    assert_eq!(connection.get(&format!("/v1/jobs/{JOB}")).await.status, 200);

    // No event and no heartbeat is needed to see that a client is gone.
    streams.pop();
    let mut stream = watch_when_possible(&node).await;
    assert_eq!(stream.state().await.as_deref(), Some("pending"));
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_dropped_and_makes_room() {
    let (node, jobs) = Jobs::serve(TOLD, |config| {
        config.limits.max_event_streams = 1;
        config.limits.write_timeout = Duration::from_millis(200);
    })
    .await;
    let silent = watch(&node).await;
    let growing = async {
        // More than the system buffers for a client that takes none of it.
        for round in 0_u64.. {
            jobs.advance(JOB, |job| {
                job.cycles = Some(round);
                job.no_outcome_reason = Some("x".repeat(1 << 20));
            });
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        _ = watch_when_possible(&node) => {}
        () = growing => {}
    }
    drop(silent);
}

#[tokio::test]
async fn a_slow_reader_misses_states_but_never_the_last() {
    let (node, jobs) = Jobs::start().await;
    let mut stream = watch(&node).await;
    for round in 0..500_u64 {
        jobs.advance(JOB, |job| {
            job.cycles = Some(round);
            job.no_outcome_reason = Some("x".repeat(1 << 18));
        });
        if round % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    jobs.advance(JOB, |job| job.state = JobState::Refused);
    let mut last = None;
    let mut seen = 0;
    while let Some(event) = stream.event().await {
        let cycles = event.data["cycles"].as_str().map(|hex| u64::from_str_radix(&hex[2..], 16).unwrap());
        assert!(cycles >= last.as_ref().and_then(|(cycles, _)| *cycles), "never an old one after a new one");
        last = Some((cycles, event.data["state"].clone()));
        seen += 1;
    }
    assert_eq!(last, Some((Some(499), json!("refused"))));
    assert!((1..502).contains(&seen), "{seen}");
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams() {
    let (node, _) = Jobs::start().await;
    let mut stream = watch(&node).await;
    assert_eq!(stream.state().await.as_deref(), Some("pending"));
    let started = std::time::Instant::now();
    node.server.stop().await;
    assert!(started.elapsed() < Duration::from_secs(4), "nothing had to be cut off");
    assert_eq!(stream.event().await, None);
}
