//! What an error most likely means, what to do about it, and who can.
//!
//! The facts are in the [`Error`]; this is the advice. What a port speaks that is not FTP was
//! probed, not guessed; what a server means by a reply is read from its code, its stage and its
//! words, since servers use the same code for many things.
//!
//! - `refusal`: what a reply means.
//! - `certificate`: what the doubts about a certificate mean.
//! - `advice`: the texts.

use std::{io, net::Ipv4Addr, time::Duration};

use crate::{
    error::{Error, Evidence, Kind, Stage, What},
    reply::{Code, Reply, decoder::DecodeError},
    tls::TlsVersion,
};

mod advice;
mod certificate;
mod refusal;

/// A session that is older than this may be too old for the server to resume: some keep sessions
/// for 300 s.
const OLD_SESSION: Duration = Duration::from_secs(240);

/// A session that ends without a word after as many commands may have been cut for their number: a
/// filter of Windows' firewall is known to do so at about 700.
const MANY_COMMANDS: u32 = 400;

/// What an error most likely means and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// What most likely brought the error about.
    pub cause: Cause,
    /// The cause, in one or two sentences.
    pub explanation: String,
    /// What to do, in one or two sentences.
    pub remedy: String,
    /// Who can do it.
    pub who: Who,
}

/// Who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// Whoever uploads.
    You,
    /// Whoever runs the FTPS server.
    Host,
    /// Whoever runs the network in between.
    Network,
}

/// What most likely brought an error about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The host is neither a name nor an address.
    InvalidHost,
    /// Nothing listens at the port.
    ConnectionRefused,
    /// No way leads to the address.
    Unreachable,
    /// The address does not answer.
    NoAnswer,
    /// The port takes connections and says nothing.
    SilentServer,
    /// The port speaks SSH.
    SshServer,
    /// The port speaks HTTP.
    HttpServer,
    /// The port speaks something else.
    NotFtp,
    /// The port expects TLS at once.
    ImplicitTlsExpected,
    /// The port expects `AUTH TLS`.
    ExplicitTlsExpected,
    /// The server has no TLS.
    NoTls,
    /// The server has TLS and cannot grant it: most often its certificate is missing.
    TlsUnavailable,
    /// The server has TLS and its policy does not grant it.
    TlsPolicy,
    /// The server takes the session for one in the clear.
    EncryptionDemanded,
    /// The connection was cut where TLS starts.
    TlsCut,
    /// Something came in the clear where TLS starts.
    InjectedBytes,
    /// The server's TLS is older than TLS 1.2, or has no cipher suite in common.
    TlsTooOld,
    /// The server finds the cipher suite that was agreed on too weak.
    WeakCiphers,
    /// The server wants a certificate of the client's.
    ClientCertificateNeeded,
    /// The TLS handshake failed otherwise.
    TlsFailed,
    /// The certificate is not trusted, for a reason that has no name here.
    CertificateNotTrusted,
    /// Nobody but the server vouches for the certificate.
    CertificateSelfSigned,
    /// An authority that is not trusted here vouches for the certificate.
    CertificateUnknownIssuer,
    /// The server does not show who issued its certificate.
    CertificateChainIncomplete,
    /// The certificate's time is over.
    CertificateExpired,
    /// The certificate's time has not come.
    CertificateNotYetValid,
    /// The certificate is for other hosts.
    CertificateNameMismatch,
    /// The certificate was taken back, or is not meant for servers.
    CertificateUnfit,
    /// The certificate is not the one that was trusted before.
    CertificateChanged,
    /// The server knows no such user with that password.
    WrongCredentials,
    /// The server knows the user and does not let it in: locked, disabled or expired.
    AccountLocked,
    /// The server lets nobody in from this address.
    AddressBanned,
    /// The server lets nobody in after too many failed logins.
    TooManyAttempts,
    /// The user's directory on the server is missing or closed.
    HomeUnavailable,
    /// vsftpd does not let a user write to the directory that it is locked into.
    WritableRoot,
    /// The server stumbles over its own configuration.
    ServerMisconfigured,
    /// The server takes no more sessions of this user or address.
    TooManyConnections,
    /// The server wants an account name besides.
    AccountNeeded,
    /// The server does not protect data connections.
    ProtectionRefused,
    /// The data port does not answer.
    DataConnectionBlocked,
    /// Nothing listens at the data port.
    DataConnectionRefused,
    /// The server named an address of its own network for the data, and its port does not answer.
    PrivateAddress,
    /// The server did not take the data connection from our address.
    DataAddressRefused,
    /// The server answered `EPSV` or `PASV` with something that cannot be used.
    PassiveUnusable,
    /// The server insists on a resumed TLS session and did not get one.
    SessionReuseRefused,
    /// The server has forgotten the TLS session, which is older than it keeps them.
    SessionTooOld,
    /// The server takes each TLS 1.3 ticket once, and none is left.
    TicketsRunOut,
    /// The data connection shows another certificate than the control connection.
    DataCertificateDiffers,
    /// The server does not permit it.
    NotPermitted,
    /// There is no such file or directory.
    NoSuchFile,
    /// The name is taken, and the server does not let what has it be replaced.
    OverwriteNotPermitted,
    /// The server does not let a transfer go on where another one stopped.
    ResumeNotPermitted,
    /// The server does not permit the name.
    NameNotAllowed,
    /// The server does not understand the name, most often for its character set.
    NameNotUnderstood,
    /// The server's disk is full.
    DiskFull,
    /// The user's share of the server's disk is full.
    QuotaExceeded,
    /// The server counts bytes as if files were text.
    AsciiMode,
    /// The file is in use, or the server cannot do it now.
    Busy,
    /// The server has a fault of its own.
    ServerFault,
    /// The server got the commands in an order that it does not take.
    OutOfSequence,
    /// The server does not know the command.
    NotSupported,
    /// The server ended the session.
    SessionEnded,
    /// The server ended a session in which nothing happened for a while.
    IdleTimeout,
    /// The server ended a session during a transfer as if nothing happened in it.
    TransferTimedOut,
    /// Something cuts sessions after some hundreds of commands.
    CutAfterMany,
    /// The connection broke.
    ConnectionLost,
    /// The transfer broke.
    TransferBroken,
    /// The server said that it stored a file, and holds something else.
    NotWhole,
    /// The machine that this runs on gives no random bytes.
    NoRandomness,
    /// All bytes were sent, and the server did not take how the data connection ended.
    EndRefused,
    /// All bytes were sent, and the server did not confirm in time.
    ConfirmationMissing,
    /// The server did not answer in time.
    ServerTooSlow,
    /// The server broke the protocol.
    ProtocolViolation,
}

