//! What the tests of replication share.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

pub mod certificates;
pub mod proxy;
pub mod service;
pub mod weed;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes, keccak256};
use ivm_da::{
    PayloadStore,
    replica::{Remote, ReplicaConfig, ReplicationStatus, Replicator, Secret, Transport},
};

pub const ACCESS_KEY: &str = "access-name";
pub const SECRET_KEY: &str = "a-secret-that-nobody-sees";
pub const STORE_SIZE_BYTES: u64 = 1 << 30;

/// How long a test waits for what has to happen; nothing is measured by it.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn config(endpoint: &str) -> ReplicaConfig {
    ReplicaConfig {
        transport: Transport::Any,
        prefix: "test".into(),
        connect_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(20),
        min_backoff: Duration::from_millis(5),
        max_backoff: Duration::from_millis(50),
        ..ReplicaConfig::new(endpoint, "bucket", ACCESS_KEY, Secret::new(SECRET_KEY))
    }
}

pub fn remote(config: ReplicaConfig) -> Arc<Remote> {
    Arc::new(Remote::new(config).unwrap())
}

/// Bytes that do not repeat, of this size.
pub fn payload(seed: u64, size_bytes: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(size_bytes).collect()
}

/// Stores payloads of these sizes, which a block needs.
pub fn keep(store: &PayloadStore, sizes: &[usize]) -> Vec<B256> {
    let put = |(seed, size): (usize, &usize)| store.put(&payload(seed as u64 + 1, *size)).unwrap();
    let hashes: Vec<_> = sizes.iter().enumerate().map(put).collect();
    store.keep_until(&hashes, 1_000_000).unwrap();
    hashes
}

/// A store of its own with such payloads.
pub fn store_with(sizes: &[usize]) -> (Arc<PayloadStore>, Vec<B256>) {
    let store = PayloadStore::in_memory(STORE_SIZE_BYTES);
    let hashes = keep(&store, sizes);
    (Arc::new(store), hashes)
}

pub fn replicate(store: &Arc<PayloadStore>, remote: &Arc<Remote>) -> Replicator {
    Replicator::start(&tokio::runtime::Handle::current(), store.clone(), remote.clone())
}

/// Waits until replication stands like that.
pub async fn until(replicator: &Replicator, holds: impl Fn(&ReplicationStatus) -> bool) -> ReplicationStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = replicator.status();
        if holds(&status) {
            return status;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {status:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub async fn until_done(replicator: &Replicator) -> ReplicationStatus {
    until(replicator, |status| status.queued == 0).await
}

/// Asserts that a store holds the payloads with these hashes, to the last byte.
pub fn assert_holds(store: &PayloadStore, hashes: &[B256]) {
    for hash in hashes {
        assert_eq!(keccak256(store.get(*hash).unwrap().unwrap()), *hash);
    }
}
