//! TLS: versions, configuration, and one session store for each FTP session.
//!
//! - `session`: the configuration that a control connection and its data connections share.
//! - `verifier`: verifies the server's certificate.
//! - `identity`: the client certificate.

use std::{fmt, io, sync::Arc};

use rustls::{
    AlertDescription, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore,
    crypto::CryptoProvider,
};

use crate::certificate::Fingerprint;

mod identity;
pub(crate) mod session;
pub(crate) mod verifier;

pub use identity::{ClientCertificate, ClientIdentity, IdentityError};

/// A TLS version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

/// The versions that may be negotiated, `min` to `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsVersions {
    /// The oldest.
    pub min: TlsVersion,
    /// The newest; where it is older than `min`, only `min` is offered.
    pub max: TlsVersion,
}

impl TlsVersions {
    /// TLS 1.2 and nothing else.
    pub const ONLY_TLS12: Self = Self { min: TlsVersion::Tls12, max: TlsVersion::Tls12 };

    /// The same, but no newer than `max` unless `min` forbids that.
    #[must_use]
    pub fn at_most(self, max: TlsVersion) -> Self {
        Self { min: self.min, max: self.max.min(max).max(self.min) }
    }

    /// Whether `version` may be negotiated.
    #[must_use]
    pub fn allows(self, version: TlsVersion) -> bool {
        (self.min..=self.max.max(self.min)).contains(&version)
    }
}

impl Default for TlsVersions {
    /// TLS 1.2 and 1.3.
    fn default() -> Self {
        Self { min: TlsVersion::Tls12, max: TlsVersion::Tls13 }
    }
}

/// Whether TLS handshakes send ALPN with the protocol `ftp` (RFC 7301).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alpn {
    /// They do.
    #[default]
    Named,
    /// They do not: the server refused a handshake because of it.
    Unnamed,
}

/// Trust, TLS versions and the client certificate.
///
/// Of the three kinds of trust, only the first one set applies: [`Self::pins`],
/// [`Self::trusted_certificate`], [`Self::roots`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TlsConfig {
    /// The cryptography.
    pub provider: Arc<CryptoProvider>,
    /// The versions that may be negotiated.
    pub versions: TlsVersions,
    /// The trusted root certificates.
    pub roots: Arc<RootCertStore>,
    /// The only certificate that is accepted, whatever `roots` say: a user trusted it.
    /// [`Error::is_certificate`](crate::Error::is_certificate) has the facts to decide by.
    pub trusted_certificate: Option<Fingerprint>,
    /// Unless empty, the only certificates that are accepted, whatever `roots` and
    /// `trusted_certificate` say: the operator pinned them. Another certificate is an error, not a
    /// question to the user.
    pub pins: Vec<Fingerprint>,
    /// The client certificate for servers that ask for one.
    pub client_identity: Option<ClientIdentity>,
}

impl TlsConfig {
    /// TLS 1.2 and 1.3 with the cryptography of aws-lc-rs, trust by `roots`, no client certificate.
    #[cfg(feature = "aws-lc-rs")]
    #[must_use]
    pub fn new(roots: Arc<RootCertStore>) -> Self {
        Self::with_provider(roots, Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
    }

    /// The same with other cryptography.
    #[must_use]
    pub fn with_provider(roots: Arc<RootCertStore>, provider: Arc<CryptoProvider>) -> Self {
        Self {
            provider,
            versions: TlsVersions::default(),
            roots,
            trusted_certificate: None,
            pins: Vec::new(),
            client_identity: None,
        }
    }
}

/// The result of a TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// The version.
    pub version: TlsVersion,
    /// The cipher suite's name in IANA's registry.
    pub cipher_suite: String,
    /// Whether an earlier session was resumed (RFC 8446 §2.2, RFC 5246 §7.3).
    pub resumed: bool,
}

impl TlsFacts {
    /// The facts of a connection; `None` during its handshake.
    pub(crate) fn of(connection: &ClientConnection) -> Option<Self> {
        let version = match connection.protocol_version()? {
            ProtocolVersion::TLSv1_2 => TlsVersion::Tls12,
            ProtocolVersion::TLSv1_3 => TlsVersion::Tls13,
            // The session offers no other.
            _ => return None,
        };
        let suite = connection.negotiated_cipher_suite()?.suite();
        let name = suite.as_str().unwrap_or("unknown");
        Some(Self {
            version,
            // rustls marks the suites of TLS 1.3, IANA does not.
            cipher_suite: name.replacen("TLS13_", "TLS_", 1),
            resumed: connection.handshake_kind()? == HandshakeKind::Resumed,
        })
    }
}

/// `TLS 1.3, TLS_AES_256_GCM_SHA384, session resumed`.
impl fmt::Display for TlsFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handshake = if self.resumed { "session resumed" } else { "full handshake" };
        write!(f, "{}, {}, {handshake}", self.version, self.cipher_suite)
    }
}

/// The TLS alert of the server, if that is the error (RFC 8446 §6).
pub(crate) fn alert_in(error: &io::Error) -> Option<AlertDescription> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    if let rustls::Error::AlertReceived(alert) = error { Some(*alert) } else { None }
}

/// An unencrypted alert that was not read (RFC 5246 §7.2): a server that refuses a handshake closes
/// the connection at once, and then a write may fail before the alert is read.
pub(crate) fn alert_in_clear(unread: &[u8]) -> Option<AlertDescription> {
    match unread {
        [0x15, 0x03, _, 0, 2, _level, alert, ..] => Some(AlertDescription::from(*alert)),
        _ => None,
    }
}

/// Whether an alert is about a certificate or its signature: an alert that we receive is about our
/// own (RFC 8446 §6.2).
pub(crate) fn is_about_a_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maximum_never_goes_below_the_minimum() {
        let only13 = TlsVersions { min: TlsVersion::Tls13, max: TlsVersion::Tls13 };
        assert_eq!(only13.at_most(TlsVersion::Tls12), only13);
        assert_eq!(TlsVersions::default().at_most(TlsVersion::Tls12), TlsVersions::ONLY_TLS12);
    }

    #[test]
    fn alert_is_found_in_what_was_not_read() {
        let alert = [0x15, 3, 3, 0, 2, 2, 40];
        assert_eq!(alert_in_clear(&alert), Some(AlertDescription::HandshakeFailure));
        assert_eq!(alert_in_clear(&alert[..6]), None);
        assert_eq!(alert_in_clear(b"220 ready\r\n"), None);
    }
}
