//! The server that a session goes to.

use std::net::SocketAddr;

/// Where to, and how TLS starts there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address that is dialled, or that a proxy is asked for, for data connections too. Whether
    /// it may be dialled is the caller's to decide, before.
    pub address: SocketAddr,
    /// The name, or the address as text, that the certificate has to be for.
    pub host: String,
    /// How TLS starts.
    pub encryption: Encryption,
}

/// How TLS starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// After `AUTH TLS` (RFC 4217 §4), usually on port 21.
    Explicit,
    /// With the connection, usually on port 990.
    Implicit,
}