impl Cause {
    /// What the cause means and what to do, where the error is not known that it comes from.
    #[must_use]
    pub fn diagnosis(self) -> Diagnosis {
        self.diagnosis_with(&Evidence::default())
    }

    fn diagnosis_with(self, evidence: &Evidence) -> Diagnosis {
        let advice = self.advice();
        Diagnosis {
            cause: self,
            explanation: advice::fill(advice.explanation, evidence),
            remedy: advice::fill(advice.remedy, evidence),
            who: advice.who,
        }
    }
}

impl Error {
    /// What the error most likely means, what to do, and who can.
    ///
    /// It rests on the error's [stage](Self::stage), the server's [reply](Self::reply) and the rest
    /// of the [evidence](Self::evidence).
    #[must_use]
    pub fn diagnosis(&self) -> Diagnosis {
        let diagnosis = self.cause().diagnosis_with(self.evidence());
        match self.kind() {
            Kind::Untrusted(untrusted) => certificate::with_doubts(diagnosis, untrusted),
            _ => diagnosis,
        }
    }

    fn cause(&self) -> Cause {
        match self.kind() {
            Kind::InvalidHost { .. } => Cause::InvalidHost,
            Kind::Io { what, source } => self.io_cause(*what, source),
            Kind::TimedOut { what, .. } => self.timeout_cause(*what),
            Kind::Closed => self.closed_cause(),
            Kind::Ended { reply } => refusal::ended_cause(self.stage(), reply),
            Kind::Refused { verb, reply } => self.refusal_cause(verb, reply),
            Kind::Unexpected { reply, .. } => unexpected_cause(reply),
            Kind::Malformed(error) => malformed_cause(error),
            Kind::BytesAfterAuth { .. } => Cause::InjectedBytes,
            Kind::TlsSetup(_) => Cause::TlsFailed,
            Kind::Handshake(source) => self.handshake_cause(source),
            Kind::TlsAtOnce if self.is_https_port() => Cause::HttpServer,
            Kind::TlsAtOnce => Cause::ImplicitTlsExpected,
            Kind::ClearAnswer { start } => clear_cause(start),
            Kind::Untrusted(untrusted) => certificate::cause(&untrusted.doubts),
            Kind::DataCertificate { .. } => Cause::DataCertificateDiffers,
            Kind::Passive { .. } => Cause::PassiveUnusable,
            Kind::UnexpectedData => Cause::ProtocolViolation,
            Kind::EndedEarly { .. } => Cause::TransferBroken,
            Kind::WrongSize { .. } | Kind::WrongDigest { .. } => Cause::NotWhole,
            Kind::NoRandomness(_) => Cause::NoRandomness,
            Kind::OutOfStep => Cause::ConnectionLost,
        }
    }

    fn is_https_port(&self) -> bool {
        self.evidence().target.is_some_and(|(address, _)| address.port() == 443)
    }

    fn io_cause(&self, what: What, source: &io::Error) -> Cause {
        match (what, source.kind()) {
            (What::DataTcp, _) if self.names_unroutable_address() => Cause::PrivateAddress,
            (What::DataTcp, io::ErrorKind::ConnectionRefused) => Cause::DataConnectionRefused,
            (What::DataTcp, _) => Cause::DataConnectionBlocked,
            (What::ControlTcp, io::ErrorKind::ConnectionRefused) => Cause::ConnectionRefused,
            (What::ControlTcp, _) => Cause::Unreachable,
            (What::Data, _) if self.stage() == Stage::Verify => Cause::EndRefused,
            (What::Data | What::DataTls, _) => Cause::TransferBroken,
            _ if wants_client_certificate(source) => Cause::ClientCertificateNeeded,
            _ => self.closed_cause(),
        }
    }

