//! The texts: what a cause means, what to do, who can.

use super::{Cause, Who};
use crate::{error::Evidence, language::Language};

/// What stands for the port in a text.
const PORT: &str = "{port}";

/// What stands for the address in a text that the server named for the data.
const ADDRESS: &str = "{address}";

/// What stands for the number of data connections in a text.
const DATA_CONNECTIONS: &str = "{data connections}";

/// What stands for the number of commands in a text.
const COMMANDS: &str = "{commands}";

/// The texts of a cause.
pub(super) struct Advice {
    pub(super) explanation: &'static str,
    pub(super) remedy: &'static str,
    pub(super) who: Who,
}

const fn advice(who: Who, explanation: &'static str, remedy: &'static str) -> Advice {
    Advice { explanation, remedy, who }
}

/// A text with the evidence in it.
pub(super) fn fill(text: &str, evidence: &Evidence, language: Language) -> String {
    let (a_port, the_port, an_address) = match language {
        Language::English => ("port", "the port", "an address"),
        Language::German => ("Port", "dem Port", "eine Adresse"),
    };
    let target = evidence.target.map(|(address, _)| address.port());
    let port = match evidence.data_port.or(target) {
        Some(port) => format!("{a_port} {port}"),
        None => the_port.to_owned(),
    };
    let address = match evidence.passive_address {
        Some(address) => address.to_string(),
        None => an_address.to_owned(),
    };
    text.replace(PORT, &port)
        .replace(ADDRESS, &address)
        .replace(DATA_CONNECTIONS, &evidence.data_connections.to_string())
        .replace(COMMANDS, &evidence.commands.to_string())
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
                "Check the host; a server inside of a company may need its VPN. If it is right, \
                 ask whoever runs the network.",
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
                "Enter the port of the FTPS server, usually 21 or 990. If your provider only \
                 offers SFTP, you need a program for that.",
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
                "The server knows TLS and cannot start it: most often it has no certificate, or \
                 one that has become invalid.",
                "Ask whoever runs the server to give the FTP site a valid certificate.",
            ),
            Self::TlsPolicy => advice(
                Who::Host,
                "The server knows TLS, and its policy does not grant it here. Where one server \
                 holds several sites, it may not know yet which one is meant.",
                "Ask whoever runs the server to allow TLS for this site. With IIS, a user name \
                 such as site.example|user says which site is meant.",
            ),
            Self::EncryptionDemanded => advice(
                Who::Host,
                "The server takes this session for one in the clear, though it is encrypted as \
                 far as we can see: something in front of the server may take TLS off.",
                "Ask whoever runs the server, and mention a proxy or a load balancer in front \
                 of it.",
            ),
            Self::TlsCut => advice(
                Who::Network,
                "The connection was cut where TLS starts. A firewall on the way may not let \
                 encrypted FTP through, or the server has a fault.",
                "Try Implicit TLS at port 990, or another network. If it stays like that, tell \
                 whoever runs the network and whoever runs the server.",
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
                 know TLS 1.0 or 1.1, or RSA key exchange, which are no longer safe.",
                "Ask whoever runs the server to allow TLS 1.2 or 1.3 with modern cipher suites.",
            ),
            Self::WeakCiphers => advice(
                Who::Host,
                "The server finds the cipher suite too weak that it agreed on itself.",
                "Ask whoever runs the server to check its list of cipher suites.",
            ),
            Self::TlsFailed => advice(
                Who::Host,
                "TLS could not be started.",
                "Try again; if it stays like that, give the session log to whoever runs the server.",
            ),
            Self::CertificateNotTrusted => advice(
                Who::You,
                "It may be somebody else's server. Nothing secret was sent.",
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
            Self::CertificateSelfSigned => advice(
                Who::You,
                "That is usual for private servers, and it looks the same when somebody else's \
                 server answers. Nothing secret was sent.",
                "Compare the SHA-256 fingerprint with the one that whoever runs the server gives \
                 you, and trust the certificate only if they are equal.",
            ),
            Self::CertificateUnknownIssuer => advice(
                Who::You,
                "It may be your organisation's own authority, or somebody else's server. Nothing \
                 secret was sent.",
                "Ask whoever runs the portal to trust that authority, or compare the SHA-256 \
                 fingerprint with the one that whoever runs the server gives you.",
            ),
            Self::CertificateChainIncomplete => advice(
                Who::Host,
                "Nothing secret was sent.",
                "Ask whoever runs the server to send the whole chain, the intermediate \
                 certificates too. Until then compare the SHA-256 fingerprint, and trust the \
                 certificate only if it is the right one.",
            ),
            Self::CertificateExpired => advice(
                Who::Host,
                "Nothing secret was sent.",
                "Ask whoever runs the server to renew the certificate. Trust it only if its \
                 SHA-256 fingerprint is the one that they give you.",
            ),
            Self::CertificateNotYetValid => advice(
                Who::Host,
                "Either the certificate is too new, or the clock of the portal is wrong. Nothing \
                 secret was sent.",
                "Ask whoever runs the portal to check its clock, then whoever runs the server to \
                 check the certificate.",
            ),
            Self::CertificateNameMismatch => advice(
                Who::You,
                "At a hosting provider the certificate often names the provider's server and not \
                 your domain. Nothing secret was sent.",
                "If one of the names in the certificate is your provider's server, enter that as \
                 the host. Else ask whoever runs the server.",
            ),
            Self::CertificateUnfit => advice(
                Who::Host,
                "Nothing secret was sent.",
                "Do not trust it. Ask whoever runs the server for a certificate that is valid for \
                 servers.",
            ),
            Self::CertificateChanged => advice(
                Who::Host,
                "The server may have got a new certificate, or another server answers. Nothing \
                 secret was sent.",
                "Ask whoever runs the server whether the certificate was replaced, and for the \
                 new one's SHA-256 fingerprint.",
            ),
            Self::WrongCredentials => advice(
                Who::You,
                "The server does not accept this user name with this password.",
                "Check both, mind upper and lower case and spaces at the ends. The FTP user is \
                 often not the one of the website or of the mailbox.",
            ),
            Self::AccountLocked => advice(
                Who::Host,
                "The server knows the user and does not let it in at present.",
                "Ask whoever runs the server to unlock the user. Its own words say why.",
            ),
            Self::AddressBanned => advice(
                Who::Host,
                "The server lets nobody in from the portal's address.",
                "Ask whoever runs the server to allow the address of the portal.",
            ),
            Self::TooManyAttempts => advice(
                Who::You,
                "The server takes no more logins after too many that failed.",
                "Wait some minutes, check user name and password, and try again once.",
            ),
            Self::HomeUnavailable => advice(
                Who::Host,
                "User name and password are right, and the user's directory on the server is \
                 missing or may not be entered.",
                "Ask whoever runs the server to check the user's home directory and its \
                 permissions; with IIS, the authorization rules and the user isolation too.",
            ),
            Self::WritableRoot => advice(
                Who::Host,
                "vsftpd refuses to lock a user into a directory that the user may write to.",
                "Ask whoever runs the server to set allow_writeable_chroot=YES, or to take the \
                 right to write from that directory and give a directory within it.",
            ),
            Self::ServerMisconfigured => advice(
                Who::Host,
                "The server stumbles over its own configuration.",
                "Give the server's own words to whoever runs it.",
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
                "The server named {port} for the data, and nothing answers there. Most often a \
                 firewall does not let the server's passive ports through; since the control \
                 connection is encrypted, it cannot open them by itself.",
                "Ask whoever runs the server to open its passive port range in the firewall.",
            ),
            Self::DataConnectionRefused => advice(
                Who::Host,
                "The server named {port} for the data, and the connection to it is refused: the \
                 router in front of the server may only forward the control port, or the server \
                 stopped listening too soon.",
                "Try again. If it stays like that, ask whoever runs the server to forward its \
                 passive port range.",
            ),
            Self::PrivateAddress => advice(
                Who::Host,
                "The server named {address} for the data, an address inside of its own network, \
                 so it does not know its public one. {port} at the address that you entered was \
                 tried instead, and it cannot be reached.",
                "Ask whoever runs the server to set its public address for passive mode \
                 (pasv_address, MasqueradeAddress) and to forward its passive port range.",
            ),
            Self::DataAddressRefused => advice(
                Who::Network,
                "The server saw the data connection come from another address than the control \
                 connection.",
                "Ask whoever runs the portal's network to let both leave by the same address, or \
                 whoever runs the server to allow it (pasv_promiscuous with vsftpd).",
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
            Self::SessionTooOld => advice(
                Who::You,
                "The server did not accept the TLS session of the data connection any more: it \
                 keeps sessions for some minutes only, and this one is older.",
                "Connect again.",
            ),
            Self::TicketsRunOut => advice(
                Who::You,
                "The server accepted the TLS session of {data connections} data connections and not of this \
                 one: with TLS 1.3 each of its tickets counts once, and they have run out.",
                "Connect again: with TLS 1.2 a session can be resumed any number of times.",
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
            Self::NoSuchFile => advice(
                Who::You,
                "There is no such file or directory on the server.",
                "Check the path, mind upper and lower case, and list the directory again.",
            ),
            Self::OverwriteNotPermitted => advice(
                Who::You,
                "The name is taken, and the server does not let what has it be replaced.",
                "Choose another name, or delete or rename the old file first. Whoever runs the \
                 server may allow it (AllowOverwrite with ProFTPD).",
            ),
            Self::ResumeNotPermitted => advice(
                Who::You,
                "The server does not let an upload go on where it stopped.",
                "Start the upload over. Whoever runs the server may allow it (AllowStoreRestart \
                 with ProFTPD).",
            ),
            Self::NameNotAllowed => advice(
                Who::You,
                "The server does not allow the name.",
                "Rename the file, best to plain letters and digits.",
            ),
            Self::NameNotUnderstood => advice(
                Who::You,
                "The server does not understand the name. It may use another character set than \
                 UTF-8.",
                "Rename the file to plain letters and digits, or choose the server's character \
                 set.",
            ),
            Self::DiskFull => advice(
                Who::Host,
                "The server's disk is full.",
                "Delete something on the server, or ask whoever runs it for more space.",
            ),
            Self::QuotaExceeded => advice(
                Who::You,
                "Your share of the server's disk is full.",
                "Delete something of yours on the server, or ask whoever runs it for a greater \
                 quota.",
            ),
            Self::AsciiMode => advice(
                Who::Host,
                "The server took the session for one that transfers text, though it was told to \
                 transfer bytes as they are.",
                "Connect again. If it stays like that, give the session log to whoever runs the \
                 server.",
            ),
            Self::Busy => advice(
                Who::You,
                "The server cannot do it now.",
                "Try again in a while. The server's own words say more.",
            ),
            Self::ServerFault => advice(
                Who::Host,
                "The server met a fault of its own.",
                "Try again in a while. If it stays like that, give the server's own words to \
                 whoever runs it.",
            ),
            Self::OutOfSequence => advice(
                Who::You,
                "The server and we are out of step: it expected another command.",
                "Connect again. If it stays like that, give the session log to whoever runs the \
                 server.",
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
            Self::IdleTimeout => advice(
                Who::You,
                "The server ended the session since nothing happened in it for a while.",
                "Connect again.",
            ),
            Self::TransferTimedOut => advice(
                Who::Host,
                "The server ended the session as idle while a file was on its way: its timer does \
                 not count the data connection.",
                "Try again: the upload can go on where it stopped. Ask whoever runs the server to \
                 raise its idle timeout.",
            ),
            Self::CutAfterMany => advice(
                Who::Network,
                "The session broke after {commands} commands. A firewall that inspects FTP, \
                 Windows' own among them, cuts encrypted sessions after some hundreds of commands.",
                "Connect again: the uploads that are left go on. Ask whoever runs the server to \
                 turn the stateful FTP filter of its firewall off.",
            ),
            Self::ConnectionLost => {
                advice(Who::Network, "The connection to the server broke.", "Connect again.")
            }
            Self::TransferBroken => advice(
                Who::Network,
                "The transfer broke before the server had the whole file.",
                "Try again. If it breaks every time, the server's own words say more.",
            ),
            Self::EndRefused => advice(
                Who::Host,
                "All bytes were sent, and the server did not take the end of the data connection \
                 for the end of the file. Whether the file is whole is not known.",
                "Try again. If it stays like that, give the session log to whoever runs the \
                 server.",
            ),
            Self::ConfirmationMissing => advice(
                Who::Network,
                "All bytes were sent, and the server's confirmation did not come. It may still be \
                 scanning or moving the file, or a router has forgotten the control connection, \
                 which was quiet meanwhile.",
                "Connect again and compare the file's size on the server: if it is equal, the \
                 file is there.",
            ),
            Self::NotWhole => advice(
                Who::Host,
                "The server does not hold what was sent. Its disk may be full, or a filter changed \
                 or removed the file.",
                "Check the free space and the quota on the server, then upload again.",
            ),
            Self::NotTakenBack => advice(
                Who::You,
                "The server does not hold what was sent, and lets the file that has the name be \
                 neither renamed nor removed.",
                "Do not use that file. Upload it again and choose to overwrite, or remove it with \
                 another client.",
            ),
            Self::WrongPiece => advice(
                Who::Operator,
                "The program that sends the file gave no bytes where some are missing, or more \
                 than the file has.",
                "Upload the file again; if it stays like that, report it to whoever makes this \
                 program.",
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
