//! The texts: what a cause means, what to do, who can.

use super::{Cause, Who};

/// What stands for the port in an explanation.
pub(super) const PORT: &str = "{port}";

/// The texts of a cause.
pub(super) struct Advice {
    pub(super) explanation: &'static str,
    pub(super) remedy: &'static str,
    pub(super) who: Who,
}

const fn advice(who: Who, explanation: &'static str, remedy: &'static str) -> Advice {
    Advice { explanation, remedy, who }
}

impl Cause {
    /// One line a cause: who, why, what to do.
    pub(super) fn advice(self) -> Advice {
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
            Self::CertificateNotPinned => advice(
                Who::Operator,
                "Whoever runs this portal said which certificate this server has to show, and it \
                 shows another one: it may be somebody else's server, or it has a new certificate. \
                 Nothing secret was sent.",
                "Tell whoever runs the portal. If the certificate is the server's new one, its \
                 fingerprint has to be pinned too.",
            ),
            Self::ClientCertificateNeeded => advice(
                Who::Operator,
                "The server asks for a client certificate, and this portal has none.",
                "Ask whoever runs the portal to give it a certificate that the server accepts.",
            ),
            Self::ClientCertificateRefused => advice(
                Who::Operator,
                "The server asks for a client certificate and does not accept the one that this \
                 portal has: it may be expired, or issued by an authority that the server does not \
                 know.",
                "Ask whoever runs the portal, and whoever runs the server, which certificate is \
                 expected.",
            ),
            Self::ProxyUnreachable => advice(
                Who::Operator,
                "This portal connects through a proxy, and the proxy is not there or dropped the \
                 connection.",
                "Tell whoever runs the portal: its proxy, or the address that it has for it, needs \
                 a look.",
            ),
            Self::ProxySilent => advice(
                Who::You,
                "This portal connects through a proxy, and no connection to {port} came about in \
                 time: the server does not answer the proxy, or the proxy hangs.",
                "Check the host and the port. If they are right, tell whoever runs the portal.",
            ),
            Self::ProxyCredentials => advice(
                Who::Operator,
                "This portal connects through a proxy, and the proxy does not accept the portal's \
                 user name and password, or has to be given some.",
                "Tell whoever runs the portal: its credentials for the proxy need a look.",
            ),
            Self::ProxyRefused => advice(
                Who::Operator,
                "This portal connects through a proxy, and the proxy does not permit the \
                 connection to {port}.",
                "Ask whoever runs the portal to have the server's port for FTPS and its passive \
                 ports permitted at the proxy.",
            ),
            Self::NotAProxy => advice(
                Who::Operator,
                "This portal connects through a proxy, and what answers in its place does not \
                 speak the protocol that the portal expects.",
                "Tell whoever runs the portal: the kind or the address of its proxy is wrong.",
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
            Self::NotWhole => advice(
                Who::Host,
                "The server does not hold what was sent. Its disk may be full, or a filter changed \
                 or removed the file.",
                "Check the free space and the quota on the server, then upload again.",
            ),
            Self::NoRandomness => advice(
                Who::You,
                "The machine that this program runs on gives it no random bytes.",
                "Tell whoever runs this program.",
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
