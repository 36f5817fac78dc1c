//! The stages of a session: an error belongs to one, and the transcript announces each.

use std::fmt;

/// The stages of a session, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The TCP connection to the control port.
    Connect,
    /// The server's greeting, `220`.
    Greeting,
    /// `AUTH TLS`.
    Auth,
    /// The TLS handshake on the control connection.
    Tls,
    /// The server's certificate.
    Certificate,
    /// `USER` and `PASS`.
    Login,
    /// `PBSZ` and `PROT`.
    Protect,
    /// What follows the login: `FEAT`, `OPTS`, `TYPE`, `PWD`.
    Setup,
    /// `MLSD` or `LIST`.
    List,
    /// `MKD`.
    MakeDirectory,
    /// `EPSV` or `PASV`, and the TCP connection that follows.
    DataConnection,
    /// The TLS handshake on a data connection, and whether the server accepts its session.
    DataTls,
    /// `STOR` and the bytes.
    Transfer,
    /// The reply to the transfer, `SIZE`.
    Verify,
    /// `RNFR` and `RNTO`.
    Rename,
    /// `DELE` and `RMD`.
    Delete,
    /// `MDTM`, `MLST`, `AVBL`, `SITE CHMOD`: a file's attributes.
    Attributes,
    /// No command is under way.
    Idle,
}

/// A description for users.
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "Connecting",
            Self::Greeting => "Waiting for the greeting",
            Self::Auth => "Requesting TLS",
            Self::Tls => "Starting TLS",
            Self::Certificate => "Checking the certificate",
            Self::Login => "Logging in",
            Self::Protect => "Requesting encrypted data connections",
            Self::Setup => "Setting up the session",
            Self::List => "Listing a directory",
            Self::MakeDirectory => "Creating a directory",
            Self::DataConnection => "Opening a data connection",
            Self::DataTls => "Starting TLS on the data connection",
            Self::Transfer => "Transferring",
            Self::Verify => "Waiting for the server to confirm",
            Self::Rename => "Renaming",
            Self::Delete => "Deleting",
            Self::Attributes => "Reading or changing a file's attributes",
            Self::Idle => "Idle",
        })
    }
}
