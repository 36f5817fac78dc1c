//! Destinations: a server, and the account to log in with.

use protocol::{Encryption, server::Connected};
use serde::{Deserialize, Serialize};

/// A server and an account on it. The password is not part of it: it stays in its form field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Destination {
    /// A host name or an IP address.
    pub host: String,
    /// The port of the control connection.
    pub port: u16,
    /// When TLS starts. `None` until the portal has found it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// The argument of the FTP command `USER`.
    pub username: String,
}

protocol::objects!(Destination);

impl Destination {
    /// Returns whether the portal is connected to this destination.
    #[must_use]
    pub fn is_at(&self, connected: &Connected) -> bool {
        let Connected { host, port, encryption, username, .. } = connected;
        let mine = self.encryption.unwrap_or(*encryption);
        (&self.host, self.port, mine, &self.username) == (host, *port, *encryption, username)
    }
}
