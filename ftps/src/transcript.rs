//! The story of a session, as it happens: every stage, decision, command, reply line and TLS fact.
//!
//! It cannot hold the password: a command gets in as a [`CommandLine`] only, and there is no other
//! text of ours that a secret could be part of.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use crate::{
    certificate::CertificateFacts,
    command::CommandLine,
    error::Stage,
    profile::Rung,
    reply::decoder::ReplyLine,
    tls::{TlsFacts, TlsVersion},
};

/// A handle that events go into; cheap to clone.
///
/// Events come in the order in which things happen on each connection. The sink is called from
/// within the engine's futures: it must not block.
#[derive(Clone)]
pub struct Transcript {
    sink: Arc<dyn Fn(Event) + Send + Sync>,
}

impl Transcript {
    /// A transcript that gives every event to `sink`.
    #[must_use]
    pub fn new(sink: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self { sink: Arc::new(sink) }
    }

    /// A transcript that nobody reads.
    #[must_use]
    pub fn discard() -> Self {
        Self::new(|_| ())
    }

    pub(crate) fn add(&self, connection: Connection, kind: impl Into<EventKind>) {
        (self.sink)(Event { connection, kind: kind.into() });
    }

    pub(crate) fn control(&self, kind: impl Into<EventKind>) {
        self.add(Connection::Control, kind);
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transcript")
    }
}

/// One thing that happened. Its `Display` is the line's text.
#[derive(Clone, Debug)]
pub struct Event {
    /// Where it happened.
    pub connection: Connection,
    /// What happened.
    pub kind: EventKind,
}

impl Event {
    /// Who speaks in the line, in the words of FileZilla's log.
    #[must_use]
    pub fn line_kind(&self) -> LineKind {
        match self.kind {
            EventKind::Stage(_)
            | EventKind::Status(_)
            | EventKind::Tls(_)
            | EventKind::Certificate(_) => LineKind::Status,
            EventKind::Command(_) => LineKind::Command,
            EventKind::Response(_) => LineKind::Response,
            EventKind::Error(_) => LineKind::Error,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            EventKind::Stage(stage) => stage.fmt(f),
            EventKind::Status(status) => status.fmt(f),
            EventKind::Command(line) => line.fmt(f),
            EventKind::Response(line) => line.fmt(f),
            EventKind::Tls(facts) => write!(f, "{}: {facts}", self.connection),
            EventKind::Certificate(facts) => write!(f, "Certificate: {facts}"),
            EventKind::Error(line) => line.fmt(f),
        }
    }
}

/// The connection that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Connection {
    /// The control connection.
    Control,
    /// A data connection, counted from 1 within its session.
    Data(u32),
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control => f.write_str("Control connection"),
            Self::Data(number) => write!(f, "Data connection {number}"),
        }
    }
}

/// Who speaks in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// The engine says what it does and what it saw.
    Status,
    /// What was sent to the server.
    Command,
    /// What the server answered.
    Response,
    /// What went wrong.
    Error,
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A stage has begun.
    Stage(Stage),
    /// A decision, or something worth knowing.
    Status(Status),
    /// A command was sent.
    Command(CommandLine),
    /// One line of a reply came.
    Response(ReplyLine),
    /// A TLS handshake was completed.
    Tls(TlsFacts),
    /// The server showed its certificate, and it was accepted.
    Certificate(CertificateFacts),
    /// Something failed.
    Error(ErrorLine),
}

/// What went wrong, for a log; the error itself goes to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorLine {
    /// The step that failed.
    pub stage: Stage,
    /// The error and its sources, one after the other.
    pub message: String,
}

