//! What goes wrong with a replica.

use std::{
    error::Error as StdError,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy_primitives::B256;
use thiserror::Error;

use super::ReplicaConfig;
use crate::{DaError, MAX_PAYLOAD_SIZE_BYTES};

/// Longest text from a service that is passed on, in characters.
const MAX_REASON_CHARS: usize = 500;

/// What goes wrong with a replica. No message holds a secret.
#[derive(Debug, Error)]
pub enum ReplicaError {
    /// The configuration cannot be used.
    #[error("replica: {what} is {got:?}, expected {expected}")]
    Config {
        /// Which part.
        what: &'static str,
        /// What it is.
        got: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Certificates that endpoints are checked with cannot be read.
    #[error("the system's certificates cannot be read: {0}")]
    Certificates(#[source] io::Error),
    /// The file of authorities cannot be used.
    #[error("authorities in {}: {reason}, expected certificates in PEM", file.display())]
    Authorities {
        /// Which file.
        file: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The endpoint's certificate is not one that is trusted. Nothing was sent.
    #[error(
        "{locator}: the service's certificate is not trusted: {reason}; expected one for this address, by an authority of {expected}"
    )]
    Untrusted {
        /// What was asked for.
        locator: String,
        /// What is wrong with the certificate.
        reason: String,
        /// Whose authorities count.
        expected: String,
    },
    /// There is no such object.
    #[error("{locator} is not there")]
    NotFound {
        /// Which.
        locator: String,
    },
    /// There is no such bucket.
    #[error("bucket {bucket} is not there: make it, or configure another")]
    NoBucket {
        /// Which.
        bucket: String,
    },
    /// The service does not let these credentials do that.
    #[error("{locator}: the service refuses the credentials: {reason}")]
    Denied {
        /// What was asked for.
        locator: String,
        /// What the service said.
        reason: String,
    },
    /// An object is over the limit; not all of it was read.
    #[error("{locator} is {got} bytes or more, the limit is {MAX_PAYLOAD_SIZE_BYTES}")]
    TooLarge {
        /// Which.
        locator: String,
        /// Bytes announced or received.
        got: u64,
    },
    /// An object is not the payload that its key says.
    #[error("{locator} hashes to {got}, expected {expected}: it was changed or cut short")]
    WrongBytes {
        /// Which.
        locator: String,
        /// Hash of what came.
        got: B256,
        /// Hash it is stored under.
        expected: B256,
    },
    /// The service took too long.
    #[error("{locator}: not done within {after:?}")]
    TimedOut {
        /// What was asked for.
        locator: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The service cannot be reached, or cannot do that now.
    #[error("{locator}: {reason}")]
    Unavailable {
        /// What was asked for.
        locator: String,
        /// What the service or the network said.
        reason: String,
    },
    /// The service lists more objects than are to be listed.
    #[error("{destination} has more than {limit} objects: raise the limit, or name the payloads")]
    TooManyListed {
        /// Where.
        destination: String,
        /// The limit.
        limit: usize,
    },
    /// A payload that waits for its replica is gone from the store's folder.
    #[error("payload {hash} is gone from the store: restore it")]
    Lost {
        /// Which.
        hash: B256,
    },
    /// The payload store.
    #[error(transparent)]
    Local(#[from] DaError),
    /// The runtime that this runs on ends.
    #[error("replication is stopping")]
    Stopped,
}

impl ReplicaError {
    /// Whether the same may succeed later, nothing having been mended.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Unavailable { .. })
    }

    /// Whether it is about one object, and others may be fine.
    pub const fn is_of_one_object(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::TooLarge { .. } | Self::WrongBytes { .. })
    }

    /// A file of authorities that cannot be used.
    pub(super) fn authorities(file: &Path, reason: impl ToString) -> Self {
        Self::Authorities { file: file.to_owned(), reason: reason.to_string() }
    }

    /// What an error of the client means.
    pub(super) fn from_client(error: &object_store::Error, locator: String, config: &ReplicaConfig) -> Self {
        if let Some(reason) = certificate_fault(error) {
            return Self::Untrusted { locator, reason, expected: config.trust.to_string() };
        }
        let bucket = &config.bucket;
        let reason = reason(error);
        let says = |codes: &[&str]| codes.iter().any(|code| reason.contains(code));
        // Listing has errors of one kind alone, so that the service's own words decide.
        if says(&["NoSuchBucket"]) {
            return Self::NoBucket { bucket: bucket.clone() };
        }
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound { locator },
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                Self::Denied { locator, reason }
            }
            _ if says(&[
                "<Code>AccessDenied<",
                "<Code>InvalidAccessKeyId<",
                "<Code>SignatureDoesNotMatch<",
            ]) =>
            {
                Self::Denied { locator, reason }
            }
            _ => Self::Unavailable { locator, reason },
        }
    }
}

/// What is wrong with the endpoint's certificate, when that is the cause.
fn certificate_fault(error: &object_store::Error) -> Option<String> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        // An I/O error gives what is in it to those who ask for it, and not as its source.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = inner.and_then(|inner| inner.downcast_ref()).or_else(|| error.downcast_ref());
        if let Some(rustls::Error::InvalidCertificate(fault)) = tls {
            return Some(fault.to_string());
        }
        cause = error.source().or_else(|| inner.map(|inner| inner as _));
    }
    None
}

/// An error and its causes as one line, with what a service sent made harmless for logs and cut.
fn reason(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    let printable = |character: char| if character.is_control() { ' ' } else { character };
    text.chars().map(printable).take(MAX_REASON_CHARS).collect()
}
