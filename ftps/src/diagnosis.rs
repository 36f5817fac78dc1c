//! The likely cause of an error, and who can fix it.
//!
//! The facts are in the [`Error`], the sentences about causes and remedies in the program. What a port speaks other than FTP was probed. What a refusal
//! means is derived from its code, its stage and its words, since servers use the same code for
//! many things.
//!
//! - `refusal`: what a reply means.
//! - `certificate`: what the faults about a certificate mean.

use std::{io, net::Ipv4Addr, time::Duration};

use crate::{
    error::{ClientCertificateFault, Error, Kind, Operation},
    proxy::{ProxyFailure, ServerTrouble},
    reply::{Code, Reply, decoder::DecodeError},
    stage::Stage,
    tls::TlsVersion,
};

mod certificate;
mod refusal;

/// An older session may be too old for the server to resume: some keep sessions for 300 s.
const OLD_SESSION: Duration = Duration::from_secs(240);

/// A session that ends without a reply after this many commands may have been cut for their number:
/// a filter of the Windows firewall does so at about 700.
const MANY_COMMANDS: u32 = 400;

/// The likely cause of an error, and who can fix it. The sentences about both are the program's that
/// shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// What most likely caused the error.
    pub cause: Cause,
    /// Who can fix it.
    pub who: Who,
}

/// Who can fix an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// The person who uploads.
    You,
    /// The people who run the FTPS server.
    Host,
    /// The people who run the network in between.
    Network,
    /// The people who run the program that contains the engine: its proxy, its pins, its client
    /// certificate.
    Operator,
}

