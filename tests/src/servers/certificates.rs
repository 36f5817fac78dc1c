//! The certificate of a server, and one of a client that it accepts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::pki_types::CertificateDer;

/// A self-signed certificate for `localhost` and 127.0.0.1.
pub(super) struct Certificate {
    pub(super) der: CertificateDer<'static>,
    pub(super) certificate_pem: String,
    pub(super) key_pem: String,
}

/// A client's certificate from the server's own authority, and its key, both PEM.
#[derive(Clone, Debug)]
pub struct ClientFiles {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The certificate of their authority.
    pub(super) authority: PathBuf,
}

impl Certificate {
    pub(super) fn generate() -> Self {
        // RSA: the only kind that vsftpd's default cipher suite for TLS 1.2 goes with.
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
            .expect("a key can be made");
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut parameters = CertificateParams::new(names).expect("the names are well-formed");
        parameters.distinguished_name.push(DnType::CommonName, "ferryport test server");
        let certificate = parameters.self_signed(&key).expect("a certificate can be made");
        Self {
            der: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }
}

impl ClientFiles {
    /// Makes an authority and a client of it.
    pub(super) fn generate(folder: &Path) -> Self {
        let authority_key = KeyPair::generate().expect("a key can be made");
        let mut authority = CertificateParams::new([]).expect("no name at all");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Each server has an authority of its own.
        let name = format!("authority of {}", folder.display());
        authority.distinguished_name.push(DnType::CommonName, name);
        let authority_pem = authority.self_signed(&authority_key).expect("a certificate").pem();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().expect("a key can be made");
        let mut client = CertificateParams::new([]).expect("no name at all");
        client.distinguished_name.push(DnType::CommonName, "ferryport test client");
        let client_pem = client.signed_by(&key, &issuer).expect("a certificate").pem();
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).expect("the folder is ours");
            path
        };
        Self {
            certificate: write("client.pem", client_pem),
            key: write("client.key", key.serialize_pem()),
            authority: write("clients.pem", authority_pem),
        }
    }
}
