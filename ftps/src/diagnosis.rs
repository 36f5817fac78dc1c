//! Derives the likely cause of an error, and who can fix it.
//!
//! The facts are in the [`Error`]. The sentences about causes and remedies belong to the program that
//! shows them. Servers use the same code for many things, so the meaning of a refusal is derived from
//! its code, its stage and its words.
//!
//! - `cause`: the causes, and who can fix each.
//! - `connection`: connections that fail, and sessions that end without a reply.
//! - `tls`: failed handshakes, rejected TLS sessions, client certificates.
//! - `protocol`: answers that are not FTP.
//! - `certificate`: certificates that are not trusted.
//! - `refusal`: commands that the server refuses.

use crate::error::{Error, Kind};

mod cause;
mod certificate;
mod connection;
mod protocol;
mod refusal;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod server_replies;
mod tls;

pub use self::cause::Cause;

/// The likely cause of an error, and who can fix it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The most likely cause.
    pub cause: Cause,
    /// Who can fix it.
    pub who: Who,
}

/// Who can fix an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// The user who uploads.
    You,
    /// The operator of the FTPS server.
    ServerOperator,
    /// The operator of the network in between.
    Network,
    /// The operator of the program that contains the engine: its proxy, its pinned certificates, its
    /// client certificate.
    PortalOperator,
}

impl Diagnosis {
    /// Diagnoses an error by its [stage](Error::stage), the server's [reply](Error::reply) and the
    /// rest of the [evidence](Error::evidence).
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let cause = Cause::of(error);
        Self { cause, who: cause.who() }
    }
}

impl Cause {
    /// Returns the most likely cause of an error.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        match error.kind() {
            Kind::InvalidHost { .. } => Self::InvalidHost,
            Kind::Io { operation, source } => connection::io_cause(error, *operation, source),
            Kind::Proxy { operation, failure, .. } => connection::proxy_cause(*operation, failure),
            Kind::TimedOut { operation, .. } => connection::timeout_cause(error, *operation),
            Kind::Closed => connection::closed_cause(error),
            Kind::Ended { reply } => refusal::ended_cause(error.stage(), reply),
            Kind::Refused { verb, reply } => refusal::cause(error, verb, reply),
            Kind::Unexpected { reply, .. } => protocol::unexpected_cause(reply),
            Kind::Malformed(malformed) => protocol::malformed_cause(error, malformed),
            Kind::BytesAfterAuth { .. } => Self::InjectedBytes,
            Kind::TlsSetup(_) => Self::TlsFailed,
            Kind::Handshake(source) => tls::handshake_cause(error, source),
            Kind::ImplicitTlsExpected => protocol::implicit_tls_cause(error),
            Kind::PlaintextAnswer { start } => protocol::plaintext_cause(start),
            Kind::Untrusted(untrusted) => certificate::cause(&untrusted.faults),
            Kind::NotPinned { .. } => Self::CertificateNotPinned,
            Kind::DataCertificate { .. } => Self::DataCertificateDiffers,
            Kind::Passive { .. } => Self::PassiveUnusable,
            Kind::UnexpectedData => Self::ProtocolViolation,
            Kind::EndedEarly { .. } => Self::TransferBroken,
            Kind::WrongSize { .. } | Kind::WrongDigest { .. } => Self::NotWhole,
            Kind::IncompleteFileRemains { .. } => Self::IncompleteFileRemains,
            Kind::StoredElsewhere { .. } => Self::StoredElsewhere,
            Kind::SourceLengthMismatch { .. } => Self::SourceLengthMismatch,
            Kind::TargetIsDirectory { .. } => Self::NameIsDirectory,
            Kind::NameNotKept => Self::NameNotAllowed,
            Kind::PathsNotSupported { .. } => Self::PathsNotSupported,
            Kind::NoRandomness(_) => Self::NoRandomness,
            Kind::OutOfSync => Self::ConnectionLost,
        }
    }
}
