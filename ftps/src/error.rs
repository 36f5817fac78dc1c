//! Errors, with the stage that failed and the evidence.
//!
//! An [`Error`]'s `Display` is one fact in English; the underlying error is its `source()`. The
//! server's [`reply`](Error::reply) is shown verbatim beside it. The likely cause is its
//! [`Diagnosis`](crate::Diagnosis). [`facts`](Error::facts) are for other languages.

use std::{
    error::Error as StdError,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use rustls::AlertDescription;
use thiserror::Error as ThisError;

use crate::{
    certificate::{Fingerprint, UntrustedCertificate},
    digest::FileDigest,
    passive::PassiveError,
    proxy::{ProxyFailure, ProxyProtocol},
    reply::{Code, Reply, Severity, decoder::DecodeError},
    stage::Stage,
    target::Encryption,
    tls::{self, ClientCertificate, TlsFacts},
    transcript::{ErrorLine, EventKind},
};

mod sentences;

/// The age from which a session may be too old for the server to resume: some servers keep TLS
/// sessions for 300 s.
const RESUMABLE_AGE: Duration = Duration::from_secs(240);

/// A failure of the engine.
pub struct Error(Box<Inner>);

struct Inner {
    stage: Stage,
    kind: Kind,
    evidence: Evidence,
}

/// The state of the session when an error occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The session, as [`Event::session`](crate::Event::session) counts it.
    pub session: Option<u32>,
    /// The address that was dialled, and how TLS starts there.
    pub target: Option<(SocketAddr, Encryption)>,
    /// The TLS of the control connection.
    pub tls: Option<TlsFacts>,
    /// Whether the server asked for our client certificate, and got it.
    pub client_certificate: ClientCertificate,
    /// The port of the data connection that the error is about.
    pub data_port: Option<u16>,
    /// The address that the server named for it, if that is not the control connection's: it was not
    /// dialled.
    pub passive_address: Option<Ipv4Addr>,
    /// The TLS of that data connection.
    pub data_tls: Option<TlsFacts>,
    /// TLS 1.3 tickets that the session has received.
    pub tickets: u32,
    /// Data connections that this session completed before.
    pub data_connections: u32,
    /// Commands that were sent in this session.
    pub commands: u32,
    /// How long the session had been open.
    pub age: Duration,
    /// The batch, where a reply to one of its commands did not arrive.
    pub batch: Option<Batch>,
    /// Whether the username or the password that the server refused has characters beyond ASCII.
    pub credentials_beyond_ascii: bool,
}

impl Evidence {
    /// Whether the server may have dropped the TLS session because of its age.
    pub(crate) fn may_be_too_old_to_resume(&self) -> bool {
        self.age > RESUMABLE_AGE
    }
}

/// A batch of commands, of which not all were answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The number of commands.
    pub commands: usize,
    /// The number of replies.
    pub answered: usize,
}

