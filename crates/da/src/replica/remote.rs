//! A place in object storage, and the payloads there.

use std::{fmt, future::Future};

use alloy_primitives::{B256, Bytes, hex, keccak256};
use futures_util::{StreamExt, TryStreamExt};
use object_store::{
    ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path,
};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{ReplicaConfig, ReplicaError, blocking, config::Transport, http::Http};
use crate::{DaError, MAX_PAYLOAD_SIZE_BYTES, folder::hash_of_name};

/// What bytes under way are counted in.
const PERMIT_SIZE_BYTES: usize = 4096;

/// A place in object storage. Cheap to share behind an `Arc`; its requests need a tokio runtime.
pub struct Remote {
    store: AmazonS3,
    config: ReplicaConfig,
    /// One permit for every [`PERMIT_SIZE_BYTES`] of payloads under way.
    room: Semaphore,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("config", &self.config).finish_non_exhaustive()
    }
}

/// What is at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Hash and size in bytes, in order of hashes. That their bytes are what their hashes say is not known yet.
    pub payloads: Vec<(B256, u64)>,
    /// How many other objects are beside them.
    pub foreign: u64,
}

impl Remote {
    /// A place that is used with these settings. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`ReplicaError::Config`]; [`ReplicaError::Certificates`] or [`ReplicaError::Authorities`] when the endpoint is
    /// encrypted.
    pub fn new(config: ReplicaConfig) -> Result<Self, ReplicaError> {
        let scheme = config.check()?;
        // Whoever asks decides what is tried again.
        let no_retries = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let store = AmazonS3Builder::new()
            .with_endpoint(config.endpoint.trim_end_matches('/'))
            .with_region(&config.region)
            .with_bucket_name(&config.bucket)
            .with_access_key_id(&config.access_key)
            .with_secret_access_key(config.secret_key.reveal())
            .with_allow_http(config.transport == Transport::Any)
            .with_retry(no_retries)
            .with_http_connector(Http::new(&config, scheme)?)
            .build()
            .map_err(|error| ReplicaError::from_client(&error, config.endpoint.clone(), &config))?;
        let room = Semaphore::new(config.max_in_flight_bytes / PERMIT_SIZE_BYTES);
        Ok(Self { store, config, room })
    }

    pub(super) fn config(&self) -> &ReplicaConfig {
        &self.config
    }

    /// The place, for people and as a name of it: `s3://bucket/prefix at https://host`.
    pub fn destination(&self) -> String {
        let ReplicaConfig { endpoint, bucket, prefix, .. } = &self.config;
        format!(
            "s3://{} at {}",
            [bucket.as_str(), prefix].join("/").trim_end_matches('/'),
            endpoint.trim_end_matches('/')
        )
    }

    /// Where a payload is: `s3://bucket/prefix/payloads/HASH`.
    pub fn locator(&self, hash: B256) -> String {
        format!("s3://{}/{}", self.config.bucket, self.path(hash))
    }

    fn folder(&self) -> Path {
        let parts = self.config.prefix.split('/').filter(|part| !part.is_empty());
        parts.chain(["payloads"]).collect()
    }

    fn path(&self, hash: B256) -> Path {
        self.folder().join(hex::encode(hash))
    }

    /// Stores a payload, over what is there, and returns where it is.
    ///
    /// # Errors
    /// [`ReplicaError::Local`] with [`DaError::TooLarge`]; [`ReplicaError::NoBucket`], [`ReplicaError::Denied`],
    /// [`ReplicaError::Untrusted`], [`ReplicaError::TimedOut`] or [`ReplicaError::Unavailable`].
    pub async fn put(&self, payload: &Bytes) -> Result<String, ReplicaError> {
        let got = payload.len();
        if got > MAX_PAYLOAD_SIZE_BYTES {
            return Err(DaError::TooLarge { got }.into());
        }
        let bytes = payload.clone();
        let hash = blocking(move || keccak256(&bytes)).await?;
        self.put_hashed(hash, payload.clone()).await
    }

