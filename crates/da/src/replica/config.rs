//! Where a replica is, and how to reach it.

use std::{fmt, path::PathBuf, time::Duration};

use hyper::Uri;

use super::ReplicaError;
use crate::MAX_PAYLOAD_SIZE_BYTES;

/// Most uploads or downloads at once that can be asked for.
const MAX_CONCURRENCY: usize = 64;
/// Longest prefix, in bytes. A key is that and 74 bytes; S3 takes 1,024.
const MAX_PREFIX_SIZE_BYTES: usize = 512;
/// Longest name, key or secret.
const MAX_WORD_SIZE_BYTES: usize = 256;

/// Objects that are listed at most, when a replica is told nothing else: twice what a store holds.
pub const DEFAULT_MAX_LISTED_OBJECTS: usize = 2 * 1024 * 1024;

/// What nobody is shown: neither `Debug` nor `Display` has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What an endpoint may speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// HTTPS and nothing else.
    #[default]
    Encrypted,
    /// HTTP as well: what is sent can be read and changed on the way, but not the secret key, which is not sent.
    Any,
}

/// Who may vouch for an encrypted endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// The authorities that the system trusts.
    #[default]
    System,
    /// The authorities in a file of PEM certificates, and nobody else: for a service with an authority of its own. It is
    /// read once, when the replica is opened.
    File(PathBuf),
}

/// Where a replica is, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaConfig {
    /// Root of the service: scheme, host and port, as `https://s3.eu-central-1.amazonaws.com`. Buckets are named in the
    /// path.
    pub endpoint: String,
    /// The region that requests are signed for. Most services but Amazon's take any.
    pub region: String,
    /// The bucket, which is there.
    pub bucket: String,
    /// What keys begin with, as `chain-4956`; may be empty. Chains that share a bucket need not differ in it, as keys
    /// are hashes.
    pub prefix: String,
    /// Name of the credentials.
    pub access_key: String,
    /// Their secret.
    pub secret_key: Secret,
    /// What the endpoint may speak.
    pub transport: Transport,
    /// Who may vouch for the endpoint, when that is encrypted.
    pub trust: Trust,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a request may take with all that belongs to it, a payload up or down above all.
    pub request_timeout: Duration,
    /// Most payloads under way at once: 1 to 64.
    pub max_concurrency: usize,
    /// Most bytes of payloads under way at once: [`MAX_PAYLOAD_SIZE_BYTES`] at least.
    pub max_in_flight_bytes: usize,
    /// Most objects that are listed: 40 bytes of memory each.
    pub max_listed_objects: usize,
    /// How long to wait after a failure.
    pub min_backoff: Duration,
    /// How long to wait at most, after failures in a row.
    pub max_backoff: Duration,
}

impl ReplicaConfig {
    /// A replica in a bucket, with limits that suit most.
    pub fn new(
        endpoint: impl Into<String>,
        bucket: impl Into<String>,
        access_key: impl Into<String>,
        secret_key: Secret,
    ) -> Self {
        Self {
            endpoint: endpoint.into(),
            region: "us-east-1".into(),
            bucket: bucket.into(),
            prefix: String::new(),
            access_key: access_key.into(),
            secret_key,
            transport: Transport::Encrypted,
            trust: Trust::System,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(120),
            max_concurrency: 8,
            max_in_flight_bytes: 2 * MAX_PAYLOAD_SIZE_BYTES,
            max_listed_objects: DEFAULT_MAX_LISTED_OBJECTS,
            min_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(60),
        }
    }

