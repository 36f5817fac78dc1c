//! An error with its stage, its cause and its remedy.

use serde::{Deserialize, Serialize};

use crate::connect::Encryption;

/// What happened at which stage, and what to do about it.
///
/// The facts are in `message` and `reply`; the advice is in `remedy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct Problem {
    /// The stage that failed.
    pub stage: Stage,
    /// One sentence: what happened.
    pub message: String,
    /// The line of the session log with the same meaning, where it differs from `message`: the log is
    /// always in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logged: Option<String>,
    /// The server's reply, verbatim, with all its lines. Absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// The likely cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The remedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// The encryption that the server proved to expect, where another one was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_encryption: Option<Encryption>,
}

/// What to do about a problem, and who can do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self")]
pub struct Remedy {
    /// Who can do it.
    pub who: Who,
    /// One or two sentences in the imperative.
    pub what: String,
}

impl Problem {
    /// Creates a problem without reply, cause and remedy.
    #[must_use]
    pub fn new(stage: Stage, message: String) -> Self {
        Self {
            stage,
            message,
            logged: None,
            reply: None,
            cause: None,
            remedy: None,
            expected_encryption: None,
        }
    }

    /// Returns the line of the session log with the same meaning.
    #[must_use]
    pub fn logged(&self) -> &str {
        self.logged.as_deref().unwrap_or(&self.message)
    }
}

crate::objects!(Problem, Remedy);

/// Who can solve a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The user.
    You,
    /// The operator of the FTPS server.
    #[serde(rename = "host")]
    ServerOperator,
    /// The administrator of the network between the portal and the server.
    Network,
    /// The operator of the portal.
    #[serde(rename = "operator")]
    PortalOperator,
}

/// The stages from the connect form to the stored file, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The conversation between page and portal.
    Portal,
    /// The lookup of the host's address.
    Resolve,
    /// The portal's policy on where it may connect to.
    Policy,
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
    /// The commands after the login: `FEAT`, `TYPE`, `PWD`.
    Setup,
    /// `MLSD` or `LIST`.
    List,
    /// `MKD`.
    MakeDirectory,
    /// `EPSV` or `PASV`, and the TCP connection that follows.
    DataConnection,
    /// The TLS handshake on the data connection.
    DataTls,
    /// `STOR` and the bytes.
    Transfer,
    /// The reply to the transfer, `SIZE`.
    Verify,
    /// `RNFR` and `RNTO`.
    Rename,
    /// `DELE`.
    Delete,
    /// An idle connection.
    Idle,
}
