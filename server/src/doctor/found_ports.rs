//! The ports of a server besides the one of the control connection.

use std::net::SocketAddr;

use ftps::Cause;

/// The port of implicit TLS.
pub(super) const IMPLICIT_PORT: u16 = 990;

/// The port of SSH, and so of SFTP.
pub(super) const SFTP_PORT: u16 = 22;

/// What was found at the ports besides the one of the control connection.
#[derive(Debug, Default)]
pub(super) struct FoundPorts {
    /// Port 990.
    pub(super) implicit: PortState,
    /// Port 22.
    pub(super) sftp: PortState,
    /// The first line of the server at port 22.
    pub(super) ssh_banner: Option<String>,
}

/// What was found at a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PortState {
    /// The policy does not permit it, or there was no address.
    #[default]
    NotExamined,
    /// It accepts connections.
    Open(SocketAddr),
    /// It refuses connections.
    Closed,
    /// It does not answer: most often a firewall drops everything.
    Filtered,
    /// The network reports that the address cannot be reached.
    Unreachable,
}

impl PortState {
    /// Returns the cause of a connection that failed.
    pub(super) fn cause(self) -> Option<Cause> {
        match self {
            Self::NotExamined | Self::Open(_) => None,
            Self::Closed => Some(Cause::ConnectionRefused),
            Self::Filtered => Some(Cause::NoAnswer),
            Self::Unreachable => Some(Cause::Unreachable),
        }
    }
}
