//! An authority of a test's own, and a service's certificate by it.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// Files in PEM.
pub struct Certificates {
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Makes an authority, and a certificate for a name or an address by it, in files that begin with `name`.
pub fn certificates(folder: &Path, name: &str, subject: &str) -> Certificates {
    let file = |part: &str, pem: String| {
        let path = folder.join(format!("{name}-{part}.pem"));
        std::fs::write(&path, pem).unwrap();
        path
    };
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, name);
    let authority_key = KeyPair::generate().unwrap();
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([subject.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    Certificates {
        authority: file("authority", authority_pem),
        certificate: file("certificate", certificate.pem()),
        key: file("key", key.serialize_pem()),
    }
}