/// The kinds of failures. Public through [`Error`]'s predicates only; the sentences are in `sentences`.
#[derive(Debug, ThisError)]
pub(crate) enum Kind {
    InvalidHost {
        host: String,
    },
    Io {
        operation: Operation,
        source: io::Error,
    },
    TimedOut {
        operation: Operation,
        after: Duration,
    },
    Proxy {
        protocol: ProxyProtocol,
        operation: Operation,
        #[source]
        failure: ProxyFailure,
    },
    Closed,
    Ended {
        reply: Reply,
    },
    Refused {
        verb: &'static str,
        reply: Reply,
    },
    Unexpected {
        verb: &'static str,
        reply: Reply,
    },
    Malformed(#[source] DecodeError),
    BytesAfterAuth {
        count: usize,
    },
    TlsSetup(#[source] rustls::Error),
    Handshake(#[source] io::Error),
    ImplicitTlsExpected,
    PlaintextAnswer {
        start: Vec<u8>,
    },
    Untrusted(Box<UntrustedCertificate>),
    NotPinned {
        shown: Fingerprint,
    },
    DataCertificate {
        control: Fingerprint,
        data: Fingerprint,
    },
    Passive {
        verb: &'static str,
        reply: Reply,
        source: PassiveError,
    },
    UnexpectedData,
    EndedEarly {
        reply: Reply,
    },
    WrongSize {
        sent: u64,
        stored: Option<u64>,
    },
    WrongDigest {
        sent: FileDigest,
        stored: FileDigest,
    },
    IncompleteFileRemains {
        path: String,
        #[source]
        check: Error,
    },
    StoredElsewhere {
        path: String,
        stored: String,
    },
    SourceLengthMismatch {
        given: u64,
        missing: u64,
    },
    NameNotKept,
    TargetIsDirectory {
        path: String,
    },
    PathsNotSupported {
        directory: String,
    },
    NoRandomness(#[source] io::Error),
    OutOfSync,
}

/// The operation that failed or timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    ControlTcp,
    DataTcp,
    Greeting,
    Reply,
    FinalReply,
    Digest,
    ControlTls,
    DataTls,
    Control,
    Data,
}

/// Why the server rejects our client certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientCertificateFault {
    /// It asked for one and got none.
    Needed,
    /// It rejected the one that it got.
    Refused,
}

impl Kind {
    /// The TLS alert of the server, if that is the error.
    pub(crate) fn alert(&self) -> Option<AlertDescription> {
        match self {
            Self::Handshake(source) | Self::Io { source, .. } => tls::alert_in(source),
            _ => None,
        }
    }

    /// Builds an error of this kind at a stage, without evidence.
    pub(crate) fn at(self, stage: Stage) -> Error {
        Error(Box::new(Inner { stage, kind: self, evidence: Evidence::default() }))
    }
}

impl Error {
    /// The stage that failed.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.0.stage
    }

    /// The server's reply that the error is about, verbatim.
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        match &self.0.kind {
            Kind::Refused { reply, .. }
            | Kind::Unexpected { reply, .. }
            | Kind::Ended { reply }
            | Kind::EndedEarly { reply }
            | Kind::Passive { reply, .. } => Some(reply),
            Kind::InvalidHost { .. }
            | Kind::Io { .. }
            | Kind::TimedOut { .. }
            | Kind::Proxy { .. }
            | Kind::Closed
            | Kind::Malformed(_)
            | Kind::BytesAfterAuth { .. }
            | Kind::TlsSetup(_)
            | Kind::Handshake(_)
            | Kind::ImplicitTlsExpected
            | Kind::PlaintextAnswer { .. }
            | Kind::Untrusted(_)
            | Kind::NotPinned { .. }
            | Kind::DataCertificate { .. }
            | Kind::UnexpectedData
            | Kind::WrongSize { .. }
            | Kind::WrongDigest { .. }
            | Kind::IncompleteFileRemains { .. }
            | Kind::StoredElsewhere { .. }
            | Kind::SourceLengthMismatch { .. }
            | Kind::NameNotKept
            | Kind::TargetIsDirectory { .. }
            | Kind::PathsNotSupported { .. }
            | Kind::NoRandomness(_)
            | Kind::OutOfSync => None,
        }
    }

