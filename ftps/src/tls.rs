//! TLS: the versions, what was agreed on, and one session store for each FTP session.
//!
//! - `session`: the configuration that a control connection and its data connections share.
//! - `verifier`: decides on the server's certificate and says why not.
//! - `identity`: our own certificate, for servers that ask for one.

use std::{fmt, io, sync::Arc};

use rustls::{AlertDescription, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore};

use crate::certificate::Fingerprint;

mod identity;
pub(crate) mod session;
pub(crate) mod verifier;

pub use identity::{ClientCertificate, ClientIdentity, IdentityError};

/// A version of TLS that the engine speaks.
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

/// The versions that may be agreed on, `min` to `max`.
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

    /// Whether `version` may be agreed on.
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

/// Whether TLS handshakes name the protocol, `ftp` (ALPN, RFC 7301).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alpn {
    /// They do, whether the server answers to it or not.
    #[default]
    Named,
    /// They do not: the server refused a handshake for it.
    Unnamed,
}

/// Whom the engine trusts, with which TLS versions, and who it is itself.
///
/// Of the three ways to trust a server the first that is set counts, alone: [`Self::pins`],
/// [`Self::trusted_certificate`], [`Self::roots`].
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// The versions that may be agreed on.
    pub versions: TlsVersions,
    /// The certificates that end a chain of trust.
    pub roots: Arc<RootCertStore>,
    /// The one certificate that is accepted, and no other, whatever `roots` say of it: a person's
    /// word. [`Error::is_certificate`](crate::Error::is_certificate) has what a person can decide
    /// by.
    pub trusted_certificate: Option<Fingerprint>,
    /// Unless there are none, the only certificates that are accepted, whatever `roots` and
    /// `trusted_certificate` say: the word of whoever set the engine up. A server that shows
    /// another one is no question to a person, it is a definite error.
    pub pins: Vec<Fingerprint>,
    /// What is shown to servers that ask for a client certificate.
    pub client_identity: Option<ClientIdentity>,
}

impl TlsConfig {
    /// TLS 1.2 and 1.3, trust by `roots`, no certificate of our own.
    #[must_use]
    pub fn new(roots: Arc<RootCertStore>) -> Self {
        Self {
            versions: TlsVersions::default(),
            roots,
            trusted_certificate: None,
            pins: Vec::new(),
            client_identity: None,
        }
    }
}

/// What a TLS handshake agreed on.
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
    /// The facts of a connection; `None` while its handshake is under way.
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

/// The alert that the server ended TLS with, if that is what the error is (RFC 8446 §6).
pub(crate) fn alert_in(error: &io::Error) -> Option<AlertDescription> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    if let rustls::Error::AlertReceived(alert) = error { Some(*alert) } else { None }
}

/// The alert that a server left behind in the clear (RFC 5246 §7.2): one that refuses a handshake
/// closes the connection right after it, and then a write may fail before the alert is read.
pub(crate) fn alert_in_clear(unread: &[u8]) -> Option<AlertDescription> {
    match unread {
        [0x15, 0x03, _, 0, 2, _level, alert, ..] => Some(AlertDescription::from(*alert)),
        _ => None,
    }
}

/// Whether an alert is about a certificate or what was signed with it: one that we get is about our
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