/// Makes the enum of causes with their codes.
macro_rules! causes {
    ($($(#[$about:meta])* $variant:ident = $code:literal,)*) => {
        /// What most likely caused an error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Cause {
            $($(#[$about])* $variant,)*
        }

        impl Cause {
            /// All causes.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code, such as `cause.no_tls`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!("cause.", $code),)*
                }
            }
        }
    };
}

causes! {
    /// The host is neither a name nor an address.
    InvalidHost = "invalid_host",
    /// Nothing listens at the port.
    ConnectionRefused = "connection_refused",
    /// There is no route to the address.
    Unreachable = "unreachable",
    /// The address does not answer.
    NoAnswer = "no_answer",
    /// The port accepts connections and sends nothing.
    SilentServer = "silent_server",
    /// The port speaks SSH.
    SshServer = "ssh_server",
    /// The port speaks HTTP.
    HttpServer = "http_server",
    /// The port speaks something else.
    NotFtp = "not_ftp",
    /// The port expects TLS at once.
    ImplicitTlsExpected = "implicit_tls_expected",
    /// The port expects `AUTH TLS`.
    ExplicitTlsExpected = "explicit_tls_expected",
    /// The server has no TLS.
    NoTls = "no_tls",
    /// The server supports TLS but cannot start it: most often its certificate is missing.
    TlsUnavailable = "tls_unavailable",
    /// The server supports TLS, but its policy forbids it.
    TlsPolicy = "tls_policy",
    /// The server takes the session for an unencrypted one.
    EncryptionDemanded = "encryption_demanded",
    /// The connection was closed when TLS should start.
    TlsCut = "tls_cut",
    /// Unencrypted bytes arrived where TLS should start.
    InjectedBytes = "injected_bytes",
    /// The server's TLS is older than TLS 1.2, or has no cipher suite in common.
    TlsTooOld = "tls_too_old",
    /// The server rejects the negotiated cipher suite as too weak.
    WeakCiphers = "weak_ciphers",
    /// The server requires a client certificate.
    ClientCertificateNeeded = "client_certificate_needed",
    /// The TLS handshake failed for another reason.
    TlsFailed = "tls_failed",
    /// The certificate is not trusted, for another reason.
    CertificateNotTrusted = "certificate_not_trusted",
    /// The certificate is none of those that were pinned.
    CertificateNotPinned = "certificate_not_pinned",
    /// The server rejects our client certificate.
    ClientCertificateRefused = "client_certificate_refused",
    /// The proxy cannot be reached, or drops the connection.
    ProxyUnreachable = "proxy_unreachable",
    /// The proxy, or the server behind it, does not answer.
    ProxySilent = "proxy_silent",
    /// The proxy requires a user name and a password, or rejects them.
    ProxyCredentials = "proxy_credentials",
    /// The proxy forbids the connection.
    ProxyRefused = "proxy_refused",
    /// The proxy's address does not speak the proxy's protocol.
    NotAProxy = "not_a_proxy",
    /// The certificate is self-signed.
    CertificateSelfSigned = "certificate_self_signed",
    /// The certificate's issuer is not trusted.
    CertificateUnknownIssuer = "certificate_unknown_issuer",
    /// The server does not show who issued its certificate.
    CertificateChainIncomplete = "certificate_chain_incomplete",
    /// The certificate has expired.
    CertificateExpired = "certificate_expired",
    /// The certificate is not yet valid.
    CertificateNotYetValid = "certificate_not_yet_valid",
    /// The certificate is for other hosts.
    CertificateNameMismatch = "certificate_name_mismatch",
    /// The certificate was revoked, or is not for servers.
    CertificateUnfit = "certificate_unfit",
    /// The certificate is not the one that was trusted before.
    CertificateChanged = "certificate_changed",
    /// The user name or the password is wrong.
    WrongCredentials = "wrong_credentials",
    /// The account is locked, disabled or expired.
    AccountLocked = "account_locked",
    /// The server bans this client's address.
    AddressBanned = "address_banned",
    /// The server refuses logins after too many failed ones.
    TooManyAttempts = "too_many_attempts",
    /// The user's directory on the server is missing or not accessible.
    HomeUnavailable = "home_unavailable",
    /// vsftpd refuses to run with a writable root directory of the user.
    WritableRoot = "writable_root",
    /// The server's configuration is faulty.
    ServerMisconfigured = "server_misconfigured",
    /// The server's limit of sessions for this user or address is reached.
    TooManyConnections = "too_many_connections",
    /// The server requires an account name too.
    AccountNeeded = "account_needed",
    /// The server refuses to encrypt data connections.
    ProtectionRefused = "protection_refused",
    /// The data port does not answer.
    DataConnectionBlocked = "data_connection_blocked",
    /// Nothing listens at the data port.
    DataConnectionRefused = "data_connection_refused",
    /// The server named a private address for the data connection, and its port does not answer.
    PrivateAddress = "private_address",
    /// The server rejected the data connection because of our address.
    DataAddressRefused = "data_address_refused",
    /// The server's reply to `EPSV` or `PASV` names no usable port.
    PassiveUnusable = "passive_unusable",
    /// The server requires a resumed TLS session and did not get one.
    SessionReuseRefused = "session_reuse_refused",
    /// The TLS session is older than the server keeps sessions.
    SessionTooOld = "session_too_old",
    /// The server accepts each TLS 1.3 ticket once, and none is left.
    TicketsRunOut = "tickets_run_out",
    /// The data connection shows another certificate than the control connection.
    DataCertificateDiffers = "data_certificate_differs",
    /// The server does not permit the command.
    NotPermitted = "not_permitted",
    /// There is no such file or directory.
    NoSuchFile = "no_such_file",
    /// The name is taken, and the server does not permit to replace the file.
    OverwriteNotPermitted = "overwrite_not_permitted",
    /// The server does not permit to resume a transfer.
    ResumeNotPermitted = "resume_not_permitted",
    /// The server does not permit the name.
    NameNotAllowed = "name_not_allowed",
    /// The server does not understand the name, most often because of its character set.
    NameNotUnderstood = "name_not_understood",
    /// The server's disk is full.
    DiskFull = "disk_full",
    /// The user's quota on the server is exceeded.
    QuotaExceeded = "quota_exceeded",
    /// The server refuses `SIZE` in ASCII mode.
    AsciiMode = "ascii_mode",
    /// The file is in use, or the server is busy.
    Busy = "busy",
    /// The server reported an internal error.
    ServerFault = "server_fault",
    /// The server rejects the order of the commands.
    OutOfSequence = "out_of_sequence",
    /// The server does not support the command.
    NotSupported = "not_supported",
    /// The server ended the session.
    SessionEnded = "session_ended",
    /// The server ended an idle session.
    IdleTimeout = "idle_timeout",
    /// The server ended a session during a transfer as if it were idle.
    TransferTimedOut = "transfer_timed_out",
    /// A firewall cuts sessions after some hundreds of commands.
    CutAfterMany = "cut_after_many",
    /// The connection broke.
    ConnectionLost = "connection_lost",
    /// The transfer broke.
    TransferBroken = "transfer_broken",
    /// The server confirmed a file that differs from the one sent.
    NotWhole = "not_whole",
    /// The same, and the differing file has the final name.
    IncompleteFileRemains = "incomplete_file_remains",
    /// The program that contains the engine gave no bytes, or too many.
    SourceLengthMismatch = "source_length_mismatch",
    /// The operating system gives no random bytes.
    NoRandomness = "no_randomness",
    /// All bytes were sent, and the server rejected how the data connection ended.
    EndRefused = "end_refused",
    /// All bytes were sent, and the server did not confirm them in time.
    ConfirmationMissing = "confirmation_missing",
    /// The server did not answer in time.
    ServerTooSlow = "server_too_slow",
    /// The server violated the protocol.
    ProtocolViolation = "protocol_violation",
}

impl Cause {
    /// Who can fix it.
    #[must_use]
    pub fn who(self) -> Who {
        match self {
            Self::InvalidHost
            | Self::ConnectionRefused
            | Self::NoAnswer
            | Self::SilentServer
            | Self::SshServer
            | Self::HttpServer
            | Self::NotFtp
            | Self::ImplicitTlsExpected
            | Self::ExplicitTlsExpected
            | Self::CertificateNotTrusted
            | Self::ProxySilent
            | Self::CertificateSelfSigned
            | Self::CertificateUnknownIssuer
            | Self::CertificateNameMismatch
            | Self::WrongCredentials
            | Self::TooManyAttempts
            | Self::TooManyConnections
            | Self::SessionTooOld
            | Self::TicketsRunOut
            | Self::NotPermitted
            | Self::NoSuchFile
            | Self::OverwriteNotPermitted
            | Self::ResumeNotPermitted
            | Self::NameNotAllowed
            | Self::NameNotUnderstood
            | Self::QuotaExceeded
            | Self::Busy
            | Self::OutOfSequence
            | Self::SessionEnded
            | Self::IdleTimeout
            | Self::IncompleteFileRemains
            | Self::NoRandomness => Who::You,
            Self::NoTls
            | Self::TlsUnavailable
            | Self::TlsPolicy
            | Self::EncryptionDemanded
            | Self::TlsTooOld
            | Self::WeakCiphers
            | Self::TlsFailed
            | Self::CertificateChainIncomplete
            | Self::CertificateExpired
            | Self::CertificateNotYetValid
            | Self::CertificateUnfit
            | Self::CertificateChanged
            | Self::AccountLocked
            | Self::AddressBanned
            | Self::HomeUnavailable
            | Self::WritableRoot
            | Self::ServerMisconfigured
            | Self::AccountNeeded
            | Self::ProtectionRefused
            | Self::DataConnectionBlocked
            | Self::DataConnectionRefused
            | Self::PrivateAddress
            | Self::PassiveUnusable
            | Self::SessionReuseRefused
            | Self::DataCertificateDiffers
            | Self::DiskFull
            | Self::AsciiMode
            | Self::ServerFault
            | Self::NotSupported
            | Self::TransferTimedOut
            | Self::NotWhole
            | Self::EndRefused
            | Self::ServerTooSlow
            | Self::ProtocolViolation => Who::Host,
            Self::Unreachable
            | Self::TlsCut
            | Self::InjectedBytes
            | Self::DataAddressRefused
            | Self::CutAfterMany
            | Self::ConnectionLost
            | Self::TransferBroken
            | Self::ConfirmationMissing => Who::Network,
            Self::ClientCertificateNeeded
            | Self::CertificateNotPinned
            | Self::ClientCertificateRefused
            | Self::ProxyUnreachable
            | Self::ProxyCredentials
            | Self::ProxyRefused
            | Self::NotAProxy
            | Self::SourceLengthMismatch => Who::Operator,
        }
    }
}

impl Diagnosis {
    /// Diagnoses an error from its [stage](Error::stage), the server's [reply](Error::reply) and the
    /// rest of the [evidence](Error::evidence).
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let cause = Cause::of(error);
        Self { cause, who: cause.who() }
    }
}