    /// Stores a payload that has this hash.
    pub(super) async fn put_hashed(&self, hash: B256, payload: Bytes) -> Result<String, ReplicaError> {
        let locator = self.locator(hash);
        let failed = |error| ReplicaError::from_client(&error, locator.clone(), &self.config);
        let path = self.path(hash);
        let stored = self.store.put(&path, PutPayload::from_bytes(payload.0));
        match self.in_time(&locator, stored).await? {
            Ok(_) => Ok(locator),
            // A key that is written to need not be there, but its bucket.
            Err(object_store::Error::NotFound { .. }) => {
                Err(ReplicaError::NoBucket { bucket: self.config.bucket.clone() })
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// A payload, whose bytes have this hash.
    ///
    /// # Errors
    /// [`ReplicaError::NotFound`], [`ReplicaError::WrongBytes`] or [`ReplicaError::TooLarge`];
    /// [`ReplicaError::NoBucket`], [`ReplicaError::Denied`], [`ReplicaError::Untrusted`], [`ReplicaError::TimedOut`] or
    /// [`ReplicaError::Unavailable`].
    pub async fn get(&self, hash: B256) -> Result<Bytes, ReplicaError> {
        let locator = self.locator(hash);
        let payload = Bytes::from(self.in_time(&locator, self.receive(hash)).await??);
        let bytes = payload.clone();
        let got = blocking(move || keccak256(&bytes)).await?;
        if got != hash {
            return Err(ReplicaError::WrongBytes { locator, got, expected: hash });
        }
        Ok(payload)
    }

    async fn receive(&self, hash: B256) -> Result<Vec<u8>, ReplicaError> {
        let locator = self.locator(hash);
        let failed = |error| ReplicaError::from_client(&error, locator.clone(), &self.config);
        let within = |got: u64| {
            let locator = locator.clone();
            if got > MAX_PAYLOAD_SIZE_BYTES as u64 {
                Err(ReplicaError::TooLarge { locator, got })
            } else {
                Ok(())
            }
        };
        let object = self.store.get(&self.path(hash)).await.map_err(failed)?;
        within(object.meta.size)?;
        let mut chunks = object.into_stream();
        // Not as large as announced from the start: the service may never send it.
        let mut payload = Vec::new();
        while let Some(chunk) = chunks.try_next().await.map_err(failed)? {
            within((payload.len() + chunk.len()) as u64)?;
            payload.extend_from_slice(&chunk);
        }
        Ok(payload)
    }

    /// All payloads there. Takes a request for each thousand of them.
    ///
    /// # Errors
    /// [`ReplicaError::TooManyListed`]; [`ReplicaError::NoBucket`], [`ReplicaError::Denied`],
    /// [`ReplicaError::Untrusted`], [`ReplicaError::TimedOut`] or [`ReplicaError::Unavailable`].
    pub async fn list(&self) -> Result<Listing, ReplicaError> {
        let destination = self.destination();
        let folder = self.folder();
        let mut objects = self.store.list(Some(&folder));
        let (mut listing, mut listed) = (Listing::default(), 0_usize);
        // The time is that of a page: those between come at once.
        while let Some(object) = self.in_time(&destination, objects.next()).await? {
            let object = object
                .map_err(|error| ReplicaError::from_client(&error, destination.clone(), &self.config))?;
            listed += 1;
            let limit = self.config.max_listed_objects;
            if listed > limit {
                return Err(ReplicaError::TooManyListed { destination, limit });
            }
            match object.location.filename().and_then(hash_of_name) {
                Some(hash) if object.location == self.path(hash) => {
                    listing.payloads.push((hash, object.size))
                }
                _ => listing.foreign += 1,
            }
        }
        listing.payloads.sort_unstable();
        listing.payloads.dedup_by_key(|(hash, _)| *hash);
        Ok(listing)
    }

    async fn in_time<T>(&self, locator: &str, request: impl Future<Output = T>) -> Result<T, ReplicaError> {
        let after = self.config.request_timeout;
        let timed_out = |_| ReplicaError::TimedOut { locator: locator.to_owned(), after };
        tokio::time::timeout(after, request).await.map_err(timed_out)
    }

    /// Waits until there is room for so many bytes more under way; it is free again when the permit is dropped.
    pub(super) async fn room_for(&self, size_bytes: u64) -> Result<SemaphorePermit<'_>, ReplicaError> {
        let size_bytes = usize::try_from(size_bytes).unwrap_or(usize::MAX).min(MAX_PAYLOAD_SIZE_BYTES);
        let permits = size_bytes.div_ceil(PERMIT_SIZE_BYTES).max(1);
        // What fits a payload's limit fits 32 bits; the semaphore is never closed.
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        self.room.acquire_many(permits).await.map_err(|_| ReplicaError::Stopped)
    }
}
