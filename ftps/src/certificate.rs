//! Certificates as users compare them: facts, fingerprint, and why one is not trusted.
//!
//! - `chain`: all certificates that a server shows.

use std::{fmt, net::IpAddr, str::FromStr};

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use thiserror::Error;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

use crate::{
    sentence::{Sentence, SentenceCode},
    time::rfc3339,
};

mod chain;

pub use chain::{CertificateChain, ChainCertificate, ChainOrder};

/// The most names of one certificate that are kept.
const MAX_NAMES: usize = 100;

/// SHA-256 of a certificate's DER form.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate.as_ref()).into())
    }

    /// A fingerprint that is known already.
    #[must_use]
    pub fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// 64 lower-case hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Text that is no SHA-256 fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a SHA-256 fingerprint has 64 hexadecimal digits")]
pub struct NotAFingerprint;

/// Takes 64 hexadecimal digits in either case, with or without colons.
impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let digits: Option<Vec<u8>> = text.chars().filter(|&c| c != ':').map(digit).collect();
        let digits = digits.ok_or(NotAFingerprint)?;
        let bytes: Vec<u8> =
            digits.chunks(2).map(|pair| pair.iter().fold(0, |n, d| n << 4 | d)).collect();
        let odd = digits.len() % 2 != 0;
        let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| NotAFingerprint)?;
        if odd { Err(NotAFingerprint) } else { Ok(Self(bytes)) }
    }
}

/// The content of a certificate. All of it except the fingerprint is the certificate's own claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The subject's distinguished name; empty where the certificate cannot be read.
    pub subject: String,
    /// The issuer's distinguished name; empty where the certificate cannot be read.
    pub issuer: String,
    /// The host names and addresses that it is for (RFC 5280 §4.2.1.6).
    pub names: Vec<String>,
    /// Start of its validity, RFC 3339, UTC.
    pub not_before: String,
    /// End of its validity, RFC 3339, UTC.
    pub not_after: String,
    /// SHA-256 of its DER form.
    pub sha256: Fingerprint,
}

impl CertificateFacts {
    /// Reads a certificate; one that cannot be read has its fingerprint and nothing else.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        let sha256 = Fingerprint::of(certificate);
        let parsed = X509Certificate::from_der(certificate);
        parsed.map_or_else(
            |_| Self::unreadable(sha256),
            |(_, parsed)| Self::of_parsed(&parsed, sha256),
        )
    }

    fn of_parsed(parsed: &X509Certificate<'_>, sha256: Fingerprint) -> Self {
        Self {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            names: names(parsed),
            not_before: rfc3339(parsed.validity().not_before.timestamp()),
            not_after: rfc3339(parsed.validity().not_after.timestamp()),
            sha256,
        }
    }

    fn unreadable(sha256: Fingerprint) -> Self {
        Self {
            subject: String::new(),
            issuer: String::new(),
            names: Vec::new(),
            not_before: String::new(),
            not_after: String::new(),
            sha256,
        }
    }

    /// Whether it was issued by its own subject.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        !self.subject.is_empty() && self.subject == self.issuer
    }
}

impl fmt::Display for CertificateFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "subject {}, issuer {}, valid from {} to {}, SHA-256 {}",
            self.subject, self.issuer, self.not_before, self.not_after, self.sha256
        )
    }
}

fn names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = parsed.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter().filter_map(name);
    names.take(MAX_NAMES).collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a server is known by names and addresses only")]
fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// A certificate that the engine refused, and why. Nothing secret was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntrustedCertificate {
    /// The certificate's content.
    pub facts: CertificateFacts,
    /// Why it is not trusted; at least one.
    pub faults: Vec<CertificateFault>,
}

/// One reason not to trust a certificate; its `Display` is a sentence for users.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It is self-signed.
    SelfSigned,
    /// Its issuer is not trusted.
    UnknownIssuer,
    /// Its issuer is not trusted, and the server does not show the issuer's certificate.
    NoIssuerShown,
    /// It has expired.
    Expired {
        /// The end of its validity, RFC 3339, UTC.
        not_after: String,
    },
    /// It is not yet valid.
    NotYetValid {
        /// The start of its validity, RFC 3339, UTC.
        not_before: String,
    },
    /// It is for other hosts.
    NameMismatch {
        /// The host that was asked for.
        host: String,
        /// The hosts that it is for.
        names: Vec<String>,
    },
    /// Its issuer revoked it.
    Revoked,
    /// It is not meant for servers.
    NotForServers,
    /// It cannot be read.
    Unreadable,
    /// It is not the one certificate that was trusted.
    NotTheTrusted {
        /// The fingerprint that was trusted.
        trusted: Fingerprint,
    },
    /// Something else, in the verifier's words.
    Other(String),
}