impl Cause {
    /// What most likely caused an error.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        match error.kind() {
            Kind::InvalidHost { .. } => Cause::InvalidHost,
            Kind::Io { operation, source } => client_certificate_cause(error)
                .unwrap_or_else(|| io_cause(error, *operation, source)),
            Kind::Proxy { operation, failure, .. } => proxy_cause(*operation, failure),
            Kind::TimedOut { operation, .. } => timeout_cause(error, *operation),
            Kind::Closed => closed_cause(error),
            Kind::Ended { reply } => refusal::ended_cause(error.stage(), reply),
            Kind::Refused { verb, reply } => refusal::cause(error, verb, reply),
            Kind::Unexpected { reply, .. } => unexpected_cause(reply),
            Kind::Malformed(malformed) => match malformed_cause(malformed) {
                // After an FTP greeting, the port does speak FTP.
                Cause::NotFtp if error.stage() > Stage::Greeting => Cause::ProtocolViolation,
                cause => cause,
            },
            Kind::BytesAfterAuth { .. } => Cause::InjectedBytes,
            Kind::TlsSetup(_) => Cause::TlsFailed,
            Kind::Handshake(source) => handshake_cause(error, source),
            Kind::ImplicitTlsExpected if is_https_port(error) => Cause::HttpServer,
            Kind::ImplicitTlsExpected => Cause::ImplicitTlsExpected,
            Kind::PlaintextAnswer { start } => plaintext_cause(start),
            Kind::Untrusted(untrusted) => certificate::cause(&untrusted.faults),
            Kind::NotPinned { .. } => Cause::CertificateNotPinned,
            Kind::DataCertificate { .. } => Cause::DataCertificateDiffers,
            Kind::Passive { .. } => Cause::PassiveUnusable,
            Kind::UnexpectedData => Cause::ProtocolViolation,
            Kind::EndedEarly { .. } => Cause::TransferBroken,
            Kind::WrongSize { .. } | Kind::WrongDigest { .. } => Cause::NotWhole,
            Kind::IncompleteFileRemains { .. } => Cause::IncompleteFileRemains,
            Kind::SourceLengthMismatch { .. } => Cause::SourceLengthMismatch,
            Kind::NameNotKept => Cause::NameNotAllowed,
            Kind::NoRandomness(_) => Cause::NoRandomness,
            Kind::OutOfSync => Cause::ConnectionLost,
        }
    }
}