    /// Whether the endpoint is encrypted, when the configuration is one that can be used.
    pub(super) fn check(&self) -> Result<Scheme, ReplicaError> {
        let scheme = self.check_endpoint()?;
        // Whoever names authorities means the endpoint to be checked.
        if let (Scheme::Http, Trust::File(file)) = (scheme, &self.trust) {
            check(
                "file of authorities",
                &file.display().to_string(),
                "none, as the endpoint is http://",
                false,
            )?;
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        check("bucket", &self.bucket, "1 to 256 letters, digits and -_.", is_word(&self.bucket, is_name))?;
        check("region", &self.region, "1 to 256 letters, digits and -_.", is_word(&self.region, is_name))?;
        let is_prefix = self.prefix.is_empty()
            || self.prefix.len() <= MAX_PREFIX_SIZE_BYTES
                && self.prefix.split('/').all(|part| is_word(part, is_name));
        check(
            "prefix",
            &self.prefix,
            "nothing, or names of letters, digits and -_. with / between",
            is_prefix,
        )?;
        // It goes into a header, between other fields.
        let is_key = |byte: u8| byte.is_ascii_graphic() && !b"/,=\"".contains(&byte);
        check(
            "access key",
            &self.access_key,
            "1 to 256 visible characters",
            is_word(&self.access_key, is_key),
        )?;
        let is_secret = is_word(self.secret_key.reveal(), |byte| byte.is_ascii_graphic());
        check("secret key", "(not shown)", "1 to 256 visible characters", is_secret)?;
        let concurrency = self.max_concurrency;
        let is_concurrency = (1..=MAX_CONCURRENCY).contains(&concurrency);
        check("concurrency", &concurrency.to_string(), "1 to 64", is_concurrency)?;
        let (in_flight, expected) = (self.max_in_flight_bytes, "67108864 (64 MiB) or more");
        check("bytes in flight", &in_flight.to_string(), expected, in_flight >= MAX_PAYLOAD_SIZE_BYTES)?;
        for (what, got) in [
            ("connect timeout", self.connect_timeout),
            ("request timeout", self.request_timeout),
            ("backoff", self.min_backoff),
        ] {
            check(what, &format!("{got:?}"), "more than nothing", !got.is_zero())?;
        }
        let (min, max) = (self.min_backoff, self.max_backoff);
        check("longest backoff", &format!("{max:?}"), "not below the shortest", max >= min)?;
        Ok(scheme)
    }

    fn check_endpoint(&self) -> Result<Scheme, ReplicaError> {
        let what = "endpoint";
        let refused = |got: &str, expected| ReplicaError::Config { what, got: got.to_owned(), expected };
        let expected = "http(s)://host[:port]";
        // Somebody may have put a password there.
        if self.endpoint.contains('@') {
            return Err(refused("(not shown: it has an @)", expected));
        }
        let uri: Uri = self.endpoint.parse().map_err(|_| refused(&self.endpoint, expected))?;
        let is_root = uri.path_and_query().is_none_or(|path| path.as_str() == "/");
        if uri.host().is_none_or(str::is_empty) || !is_root {
            return Err(refused(&self.endpoint, expected));
        }
        match (uri.scheme_str(), self.transport) {
            (Some("https"), _) => Ok(Scheme::Https),
            (Some("http"), Transport::Any) => Ok(Scheme::Http),
            (Some("http"), Transport::Encrypted) => {
                Err(refused(&self.endpoint, "https://, unless plain HTTP is allowed"))
            }
            _ => Err(refused(&self.endpoint, expected)),
        }
    }
}

/// What an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

fn check(what: &'static str, got: &str, expected: &'static str, holds: bool) -> Result<(), ReplicaError> {
    if holds { Ok(()) } else { Err(ReplicaError::Config { what, got: got.to_owned(), expected }) }
}

/// Whether a text is of such characters, and neither empty, too long, nor a step in a path.
fn is_word(text: &str, is_allowed: impl Fn(u8) -> bool) -> bool {
    (1..=MAX_WORD_SIZE_BYTES).contains(&text.len())
        && text.bytes().all(is_allowed)
        && text != "."
        && text != ".."
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn config() -> ReplicaConfig {
        ReplicaConfig::new("https://s3.example.org", "bucket", "name", Secret::new("hush"))
    }

    #[test]
    fn takes_what_can_be_used() {
        assert_eq!(config().check().unwrap(), Scheme::Https);
        let local = ReplicaConfig {
            endpoint: "http://127.0.0.1:8333/".into(),
            prefix: "chains/4956".into(),
            transport: Transport::Any,
            ..config()
        };
        assert_eq!(local.check().unwrap(), Scheme::Http);
        let private = ReplicaConfig { trust: Trust::File("ca.pem".into()), ..config() };
        assert_eq!(private.check().unwrap(), Scheme::Https);
    }

    #[test]
    fn names_what_cannot_be_used() {
        let refused = |what: &str, change: &dyn Fn(&mut ReplicaConfig)| {
            let mut config = config();
            change(&mut config);
            match config.check().unwrap_err() {
                ReplicaError::Config { what: got, .. } => assert_eq!(got, what),
                other => panic!("{other}"),
            }
        };
        for endpoint in [
            "",
            "s3.example.org",
            "ftp://host",
            "https://",
            "https://host/path",
            "http://host",
            "https://u:p@host",
        ] {
            refused("endpoint", &|config| config.endpoint = endpoint.into());
        }
        refused("file of authorities", &|config| {
            config.endpoint = "http://host".into();
            config.transport = Transport::Any;
            config.trust = Trust::File("ca.pem".into());
        });
        for bucket in ["", "..", "a/b", "a b", "a?b"] {
            refused("bucket", &|config| config.bucket = bucket.into());
        }
        for prefix in ["/", "a/", "a//b", "../a", "a%", &"a".repeat(513)] {
            refused("prefix", &|config| config.prefix = prefix.into());
        }
        refused("region", &|config| config.region = String::new());
        refused("access key", &|config| config.access_key = "a\nb".into());
        refused("secret key", &|config| config.secret_key = Secret::new(""));
        refused("concurrency", &|config| config.max_concurrency = 0);
        refused("concurrency", &|config| config.max_concurrency = 65);
        refused("bytes in flight", &|config| config.max_in_flight_bytes = 1);
        refused("request timeout", &|config| config.request_timeout = Duration::ZERO);
        refused("longest backoff", &|config| config.max_backoff = Duration::from_millis(1));
    }

    #[test]
    fn nothing_shows_the_secret() {
        let mut config = config();
        assert!(!format!("{config:?}").contains("hush"));
        config.secret_key = Secret::new("hush hush");
        let refused = config.check().unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("hush"));
        config.endpoint = "https://name:hush@host".into();
        let refused = config.check().unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("hush"));
    }
}
