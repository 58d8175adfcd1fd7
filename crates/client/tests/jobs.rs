//! Waiting for jobs, watching them, and reading what came of them.

mod common;

use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolValue;
use common::{Answers, client_of, delivered, job};
use futures_util::TryStreamExt;
use ivm_client::{Certainty, ClientError, JobChange, JobDraft, JobNonce, JobResult, Numbering, WaitOptions};
use ivm_rpc_types::{JobInfo, JobState};
use serde_json::{Value, json};

const JOB_ID: B256 = B256::repeat_byte(1);

fn info(json: Value) -> JobInfo {
    serde_json::from_value(json).expect("a job")
}

fn now(json: Value) -> JobChange {
    JobChange::Now(Box::new(info(json)))
}

fn event(job: &Value) -> String {
    format!("event: state\ndata: {job}\n\n")
}

#[tokio::test]
async fn a_result_that_a_reorg_removed_is_waited_for_again() {
    let jobs = [delivered(9), Value::Null, job("pending"), delivered(12), delivered(12)];
    let (client, _) =
        client_of(Answers { jobs: jobs.into(), blocks: [5, 8, 9, 11, 12].into(), ..Default::default() })
            .await;
    let job = client.wait_for_job(JOB_ID, Certainty::Finalized, WaitOptions::default()).await.expect("final");
    assert_eq!(job.result_block, Some(12));
    assert_eq!(job.decode::<U256>().expect("a number"), U256::from(42));
}

#[tokio::test]
async fn a_result_above_the_tag_is_not_sure() {
    let (client, _) =
        client_of(Answers { jobs: [delivered(9)].into(), blocks: [8].into(), ..Default::default() }).await;
    let soon = WaitOptions::with_timeout(Duration::from_millis(100));
    let waited = client.wait_for_job(JOB_ID, Certainty::Safe, soon).await;
    assert!(matches!(waited, Err(ClientError::Timeout { timeout_ms: 100, .. })), "{waited:?}");
    let included = client.wait_for_job(JOB_ID, Certainty::Included, soon).await.expect("included");
    assert_eq!(included.result_block, Some(9));
}

#[tokio::test]
async fn an_executed_job_is_enough_where_it_is_asked_for() {
    let mut executed = delivered(9);
    executed["state"] = json!("executed");
    executed["resultBlock"] = Value::Null;
    let (client, _) =
        client_of(Answers { jobs: [job("pending"), executed].into(), ..Default::default() }).await;
    let job =
        client.wait_for_job(JOB_ID, Certainty::Executed, WaitOptions::default()).await.expect("executed");
    assert_eq!(job.state, JobState::Executed);
}

#[tokio::test]
async fn a_job_that_ends_without_a_result_is_not_waited_for() {
    for ended in ["noOutcome", "cancelled", "expired"] {
        let mut job = job(ended);
        job["noOutcomeReason"] = json!("out of cycles");
        let (client, _) = client_of(Answers { jobs: [job].into(), ..Default::default() }).await;
        let waited = client.wait_for_job(JOB_ID, Certainty::Included, WaitOptions::default()).await;
        let Err(ClientError::JobEnded { reason, .. }) = waited else { panic!("{ended}: {waited:?}") };
        assert_eq!(reason, "out of cycles");
    }
}

#[tokio::test]
async fn changes_come_from_the_stream_and_the_job_is_not_asked_for() {
    let stream = [job("pending"), job("pending"), job("executing"), delivered(9)].iter().map(event).collect();
    let (client, answers) = client_of(Answers { streams: [stream].into(), ..Default::default() }).await;
    let told: Vec<_> = client.watch_job(JOB_ID).into_stream().try_collect().await.expect("told");
    assert_eq!(told, [job("pending"), job("executing"), delivered(9)].map(now));
    let asked = answers.lock().expect("no panic").asked.split_off(2);
    assert_eq!(asked, [format!("/v1/jobs/{JOB_ID}/events")]);
}

#[tokio::test]
async fn a_stream_that_ends_early_is_opened_again() {
    let streams = [event(&job("pending")), event(&delivered(9))].into();
    let (client, _) =
        client_of(Answers { streams, jobs: [job("executing")].into(), ..Default::default() }).await;
    let mut watch = client.watch_job(JOB_ID);
    let mut states = Vec::new();
    while let Some(change) = watch.next().await.expect("told") {
        states.extend(change.job().map(|job| job.state));
    }
    assert_eq!(states, [JobState::Pending, JobState::Executing, JobState::Delivered]);
}

#[tokio::test]
async fn a_node_without_streams_is_asked_again_and_again() {
    let jobs = [Value::Null, job("pending"), job("pending"), job("expired")].into();
    let (client, answers) = client_of(Answers { jobs, ..Default::default() }).await;
    let told: Vec<_> = client.watch_job(JOB_ID).into_stream().try_collect().await.expect("told");
    assert_eq!(told, [job("pending"), job("expired")].map(now));
    let asked = &answers.lock().expect("no panic").asked;
    assert_eq!(asked.iter().filter(|asked| asked.starts_with("/v1")).count(), 1, "{asked:?}");
}

#[tokio::test]
async fn garbage_in_the_stream_is_an_error_and_watching_can_go_on() {
    let streams = ["event: state\ndata: {\n\n".to_owned(), event(&delivered(9))].into();
    let (client, _) = client_of(Answers { streams, ..Default::default() }).await;
    let mut watch = client.watch_job(JOB_ID);
    assert!(matches!(watch.next().await, Err(ClientError::Stream { .. })));
    assert_eq!(watch.next().await.expect("told"), Some(now(delivered(9))));
    assert_eq!(watch.next().await.expect("told"), None);
}

