//! A certificate with its key, ready for use.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{crypto::aws_lc_rs, pki_types::CertificateDer, sign::CertifiedKey};
use x509_parser::parse_x509_certificate;

use crate::pem;

/// The time from which and to which a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub start: SystemTime,
    /// The last moment.
    pub end: SystemTime,
}

impl Validity {
    /// Reads it from a certificate.
    ///
    /// # Errors
    /// A sentence about why it is no certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, String> {
        let parsed = parse_x509_certificate(certificate);
        let (_, parsed) = parsed.map_err(|error| format!("it is no X.509 certificate: {error}"))?;
        let validity = parsed.validity();
        Ok(Self {
            start: at(validity.not_before.timestamp()),
            end: at(validity.not_after.timestamp()),
        })
    }

    /// Returns the duration.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.end.duration_since(self.start).unwrap_or_default()
    }
}

/// Returns the moment of a Unix time in seconds; a certificate that began before 1970 is that old.
fn at(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// A certificate that the portal can serve.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate, its chain and its key.
    pub certified: Arc<CertifiedKey>,
    /// When it is valid.
    pub validity: Validity,
}

impl Issued {
    /// Parses a certificate with its chain and a private key, both in PEM form.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub fn parse(chain: &str, key: &[u8]) -> Result<Self, String> {
        let chain =
            pem::certificates(chain.as_bytes()).map_err(|reason| format!("the chain: {reason}"))?;
        let first = chain.first().ok_or("there is no certificate in the chain")?;
        let validity = Validity::of(first)?;
        let key = pem::private_key(key).map_err(|reason| format!("the private key: {reason}"))?;
        let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
            .map_err(|error| format!("the key does not fit the certificate: {error}"))?;
        Ok(Self { certified: Arc::new(certified), validity })
    }

    /// Returns the certificate itself.
    #[must_use]
    pub fn leaf(&self) -> Option<&CertificateDer<'static>> {
        self.certified.cert.first()
    }
}
