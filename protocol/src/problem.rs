//! An error that names its layer and its remedy.

use serde::{Deserialize, Serialize};

/// What happened, where, and who can do what about it.
///
/// The facts are in `message` and `reply`; the advice is in `remedy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Problem {
    /// The step that failed.
    pub stage: Stage,
    /// One sentence: what happened.
    pub message: String,
    /// The line of the session log that tells the same, where it does so in other words: the log is
    /// in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logged: Option<String>,
    /// The server's reply, verbatim, all its lines; absent when it said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// What most likely brought it about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
}

/// What to do about a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Remedy {
    /// Who can do it.
    pub who: Who,
    /// One or two sentences in the imperative.
    pub what: String,
}

impl Problem {
    /// What the session log says of it.
    #[must_use]
    pub fn logged(&self) -> &str {
        self.logged.as_deref().unwrap_or(&self.message)
    }
}

crate::objects!(Problem, Remedy);

/// Who can mend a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The person at the page.
    You,
    /// Whoever runs the FTPS server.
    Host,
    /// Whoever runs the network between the portal and the server.
    Network,
    /// Whoever runs the portal.
    Operator,
}

/// The steps from the form to the stored file, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The conversation between page and portal itself.
    Portal,
    /// Finding the host's address.
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
    /// What follows the login: `FEAT`, `TYPE`, `PWD`.
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
    /// A connection that waits for something to do.
    Idle,
}