    /// The state of the session when the error occurred.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.0.evidence
    }

    /// Whether a later attempt may succeed: a 4yz reply, a timeout, a lost connection.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match &self.0.kind {
            // An account is wanted for good.
            Kind::Refused { reply, .. } if reply.code() == Code::ACCOUNT_NEEDED => false,
            Kind::Refused { reply, .. } | Kind::Unexpected { reply, .. } => {
                reply.code().severity() != Severity::PermanentFailure
            }
            Kind::Proxy { failure, .. } => failure.is_transient(),
            Kind::Io { .. } | Kind::Handshake(_) => self.client_certificate_fault().is_none(),
            Kind::TimedOut { .. }
            | Kind::Closed
            | Kind::Ended { .. }
            | Kind::UnexpectedData
            | Kind::EndedEarly { .. }
            | Kind::OutOfSync => true,
            Kind::InvalidHost { .. }
            | Kind::Malformed(_)
            | Kind::BytesAfterAuth { .. }
            | Kind::TlsSetup(_)
            | Kind::ImplicitTlsExpected
            | Kind::PlaintextAnswer { .. }
            | Kind::Untrusted(_)
            | Kind::NotPinned { .. }
            | Kind::DataCertificate { .. }
            | Kind::WrongSize { .. }
            | Kind::WrongDigest { .. }
            | Kind::IncompleteFileRemains { .. }
            | Kind::StoredElsewhere { .. }
            | Kind::SourceLengthMismatch { .. }
            | Kind::TargetIsDirectory { .. }
            | Kind::NameNotKept
            | Kind::PathsNotSupported { .. }
            | Kind::NoRandomness(_)
            | Kind::Passive { .. } => false,
        }
    }

    /// Whether a later attempt will fail again: the opposite of [`Self::is_transient`].
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        !self.is_transient()
    }

    /// Whether a limit of [`Timeouts`](crate::Timeouts) was exceeded.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(
            self.0.kind,
            Kind::TimedOut { .. } | Kind::Proxy { failure: ProxyFailure::Silent, .. }
        )
    }

    /// The certificate that is not trusted, if that is the error. Nothing secret was sent.
    #[must_use]
    pub fn is_certificate(&self) -> Option<&UntrustedCertificate> {
        match &self.0.kind {
            Kind::Untrusted(untrusted) => Some(untrusted),
            _ => None,
        }
    }

    /// Whether the server does not support the command or its argument: 500, 501, 502 or 504.
    #[must_use]
    pub fn is_not_supported(&self) -> bool {
        self.refusal().is_some_and(|reply| reply.code().is_not_supported())
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// The 4yz or 5yz reply, if the error is a refusal.
    pub(crate) fn refusal(&self) -> Option<&Reply> {
        match &self.0.kind {
            Kind::Refused { reply, .. } => Some(reply),
            _ => None,
        }
    }

    /// Whether the source returned no bytes, or too many.
    pub(crate) fn is_source_length_mismatch(&self) -> bool {
        matches!(self.0.kind, Kind::SourceLengthMismatch { .. })
    }

    /// Whether the digest of the server's file differs from that of the sent bytes.
    pub(crate) fn is_wrong_content(&self) -> bool {
        matches!(self.0.kind, Kind::WrongDigest { .. })
    }

    /// Whether the size of the server's file differs from that of the sent bytes.
    pub(crate) fn is_wrong_size(&self) -> bool {
        matches!(self.0.kind, Kind::WrongSize { .. })
    }

    /// Whether the server confirmed a file and reports that it is not there.
    pub(crate) fn is_missing_file(&self) -> bool {
        matches!(self.0.kind, Kind::WrongSize { stored: None, .. })
    }

    /// Whether the server stored fewer bytes than it confirmed.
    pub(crate) fn is_short_file(&self) -> bool {
        matches!(self.0.kind, Kind::WrongSize { sent, stored } if stored.is_none_or(|n| n < sent))
    }

    /// Whether the server refused the file after its last byte, and not because of the connection (425,
    /// 426). Perhaps it has not received all of it: Pure-FTPd's reply to an aborted transfer is 451.
    pub(crate) fn is_rejected_file(&self) -> bool {
        let is_about_connection = |reply: &Reply| {
            [Code::NO_DATA_CONNECTION, Code::TRANSFER_ABORTED].contains(&reply.code())
        };
        self.stage() == Stage::Verify
            && matches!(self.refused_verb(), Some("STOR" | "APPE"))
            && self.refusal().is_some_and(|reply| !is_about_connection(reply))
    }

    /// Whether a data port could not be reached.
    pub(crate) fn is_unreachable_data_port(&self) -> bool {
        matches!(
            self.0.kind,
            Kind::Io { operation: Operation::DataTcp, .. }
                | Kind::TimedOut { operation: Operation::DataTcp, .. }
                | Kind::Proxy { operation: Operation::DataTcp, .. }
        )
    }

    /// The command that was refused, if that is the error.
    pub(crate) fn refused_verb(&self) -> Option<&'static str> {
        match &self.0.kind {
            Kind::Refused { verb, .. } => Some(verb),
            _ => None,
        }
    }

    /// Whether the server ended TLS because of our client certificate (RFC 8446 §6.2).
    ///
    /// TLS 1.2 has no alert for a missing one: servers send `handshake_failure` (RFC 5246 §7.4.6).
    /// With TLS 1.3 the alert arrives after the handshake, during a later read.
    pub(crate) fn client_certificate_fault(&self) -> Option<ClientCertificateFault> {
        use AlertDescription::{CertificateRequired, HandshakeFailure};
        let alert = self.kind().alert()?;
        let is_about_ours = tls::is_about_a_certificate(alert);
        match self.evidence().client_certificate {
            _ if alert == CertificateRequired => Some(ClientCertificateFault::Needed),
            ClientCertificate::Missing if is_about_ours || alert == HandshakeFailure => {
                Some(ClientCertificateFault::Needed)
            }
            ClientCertificate::Shown if is_about_ours => Some(ClientCertificateFault::Refused),
            ClientCertificate::NotAskedFor
            | ClientCertificate::Missing
            | ClientCertificate::Shown => None,
        }
    }

    /// Corrects the stage: with TLS 1.3 the server rejects our certificate only after the
    /// handshake, when the login is under way.
    pub(crate) fn at_its_stage(mut self) -> Self {
        if self.client_certificate_fault().is_some() {
            self.0.stage = Stage::Tls;
        }
        self
    }

    pub(crate) fn with_evidence(mut self, evidence: Evidence) -> Self {
        self.0.evidence = evidence;
        self
    }

    /// Adds the address that the server named for the data connection.
    pub(crate) fn naming(mut self, address: Option<Ipv4Addr>) -> Self {
        self.0.evidence.passive_address = address;
        self
    }

    /// Returns the event of the transcript that tells of the error.
    pub(crate) fn event(&self) -> EventKind {
        let line = ErrorLine { stage: self.stage(), message: self.chain() };
        match self.is_certificate() {
            Some(_) => EventKind::Untrusted(line),
            None => EventKind::Error(line),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("stage", &self.0.stage)
            .field("kind", &self.0.kind)
            .field("evidence", &self.0.evidence)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.kind.source()
    }
}