fn is_https_port(error: &Error) -> bool {
    error.evidence().target.is_some_and(|(address, _)| address.port() == 443)
}

fn io_cause(error: &Error, operation: Operation, source: &io::Error) -> Cause {
    match (operation, source.kind()) {
        (Operation::DataTcp, _) if names_unroutable_address(error) => Cause::PrivateAddress,
        (Operation::DataTcp, io::ErrorKind::ConnectionRefused) => Cause::DataConnectionRefused,
        (Operation::DataTcp, _) => Cause::DataConnectionBlocked,
        (Operation::ControlTcp, io::ErrorKind::ConnectionRefused) => Cause::ConnectionRefused,
        (Operation::ControlTcp, _) => Cause::Unreachable,
        (Operation::Data, _) if error.stage() == Stage::Verify => Cause::EndRefused,
        (Operation::Data | Operation::DataTls, _) => Cause::TransferBroken,
        _ => closed_cause(error),
    }
}

fn timeout_cause(error: &Error, operation: Operation) -> Cause {
    match operation {
        Operation::ControlTcp => Cause::NoAnswer,
        Operation::DataTcp if names_unroutable_address(error) => Cause::PrivateAddress,
        Operation::DataTcp => Cause::DataConnectionBlocked,
        Operation::Greeting | Operation::ControlTls => Cause::SilentServer,
        Operation::FinalReply if error.stage() == Stage::Verify => Cause::ConfirmationMissing,
        Operation::Reply
        | Operation::FinalReply
        | Operation::Digest
        | Operation::Control
        | Operation::Data
        | Operation::DataTls => Cause::ServerTooSlow,
    }
}

/// Whether the server named an address for the data connection that is only reachable in its own
/// network.
fn names_unroutable_address(error: &Error) -> bool {
    error.evidence().passive_address.is_some_and(is_unroutable)
}

/// The control connection was closed without a reply.
fn closed_cause(error: &Error) -> Cause {
    let evidence = error.evidence();
    match error.stage() {
        Stage::Greeting if evidence.tls.is_none() => Cause::NotFtp,
        Stage::Auth | Stage::Tls => Cause::TlsCut,
        Stage::DataTls => reuse_cause(error),
        _ if evidence.commands >= MANY_COMMANDS => Cause::CutAfterMany,
        _ => Cause::ConnectionLost,
    }
}

