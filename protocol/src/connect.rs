//! The destination and the credentials of a connection.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// The fields of the connect form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct Connect {
    /// A host name or an IP address, without brackets. At a portal that offers presets: the name of
    /// one. Its own port and encryption are used then, and where the portal logs in, its own username
    /// and password, whatever the other members say.
    pub host: String,
    /// The port of the control connection.
    pub port: u16,
    /// When TLS starts. Absent for automatic: the portal tries [`Encryption::first_at`] the port, and
    /// the other one when the server proves that it expects that. [`crate::server::Connected`] says
    /// which one it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// The argument of `USER`.
    pub username: String,
    /// The argument of `PASS`.
    pub password: Secret,
    /// The SHA-256 of the one certificate (DER) that the user trusts, as 64 lower-case
    /// hexadecimal digits. Absent to trust the portal's certificate authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_certificate: Option<String>,
}

/// When TLS starts on the control connection (RFC 4217 §4 and its appendix on implicit TLS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// After `AUTH TLS`. The usual port is 21.
    Explicit,
    /// At once. The usual port is 990.
    Implicit,
}

impl Encryption {
    /// Returns the usual port.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Explicit => 21,
            Self::Implicit => 990,
        }
    }

    /// Returns the encryption that is tried first at a port of which nothing is known.
    #[must_use]
    pub fn first_at(port: u16) -> Self {
        if port == Self::Implicit.default_port() { Self::Implicit } else { Self::Explicit }
    }
}

crate::objects!(Connect);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implicit_tls_comes_first_at_port_990_only() {
        for (port, first) in [
            (21, Encryption::Explicit),
            (990, Encryption::Implicit),
            (2121, Encryption::Explicit),
            (9990, Encryption::Explicit),
        ] {
            assert_eq!(Encryption::first_at(port), first, "{port}");
        }
    }

    #[test]
    fn automatic_encryption_is_left_out_of_the_message() {
        let json = r#"{"host":"h","port":21,"username":"u","password":"p"}"#;
        let connect: Connect = serde_json::from_str(json).unwrap();
        assert_eq!(connect.encryption, None);
        assert_eq!(serde_json::to_string(&connect).unwrap(), json);
    }
}
