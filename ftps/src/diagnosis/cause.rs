//! The causes, and who can fix each of them.

use super::Who;

/// Makes the enum of causes with their codes.
macro_rules! causes {
    ($($(#[$about:meta])* $variant:ident = $code:literal,)*) => {
        /// The likely cause of an error.
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
    /// The server does not accept the credentials, which have characters beyond ASCII: it may use
    /// another character set.
    CredentialsCharset = "credentials_charset",
    /// The account is locked, disabled or expired.
    AccountLocked = "account_locked",
    /// The server bans this client's address.
    AddressBanned = "address_banned",
    /// The server serves certain programs only.
    ClientRefused = "client_refused",
    /// The server does not name files as paths with slashes.
    PathsNotSupported = "paths_not_supported",
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
    /// A directory has the name of the file.
    NameIsDirectory = "name_is_directory",
    /// The server's virus scanner or content filter rejected the file.
    ContentRejected = "content_rejected",
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
    /// The server stored the file under another name.
    StoredElsewhere = "stored_elsewhere",
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
            | Self::NameIsDirectory
            | Self::NameNotAllowed
            | Self::NameNotUnderstood
            | Self::QuotaExceeded
            | Self::ContentRejected
            | Self::CredentialsCharset
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
            | Self::ClientRefused
            | Self::PathsNotSupported
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
            | Self::StoredElsewhere
            | Self::EndRefused
            | Self::ServerTooSlow
            | Self::ProtocolViolation => Who::ServerOperator,
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
            | Self::SourceLengthMismatch => Who::PortalOperator,
        }
    }
}
