//! The server that a session goes to.

use std::net::SocketAddr;

/// The server's address and name, and how TLS starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address that is dialled, or that a proxy is asked for, for data connections too. The
    /// caller decides before whether it may be dialled.
    pub address: SocketAddr,
    /// The name, or the address as text, that the certificate must be for.
    pub host: String,
    /// How TLS starts.
    pub encryption: Encryption,
}

/// How TLS starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// After `AUTH TLS` (RFC 4217 §4), usually on port 21.
    Explicit,
    /// With the connection (implicit TLS), usually on port 990.
    Implicit,
}
