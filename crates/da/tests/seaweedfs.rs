//! Replication to a real S3 service. `IVM_WEED` names its binary: `scripts/seaweedfs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::{sync::Arc, time::Duration};

use alloy_primitives::{Bytes, hex, keccak256};
use common::{
    STORE_SIZE_BYTES, assert_holds,
    certificates::certificates,
    config, keep, payload,
    proxy::Proxy,
    remote, replicate, until, until_done,
    weed::{self, Weed},
};
use ivm_da::{
    MAX_PAYLOAD_SIZE_BYTES, PayloadStore,
    replica::{
        OnFault, ReplicaConfig, ReplicaError, RestoreOptions, Secret, Transport, Trust, VerifyDepth,
        VerifyReport, restore, verify,
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn a_real_service_keeps_payloads_and_gives_them_back() {
    let Some(binary) = weed::binary() else { return };
    let weed = Weed::start(binary, &[]);
    let config = config(&weed.endpoint());
    let remote = remote(config.clone());
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(PayloadStore::open(folder.path(), STORE_SIZE_BYTES).unwrap());

    // Out, over a restart in between.
    let store = open();
    let mut hashes = keep(&store, &[0, 1, 70_000, 10 << 20, 3 << 20]);
    let replicator = replicate(&store, &remote);
    until(&replicator, |status| status.copied_payloads >= 1).await;
    replicator.stop().await;
    drop(store);
    let store = open();
    let late = store.put(&payload(60, MAX_PAYLOAD_SIZE_BYTES)).unwrap();
    store.keep_until(&[late], 9).unwrap();
    hashes.push(late);
    let replicator = replicate(&store, &remote);
    let status = until_done(&replicator).await;
    assert_eq!((status.replicated, status.failing), (6, None));
    replicator.stop().await;
    for hash in &hashes {
        assert_eq!(keccak256(remote.get(*hash).await.unwrap()), *hash);
        let locator = format!("s3://bucket/test/payloads/{}", hex::encode(hash));
        assert_eq!(store.locator(*hash).unwrap(), Some(locator));
    }
    let all = VerifyReport { matching: 6, ..VerifyReport::default() };
    for depth in [VerifyDepth::Listing, VerifyDepth::Contents] {
        let report =
            verify(&store, &remote, depth, OnFault::Report, |found| panic!("{found:?}")).await.unwrap();
        assert_eq!(report, all);
    }

    // And back, into a folder that lost everything.
    drop(store);
    std::fs::remove_dir_all(folder.path()).unwrap();
    let store = open();
    let report = restore(&store, &remote, RestoreOptions::default(), |_| {}).await.unwrap();
    assert_eq!((report.progress.restored, report.progress.failed), (6, 0));
    assert_holds(&store, &hashes);

    // Other bytes, and fewer, under a key.
    let whole = store.get(hashes[2]).unwrap().unwrap();
    for wrong in [&b"other bytes"[..], &whole[..69_999]] {
        weed.put_raw(hashes[2], wrong);
        let refused = remote.get(hashes[2]).await.unwrap_err();
        let ReplicaError::WrongBytes { got, expected, .. } = refused else { panic!("{refused}") };
        assert_eq!((got, expected), (keccak256(wrong), hashes[2]));
    }
    let mut faults = 0;
    verify(&store, &remote, VerifyDepth::Listing, OnFault::ReplicateAgain, |_| faults += 1).await.unwrap();
    assert_eq!(faults, 1);
    until_done(&replicate(&store, &remote)).await;
    assert_eq!(remote.get(hashes[2]).await.unwrap(), whole);

    // What cannot work says why.
    let absent = keccak256(b"absent");
    let refused = remote.get(absent).await.unwrap_err();
    assert!(matches!(refused, ReplicaError::NotFound { .. }), "{refused}");
    let strangers = [
        ReplicaConfig { secret_key: Secret::new("wrong"), ..config.clone() },
        ReplicaConfig { access_key: "stranger".into(), ..config.clone() },
    ];
    for stranger in strangers.map(common::remote) {
        let refused = [
            stranger.get(hashes[0]).await.map(drop).unwrap_err(),
            stranger.put(&payload(70, 5)).await.map(drop).unwrap_err(),
            stranger.list().await.map(drop).unwrap_err(),
        ];
        for refused in refused {
            assert!(matches!(refused, ReplicaError::Denied { .. }), "{refused}");
        }
    }
    let nowhere = common::remote(ReplicaConfig { bucket: "nowhere".into(), ..config });
    let refused = [
        nowhere.get(hashes[0]).await.map(drop).unwrap_err(),
        nowhere.put(&payload(70, 5)).await.map(drop).unwrap_err(),
        nowhere.list().await.map(drop).unwrap_err(),
    ];
    for refused in refused {
        assert!(matches!(refused, ReplicaError::NoBucket { .. }), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replication_outlives_a_service_that_stalls_and_one_that_is_down() {
    let Some(binary) = weed::binary() else { return };
    let mut weed = Weed::start(binary, &[]);
    let proxy = Proxy::start(&weed.endpoint()).await;
    let config = ReplicaConfig { request_timeout: Duration::from_secs(3), ..config(&proxy.endpoint()) };
    let remote = remote(config);
    let store = Arc::new(PayloadStore::in_memory(STORE_SIZE_BYTES));
    let replicator = replicate(&store, &remote);
    let keep_one = |seed| {
        let hash = store.put(&payload(seed, 100_000)).unwrap();
        store.keep_until(&[hash], 9).unwrap();
        hash
    };
    let mut hashes = vec![keep_one(1)];
    until_done(&replicator).await;

    proxy.stall(true);
    hashes.push(keep_one(2));
    let status = until(&replicator, |status| status.failing.is_some()).await;
    let error = status.failing.unwrap().error;
    assert!(error.contains("not done within 3s"), "{error}");
    proxy.stall(false);
    until_done(&replicator).await;

    weed.stop();
    hashes.push(keep_one(3));
    let status =
        until(&replicator, |status| status.failing.as_ref().is_some_and(|now| now.failures >= 3)).await;
    assert_eq!((status.queued, status.replicated), (1, 2));
    weed.restart();
    let status = until_done(&replicator).await;
    assert_eq!(status.failing, None);
    for hash in hashes {
        assert_eq!(keccak256(remote.get(hash).await.unwrap()), hash);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_room_is_asked_again() {
    let Some(binary) = weed::binary() else { return };
    // It takes nothing while less than this is free on its disk.
    let weed = Weed::start(binary, &["-volume.minFreeSpace=1000TiB"]);
    let remote = remote(config(&weed.endpoint()));
    let store = Arc::new(PayloadStore::in_memory(STORE_SIZE_BYTES));
    let hash = store.put(&Bytes::from(vec![7; 100_000])).unwrap();
    store.keep_until(&[hash], 9).unwrap();
    let replicator = replicate(&store, &remote);
    let status = until(&replicator, |status| status.failing.is_some()).await;
    assert_eq!((status.queued, status.replicated), (1, 0));
    assert_holds(&store, &[hash]);
    let refused = remote.get(hash).await.unwrap_err();
    assert!(matches!(refused, ReplicaError::NotFound { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_spoken_to_over_tls_when_the_authority_that_is_trusted_vouches_for_it() {
    let Some(binary) = weed::binary() else { return };
    let folder = tempfile::tempdir().unwrap();
    let own = certificates(folder.path(), "own", "127.0.0.1");
    let weed = Weed::start_encrypted(binary, &own.certificate, &own.key);
    let encrypted = ReplicaConfig { transport: Transport::Encrypted, ..config(&weed.endpoint()) };
    let trusting =
        |file: &std::path::Path| ReplicaConfig { trust: Trust::File(file.to_owned()), ..encrypted.clone() };

    let remote = remote(trusting(&own.authority));
    let store = Arc::new(PayloadStore::in_memory(STORE_SIZE_BYTES));
    let hashes = keep(&store, &[0, 1, 70_000, 10 << 20]);
    let status = until_done(&replicate(&store, &remote)).await;
    assert_eq!((status.replicated, status.failing), (4, None));
    let restored = Arc::new(PayloadStore::in_memory(STORE_SIZE_BYTES));
    let report = restore(&restored, &remote, RestoreOptions::default(), |_| {}).await.unwrap();
    assert_eq!((report.progress.restored, report.progress.failed), (4, 0));
    assert_holds(&restored, &hashes);

    // Nobody vouches for it, or somebody else does.
    let stranger = certificates(folder.path(), "stranger", "127.0.0.1");
    for config in [trusting(&stranger.authority), encrypted.clone()] {
        let expected = config.trust.to_string();
        let untrusted = match ivm_da::replica::Remote::new(config) {
            Ok(remote) => remote,
            // A machine without certificates.
            Err(refused) => {
                assert!(matches!(refused, ReplicaError::Certificates(_)), "{refused}");
                continue;
            }
        };
        let refused = [
            untrusted.get(hashes[0]).await.map(drop).unwrap_err(),
            untrusted.put(&payload(70, 5)).await.map(drop).unwrap_err(),
            untrusted.list().await.map(drop).unwrap_err(),
        ];
        for refused in refused {
            let text = refused.to_string();
            assert!(matches!(refused, ReplicaError::Untrusted { .. }) && !refused.may_pass(), "{text}");
            assert!(text.contains("UnknownIssuer") && text.contains(&expected), "{text}");
        }
    }

    // It is trusted, but for another address.
    let other = ReplicaConfig {
        endpoint: weed.endpoint().replace("127.0.0.1", "localhost"),
        ..trusting(&own.authority)
    };
    let refused = common::remote(other).get(hashes[0]).await.unwrap_err();
    assert!(refused.to_string().contains("not valid for name"), "{refused}");
    assert!(matches!(refused, ReplicaError::Untrusted { .. }), "{refused}");

    // In plain text it answers nothing, even to those who would take that.
    let plain = config(&weed.endpoint().replace("https:", "http:"));
    assert!(common::remote(plain).get(hashes[0]).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_goes_on_while_its_replica_is_not_trusted() {
    let Some(binary) = weed::binary() else { return };
    let folder = tempfile::tempdir().unwrap();
    let own = certificates(folder.path(), "own", "127.0.0.1");
    let stranger = certificates(folder.path(), "stranger", "127.0.0.1");
    let weed = Weed::start_encrypted(binary, &own.certificate, &own.key);
    let config = ReplicaConfig { trust: Trust::File(stranger.authority), ..config(&weed.endpoint()) };
    let store = Arc::new(PayloadStore::in_memory(STORE_SIZE_BYTES));
    let hashes = keep(&store, &[100]);
    let replicator = replicate(&store, &remote(config));
    let status =
        until(&replicator, |status| status.failing.as_ref().is_some_and(|now| now.failures >= 2)).await;
    assert_eq!((status.queued, status.replicated), (1, 0));
    let error = status.failing.unwrap().error;
    assert!(
        error.contains("certificate is not trusted") && error.contains("stranger-authority.pem"),
        "{error}"
    );
    assert_holds(&store, &hashes);
}
