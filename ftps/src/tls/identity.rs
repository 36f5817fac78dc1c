//! The client certificate (RFC 8446 §4.3.2, RFC 5246 §7.4.4).

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use thiserror::Error;

use crate::certificate::Fingerprint;

/// A client certificate with its chain and its key.
///
/// The cryptographic library holds the key and overwrites it when the last clone is dropped; no
/// `Debug` shows it.
#[derive(Clone)]
pub struct ClientIdentity(Arc<CertifiedKey>);

/// A certificate and a key that cannot be used together.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// There is no PEM section `CERTIFICATE` (RFC 7468 §5).
    #[error("there is no certificate in PEM form")]
    NoCertificate,
    /// There is no PEM section with an unencrypted private key (RFC 7468 §10; PKCS #1 and SEC 1 are
    /// accepted too).
    #[error("there is no private key in PEM form that is readable without a password")]
    NoKey,
    /// The key is of an unknown kind, or belongs to another certificate.
    #[error("the private key cannot be used with the certificate")]
    Unfit(#[source] rustls::Error),
}

impl ClientIdentity {
    /// Parses a certificate, its chain and its key, for the cryptography of aws-lc-rs.
    ///
    /// The caller has to overwrite its own copy of `key`.
    ///
    /// # Errors
    /// [`IdentityError`] when one of them is missing or they do not belong together.
    #[cfg(feature = "aws-lc-rs")]
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        Self::from_pem_with(&provider, certificates, key)
    }

    /// The same for other cryptography: that of [`TlsConfig::provider`](super::TlsConfig::provider).
    ///
    /// # Errors
    /// [`IdentityError`] when one of them is missing or they do not belong together.
    pub fn from_pem_with(
        provider: &CryptoProvider,
        certificates: &[u8],
        key: &[u8],
    ) -> Result<Self, IdentityError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or(IdentityError::NoCertificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| IdentityError::NoKey)?;
        let certified = CertifiedKey::from_der(chain, key, provider);
        Ok(Self(Arc::new(certified.map_err(IdentityError::Unfit)?)))
    }

    /// The fingerprint of the certificate itself.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.0.cert.first().map(Fingerprint::of)
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientIdentity").field(&self.fingerprint()).finish()
    }
}

/// Whether the server asked for the client certificate, and got it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientCertificate {
    /// The server did not ask for one.
    #[default]
    NotAskedFor,
    /// The server asked for one, but none is configured.
    Missing,
    /// The server asked for one and got it.
    Shown,
}

/// Gives the client certificate to a server that asks, and remembers that it asked.
#[derive(Debug)]
pub(super) struct ClientCertResolver {
    identity: Option<ClientIdentity>,
    asked: AtomicBool,
}

impl ClientCertResolver {
    pub(super) fn new(identity: Option<ClientIdentity>) -> Self {
        Self { identity, asked: AtomicBool::new(false) }
    }

    /// What has happened so far.
    pub(super) fn outcome(&self) -> ClientCertificate {
        match (self.asked.load(Ordering::Relaxed), &self.identity) {
            (false, _) => ClientCertificate::NotAskedFor,
            (true, None) => ClientCertificate::Missing,
            (true, Some(_)) => ClientCertificate::Shown,
        }
    }
}

impl ResolvesClientCert for ClientCertResolver {
    /// Returns the one certificate, whichever authorities the server names: servers forget some,
    /// and a rejected certificate is a clearer error than a missing one.
    fn resolve(
        &self,
        _authorities: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.identity.as_ref().map(|identity| Arc::clone(&identity.0))
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate_and_key() -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(["client".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn certificate_and_key_may_be_in_one_text() {
        let (certificate, key) = certificate_and_key();
        let both = format!("{key}{certificate}");
        let identity = ClientIdentity::from_pem(both.as_bytes(), both.as_bytes()).unwrap();
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        assert_eq!(identity.fingerprint(), Some(Fingerprint::of(&der)));
    }

    #[test]
    fn what_is_missing_or_does_not_fit_is_said() {
        let (certificate, key) = certificate_and_key();
        let (_, another) = certificate_and_key();
        let error = |certificates: &str, key: &str| {
            ClientIdentity::from_pem(certificates.as_bytes(), key.as_bytes()).unwrap_err()
        };
        assert!(matches!(error("", &key), IdentityError::NoCertificate));
        assert!(matches!(error(&key, &key), IdentityError::NoCertificate));
        assert!(matches!(error(&certificate, ""), IdentityError::NoKey));
        assert!(matches!(error(&certificate, &certificate), IdentityError::NoKey));
        assert!(matches!(error(&certificate, &another), IdentityError::Unfit(_)));
    }

    #[test]
    fn debug_shows_the_fingerprint_and_no_key() {
        let (certificate, key) = certificate_and_key();
        let identity = ClientIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let shown = format!("{identity:?}");
        assert_eq!(shown, format!("ClientIdentity({:?})", identity.fingerprint()));
        assert!(!shown.contains("PRIVATE"));
    }
}