impl CertificateFault {
    /// Returns its sentence.
    #[must_use]
    pub fn sentence(&self) -> Sentence {
        use SentenceCode as Says;
        match self {
            Self::SelfSigned => Sentence::new(Says::FaultSelfSigned),
            Self::UnknownIssuer => Sentence::new(Says::FaultUnknownIssuer),
            Self::NoIssuerShown => Sentence::new(Says::FaultNoIssuerShown),
            Self::Expired { not_after } => {
                Sentence::new(Says::FaultExpired).with("not_after", not_after)
            }
            Self::NotYetValid { not_before } => {
                Sentence::new(Says::FaultNotYetValid).with("not_before", not_before)
            }
            Self::NameMismatch { host, names } if names.is_empty() => {
                Sentence::new(Says::FaultNoNames).with("host", host)
            }
            Self::NameMismatch { host, names } => Sentence::new(Says::FaultNameMismatch)
                .with("names", names.join(", "))
                .with("host", host),
            Self::Revoked => Sentence::new(Says::FaultRevoked),
            Self::NotForServers => Sentence::new(Says::FaultNotForServers),
            Self::Unreadable => Sentence::new(Says::FaultUnreadable),
            Self::NotTheTrusted { trusted } => {
                Sentence::new(Says::FaultNotTheTrusted).with("trusted", trusted)
            }
            Self::Other(what) => Sentence::new(Says::FaultOther).with("what", what),
        }
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_sentence() {
        let names = vec!["a.example".to_owned()];
        let faults = [
            CertificateFault::SelfSigned,
            CertificateFault::UnknownIssuer,
            CertificateFault::NoIssuerShown,
            CertificateFault::Expired { not_after: "2026-01-01".to_owned() },
            CertificateFault::NotYetValid { not_before: "2026-01-01".to_owned() },
            CertificateFault::NameMismatch { host: "b.example".to_owned(), names: Vec::new() },
            CertificateFault::NameMismatch { host: "b.example".to_owned(), names },
            CertificateFault::Revoked,
            CertificateFault::NotForServers,
            CertificateFault::Unreadable,
            CertificateFault::NotTheTrusted { trusted: Fingerprint([7; 32]) },
            CertificateFault::Other("x".to_owned()),
        ];
        let told: Vec<_> = faults.iter().map(|fault| fault.sentence().code()).collect();
        let all =
            SentenceCode::ALL.iter().filter(|code| code.as_str().starts_with("certificate_fault."));
        assert_eq!(told, all.copied().collect::<Vec<_>>());
        assert!(faults.iter().all(|fault| fault.sentence().is_filled()), "{faults:?}");
    }

    #[test]
    fn fingerprint_comes_back_from_its_text() {
        let fingerprint = Fingerprint::new([0xa7; 32]);
        let text = fingerprint.to_string();
        assert_eq!(text.len(), 64);
        assert_eq!(text.parse(), Ok(fingerprint));
        assert_eq!(text.to_uppercase().parse(), Ok(fingerprint));
        let colons: Vec<String> = (0..32).map(|_| "A7".to_owned()).collect();
        assert_eq!(colons.join(":").parse(), Ok(fingerprint));
    }

    #[test]
    fn text_that_is_no_fingerprint_is_refused() {
        let odd = "a".repeat(63);
        for text in ["", "a7", "zz", odd.as_str(), "ü"] {
            assert_eq!(text.parse::<Fingerprint>(), Err(NotAFingerprint), "{text}");
        }
    }

    #[test]
    fn facts_of_a_certificate_are_read() {
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["ftp.example.org".to_owned(), "192.0.2.7".to_owned()];
        let params = rcgen::CertificateParams::new(names.clone()).unwrap();
        let facts = CertificateFacts::of(params.self_signed(&key).unwrap().der());
        assert_eq!(facts.names, names);
        assert!(facts.is_self_issued());
        assert!(facts.not_before.ends_with('Z'));
    }

    #[test]
    fn certificate_that_cannot_be_read_has_a_fingerprint() {
        let facts = CertificateFacts::of(&CertificateDer::from(vec![1, 2, 3]));
        assert_eq!(facts.subject, "");
        assert!(!facts.is_self_issued());
        assert_eq!(
            facts.sha256.to_string(),
            "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"
        );
    }
}
