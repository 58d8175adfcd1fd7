//! Replication, against a service that does everything wrong that services do.
#![allow(clippy::unwrap_used)]

mod common;

use std::{sync::Arc, time::Duration};

use alloy_primitives::{B256, Bytes, hex, keccak256};
use common::{
    SECRET_KEY, STORE_SIZE_BYTES, assert_holds, config, keep, payload, remote, replicate,
    service::{Fault, Service},
    store_with, until, until_done,
};
use ivm_da::{
    DaError, PayloadStore, Replica, Retention,
    replica::{
        Finding, OnFault, ReplicaConfig, ReplicaError, RestoreOptions, RestoreProgress, VerifyDepth,
        VerifyReport, restore, verify,
    },
};

async fn restore_all(store: &Arc<PayloadStore>, service: &Service) -> RestoreProgress {
    let remote = remote(config(&service.endpoint()));
    let report = restore(store, &remote, RestoreOptions::default(), |_| {}).await.unwrap();
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    report.progress
}

#[tokio::test]
async fn what_blocks_need_is_copied_as_it_comes() {
    let service = Service::start().await;
    let remote = remote(config(&service.endpoint()));
    let (store, hashes) = store_with(&[0, 1, 5_000, 300_000]);
    let unpaid = store.put(&payload(99, 10)).unwrap();
    let replicator = replicate(&store, &remote);
    let status = until_done(&replicator).await;
    assert_eq!((status.replicated, status.copied_payloads, status.copied_bytes), (4, 4, 305_001));
    assert_eq!((status.failing, status.last_error), (None, None));
    for hash in &hashes {
        assert_eq!(keccak256(service.get(*hash).unwrap()), *hash);
        let locator = format!("s3://bucket/test/payloads/{}", hex::encode(hash));
        assert_eq!(store.locator(*hash).unwrap(), Some(locator));
    }
    assert_eq!(service.get(unpaid), None);
    store.keep_until(&[unpaid], 5).unwrap();
    assert_eq!(until(&replicator, |status| status.replicated == 5).await.copied_payloads, 5);
}

#[tokio::test]
async fn no_more_is_under_way_than_was_asked_for() {
    let service = Service::start().await;
    let remote = remote(ReplicaConfig { max_concurrency: 3, ..config(&service.endpoint()) });
    let (store, _) = store_with(&[100; 40]);
    until_done(&replicate(&store, &remote)).await;
    let most = service.most_at_once();
    assert!((2..=3).contains(&most), "{most} at once");
}

