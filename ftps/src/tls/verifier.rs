//! Verifies the server's certificate, and keeps a refused one so that the user can be asked.
//!
//! The first rule that applies decides: once the control connection showed a certificate, only that
//! one; if certificates are pinned, only those; if one is trusted by its fingerprint, only that
//! one; else a chain to a root, a valid date and the right name (RFC 5280, RFC 9525). The
//! handshake's signature is always verified: the server must hold the certificate's key.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use super::TlsConfig;
use crate::{
    certificate::{CertificateFacts, CertificateFault, Fingerprint, UntrustedCertificate},
    lock::lock,
    time::rfc3339,
};

/// The verifier of one FTP session.
#[derive(Debug)]
pub(crate) struct Verifier {
    provider: Arc<CryptoProvider>,
    /// `None` without any roots: then no chain is trusted.
    chains: Option<Arc<WebPkiServerVerifier>>,
    trusted: Option<Fingerprint>,
    pins: Vec<Fingerprint>,
    required: OnceLock<Fingerprint>,
    refused: Mutex<Option<RefusedCertificate>>,
    on_refusal: OnRefusal,
}

/// What happens with a certificate that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnRefusal {
    /// The handshake fails.
    Fail,
    /// The handshake goes on, and the refusal is kept: for an examination, in which nothing secret is
    /// sent.
    Record,
}

/// A certificate that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RefusedCertificate {
    /// The user may be asked about it.
    Untrusted(UntrustedCertificate),
    /// It is not pinned: an error, not a question.
    NotPinned(CertificateFacts),
}

impl RefusedCertificate {
    pub(crate) fn facts(&self) -> &CertificateFacts {
        match self {
            Self::Untrusted(untrusted) => &untrusted.facts,
            Self::NotPinned(facts) => facts,
        }
    }
}

impl Verifier {
    pub(crate) fn new(
        config: &TlsConfig,
        provider: Arc<CryptoProvider>,
        on_refusal: OnRefusal,
    ) -> Result<Self, Error> {
        let chains = if config.roots.is_empty() {
            None
        } else {
            let roots = Arc::clone(&config.roots);
            let builder = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
            Some(builder.build().map_err(|error| Error::General(error.to_string()))?)
        };
        Ok(Self {
            provider,
            chains,
            trusted: config.trusted_certificate,
            pins: config.pins.clone(),
            required: OnceLock::new(),
            refused: Mutex::new(None),
            on_refusal,
        })
    }

    /// Accepts only this certificate from here on. The first call counts.
    pub(crate) fn require_certificate(&self, certificate: Fingerprint) {
        // A second control handshake does not happen within one session.
        let _ = self.required.set(certificate);
    }

    /// Takes the certificate that was refused last.
    pub(crate) fn take_refused(&self) -> Option<RefusedCertificate> {
        self.refused().take()
    }

    fn refused(&self) -> MutexGuard<'_, Option<RefusedCertificate>> {
        lock(&self.refused)
    }

    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), CertificateRefusal> {
        if let Some(only) = self.required.get() {
            return expect_certificate(*only, end_entity);
        }
        if !self.pins.is_empty() {
            let is_pinned = self.pins.contains(&Fingerprint::of(end_entity));
            return if is_pinned { Ok(()) } else { Err(CertificateRefusal::NotPinned) };
        }
        if let Some(only) = self.trusted {
            return expect_certificate(only, end_entity);
        }
        let Some(chains) = &self.chains else {
            return Err(CertificateRefusal::of_chain(&CertificateError::UnknownIssuer));
        };
        match chains.verify_server_cert(end_entity, intermediates, name, &[], now) {
            Ok(_) => Ok(()),
            // Servers often omit the intermediate certificates.
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
                if intermediates.is_empty() =>
            {
                Err(CertificateRefusal::Chain(Some(CertificateFault::NoIssuerShown)))
            }
            Err(Error::InvalidCertificate(error)) => Err(CertificateRefusal::of_chain(&error)),
            Err(other) => {
                Err(CertificateRefusal::Chain(Some(CertificateFault::Other(other.to_string()))))
            }
        }
    }
}

/// Why a certificate is refused, before its facts are known.
enum CertificateRefusal {
    /// It is not pinned.
    NotPinned,
    /// It is not the required one.
    NotTheOne(Fingerprint),
    /// Its chain, date, name or purpose; `None` where its facts tell.
    Chain(Option<CertificateFault>),
}

fn expect_certificate(
    only: Fingerprint,
    shown: &CertificateDer<'_>,
) -> Result<(), CertificateRefusal> {
    if Fingerprint::of(shown) == only { Ok(()) } else { Err(CertificateRefusal::NotTheOne(only)) }
}

impl CertificateRefusal {
    fn of_chain(error: &CertificateError) -> Self {
        Self::Chain(match error {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
            | CertificateError::NotValidForName
            | CertificateError::NotValidForNameContext { .. } => None,
            CertificateError::UnknownIssuer => Some(CertificateFault::UnknownIssuer),
            CertificateError::Revoked => Some(CertificateFault::Revoked),
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Some(CertificateFault::NotForServers)
            }
            CertificateError::BadEncoding => Some(CertificateFault::Unreadable),
            other => Some(CertificateFault::Other(other.to_string())),
        })
    }

    fn of_certificate(
        self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> RefusedCertificate {
        let facts = CertificateFacts::of(certificate);
        let faults = match self {
            Self::NotPinned => return RefusedCertificate::NotPinned(facts),
            Self::NotTheOne(trusted) => vec![CertificateFault::NotTheTrusted { trusted }],
            Self::Chain(fault) => all_faults(fault, &facts, certificate, name, now),
        };
        RefusedCertificate::Untrusted(UntrustedCertificate { facts, faults })
    }
}

/// Collects every reason, not only the verifier's first, so that the user decides once.
fn all_faults(
    first: Option<CertificateFault>,
    facts: &CertificateFacts,
    certificate: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Vec<CertificateFault> {
    let mut faults = Vec::new();
    if facts.is_self_issued() {
        faults.push(CertificateFault::SelfSigned);
    } else {
        faults.extend(first.clone());
    }
    faults.extend(date_fault(facts, now));
    faults.extend(name_fault(facts, certificate, name));
    if faults.is_empty() {
        faults.push(first.unwrap_or(CertificateFault::UnknownIssuer));
    }
    faults
}

fn date_fault(facts: &CertificateFacts, now: UnixTime) -> Option<CertificateFault> {
    if facts.not_after.is_empty() {
        return None;
    }
    let now = rfc3339(i64::try_from(now.as_secs()).ok()?);
    // RFC 3339 in UTC sorts by time.
    if now > facts.not_after {
        return Some(CertificateFault::Expired { not_after: facts.not_after.clone() });
    }
    let early = now < facts.not_before;
    early.then(|| CertificateFault::NotYetValid { not_before: facts.not_before.clone() })
}

fn name_fault(
    facts: &CertificateFacts,
    certificate: &CertificateDer<'_>,
    name: &ServerName<'_>,
) -> Option<CertificateFault> {
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    verify_server_name(&parsed, name).err()?;
    Some(CertificateFault::NameMismatch {
        host: name.to_str().into_owned(),
        names: facts.names.clone(),
    })
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.verify(end_entity, intermediates, server_name, now);
        if let Err(refusal) = verdict {
            *self.refused() = Some(refusal.of_certificate(end_entity, server_name, now));
            if self.on_refusal == OnRefusal::Fail {
                return Err(CertificateError::ApplicationVerificationFailure.into());
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