    fn timeout_cause(&self, what: What) -> Cause {
        match what {
            What::ControlTcp => Cause::NoAnswer,
            What::DataTcp if self.names_unroutable_address() => Cause::PrivateAddress,
            What::DataTcp => Cause::DataConnectionBlocked,
            What::Greeting | What::ControlTls => Cause::SilentServer,
            What::FinalReply if self.stage() == Stage::Verify => Cause::ConfirmationMissing,
            What::Reply
            | What::FinalReply
            | What::Digest
            | What::Control
            | What::Data
            | What::DataTls => Cause::ServerTooSlow,
        }
    }

    /// Whether the server named an address for the data that leads nowhere outside of its network.
    fn names_unroutable_address(&self) -> bool {
        self.evidence().passive_address.is_some_and(is_unroutable)
    }

    /// The control connection ended without a word.
    fn closed_cause(&self) -> Cause {
        let evidence = self.evidence();
        match self.stage() {
            Stage::Greeting if evidence.tls.is_none() => Cause::NotFtp,
            Stage::Auth | Stage::Tls => Cause::TlsCut,
            Stage::DataTls => self.reuse_cause(),
            _ if evidence.commands >= MANY_COMMANDS => Cause::CutAfterMany,
            _ => Cause::ConnectionLost,
        }
    }

    /// The server did not take the TLS of a data connection.
    fn reuse_cause(&self) -> Cause {
        let evidence = self.evidence();
        let had_worked = evidence.data_connections > 0;
        let is_tls_13 = evidence.tls.as_ref().is_some_and(|tls| tls.version == TlsVersion::Tls13);
        if had_worked && evidence.age > OLD_SESSION {
            Cause::SessionTooOld
        } else if had_worked && is_tls_13 {
            Cause::TicketsRunOut
        } else {
            Cause::SessionReuseRefused
        }
    }

    fn handshake_cause(&self, source: &io::Error) -> Cause {
        if self.stage() == Stage::DataTls {
            return self.reuse_cause();
        }
        match tls_error(source) {
            Some(error) if is_incompatible(error) => Cause::TlsTooOld,
            Some(_) if wants_client_certificate(source) => Cause::ClientCertificateNeeded,
            None if is_cut(source) => Cause::TlsCut,
            _ => Cause::TlsFailed,
        }
    }
}

fn is_unroutable(address: Ipv4Addr) -> bool {
    // 100.64.0.0/10 is what carriers use inside of their networks (RFC 6598).
    let is_carriers = matches!(address.octets(), [100, 64..=127, ..]);
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || is_carriers
}

fn tls_error(source: &io::Error) -> Option<&rustls::Error> {
    source.get_ref().and_then(|error| error.downcast_ref())
}

fn is_cut(source: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(source.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// Whether the server ended TLS since it was shown no certificate, or not the right one.
fn wants_client_certificate(source: &io::Error) -> bool {
    use rustls::AlertDescription::{BadCertificate, CertificateRequired, NoCertificate, UnknownCA};
    matches!(
        tls_error(source),
        Some(rustls::Error::AlertReceived(
            CertificateRequired | NoCertificate | BadCertificate | UnknownCA
        ))
    )
}

fn unexpected_cause(reply: &Reply) -> Cause {
    match reply.code() {
        Code::ACCOUNT_NEEDED => Cause::AccountNeeded,
        _ => Cause::ProtocolViolation,
    }
}

fn malformed_cause(error: &DecodeError) -> Cause {
    match error {
        DecodeError::NotAReply { start } => clear_cause(start),
        DecodeError::LineTooLong { .. }
        | DecodeError::TooManyLines { .. }
        | DecodeError::ReplyTooLong { .. } => Cause::ProtocolViolation,
    }
}

/// What speaks like that.
fn clear_cause(start: &[u8]) -> Cause {
    let text = start.to_ascii_lowercase();
    match text.as_slice() {
        [0x15 | 0x16, 0x03, ..] => Cause::ImplicitTlsExpected,
        [b's', b's', b'h', b'-', ..] => Cause::SshServer,
        [b'h', b't', b't', b'p', b'/', ..] | [b'<', b'h' | b'!', ..] => Cause::HttpServer,
        [b'1' | b'2' | b'4', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..] => {
            Cause::ExplicitTlsExpected
        }
        _ => Cause::NotFtp,
    }
}

fn is_incompatible(error: &rustls::Error) -> bool {
    use rustls::AlertDescription::{HandshakeFailure, InsufficientSecurity, ProtocolVersion};
    matches!(
        error,
        rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(
                HandshakeFailure | InsufficientSecurity | ProtocolVersion
            )
    )
}
