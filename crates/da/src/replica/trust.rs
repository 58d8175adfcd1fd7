//! Whose certificates are believed.

use std::{fmt, fs::File, io::Read, path::Path, sync::Arc};

use hyper_rustls::ConfigBuilderExt;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{ReplicaError, Trust};

/// Largest file of authorities, in bytes: that of all public ones is a quarter of it.
const MAX_AUTHORITIES_SIZE_BYTES: u64 = 1 << 20;

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("the system's"),
            Self::File(file) => write!(f, "{}", file.display()),
        }
    }
}

/// How endpoints are spoken to, and whom they have to be vouched for by.
pub(super) fn tls_config(trust: &Trust) -> Result<ClientConfig, ReplicaError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("ring has ciphers for TLS 1.2");
    let builder = match trust {
        Trust::System => builder.with_native_roots().map_err(ReplicaError::Certificates)?,
        Trust::File(file) => builder.with_root_certificates(authorities(file)?),
    };
    Ok(builder.with_no_client_auth())
}

fn authorities(file: &Path) -> Result<RootCertStore, ReplicaError> {
    let unusable = |reason: &dyn ToString| ReplicaError::authorities(file, reason.to_string());
    let mut pem = Vec::new();
    let opened = File::open(file).map_err(|error| unusable(&error))?;
    opened.take(MAX_AUTHORITIES_SIZE_BYTES + 1).read_to_end(&mut pem).map_err(|error| unusable(&error))?;
    if pem.len() as u64 > MAX_AUTHORITIES_SIZE_BYTES {
        return Err(unusable(&format!("over {MAX_AUTHORITIES_SIZE_BYTES} bytes")));
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"no certificate in it"));
    }
    Ok(roots)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A certificate's frame with other bytes in it.
    const GARBLED: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    #[test]
    fn a_file_without_authorities_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |content: Option<&[u8]>, why: &str| {
            let file = folder.path().join("authorities.pem");
            match content {
                Some(content) => std::fs::write(&file, content).unwrap(),
                None => std::fs::create_dir(&file).unwrap(),
            }
            let error = tls_config(&Trust::File(file.clone())).unwrap_err().to_string();
            assert!(error.contains(&file.display().to_string()) && error.contains(why), "{error}");
            if content.is_none() {
                std::fs::remove_dir(&file).unwrap();
            }
        };
        refused(None, "directory");
        refused(Some(b""), "no certificate");
        refused(Some(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "no certificate");
        refused(Some(GARBLED.as_bytes()), "BadEncoding");
        refused(Some(b"-----BEGIN CERTIFICATE-----\nAAAA\n"), "end marker");
        refused(Some(&vec![b'\n'; MAX_AUTHORITIES_SIZE_BYTES as usize + 1]), "over 1048576 bytes");
        let absent = tls_config(&Trust::File(folder.path().join("absent"))).unwrap_err().to_string();
        assert!(absent.contains("absent"), "{absent}");
    }
}