#[tokio::test]
async fn a_service_that_fails_is_asked_again_until_it_does_not() {
    let service = Service::start().await;
    let remote =
        remote(ReplicaConfig { request_timeout: Duration::from_millis(300), ..config(&service.endpoint()) });
    let faults: [(Fault, &str); 7] = [
        (Fault::Status(500, b"<Error><Code>InternalError</Code></Error>".to_vec()), "500"),
        (Fault::Status(507, b"no space left".to_vec()), "no space left"),
        (Fault::Status(503, b"<Error><Code>SlowDown</Code></Error>".to_vec()), "SlowDown"),
        (
            Fault::Status(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>".to_vec()),
            "refuses the credentials",
        ),
        (
            Fault::Status(404, b"<Error><Code>NoSuchBucket</Code></Error>".to_vec()),
            "bucket bucket is not there",
        ),
        (Fault::Stall, "not done within 300ms"),
        (Fault::Raw(b"this is not HTTP\r\n\r\n".to_vec()), "payloads"),
    ];
    for (round, (fault, words)) in faults.into_iter().enumerate() {
        service.fail("payloads", fault);
        let store = Arc::new(PayloadStore::in_memory(STORE_SIZE_BYTES));
        let replicator = replicate(&store, &remote);
        // Other than in the rounds before.
        let hash = store.put(&payload(1_000 + round as u64, 100)).unwrap();
        store.keep_until(&[hash], 9).unwrap();
        let status =
            until(&replicator, |status| status.failing.as_ref().is_some_and(|now| now.failures >= 3)).await;
        let failing = status.failing.unwrap();
        assert!(failing.error.contains(words), "{}", failing.error);
        assert_eq!((status.queued, status.replicated), (1, 0));
        // The store does not care.
        assert!(store.get(hash).unwrap().is_some());
        service.mend();
        let status = until_done(&replicator).await;
        assert_eq!(status.failing, None);
        assert!(status.last_error.unwrap().contains(words));
        assert!(service.get(hash).is_some());
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_waited_for() {
    let service = Service::start().await;
    let endpoint = service.endpoint();
    drop(service);
    let (store, _) = store_with(&[10]);
    let replicator = replicate(&store, &remote(config(&endpoint)));
    let status = until(&replicator, |status| status.failing.is_some()).await;
    assert_eq!(status.queued, 1);
    replicator.stop().await;
}

#[tokio::test]
async fn a_payload_that_is_refused_holds_up_no_other() {
    let service = Service::start().await;
    let (store, mut hashes) = store_with(&[10; 20]);
    hashes.sort_unstable();
    service.fail(&hex::encode(hashes[0]), Fault::Status(400, b"not this one".to_vec()));
    let replicator = replicate(&store, &remote(config(&service.endpoint())));
    let status = until(&replicator, |status| status.queued == 1 && status.failing.is_some()).await;
    assert!(status.failing.unwrap().error.contains("not this one"));
    assert_eq!(store.queue(None, 10).unwrap(), [hashes[0]]);
    let late = store.put(&payload(77, 10)).unwrap();
    store.keep_until(&[late], 9).unwrap();
    until(&replicator, |status| status.replicated == 20).await;
    store.remove(hashes[0]).unwrap();
    assert_eq!(until(&replicator, |status| status.failing.is_none()).await.queued, 0);
}

#[tokio::test]
async fn what_is_damaged_here_is_not_copied_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start().await;
    let remote = remote(config(&service.endpoint()));
    let store = Arc::new(PayloadStore::open(folder.path(), STORE_SIZE_BYTES).unwrap());
    let hashes = keep(&store, &[100, 200, 300]);
    let file = |hash: B256| folder.path().join(hex::encode(hash));
    std::fs::write(file(hashes[0]), b"short").unwrap();
    std::fs::remove_file(file(hashes[1])).unwrap();
    let replicator = replicate(&store, &remote);
    until(&replicator, |status| status.replicated == 1 && status.failing.is_some()).await;
    assert_eq!(service.objects(), 1, "nothing but what its hash says is sent");
    drop(replicator);
    for (seed, size) in [(1, 100), (2, 200)] {
        remote.put(&payload(seed, size)).await.unwrap();
    }
    let progress = restore_all(&store, &service).await;
    assert_eq!((progress.restored, progress.restored_bytes, progress.already_held), (2, 300, 1));
    assert_holds(&store, &hashes);
    let info = store.info(hashes[0]).unwrap().unwrap();
    assert_eq!(info.retention, Retention::Kept { last_block: 1_000_000 }, "it stays as long as before");
    assert_eq!(info.replica, Replica::Stored);
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(PayloadStore::open(folder.path(), STORE_SIZE_BYTES).unwrap());
    let service = Service::start().await;
    let config = ReplicaConfig { max_concurrency: 2, ..config(&service.endpoint()) };
    let store = open();
    keep(&store, &[50; 60]);
    let replicator = replicate(&store, &remote(config.clone()));
    until(&replicator, |status| status.copied_payloads >= 10).await;
    replicator.stop().await;
    drop(store);
    let store = open();
    let before = store.totals();
    assert!(before.replicated >= 10 && before.queued + before.replicated == 60, "{before:?}");
    let replicator = replicate(&store, &remote(config.clone()));
    until_done(&replicator).await;
    assert_eq!(service.objects(), 60);
    // What was under way when it stopped may have come twice.
    assert!((60..=62).contains(&service.requests("PUT")), "{}", service.requests("PUT"));
    replicator.stop().await;
    let elsewhere = ReplicaConfig { bucket: "bucket2".into(), ..config };
    until(&replicate(&store, &remote(elsewhere)), |status| status.copied_payloads == 60).await;
    assert_eq!(service.objects(), 120, "another place gets everything");
}

#[tokio::test]
async fn what_comes_back_is_what_its_hash_says_or_an_error() {
    let service = Service::start().await;
    let config = ReplicaConfig { request_timeout: Duration::from_secs(2), ..config(&service.endpoint()) };
    let remote = remote(config);
    let whole = payload(1, 10_000);
    let hash = keccak256(&whole);
    let key = Service::key(hash);
    let refused = remote.get(hash).await.unwrap_err();
    assert!(matches!(refused, ReplicaError::NotFound { .. }), "{refused}");
    service.set(&key, whole.to_vec());
    assert_eq!(remote.get(hash).await.unwrap(), whole);
    for wrong in [whole[..9_999].to_vec(), Vec::new(), payload(2, 10_000).to_vec()] {
        service.set(&key, wrong.clone());
        let refused = remote.get(hash).await.unwrap_err();
        let ReplicaError::WrongBytes { got, expected, .. } = refused else { panic!("{refused}") };
        assert_eq!((got, expected), (keccak256(wrong), hash));
    }
    let announce = |bytes: u64| format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n").into_bytes();
    service.fail(&key, Fault::Raw(announce(65 << 20)));
    let refused = remote.get(hash).await.unwrap_err();
    assert!(matches!(refused, ReplicaError::TooLarge { got: 68_157_440, .. }), "{refused}");
    let endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let transfers = [
        // Cut off halfway.
        Fault::Raw([announce(10_000), whole[..5_000].to_vec()].concat()),
        // Without a length, for ever.
        Fault::RawThenZeros(endless),
        Fault::Raw(announce(u64::MAX)),
        Fault::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n".to_vec()),
        Fault::Raw(Vec::new()),
    ];
    for fault in transfers {
        let name = format!("{fault:?}").chars().take(60).collect::<String>();
        service.fail(&key, fault);
        let refused = remote.get(hash).await.unwrap_err();
        let is_expected = matches!(refused, ReplicaError::Unavailable { .. } | ReplicaError::TooLarge { .. });
        assert!(is_expected, "{name}: {refused}");
    }
    service.fail(&key, Fault::Stall);
    let refused = remote.get(hash).await.unwrap_err();
    assert!(matches!(refused, ReplicaError::TimedOut { .. }), "{refused}");
    // A drop now and then, so that something always comes.
    service.fail(&key, Fault::RawThenZeros(announce(64 << 20)));
    let refused = remote.get(hash).await.unwrap_err();
    assert!(matches!(refused, ReplicaError::WrongBytes { .. } | ReplicaError::TimedOut { .. }), "{refused}");
}

#[tokio::test]
async fn what_a_service_says_is_cut_and_holds_no_control_characters_nor_the_secret() {
    let service = Service::start().await;
    let remote = remote(config(&service.endpoint()));
    for body in
        [vec![b'x'; 10_000], b"\x1b[31mred\r\nERROR: forged".to_vec(), vec![b'y'; 5 << 20], vec![0xff; 9]]
    {
        for status in [403, 500] {
            service.fail("payloads", Fault::Status(status, body.clone()));
            let refused = remote.get(B256::ZERO).await.unwrap_err();
            let text = format!("{refused} {refused:?}");
            assert!(text.len() < 3_000, "{} bytes", text.len());
            assert!(!refused.to_string().contains(char::is_control), "{refused}");
            assert!(!text.contains(SECRET_KEY), "{text}");
        }
    }
    assert!(!format!("{remote:?}").contains(SECRET_KEY));
}

#[tokio::test]
async fn an_encrypted_endpoint_is_spoken_to_encrypted() {
    let service = Service::start().await;
    let endpoint = service.endpoint().replace("http:", "https:");
    match ivm_da::replica::Remote::new(config(&endpoint)) {
        Ok(remote) => {
            let refused = remote.get(B256::ZERO).await.unwrap_err();
            assert!(matches!(refused, ReplicaError::Unavailable { .. }), "{refused}");
            assert!(service.requests("TLS") >= 1);
        }
        // A machine without certificates.
        Err(refused) => assert!(matches!(refused, ReplicaError::Certificates(_)), "{refused}"),
    }
    assert_eq!(service.requests("GET"), 0);
}

#[tokio::test]
async fn an_empty_store_comes_back_whole() {
    let service = Service::start().await;
    let remote = remote(config(&service.endpoint()));
    let (lost, hashes) = store_with(&[10, 20_000, 0, 3]);
    until_done(&replicate(&lost, &remote)).await;
    service.set("/bucket/test/payloads/README", b"somebody's".to_vec());
    service.set(&format!("/bucket/test/payloads/deeper/{}", hex::encode(hashes[0])), Vec::new());
    let listing = remote.list().await.unwrap();
    assert_eq!((listing.payloads.len(), listing.foreign), (4, 2));

    let store = Arc::new(PayloadStore::in_memory(STORE_SIZE_BYTES));
    let some = RestoreOptions { hashes: Some(vec![hashes[1]]), keep_until_block: Some(70) };
    let report = restore(&store, &remote, some, |_| {}).await.unwrap();
    assert_eq!((report.progress.payloads, report.progress.restored_bytes), (1, 20_000));
    assert_eq!(store.info(hashes[1]).unwrap().unwrap().retention, Retention::Kept { last_block: 70 });

    let mut seen = Vec::new();
    let report =
        restore(&store, &remote, RestoreOptions::default(), |now| seen.push(now.done)).await.unwrap();
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    assert_eq!((report.progress.restored, report.progress.already_held), (3, 1));
    assert_holds(&store, &hashes);
    assert_eq!(store.totals().replicated, 4, "what came from there need not go there");
    let replicator = replicate(&store, &remote);
    store.keep_until(&hashes, 80).unwrap();
    assert_eq!(until_done(&replicator).await.copied_payloads, 0);
}

#[tokio::test]
async fn one_wrong_object_keeps_no_other_from_coming_back() {
    let service = Service::start().await;
    let remote = remote(config(&service.endpoint()));
    let (lost, hashes) = store_with(&[10, 20, 30, 40]);
    until_done(&replicate(&lost, &remote)).await;
    service.set(&Service::key(hashes[0]), b"something else".to_vec());
    service.set(&Service::key(hashes[1]), Vec::new());
    let store = Arc::new(PayloadStore::in_memory(STORE_SIZE_BYTES));
    let all = [hashes.clone(), vec![B256::ZERO]].concat();
    let options = RestoreOptions { hashes: Some(all), keep_until_block: None };
    let report = restore(&store, &remote, options, |_| {}).await.unwrap();
    assert_eq!((report.progress.restored, report.progress.failed, report.progress.done), (2, 3, 5));
    assert_holds(&store, &hashes[2..]);
    for hash in &hashes[..2] {
        assert_eq!(store.get(*hash).unwrap(), None, "wrong bytes are never stored");
        let is_it = |(failed, error): &&(B256, ReplicaError)| {
            failed == hash && matches!(error, ReplicaError::WrongBytes { .. })
        };
        assert_eq!(report.failures.iter().filter(is_it).count(), 1);
    }
}

#[tokio::test]
async fn restoring_that_broke_off_goes_on() {
    let service = Service::start().await;
    let config = ReplicaConfig { max_concurrency: 1, ..config(&service.endpoint()) };
    let remote = remote(config);
    let (lost, mut hashes) = store_with(&[10; 8]);
    until_done(&replicate(&lost, &remote)).await;
    hashes.sort_unstable();
    let store = Arc::new(PayloadStore::in_memory(STORE_SIZE_BYTES));
    for (fault, is_expected) in [
        (
            Fault::Status(500, Vec::new()),
            (|error| matches!(error, ReplicaError::Unavailable { .. })) as fn(&_) -> bool,
        ),
        (Fault::Status(403, Vec::new()), |error| matches!(error, ReplicaError::Denied { .. })),
    ] {
        service.fail(&hex::encode(hashes[5]), fault);
        let refused = restore(&store, &remote, RestoreOptions::default(), |_| {}).await.unwrap_err();
        assert!(is_expected(&refused), "{refused}");
        assert_eq!(store.totals().payloads, 5);
    }
    service.mend();
    let progress = restore_all(&store, &service).await;
    assert_eq!((progress.already_held, progress.restored), (5, 3));
}

#[tokio::test]
async fn a_store_without_room_says_so() {
    let service = Service::start().await;
    let remote = remote(config(&service.endpoint()));
    let (lost, _) = store_with(&[100, 100]);
    until_done(&replicate(&lost, &remote)).await;
    let store = Arc::new(PayloadStore::in_memory(150));
    let refused = restore(&store, &remote, RestoreOptions::default(), |_| {}).await.unwrap_err();
    assert!(matches!(refused, ReplicaError::Local(DaError::Full { got: 200, limit: 150 })), "{refused}");
}

#[tokio::test]
async fn a_list_has_an_end() {
    let service = Service::start().await;
    service.fail("list-type", Fault::EndlessList);
    let config = ReplicaConfig { max_listed_objects: 4_500, ..config(&service.endpoint()) };
    let refused = remote(config).list().await.unwrap_err();
    assert!(matches!(refused, ReplicaError::TooManyListed { limit: 4_500, .. }), "{refused}");
    assert_eq!(service.requests("GET"), 5);
}

#[tokio::test]
async fn lists_longer_than_a_page_are_whole() {
    let service = Service::start().await;
    let hashes: Vec<_> = (0..2_500_u32).map(|number| keccak256(number.to_be_bytes())).collect();
    for hash in &hashes {
        service.set(&Service::key(*hash), Vec::new());
    }
    let listing = remote(config(&service.endpoint())).list().await.unwrap();
    let mut expected: Vec<_> = hashes.into_iter().map(|hash| (hash, 0)).collect();
    expected.sort_unstable();
    assert_eq!(listing.payloads, expected);
}

#[tokio::test]
async fn comparing_finds_every_fault_and_mends_the_replica() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start().await;
    let remote = remote(config(&service.endpoint()));
    let store = Arc::new(PayloadStore::open(folder.path(), STORE_SIZE_BYTES).unwrap());
    let hashes = keep(&store, &[10, 20, 30, 40, 50]);
    let replicator = replicate(&store, &remote);
    until_done(&replicator).await;
    replicator.stop().await;
    store.put(&payload(50, 5)).unwrap();
    let queued = store.put(&payload(51, 5)).unwrap();
    store.keep_until(&[queued], 9).unwrap();
    let elsewhere = remote.put(&Bytes::from_static(b"pruned here")).await.unwrap();
    assert!(elsewhere.starts_with("s3://bucket/test/payloads/"));
    let all = VerifyReport { matching: 5, only_remote: 1, queued: 1, unwanted: 1, faults: 0, foreign: 0 };
    for depth in [VerifyDepth::Listing, VerifyDepth::Contents] {
        let report =
            verify(&store, &remote, depth, OnFault::Report, |found| panic!("{found:?}")).await.unwrap();
        assert_eq!(report, all);
    }

    service.delete(&Service::key(hashes[0]));
    service.set(&Service::key(hashes[1]), vec![0; 19]);
    service.set(&Service::key(hashes[2]), vec![0; 30]);
    std::fs::write(folder.path().join(hex::encode(hashes[3])), vec![0; 40]).unwrap();
    let kind = |found: &Finding| match found {
        Finding::Missing { hash } => (*hash, "missing"),
        Finding::WrongSize { hash, got: 19, expected: 20 } => (*hash, "size"),
        Finding::Wrong { hash, error: ReplicaError::WrongBytes { .. } } => (*hash, "bytes"),
        Finding::DamagedHere { hash, error: DaError::Damaged { .. } } => (*hash, "here"),
        other => panic!("{other:?}"),
    };
    let mut found = Vec::new();
    let note = |finding: &Finding| found.push(kind(finding));
    let report = verify(&store, &remote, VerifyDepth::Listing, OnFault::Report, note).await.unwrap();
    found.sort_unstable();
    let mut expected = vec![(hashes[0], "missing"), (hashes[1], "size")];
    expected.sort_unstable();
    assert_eq!((found, report.matching, report.faults), (expected, 3, 2));

    let mut found = Vec::new();
    let note = |finding: &Finding| found.push(kind(finding));
    let report = verify(&store, &remote, VerifyDepth::Contents, OnFault::ReplicateAgain, note).await.unwrap();
    found.sort_unstable();
    let mut expected =
        vec![(hashes[0], "missing"), (hashes[1], "size"), (hashes[2], "bytes"), (hashes[3], "here")];
    expected.sort_unstable();
    assert_eq!((found, report.faults), (expected, 4));

    restore(
        &store,
        &remote,
        RestoreOptions { hashes: Some(vec![hashes[3]]), keep_until_block: None },
        |_| {},
    )
    .await
    .unwrap();
    until_done(&replicate(&store, &remote)).await;
    let report = verify(&store, &remote, VerifyDepth::Contents, OnFault::Report, |found| panic!("{found:?}"))
        .await
        .unwrap();
    assert_eq!(report, VerifyReport { matching: 6, queued: 0, ..all });
}