/// The server rejected the TLS of a data connection.
fn reuse_cause(error: &Error) -> Cause {
    let evidence = error.evidence();
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

fn handshake_cause(error: &Error, source: &io::Error) -> Cause {
    if error.stage() == Stage::DataTls {
        return reuse_cause(error);
    }
    if let Some(cause) = client_certificate_cause(error) {
        return cause;
    }
    match tls_error(source) {
        Some(tls) if is_incompatible(tls) => Cause::TlsTooOld,
        None if is_cut(source) => Cause::TlsCut,
        _ => Cause::TlsFailed,
    }
}

fn client_certificate_cause(error: &Error) -> Option<Cause> {
    error.client_certificate_fault().map(|fault| match fault {
        ClientCertificateFault::Needed => Cause::ClientCertificateNeeded,
        ClientCertificateFault::Refused => Cause::ClientCertificateRefused,
    })
}

fn is_unroutable(address: Ipv4Addr) -> bool {
    // 100.64.0.0/10 is used inside of carriers' networks (RFC 6598).
    let is_carriers = matches!(address.octets(), [100, 64..=127, ..]);
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || is_carriers
}

/// After the proxy made the control connection, a failing data connection is most often due to the
/// server's firewall.
fn proxy_cause(operation: Operation, failure: &ProxyFailure) -> Cause {
    match (failure, operation) {
        (ProxyFailure::Silent | ProxyFailure::Server { .. }, Operation::DataTcp) => {
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

fn tls_error(source: &io::Error) -> Option<&rustls::Error> {
    source.get_ref().and_then(|error| error.downcast_ref())
}

fn is_cut(source: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(source.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

fn unexpected_cause(reply: &Reply) -> Cause {
    match reply.code() {
        Code::ACCOUNT_NEEDED => Cause::AccountNeeded,
        _ => Cause::ProtocolViolation,
    }
}

fn malformed_cause(error: &DecodeError) -> Cause {
    match error {
        DecodeError::NotAReply { start } => plaintext_cause(start),
        DecodeError::LineTooLong { .. }
        | DecodeError::TooManyLines { .. }
        | DecodeError::ReplyTooLong { .. } => Cause::ProtocolViolation,
    }
}

/// The protocol of a server that starts like this.
fn plaintext_cause(start: &[u8]) -> Cause {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        TlsFacts, Who,
        certificate::{CertificateFacts, CertificateFault, Fingerprint, UntrustedCertificate},
        error::Evidence,
        passive::PassiveError,
    };

    fn reply(line: &str) -> Reply {
        let code = Code::at_start_of(line.as_bytes()).unwrap();
        Reply::from_lines(code, line.split('\n').map(|line| line.as_bytes().to_vec()).collect())
    }

    /// The diagnosis of an error, with complete texts.
    fn diagnosed(error: &Error) -> Diagnosis {
        let diagnosis = Diagnosis::of(error);
        let sentence = error.to_string();
        assert!(
            !sentence.ends_with('.') && !sentence.starts_with(char::is_uppercase),
            "{sentence}"
        );
        if let Some(reply) = error.reply() {
            assert!(!error.chain().contains(&*reply.text()), "the reply is repeated: {sentence}");
        }
        diagnosis
    }

    fn refused(stage: Stage, verb: &'static str, line: &str) -> (Cause, Who) {
        let diagnosis = diagnosed(&Kind::Refused { verb, reply: reply(line) }.at(stage));
        (diagnosis.cause, diagnosis.who)
    }

    fn at_login(line: &str) -> Cause {
        refused(Stage::Login, "PASS", line).0
    }

    fn at_store(line: &str) -> Cause {
        refused(Stage::Transfer, "STOR", line).0
    }

    fn ended(stage: Stage, line: &str) -> Cause {
        diagnosed(&Kind::Ended { reply: reply(line) }.at(stage)).cause
    }

    fn io(operation: Operation, source: impl Into<io::Error>) -> Kind {
        Kind::Io { operation, source: source.into() }
    }

    fn alert(alert: rustls::AlertDescription) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, rustls::Error::AlertReceived(alert))
    }

    fn cause_with(kind: Kind, stage: Stage, evidence: Evidence) -> Cause {
        diagnosed(&kind.at(stage).with_evidence(evidence)).cause
    }

    fn of_session(version: TlsVersion, data_connections: u32, age_secs: u64) -> Evidence {
        let tls = TlsFacts { version, cipher_suite: "x".to_owned(), resumed: false };
        let age = Duration::from_secs(age_secs);
        Evidence { tls: Some(tls), data_connections, age, ..Evidence::default() }
    }

    #[test]
    fn first_byte_of_tls_instead_of_a_greeting() {
        let start = vec![0x15, 3];
        let error = Kind::Malformed(DecodeError::NotAReply { start }).at(Stage::Greeting);
        assert_eq!(diagnosed(&error).cause, Cause::ImplicitTlsExpected);
    }

    #[test]
    fn auth_refused_by_a_server_without_tls() {
        for line in ["500 what?", "502 not implemented", "504 no", "530 Please login"] {
            assert_eq!(refused(Stage::Auth, "AUTH TLS", line), (Cause::NoTls, Who::Host), "{line}");
        }
    }

    #[test]
    fn auth_refused_for_the_certificate_or_the_policy() {
        let auth = |line| refused(Stage::Auth, "AUTH TLS", line).0;
        assert_eq!(auth("431 Failed to setup secure session."), Cause::TlsUnavailable);
        assert_eq!(auth("534 Local policy on server does not allow TLS."), Cause::TlsPolicy);
    }

    #[test]
    fn non_anonymous_sessions_must_use_encryption() {
        let line = "530 Non-anonymous sessions must use encryption.";
        assert_eq!(refused(Stage::Login, "USER", line), (Cause::EncryptionDemanded, Who::Host));
    }

    #[test]
    fn login_refused_530() {
        assert_eq!(at_login("530 Login incorrect."), Cause::WrongCredentials);
        assert_eq!(at_login("530 User ada: account locked"), Cause::AccountLocked);
        assert_eq!(at_login("530 Your IP address is banned"), Cause::AddressBanned);
        assert_eq!(at_login("530 Too many failed login attempts"), Cause::TooManyAttempts);
        assert_eq!(at_login("532 Need account"), Cause::AccountNeeded);
    }

    #[test]
    fn too_many_connections_in_the_words_of_many_servers() {
        for line in [
            "530 Sorry, the maximum number of clients (3) from your host are already connected.",
            "530 Sorry, maximum number of connections reached",
            "530 Maximum session limit reached",
        ] {
            assert_eq!(at_login(line), Cause::TooManyConnections, "{line}");
        }
        for line in [
            "421 There are too many connections from your internet address.",
            "421 50 users (the maximum) are already logged in, sorry",
            "421 No more connections allowed from your IP.",
        ] {
            assert_eq!(ended(Stage::Greeting, line), Cause::TooManyConnections, "{line}");
        }
    }

    #[test]
    fn home_directory_inaccessible() {
        let iis = "530 User cannot log in, home directory inaccessible.";
        assert_eq!(refused(Stage::Login, "PASS", iis), (Cause::HomeUnavailable, Who::Host));
        assert_eq!(at_login("500 OOPS: cannot change directory:/home/a"), Cause::HomeUnavailable);
    }

    #[test]
    fn tls_alert_handshake_failure_or_protocol_version() {
        use rustls::AlertDescription::{HandshakeFailure, ProtocolVersion};
        for description in [HandshakeFailure, ProtocolVersion] {
            let error = Kind::Handshake(alert(description)).at(Stage::Tls);
            assert_eq!(diagnosed(&error).cause, Cause::TlsTooOld);
        }
    }

    #[test]
    fn weak_ciphers_are_not_accepted_421() {
        let line = "421 TLS: Sorry, weak ciphers are not accepted";
        assert_eq!(ended(Stage::Login, line), Cause::WeakCiphers);
    }

    fn untrusted(faults: Vec<CertificateFault>) -> Diagnosis {
        let facts = CertificateFacts {
            subject: "CN=a".to_owned(),
            issuer: "CN=b".to_owned(),
            names: vec!["a".to_owned()],
            not_before: String::new(),
            not_after: String::new(),
            sha256: Fingerprint::new([0; 32]),
        };
        let untrusted = Box::new(UntrustedCertificate { facts, faults });
        diagnosed(&Kind::Untrusted(untrusted).at(Stage::Certificate))
    }

    #[test]
    fn certificate_that_expired() {
        let diagnosis = untrusted(vec![CertificateFault::Expired { not_after: "2001".to_owned() }]);
        assert_eq!((diagnosis.cause, diagnosis.who), (Cause::CertificateExpired, Who::Host));
    }

    #[test]
    fn certificate_that_is_not_yet_valid() {
        let diagnosis =
            untrusted(vec![CertificateFault::NotYetValid { not_before: "2099".to_owned() }]);
        assert_eq!(diagnosis.cause, Cause::CertificateNotYetValid);
    }

    #[test]
    fn certificate_for_another_name() {
        let names = vec!["web7.hoster.example".to_owned()];
        let diagnosis = untrusted(vec![CertificateFault::NameMismatch {
            host: "ada.example".to_owned(),
            names,
        }]);
        assert_eq!(diagnosis.cause, Cause::CertificateNameMismatch);
    }

    #[test]
    fn certificate_that_nobody_or_an_unknown_authority_vouches_for() {
        assert_eq!(
            untrusted(vec![CertificateFault::SelfSigned]).cause,
            Cause::CertificateSelfSigned
        );
        assert_eq!(
            untrusted(vec![CertificateFault::UnknownIssuer]).cause,
            Cause::CertificateUnknownIssuer
        );
    }

    #[test]
    fn certificate_without_its_chain() {
        let diagnosis = untrusted(vec![CertificateFault::NoIssuerShown]);
        assert_eq!(
            (diagnosis.cause, diagnosis.who),
            (Cause::CertificateChainIncomplete, Who::Host)
        );
    }

    #[test]
    fn certificate_that_is_not_the_trusted_one_or_unfit() {
        let trusted = Fingerprint::new([1; 32]);
        let changed = untrusted(vec![CertificateFault::NotTheTrusted { trusted }]);
        assert_eq!(changed.cause, Cause::CertificateChanged);
        assert_eq!(untrusted(vec![CertificateFault::Revoked]).cause, Cause::CertificateUnfit);
        assert_eq!(untrusted(vec![CertificateFault::NotForServers]).cause, Cause::CertificateUnfit);
        assert_eq!(
            untrusted(vec![CertificateFault::Unreadable]).cause,
            Cause::CertificateNotTrusted
        );
    }

    #[test]
    fn of_several_faults_the_missing_trust_decides() {
        let diagnosis = untrusted(vec![
            CertificateFault::SelfSigned,
            CertificateFault::Expired { not_after: "2001".to_owned() },
            CertificateFault::NameMismatch { host: "a".to_owned(), names: Vec::new() },
        ]);
        assert_eq!(diagnosis.cause, Cause::CertificateSelfSigned);
    }

    fn to_data_port(kind: Kind, passive_address: Option<[u8; 4]>) -> Diagnosis {
        let evidence = Evidence {
            data_port: Some(50_000),
            passive_address: passive_address.map(Ipv4Addr::from),
            ..Evidence::default()
        };
        diagnosed(&kind.at(Stage::DataConnection).with_evidence(evidence))
    }

    fn timed_out() -> Kind {
        Kind::TimedOut { operation: Operation::DataTcp, after: Duration::from_secs(15) }
    }

    #[test]
    fn data_port_that_does_not_answer() {
        let diagnosis = to_data_port(timed_out(), None);
        assert_eq!((diagnosis.cause, diagnosis.who), (Cause::DataConnectionBlocked, Who::Host));
    }

    #[test]
    fn data_port_that_refuses_the_connection() {
        let refused = io(Operation::DataTcp, io::ErrorKind::ConnectionRefused);
        assert_eq!(to_data_port(refused, None).cause, Cause::DataConnectionRefused);
    }

    #[test]
    fn private_address_in_the_227() {
        for address in [
            [10, 0, 0, 7],
            [192, 168, 1, 2],
            [172, 16, 0, 1],
            [127, 0, 0, 1],
            [0, 0, 0, 0],
            [100, 64, 0, 1],
        ] {
            let diagnosis = to_data_port(timed_out(), Some(address));
            assert_eq!(diagnosis.cause, Cause::PrivateAddress, "{address:?}");
        }
        let public = to_data_port(timed_out(), Some([93, 184, 216, 34]));
        assert_eq!(public.cause, Cause::DataConnectionBlocked);
    }

    fn at_data_tls(line: &str, evidence: Evidence) -> Cause {
        let kind = Kind::Refused { verb: "STOR", reply: reply(line) };
        cause_with(kind, Stage::DataTls, evidence)
    }

    #[test]
    fn data_connection_refused_for_its_tls_session_425() {
        let line = "425 Unable to build data connection: TLS session of data connection not \
                    resumed.";
        let first = of_session(TlsVersion::Tls13, 0, 1);
        assert_eq!(at_data_tls(line, first), Cause::SessionReuseRefused);
    }

    #[test]
    fn data_connection_refused_for_its_tls_session_522() {
        let line = "522 SSL connection failed: session reuse required";
        let first = of_session(TlsVersion::Tls12, 0, 1);
        assert_eq!(at_data_tls(line, first), Cause::SessionReuseRefused);
    }

    #[test]
    fn security_bad_ip_connecting() {
        let line = "425 Security: Bad IP connecting.";
        assert_eq!(at_data_tls(line, Evidence::default()), Cause::DataAddressRefused);
    }

    #[test]
    fn operation_not_permitted_after_the_session_cache_forgot() {
        let line = "425 Unable to build data connection: Operation not permitted";
        let old = of_session(TlsVersion::Tls12, 3, 301);
        assert_eq!(at_data_tls(line, old), Cause::SessionTooOld);
    }

    #[test]
    fn third_upload_refused_under_tls_13() {
        let line = "522 SSL connection failed: session reuse required";
        let later = of_session(TlsVersion::Tls13, 2, 5);
        let kind = Kind::Refused { verb: "STOR", reply: reply(line) };
        let diagnosis = diagnosed(&kind.at(Stage::DataTls).with_evidence(later));
        assert_eq!(diagnosis.cause, Cause::TicketsRunOut);
    }

    #[test]
    fn end_of_the_data_connection_not_taken_426() {
        let line = "426 Failure reading network stream.";
        assert_eq!(refused(Stage::Verify, "STOR", line).0, Cause::EndRefused);
        assert_eq!(at_store(line), Cause::TransferBroken);
        let reset = io(Operation::Data, io::ErrorKind::ConnectionReset);
        assert_eq!(cause_with(reset, Stage::Verify, Evidence::default()), Cause::EndRefused);
    }

    #[test]
    fn hang_at_100_percent() {
        let kind =
            Kind::TimedOut { operation: Operation::FinalReply, after: Duration::from_secs(300) };
        assert_eq!(
            cause_with(kind, Stage::Verify, Evidence::default()),
            Cause::ConfirmationMissing
        );
    }

    #[test]
    fn timeout_421_during_a_transfer_and_while_idle() {
        for line in ["421 Timeout.", "421 No transfer timeout (600 seconds): closing", "421 Idle"] {
            assert_eq!(ended(Stage::Transfer, line), Cause::TransferTimedOut, "{line}");
            assert_eq!(ended(Stage::Idle, line), Cause::IdleTimeout, "{line}");
        }
        assert_eq!(ended(Stage::Idle, "421 Shutting down."), Cause::SessionEnded);
    }

    #[test]
    fn disk_full_or_quota_exceeded() {
        assert_eq!(at_store("452 Insufficient storage space."), Cause::DiskFull);
        assert_eq!(at_store("426 No space left on device"), Cause::DiskFull);
        assert_eq!(at_store("451 Failure writing to local file."), Cause::DiskFull);
        assert_eq!(at_store("552 Exceeded storage allocation"), Cause::QuotaExceeded);
        assert_eq!(at_store("550 Quota exceeded"), Cause::QuotaExceeded);
        assert_eq!(at_store("451 Local error in processing"), Cause::ServerFault);
        assert_eq!(at_store("450 File busy"), Cause::Busy);
    }

    #[test]
    fn confirmed_and_shorter_than_sent() {
        let kind = Kind::WrongSize { sent: 10, stored: Some(7) };
        let diagnosis = diagnosed(&kind.at(Stage::Verify));
        assert_eq!((diagnosis.cause, diagnosis.who), (Cause::NotWhole, Who::Host));
    }

    #[test]
    fn permission_denied_550_and_553() {
        assert_eq!(at_store("550 a: Permission denied"), Cause::NotPermitted);
        assert_eq!(at_store("553 Could not create file."), Cause::NotPermitted);
        assert_eq!(at_store("553 Can't open that file: Permission denied"), Cause::NotPermitted);
        assert_eq!(at_store("553 Disallowed file name"), Cause::NameNotAllowed);
        let missing = "550 Failed to change directory: No such file or directory";
        assert_eq!(refused(Stage::List, "CWD", missing).0, Cause::NoSuchFile);
    }

    #[test]
    fn overwrite_permission_denied() {
        let lines = ["550 a: Overwrite permission denied", "550 File already exists"];
        for line in lines {
            assert_eq!(at_store(line), Cause::OverwriteNotPermitted, "{line}");
            let renamed = refused(Stage::Rename, "RNTO", line);
            assert_eq!(renamed, (Cause::OverwriteNotPermitted, Who::You));
        }
    }

    #[test]
    fn append_restart_not_permitted() {
        let line = "451 a: Append/Restart not permitted, try again";
        assert_eq!(at_store(line), Cause::ResumeNotPermitted);
        let unknown = refused(Stage::Transfer, "REST", "502 REST not implemented");
        assert_eq!(unknown.0, Cause::ResumeNotPermitted);
    }

    #[test]
    fn size_not_allowed_in_ascii_mode() {
        let line = "550 SIZE not allowed in ASCII mode";
        assert_eq!(refused(Stage::Verify, "SIZE", line).0, Cause::AsciiMode);
    }

    #[test]
    fn name_beyond_ascii_not_understood() {
        assert_eq!(at_store("501 Invalid filename"), Cause::NameNotUnderstood);
        assert_eq!(at_store("500 '\u{fffd}': command not understood"), Cause::NameNotUnderstood);
        let feature = refused(Stage::Attributes, "SITE CHMOD", "500 Unknown SITE command");
        assert_eq!(feature.0, Cause::NotSupported);
    }

    #[test]
    fn bad_sequence_of_commands_503() {
        let line = "503 Bad sequence of commands.";
        assert_eq!(refused(Stage::Rename, "RNTO", line).0, Cause::OutOfSequence);
    }

    #[test]
    fn reset_after_auth() {
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let handshake = Kind::Handshake(reset);
        assert_eq!(cause_with(handshake, Stage::Tls, Evidence::default()), Cause::TlsCut);
        assert_eq!(cause_with(Kind::Closed, Stage::Auth, Evidence::default()), Cause::TlsCut);
        let reset = io(Operation::Control, io::ErrorKind::ConnectionReset);
        assert_eq!(cause_with(reset, Stage::Auth, Evidence::default()), Cause::TlsCut);
    }

    #[test]
    fn address_that_no_way_leads_to() {
        for (kind, cause) in [
            (io::ErrorKind::NetworkUnreachable, Cause::Unreachable),
            (io::ErrorKind::HostUnreachable, Cause::Unreachable),
            (io::ErrorKind::ConnectionRefused, Cause::ConnectionRefused),
        ] {
            let dialled = io(Operation::ControlTcp, kind);
            assert_eq!(cause_with(dialled, Stage::Connect, Evidence::default()), cause);
        }
        let silent =
            Kind::TimedOut { operation: Operation::ControlTcp, after: Duration::from_secs(15) };
        assert_eq!(cause_with(silent, Stage::Connect, Evidence::default()), Cause::NoAnswer);
        let host = Kind::InvalidHost { host: "a b".to_owned() };
        assert_eq!(cause_with(host, Stage::Connect, Evidence::default()), Cause::InvalidHost);
    }

    #[test]
    fn session_that_dies_after_hundreds_of_commands() {
        let many = |commands| Evidence { commands, ..of_session(TlsVersion::Tls12, 150, 60) };
        let reset = || io(Operation::Control, io::ErrorKind::ConnectionReset);
        assert_eq!(cause_with(reset(), Stage::Transfer, many(700)), Cause::CutAfterMany);
        assert_eq!(cause_with(Kind::Closed, Stage::Rename, many(700)), Cause::CutAfterMany);
        assert_eq!(cause_with(reset(), Stage::Transfer, many(20)), Cause::ConnectionLost);
    }

    #[test]
    fn oops_of_vsftpd() {
        let line = "500 OOPS: vsftpd: refusing to run with writable root inside chroot()";
        assert_eq!(at_login(line), Cause::WritableRoot);
        let other = "500 OOPS: could not read chroot() list file:/etc/vsftpd.chroot_list";
        assert_eq!(at_login(other), Cause::ServerMisconfigured);
    }

    #[test]
    fn client_certificate_required() {
        use rustls::AlertDescription::CertificateRequired;
        let needed = Cause::ClientCertificateNeeded;
        // TLS 1.3 reports it after the handshake, TLS 1.2 during it.
        let later = io(Operation::Control, alert(CertificateRequired));
        assert_eq!(cause_with(later, Stage::Login, Evidence::default()), needed);
        let handshake = Kind::Handshake(alert(CertificateRequired));
        assert_eq!(cause_with(handshake, Stage::Tls, Evidence::default()), needed);
        assert_eq!(at_login("531 Certificate required"), needed);
        assert_eq!(at_login("530 Client certificate required"), needed);
    }

    #[test]
    fn answer_to_epsv_that_names_no_port() {
        let (verb, source) = ("EPSV", PassiveError::NoPort);
        let kind = Kind::Passive { verb, reply: reply("229 ok"), source };
        assert_eq!(
            cause_with(kind, Stage::DataConnection, Evidence::default()),
            Cause::PassiveUnusable
        );
    }
}