impl fmt::Display for ErrorLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A decision, or something worth knowing; its `Display` is a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// A TCP connection to the control port is being made.
    Connecting {
        /// Where to.
        address: SocketAddr,
    },
    /// A TCP connection to a data port is being made.
    ConnectingData {
        /// Where to.
        address: SocketAddr,
    },
    /// The server has been silent for a while; it is tried whether it expects TLS at once.
    Probing {
        /// How long it has been silent.
        silent_for: Duration,
    },
    /// `AUTH TLS` was refused, `AUTH SSL` is tried.
    TryingAuthSsl,
    /// The banner names a server that takes no TLS 1.3 session for its data connections.
    BannerLimitsTls {
        /// The server's name.
        server: &'static str,
        /// The newest version from here on.
        max: TlsVersion,
    },
    /// The control connection is made again for that reason.
    Reconnecting,
    /// The server wants no password.
    NoPasswordNeeded,
    /// The server does not say what it can do.
    NoFeatures,
    /// `OPTS UTF8 ON` was refused; names are sent as UTF-8 all the same.
    Utf8Refused,
    /// The login is complete.
    LoggedIn {
        /// The directory that it opened.
        directory: Option<String>,
    },
    /// `EPSV` was refused, `PASV` is used from here on.
    EpsvRefused,
    /// The port from `EPSV` cannot be reached, `PASV` is tried.
    EpsvUnreachable {
        /// The port.
        port: u16,
    },
    /// The server named an address that is not its own; it is not used.
    PassiveAddressIgnored {
        /// What the server named.
        named: IpAddr,
        /// What is dialled.
        dialled: IpAddr,
    },
    /// The multi-line reply ended with another code than it started with.
    OtherCodeEndsReply,
    /// A reply came that belongs to no command.
    UnexpectedReply,
    /// The server closed a data connection without TLS's close_notify.
    NoCloseNotify,
    /// A data connection is complete.
    Transferred {
        /// Bytes of content that went over it.
        bytes: u64,
    },
    /// The listing was read.
    Listed {
        /// Entries that were kept.
        entries: usize,
        /// Entries that were not.
        left_out: u64,
    },
    /// The listing is too long and was cut off.
    ListingCutOff {
        /// Bytes that were read.
        bytes: u64,
    },
    /// The directory was there already.
    DirectoryExists {
        /// Its path.
        path: String,
    },
    /// A transfer was aborted by us.
    Aborted,
    /// After a failed transfer it is made sure that commands and replies are in step.
    Resynchronising,
    /// The next attempt goes another way.
    Climbing(Rung),
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting { address } => write!(f, "Connecting to {address}."),
            Self::ConnectingData { address } => {
                write!(f, "Connecting to {address} for the data.")
            }
            Self::Probing { silent_for } => write!(
                f,
                "The server has said nothing for {} s. A second connection tries whether the port \
                 expects TLS at once.",
                silent_for.as_secs_f32()
            ),
            Self::TryingAuthSsl => {
                f.write_str("The server refused AUTH TLS. Trying AUTH SSL, its older name.")
            }
            Self::BannerLimitsTls { server, max } => write!(
                f,
                "The greeting says {server}, which refuses to resume TLS 1.3 sessions from one \
                 data connection to the next. Using {max}."
            ),
            Self::Reconnecting => f.write_str("Connecting again before logging in."),
            Self::NoPasswordNeeded => f.write_str("The server asks for no password."),
            Self::NoFeatures => f.write_str("The server does not say what it can do."),
            Self::Utf8Refused => {
                f.write_str("The server refused to switch to UTF-8. Names are sent as UTF-8 anyway.")
            }
            Self::LoggedIn { directory: Some(path) } => write!(f, "Logged in, in \"{path}\"."),
            Self::LoggedIn { directory: None } => f.write_str("Logged in."),
            Self::EpsvRefused => {
                f.write_str("The server refused EPSV. Using PASV from here on.")
            }
            Self::EpsvUnreachable { port } => write!(
                f,
                "Nothing answers at port {port}, which the server named for EPSV. Trying PASV once."
            ),
            Self::PassiveAddressIgnored { named, dialled } => write!(
                f,
                "The server named the address {named} for the data. It is ignored: the data goes \
                 to {dialled}, where the control connection goes."
            ),
            Self::OtherCodeEndsReply => {
                f.write_str("The reply ended with another code than it began with.")
            }
            Self::UnexpectedReply => f.write_str("This reply belongs to no command."),
            Self::NoCloseNotify => f.write_str(
                "The server closed the data connection without saying so in TLS. Its reply decides.",
            ),
            Self::Transferred { bytes } => write!(f, "{bytes} bytes were transferred."),
            Self::Listed { entries, left_out: 0 } => write!(f, "{entries} entries were listed."),
            Self::Listed { entries, left_out } => {
                write!(f, "{entries} entries were listed, {left_out} were left out.")
            }
            Self::ListingCutOff { bytes } => {
                write!(f, "The listing was cut off after {bytes} bytes.")
            }
            Self::DirectoryExists { path } => write!(f, "The directory \"{path}\" exists."),
            Self::Aborted => f.write_str("The transfer was aborted."),
            Self::Resynchronising => {
                f.write_str("Making sure that commands and replies are in step.")
            }
            Self::Climbing(rung) => rung.fmt(f),
        }
    }
}

impl From<Stage> for EventKind {
    fn from(stage: Stage) -> Self {
        Self::Stage(stage)
    }
}

impl From<Status> for EventKind {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<CommandLine> for EventKind {
    fn from(line: CommandLine) -> Self {
        Self::Command(line)
    }
}

impl From<ReplyLine> for EventKind {
    fn from(line: ReplyLine) -> Self {
        Self::Response(line)
    }
}

impl From<TlsFacts> for EventKind {
    fn from(facts: TlsFacts) -> Self {
        Self::Tls(facts)
    }
}

impl From<CertificateFacts> for EventKind {
    fn from(facts: CertificateFacts) -> Self {
        Self::Certificate(facts)
    }
}

impl From<ErrorLine> for EventKind {
    fn from(line: ErrorLine) -> Self {
        Self::Error(line)
    }
}