/// Watches without streams; gives all that is told.
async fn watched_until(certainty: Certainty, jobs: Vec<Value>, blocks: &[u64]) -> Vec<JobChange> {
    let blocks = blocks.iter().copied().collect();
    let (client, _) = client_of(Answers { jobs: jobs.into(), blocks, ..Default::default() }).await;
    let watch = client.watch_job_until(JOB_ID, certainty);
    watch.into_stream().try_collect().await.expect("told")
}

#[tokio::test]
async fn a_result_that_a_reorg_takes_away_is_told_to_be_gone_and_the_next_is_watched_until_it_is_sure() {
    let jobs = vec![job("pending"), delivered(9), delivered(9), job("pending"), delivered(11)];
    let told = watched_until(Certainty::Finalized, jobs, &[8, 8, 10, 11]).await;
    assert_eq!(told, [job("pending"), delivered(9), job("pending"), delivered(11)].map(now));
}

#[tokio::test]
async fn a_job_whose_request_a_reorg_takes_away_is_told_to_be_gone() {
    let jobs = vec![delivered(9), Value::Null, Value::Null, job("pending"), delivered(12)];
    let told = watched_until(Certainty::Safe, jobs, &[8, 12]).await;
    assert_eq!(told, [now(delivered(9)), JobChange::Gone, now(job("pending")), now(delivered(12))]);
}

#[tokio::test]
async fn a_job_that_ended_without_a_result_is_watched_until_that_is_sure() {
    let jobs = vec![job("expired"), job("expired"), job("pending"), job("expired")];
    // The tag, the head, the tag; then the job is open again; then the tag, the head, the tag.
    let told = watched_until(Certainty::Finalized, jobs, &[19, 20, 19, 19, 22, 21, 22]).await;
    assert_eq!(told, [job("expired"), job("pending"), job("expired")].map(now));
    let refused = watched_until(Certainty::Finalized, vec![job("refused")], &[0]).await;
    assert_eq!(refused, [now(job("refused"))], "it was never in a block");
}

#[tokio::test]
async fn a_stream_is_opened_again_when_its_last_state_was_not_the_last() {
    let streams = [event(&delivered(9)), event(&job("pending")) + &event(&delivered(12))].into();
    let jobs = [delivered(9), job("pending"), delivered(12)].into();
    let blocks = [8, 8, 12].into();
    let (client, answers) = client_of(Answers { streams, jobs, blocks, ..Default::default() }).await;
    let watch = client.watch_job_until(JOB_ID, Certainty::Safe);
    let told: Vec<_> = watch.into_stream().try_collect().await.expect("told");
    assert_eq!(told, [delivered(9), job("pending"), delivered(12)].map(now));
    let asked = &answers.lock().expect("no panic").asked;
    assert_eq!(asked.iter().filter(|asked| asked.starts_with("/v1")).count(), 2, "{asked:?}");
}

#[test]
fn outcomes_are_read_as_types() {
    let job = info(delivered(9));
    assert_eq!(job.decode::<U256>().expect("a number"), U256::from(42));
    assert!(matches!(job.decode::<(U256, U256)>(), Err(ClientError::Abi(_))));
    assert!(matches!(job.decode::<String>(), Err(ClientError::Abi(_))));

    let mut pair = delivered(9);
    pair["outcome"]["data"] =
        json!(alloy_primitives::Bytes::from((U256::ONE, "one".to_owned()).abi_encode()));
    assert_eq!(info(pair).decode::<(U256, String)>().expect("a pair"), (U256::ONE, "one".into()));

    let mut panicked = delivered(9);
    panicked["outcome"]["status"] = json!("panicked");
    panicked["outcome"]["data"] = json!("0x6e6f");
    let decoded = info(panicked).decode::<U256>();
    assert!(matches!(&decoded, Err(ClientError::Panicked { message }) if message == "no"), "{decoded:?}");
    assert!(matches!(info(self::job("pending")).output(), Err(ClientError::NoOutcome { .. })));
}

#[tokio::test]
async fn a_draft_that_says_everything_becomes_a_request_without_questions() {
    let (client, answers) = client_of(Answers::default()).await;
    let draft = JobDraft {
        onchain_input: vec![1, 2].into(),
        offchain_input: Some(vec![3].into()),
        numbering: Numbering::Ordered(17),
        max_cycles: Some(5),
        deadline_block: Some(6),
        max_fee_wei: Some(U256::from(7)),
        ..JobDraft::new(Address::repeat_byte(2), B256::repeat_byte(3), 4)
    };
    let request = client.prepare_job_request(&draft).await.expect("whole");
    assert_eq!(answers.lock().expect("no panic").asked.len(), 2, "only what connecting asks");
    assert_eq!((request.ordered, request.nonce, request.maxCycles, request.deadlineBlock), (true, 17, 5, 6));
    assert_eq!(request.offchainInputHash, alloy_primitives::keccak256([3]));
    assert_eq!((request.feePayer, request.maxFeeWei), (draft.consumer, U256::from(7)));

    let signed = client.sign_job_request(request.clone()).expect("signed");
    let signature = alloy_primitives::Signature::try_from(signed.signature.as_ref()).expect("65 bytes");
    let digest = ivm_client::digest(&request, client.chain_id());
    assert_eq!(signature.recover_address_from_prehash(&digest).expect("a signer"), client.address());
    let submitted = client.submit_job(&signed, None).await.expect("taken");
    assert_eq!((submitted.job_id, submitted.state), (B256::repeat_byte(7), JobState::Pending));

    let too_large = JobDraft { numbering: Numbering::Unordered(JobNonce::NUMBERS), ..draft };
    let refused = client.prepare_job_request(&too_large).await;
    assert!(matches!(refused, Err(ClientError::NumberTooLarge(JobNonce::NUMBERS))), "{refused:?}");
}
