//! What an error most likely means, what to do about it, and who can.
//!
//! The facts are in the [`Error`]; this is the advice.

use std::io;

use self::advice::PORT;
use crate::{
    connect::proxy::{ProxyFailure, ServerTrouble},
    error::{Error, Kind, Stage, What},
    reply::{Code, Reply, decoder::DecodeError},
    tls::{self, ClientCertificate},
};

mod advice;

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
    /// Whoever runs the program that the engine is a part of: its proxy, its pins, its own
    /// certificate.
    Operator,
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
    /// The server has TLS and does not grant it now.
    TlsUnavailable,
    /// Something came in the clear where TLS starts.
    InjectedBytes,
    /// The server's TLS is older than TLS 1.2, or has no cipher suite in common.
    TlsTooOld,
    /// The TLS handshake failed otherwise.
    TlsFailed,
    /// The certificate is not trusted.
    CertificateNotTrusted,
    /// The certificate is none of those that were pinned.
    CertificateNotPinned,
    /// The server wants a client certificate, and there is none.
    ClientCertificateNeeded,
    /// The server does not accept our client certificate.
    ClientCertificateRefused,
    /// The proxy cannot be reached, or drops the connection.
    ProxyUnreachable,
    /// The proxy gives no answer: it hangs, or the server behind it does.
    ProxySilent,
    /// The proxy wants a user name and a password, or others.
    ProxyCredentials,
    /// The proxy does not permit the connection.
    ProxyRefused,
    /// What is in the proxy's place does not speak its protocol.
    NotAProxy,
    /// The server knows no such user with that password.
    WrongCredentials,
    /// The server takes no more sessions of this user or address.
    TooManyConnections,
    /// The server wants an account name besides.
    AccountNeeded,
    /// The server does not protect data connections.
    ProtectionRefused,
    /// The data port cannot be reached.
    DataConnectionBlocked,
    /// The server did not take the data connection from our address.
    DataAddressRefused,
    /// The server answered `EPSV` or `PASV` with something that cannot be used.
    PassiveUnusable,
    /// The server insists on a resumed TLS session and did not get one.
    SessionReuseRefused,
    /// The data connection shows another certificate than the control connection.
    DataCertificateDiffers,
    /// The server does not permit it, or there is no such file or directory.
    NotPermitted,
    /// The server does not permit the name.
    NameNotAllowed,
    /// The server's disk or the user's share of it is full.
    DiskFull,
    /// The file is in use, or the server cannot do it now.
    Busy,
    /// The server does not know the command.
    NotSupported,
    /// The server ended the session.
    SessionEnded,
    /// The connection broke.
    ConnectionLost,
    /// The transfer broke.
    TransferBroken,
    /// The server said that it stored a file, and holds something else.
    NotWhole,
    /// The machine that this runs on gives no random bytes.
    NoRandomness,
    /// The server did not answer in time.
    ServerTooSlow,
    /// The server broke the protocol.
    ProtocolViolation,
}

impl Error {
    /// What the error most likely means, what to do, and who can.
    #[must_use]
    pub fn diagnosis(&self) -> Diagnosis {
        let cause = self.cause();
        let advice = cause.advice();
        Diagnosis {
            cause,
            explanation: advice.explanation.replace(PORT, &self.port_text()),
            remedy: advice.remedy.to_owned(),
            who: advice.who,
        }
    }

    /// The port that the error is about, in words.
    fn port_text(&self) -> String {
        let evidence = self.evidence();
        let target = evidence.target.map(|(address, _)| address.port());
        match evidence.data_port.or(target) {
            Some(port) => format!("port {port}"),
            None => "the port".to_owned(),
        }
    }

