//! What an error most likely means, what to do about it, and who can.
//!
//! The facts are in the [`Error`]; this is the advice.

use std::io;

use crate::{
    error::{Error, Kind, Stage, What},
    reply::{Code, Reply, decoder::DecodeError},
};

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
            Kind::Io { what, source } => io_cause(*what, source),
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
            Kind::DataCertificate { .. } => Cause::DataCertificateDiffers,
            Kind::Passive { .. } => Cause::PassiveUnusable,
            Kind::UnexpectedData => Cause::ProtocolViolation,
            Kind::EndedEarly { .. } => Cause::TransferBroken,
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
        let error = source.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
        match error {
            Some(error) if is_incompatible(error) => Cause::TlsTooOld,
            _ => Cause::TlsFailed,
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
        (What::Greeting | What::Reply | What::FinalReply | What::ControlTls | What::Control, _) => {
            Cause::ConnectionLost
        }
    }
}

fn timeout_cause(what: What) -> Cause {
    match what {
        What::ControlTcp => Cause::NoAnswer,
        What::DataTcp => Cause::DataConnectionBlocked,
        What::Greeting => Cause::SilentServer,
        What::Reply | What::FinalReply | What::Control | What::Data | What::DataTls => {
            Cause::ServerTooSlow
        }
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
    let full = ["no space", "disk full", "quota"];
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

/// What stands for the port in an explanation.
const PORT: &str = "{port}";

/// The texts of a cause.
struct Advice {
    explanation: &'static str,
    remedy: &'static str,
    who: Who,
}

const fn advice(who: Who, explanation: &'static str, remedy: &'static str) -> Advice {
    Advice { explanation, remedy, who }
}

impl Cause {
    /// One line a cause: who, why, what to do.
    fn advice(self) -> Advice {
        match self {
            Self::InvalidHost => advice(
                Who::You,
                "The host is neither a name nor an address.",
                "Enter the host as your provider gives it, without ftp:// and without a path.",
            ),
            Self::ConnectionRefused => advice(
                Who::You,
                "Nothing listens at {port}.",
                "Check the host and the port: 21 is usual for explicit TLS, 990 for implicit TLS.",
            ),
            Self::Unreachable => advice(
                Who::Network,
                "No way leads to the server.",
                "Check the host; if it is right, ask whoever runs the network.",
            ),
            Self::NoAnswer => advice(
                Who::You,
                "The server does not answer at {port}: the address is wrong, the server is down, \
                 or a firewall drops the connection.",
                "Check the host and the port, then ask whoever runs the server.",
            ),
            Self::SilentServer => advice(
                Who::You,
                "The server takes the connection at {port} and says nothing.",
                "Check the port. If it is right, try again later: the server may be overloaded.",
            ),
            Self::SshServer => advice(
                Who::You,
                "An SSH server listens at {port}. It may offer SFTP, which is another protocol.",
                "Enter the port of the FTPS server, usually 21 or 990.",
            ),
            Self::HttpServer => advice(
                Who::You,
                "A web server listens at {port}.",
                "Enter the port of the FTPS server, usually 21 or 990.",
            ),
            Self::NotFtp => advice(
                Who::You,
                "What listens at {port} does not speak FTP.",
                "Check the host and the port: 21 is usual for explicit TLS, 990 for implicit TLS.",
            ),
            Self::ImplicitTlsExpected => advice(
                Who::You,
                "The server at {port} expects TLS at once, without being asked for it.",
                "Choose Implicit TLS.",
            ),
            Self::ExplicitTlsExpected => advice(
                Who::You,
                "The server at {port} starts in the clear and expects to be asked for TLS.",
                "Choose Explicit TLS.",
            ),
            Self::NoTls => advice(
                Who::Host,
                "The server offers no TLS at {port}. Without it the password and the files could \
                 be read on the way, so nothing was sent.",
                "Ask whoever runs the server to turn TLS on, or for the port that has it.",
            ),
            Self::TlsUnavailable => advice(
                Who::Host,
                "The server knows TLS and does not grant it, most often because its certificate \
                 is missing or its policy forbids it.",
                "Ask whoever runs the server to check its certificate and its TLS policy.",
            ),
            Self::InjectedBytes => advice(
                Who::Network,
                "Something was sent in the clear where TLS has to start. Somebody on the way may \
                 be tampering with the connection, or the server has a fault.",
                "Do not log in over this network. Try another one, and tell whoever runs the server.",
            ),
            Self::TlsTooOld => advice(
                Who::Host,
                "The server has no TLS version or cipher suite in common with us: it may only \
                 know TLS 1.0 or 1.1, which are broken.",
                "Ask whoever runs the server to allow TLS 1.2 or 1.3.",
            ),
            Self::TlsFailed => advice(
                Who::Host,
                "TLS could not be started.",
                "Try again; if it stays like that, give the session log to whoever runs the server.",
            ),
            Self::CertificateNotTrusted => advice(
                Who::You,
                "The server's certificate is not vouched for, so it may be somebody else's server. \
                 Nothing secret was sent.",
                "Compare the SHA-256 fingerprint with the one that whoever runs the server gives \
                 you, and trust the certificate only if they are equal.",
            ),
            Self::WrongCredentials => advice(
                Who::You,
                "The server does not accept this user name with this password.",
                "Check both, mind upper and lower case and spaces at the ends. The FTP user is \
                 often not the one of the website or of the mailbox.",
            ),
            Self::TooManyConnections => advice(
                Who::You,
                "The server takes no more connections of this user or address.",
                "Close other FTP programs and try again in a few minutes.",
            ),
            Self::AccountNeeded => advice(
                Who::Host,
                "The server asks for an account name besides user name and password, which is \
                 not supported.",
                "Ask whoever runs the server for a user that needs none.",
            ),
            Self::ProtectionRefused => advice(
                Who::Host,
                "The server does not encrypt the files on their way, so none was sent.",
                "Ask whoever runs the server to allow PROT P.",
            ),
            Self::DataConnectionBlocked => advice(
                Who::Host,
                "The server named {port} for the data, and nothing can connect to it. Most often \
                 a firewall does not let the server's passive ports through.",
                "Ask whoever runs the server to open its passive port range in the firewall.",
            ),
            Self::DataAddressRefused => advice(
                Who::Network,
                "The server saw the data connection come from another address than the control \
                 connection.",
                "Ask whoever runs the network to let both leave by the same address.",
            ),
            Self::PassiveUnusable => advice(
                Who::Host,
                "The server could not name a port for the data.",
                "Ask whoever runs the server to check its passive ports.",
            ),
            Self::SessionReuseRefused => advice(
                Who::Host,
                "The server did not accept the TLS session of the data connection.",
                "Connect again. If it stays like that, ask whoever runs the server to allow data \
                 connections without session reuse.",
            ),
            Self::DataCertificateDiffers => advice(
                Who::Host,
                "The data connection shows another certificate than the control connection: it \
                 may end at somebody else's server. Nothing was sent over it.",
                "Ask whoever runs the server, and mention a load balancer in front of it.",
            ),
            Self::NotPermitted => advice(
                Who::You,
                "The server does not permit it: the directory may not be writable, or it does \
                 not exist.",
                "Choose another directory, or ask whoever runs the server for the permission.",
            ),
            Self::NameNotAllowed => advice(
                Who::You,
                "The server does not accept the name.",
                "Rename the file, best to plain letters and digits.",
            ),
            Self::DiskFull => advice(
                Who::Host,
                "The server's disk, or your share of it, is full.",
                "Delete something on the server, or ask whoever runs it for more space.",
            ),
            Self::Busy => advice(
                Who::You,
                "The server cannot do it now.",
                "Try again in a while. The server's own words say more.",
            ),
            Self::NotSupported => advice(
                Who::Host,
                "The server does not know the command.",
                "Ask whoever runs the server whether it can be turned on.",
            ),
            Self::SessionEnded => advice(
                Who::You,
                "The server ended the session.",
                "Connect again. The server's own words say why.",
            ),
            Self::ConnectionLost => {
                advice(Who::Network, "The connection to the server broke.", "Connect again.")
            }
            Self::TransferBroken => advice(
                Who::Network,
                "The transfer broke before the server had the whole file.",
                "Try again. If it breaks every time, the server's own words say more.",
            ),
            Self::ServerTooSlow => advice(
                Who::Host,
                "The server did not answer in time.",
                "Try again later; if it stays like that, tell whoever runs the server.",
            ),
            Self::ProtocolViolation => advice(
                Who::Host,
                "The server sent something that FTP does not allow.",
                "Give the session log to whoever runs the server.",
            ),
        }
    }
}