    fn cause(&self) -> Cause {
        match self.kind() {
            Kind::InvalidHost { .. } => Cause::InvalidHost,
            Kind::Io { what, source } => {
                self.client_certificate_cause().unwrap_or_else(|| io_cause(*what, source))
            }
            Kind::Proxy { what, failure, .. } => proxy_cause(*what, failure),
            Kind::TimedOut { what, .. } => timeout_cause(*what),
            Kind::Closed => self.closed_cause(),
            Kind::Ended { reply } => ended_cause(reply),
            Kind::Refused { reply, .. } => self.refusal_cause(reply),
            Kind::Unexpected { reply, .. } => unexpected_cause(reply),
            Kind::Malformed(error) => malformed_cause(error),
            Kind::BytesAfterAuth { .. } => Cause::InjectedBytes,
            Kind::TlsSetup(_) => Cause::TlsFailed,
            Kind::Handshake(source) => self.handshake_cause(source),
            Kind::TlsAtOnce if self.is_https_port() => Cause::HttpServer,
            Kind::TlsAtOnce => Cause::ImplicitTlsExpected,
            Kind::ClearAnswer { start } => clear_cause(start),
            Kind::Untrusted(_) => Cause::CertificateNotTrusted,
            Kind::NotPinned { .. } => Cause::CertificateNotPinned,
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

    fn closed_cause(&self) -> Cause {
        match self.stage() {
            Stage::Greeting => Cause::NotFtp,
            Stage::DataTls => Cause::SessionReuseRefused,
            _ => Cause::ConnectionLost,
        }
    }

    fn handshake_cause(&self, source: &io::Error) -> Cause {
        if self.stage() == Stage::DataTls {
            return Cause::SessionReuseRefused;
        }
        if let Some(cause) = self.client_certificate_cause() {
            return cause;
        }
        let error = source.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
        match error {
            Some(error) if is_incompatible(error) => Cause::TlsTooOld,
            _ => Cause::TlsFailed,
        }
    }

    /// Whether the server ended TLS for the sake of our own certificate (RFC 8446 §6.2).
    ///
    /// TLS 1.2 has no alert for one that is missing: `handshake_failure` has to do (RFC 5246
    /// §7.4.6). With TLS 1.3 the alert comes after the handshake, when something else is read.
    pub(crate) fn client_certificate_cause(&self) -> Option<Cause> {
        use rustls::AlertDescription::{CertificateRequired, HandshakeFailure};
        let alert = self.kind().alert()?;
        let is_about_ours = tls::is_about_a_certificate(alert);
        match self.evidence().client_certificate {
            _ if alert == CertificateRequired => Some(Cause::ClientCertificateNeeded),
            ClientCertificate::Missing if is_about_ours || alert == HandshakeFailure => {
                Some(Cause::ClientCertificateNeeded)
            }
            ClientCertificate::Shown if is_about_ours => Some(Cause::ClientCertificateRefused),
            ClientCertificate::NotAskedFor
            | ClientCertificate::Missing
            | ClientCertificate::Shown => None,
        }
    }

    fn refusal_cause(&self, reply: &Reply) -> Cause {
        if reply.mentions("too many") || reply.mentions("maximum number") {
            return Cause::TooManyConnections;
        }
        match self.stage() {
            Stage::Connect | Stage::Greeting | Stage::Idle => Cause::SessionEnded,
            Stage::Auth => auth_cause(reply.code()),
            Stage::Login => login_cause(reply.code()),
            Stage::Protect => Cause::ProtectionRefused,
            Stage::DataConnection | Stage::DataTls => self.data_cause(reply),
            Stage::Tls
            | Stage::Certificate
            | Stage::Setup
            | Stage::List
            | Stage::MakeDirectory
            | Stage::Transfer
            | Stage::Verify
            | Stage::Rename
            | Stage::Delete => file_cause(reply),
        }
    }

    fn data_cause(&self, reply: &Reply) -> Cause {
        let was_resumed = self.evidence().data_tls.as_ref().map(|tls| tls.resumed);
        if reply.mentions("bad ip") || reply.mentions("foreign") {
            Cause::DataAddressRefused
        } else if self.stage() == Stage::DataTls {
            Cause::SessionReuseRefused
        } else if was_resumed.is_some() {
            Cause::TransferBroken
        } else {
            Cause::PassiveUnusable
        }
    }
}

fn io_cause(what: What, source: &io::Error) -> Cause {
    match (what, source.kind()) {
        (What::DataTcp, _) => Cause::DataConnectionBlocked,
        (What::ControlTcp, io::ErrorKind::ConnectionRefused) => Cause::ConnectionRefused,
        (What::ControlTcp, _) => Cause::Unreachable,
        (What::Data | What::DataTls, _) => Cause::TransferBroken,
        (
            What::Greeting
            | What::Reply
            | What::FinalReply
            | What::Digest
            | What::ControlTls
            | What::Control,
            _,
        ) => Cause::ConnectionLost,
    }
}

/// Once the proxy made the control connection, what it cannot do for the data is most often the
/// server's firewall.
fn proxy_cause(what: What, failure: &ProxyFailure) -> Cause {
    match (failure, what) {
        (ProxyFailure::Silent | ProxyFailure::Server { .. }, What::DataTcp) => {
            Cause::DataConnectionBlocked
        }
        (ProxyFailure::Silent, _) => Cause::ProxySilent,
        (ProxyFailure::Server { trouble, .. }, _) => match trouble {
            ServerTrouble::Refused => Cause::ConnectionRefused,
            ServerTrouble::Unreachable => Cause::Unreachable,
            ServerTrouble::NoAnswer => Cause::NoAnswer,
        },
        (ProxyFailure::Unreachable(_) | ProxyFailure::Lost(_), _) => Cause::ProxyUnreachable,
        (ProxyFailure::Credentials(_), _) => Cause::ProxyCredentials,
        (ProxyFailure::Refused(_), _) => Cause::ProxyRefused,
        (ProxyFailure::NotAProxy(_), _) => Cause::NotAProxy,
    }
}

fn timeout_cause(what: What) -> Cause {
    match what {
        What::ControlTcp => Cause::NoAnswer,
        What::DataTcp => Cause::DataConnectionBlocked,
        What::Greeting => Cause::SilentServer,
        What::Reply
        | What::FinalReply
        | What::Digest
        | What::Control
        | What::Data
        | What::DataTls => Cause::ServerTooSlow,
        What::ControlTls => Cause::SilentServer,
    }
}

fn ended_cause(reply: &Reply) -> Cause {
    let too_many = ["too many", "maximum number", "connections", "sessions"];
    if too_many.iter().any(|words| reply.mentions(words)) {
        return Cause::TooManyConnections;
    }
    if reply.mentions("cipher") {
        return Cause::TlsTooOld;
    }
    Cause::SessionEnded
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

fn auth_cause(code: Code) -> Cause {
    match code {
        Code::SECURITY_UNAVAILABLE | Code::POLICY => Cause::TlsUnavailable,
        _ => Cause::NoTls,
    }
}

fn login_cause(code: Code) -> Cause {
    match code.value() {
        332 | 532 => Cause::AccountNeeded,
        400..500 => Cause::SessionEnded,
        _ => Cause::WrongCredentials,
    }
}

fn file_cause(reply: &Reply) -> Cause {
    let full = [
        "no space",
        "disk full",
        "quota",
        // What vsftpd and Pure-FTPd say when they cannot write on.
        "failure writing to local file",
        "error during write",
    ];
    if full.iter().any(|words| reply.mentions(words)) {
        return Cause::DiskFull;
    }
    match reply.code() {
        Code::NO_SPACE | Code::QUOTA_EXCEEDED => Cause::DiskFull,
        Code::NAME_NOT_ALLOWED | Code::UNAVAILABLE | Code::NOT_LOGGED_IN | Code::PROT_REFUSED => {
            Cause::NotPermitted
        }
        Code::NO_DATA_CONNECTION | Code::TRANSFER_ABORTED => Cause::TransferBroken,
        Code::BAD_ARGUMENTS => Cause::NameNotAllowed,
        Code::UNKNOWN_COMMAND | Code::NOT_IMPLEMENTED | Code::BAD_PARAMETER => Cause::NotSupported,
        Code::BAD_SEQUENCE => Cause::ProtocolViolation,
        _ => Cause::Busy,
    }
}
